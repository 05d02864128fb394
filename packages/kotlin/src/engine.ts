/**
 * The one engine of the process, made when it is first needed.
 *
 * @module
 */

import type { Engine } from "@tidemark/engine";
import { createNodeEngine } from "@tidemark/engine/node";
import { kotlinConventions } from "./conventions.js";

let made: Engine | undefined;

/** The engine. */
export function engine(): Engine {
  made ??= createNodeEngine(kotlinConventions);
  return made;
}
