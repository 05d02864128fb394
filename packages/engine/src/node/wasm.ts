/**
 * The core in WebAssembly, with the session loop in turns of the application's own event loop: for machines that
 * cannot load the addon, by `node --conditions=tidemark-wasm`.
 *
 * @module
 */

import { core } from "@tidemark/wasm";
import type { Core } from "../core.js";
import type { EngineParts } from "../engine.js";
import { inlineTransport } from "../sync/inline-transport.js";
import { WriteTurns } from "../sync/write-turns.js";
import { nodeSyncHost, withoutHold } from "./host.js";

/** Ticks only to keep the process alive. */
const aliveTickMs = 60_000;

let isExitHandled = false;

/** The core as a module. Files are closed when the process ends. */
export function loadCore(): Core {
  if (!isExitHandled) {
    isExitHandled = true;
    process.on("exit", () => core.closeAll());
  }
  return core;
}

/** What an engine over this core is made of. */
export function coreParts(): Pick<EngineParts, "core" | "startTransport" | "writeTurns"> {
  const host = withoutHold(nodeSyncHost);
  const writeTurns = new WriteTurns(host);
  const start = inlineTransport(host, loadCore(), writeTurns);
  return {
    core: loadCore(),
    writeTurns,
    startTransport: (onEvents) => {
      const transport = start(onEvents);
      let alive: NodeJS.Timeout | undefined;
      return {
        post: (command) => transport.post(command),
        keepAlive: (isNeeded) => {
          clearInterval(alive);
          alive = isNeeded ? setInterval(() => undefined, aliveTickMs) : undefined;
        },
      };
    },
  };
}
