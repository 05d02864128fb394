/**
 * The engine on Node.js: native core, files, sockets, and the session loop in a thread of its own.
 *
 * @module
 */

import { Engine } from "../engine.js";
import { type Conventions, plainConventions } from "../values/conventions.js";
import { nodeHost } from "./host.js";
import { loadNativeCore } from "./native.js";
import { workerTransport } from "./worker-transport.js";

export { nodeHost, nodeSockets, nodeSyncHost } from "./host.js";
export { loadNativeCore } from "./native.js";
export { network, Network } from "./network.js";
export { workerTransport } from "./worker-transport.js";

/** Makes the engine of a process. */
export function createNodeEngine(conventions: Conventions = plainConventions): Engine {
  return new Engine({ core: loadNativeCore(), host: nodeHost, conventions, startTransport: workerTransport });
}
