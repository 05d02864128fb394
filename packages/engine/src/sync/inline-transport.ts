/**
 * The loop on the application's own thread, in turns of its event loop: for WASM, and for tests.
 *
 * @module
 */

import type { Core } from "../core.js";
import type { SyncHost } from "../host.js";
import { SyncClient } from "./client.js";
import type { SyncEvent, SyncTransport } from "./messages.js";
import type { TransportFactory } from "./sync-manager.js";
import type { WriteTurns } from "./write-turns.js";

/**
 * Makes a transport that runs the loop here.
 *
 * @param turns for a core whose writers cannot wait for each other.
 */
export function inlineTransport(host: SyncHost, core: Core, turns?: WriteTurns): TransportFactory {
  return (onEvents): SyncTransport => {
    let queued: SyncEvent[] = [];
    const onEvent = (event: SyncEvent): void => {
      if (queued.length === 0) {
        host.defer(() => {
          const events = queued;
          queued = [];
          onEvents(events);
        });
      }
      queued.push(event);
    };
    const client = new SyncClient(host, core, onEvent, turns);
    return {
      // As with a thread in between, nothing happens before the caller has returned.
      post: (command) => host.defer(() => client.handle(command)),
      keepAlive: () => undefined,
    };
  };
}
