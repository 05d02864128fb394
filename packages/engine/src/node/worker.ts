/**
 * Entry of the thread that runs the session loop: commands in, events out.
 *
 * @module
 */

import { parentPort } from "node:worker_threads";
import { messageOf, must } from "../errors.js";
import { SyncClient } from "../sync/client.js";
import type { SyncCommand, SyncEvent } from "../sync/messages.js";
import { nodeSyncHost } from "./host.js";
import { loadCore } from "./native.js";

const port = must(parentPort, "this module is the entry of a worker thread");

let queued: SyncEvent[] = [];

function flush(): void {
  const events = queued;
  queued = [];
  port.postMessage(events);
}

const client = new SyncClient(nodeSyncHost, loadCore(), (event) => {
  // Events of one turn travel together, in their order.
  if (queued.length === 0) queueMicrotask(flush);
  queued.push(event);
});

port.on("message", (command: SyncCommand) => {
  try {
    client.handle(command);
  } catch (error) {
    port.postMessage([{ type: "failed", message: messageOf(error) }] satisfies SyncEvent[]);
  }
});
