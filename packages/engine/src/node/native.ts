/**
 * The native core, loaded once a process, with the session loop in a thread of its own.
 *
 * @module
 */

import { isMainThread } from "node:worker_threads";
import { core } from "@tidemark/native";
import type { Core } from "../core.js";
import type { EngineParts } from "../engine.js";
import { workerTransport } from "./worker-transport.js";

let isExitHandled = false;

/** The core as an addon. Files are closed when the process ends, which spares the next start a repair. */
export function loadCore(): Core {
  // A worker's end is not the end of the process.
  if (isMainThread && !isExitHandled) {
    isExitHandled = true;
    process.on("exit", () => core.closeAll());
  }
  return core;
}

/** What an engine over this core is made of. */
export function coreParts(): Pick<EngineParts, "core" | "startTransport"> {
  return { core: loadCore(), startTransport: workerTransport };
}
