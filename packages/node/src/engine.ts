/**
 * The one engine of the process, made when it is first needed.
 *
 * @module
 */

import type { Engine } from "@tidemark/engine";
import { createNodeEngine } from "@tidemark/engine/node";
import { nodeConventions } from "./binding.js";
import { log } from "./logging.js";

let made: Engine | undefined;

/** The engine. */
export function engine(): Engine {
  if (made === undefined) {
    made = createNodeEngine(nodeConventions);
    made.onLog = log;
  }
  return made;
}

/** The engine if anything has needed it yet. */
export function existingEngine(): Engine | undefined {
  return made;
}
