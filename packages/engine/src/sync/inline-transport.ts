/**
 * The loop on the application's own thread, in turns of its event loop: for WASM in a page, and for tests.
 *
 * @module
 */

import type { Core } from "../core.js";
import type { SyncHost } from "../host.js";
import { SyncClient } from "./client.js";
import type { SyncEvent, SyncTransport } from "./messages.js";
import type { TransportFactory } from "./sync-manager.js";

/** Makes a transport that runs the loop here. */
export function inlineTransport(host: SyncHost, core: Core): TransportFactory {
  return (onEvents): SyncTransport => {
    let queued: SyncEvent[] = [];
    const client = new SyncClient(host, core, (event) => {
      if (queued.length === 0) {
        host.defer(() => {
          const events = queued;
          queued = [];
          onEvents(events);
        });
      }
      queued.push(event);
    });
    return {
      // As with a thread in between, nothing happens before the caller has returned.
      post: (command) => host.defer(() => client.handle(command)),
      keepAlive: () => undefined,
    };
  };
}
