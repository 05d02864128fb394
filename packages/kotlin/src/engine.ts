/**
 * The one engine of the process, made when it is first needed.
 *
 * @module
 */

import type { Engine } from "@tidemark/engine";
import { createNodeEngine } from "@tidemark/engine/node";
import { kotlinConventions } from "./conventions.js";
import { logOfEngine } from "./log.js";

let made: Engine | undefined;

/** The engine. */
export function engine(): Engine {
  if (made === undefined) {
    made = createNodeEngine(kotlinConventions);
    made.onLog = logOfEngine;
  }
  return made;
}
