/**
 * The native core, loaded once a process.
 *
 * @module
 */

import { isMainThread } from "node:worker_threads";
import { core } from "@tidemark/native";
import type { Core } from "../core.js";

let isExitHandled = false;

/** The core as an addon. Files are closed when the process ends, which spares the next start a repair. */
export function loadNativeCore(): Core {
  // A worker's end is not the end of the process.
  if (isMainThread && !isExitHandled) {
    isExitHandled = true;
    process.on("exit", () => core.closeAll());
  }
  return core;
}
