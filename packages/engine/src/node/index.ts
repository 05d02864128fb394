/**
 * The engine on Node.js: files, sockets, and the core that the package's import `#core` names, which is the native one
 * unless the process runs with the condition `tidemark-wasm`.
 *
 * @module
 */

import { coreParts } from "#core";
import { Engine } from "../engine.js";
import { type Conventions, plainConventions } from "../values/conventions.js";
import { nodeHost } from "./host.js";

export { loadCore } from "#core";
export { nodeHost, nodeSockets, nodeSyncHost } from "./host.js";
export { network, Network } from "./network.js";

/** Makes the engine of a process. */
export function createNodeEngine(conventions: Conventions = plainConventions): Engine {
  return new Engine({ ...coreParts(), host: nodeHost, conventions });
}
