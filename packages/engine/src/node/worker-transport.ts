/**
 * The session loop in a thread of its own, so that a busy application does not stop it.
 *
 * @module
 */

import { Worker } from "node:worker_threads";
import type { SyncEvent, SyncTransport } from "../sync/messages.js";
import type { TransportFactory } from "../sync/sync-manager.js";

/** Where the compiled entry is: beside this file, or, when the sources are run directly, in the built package. */
function entry(): URL {
  const beside = new URL("./worker.js", import.meta.url);
  return import.meta.url.endsWith(".ts") ? new URL("../../dist/node/worker.js", import.meta.url) : beside;
}

/** Starts the thread. It does not keep the process alive unless it is told to. */
export const workerTransport: TransportFactory = (onEvents): SyncTransport => {
  // Flags of the application's own start, such as those of code given on the command line, are not for the thread.
  const worker = new Worker(entry(), { name: "tidemark-sync", execArgv: [] });
  worker.unref();
  worker.on("message", (events: SyncEvent[]) => onEvents(events));
  worker.on("error", (error: Error) => onEvents([{ type: "failed", message: error.message }]));
  return {
    // Threads have no origins to name.
    // oxlint-disable-next-line unicorn/require-post-message-target-origin
    post: (command) => worker.postMessage(command),
    keepAlive: (isNeeded) => (isNeeded ? worker.ref() : worker.unref()),
  };
};
