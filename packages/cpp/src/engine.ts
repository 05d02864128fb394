/**
 * The one engine of the process, made when it is first needed, and how values look in this facade.
 *
 * @module
 */

import { type Conventions, type Engine, plainConventions, unwrap } from "@tidemark/engine";
import { createNodeEngine } from "@tidemark/engine/node";
import { logger, logSync } from "./logger.js";

/** Integers beyond 2^53 are bigints, binary data is `Uint8Array` (`std::vector<uint8_t>`), points in time are dates. */
const conventions: Conventions = {
  ...plainConventions,
  unsafeIntegers: "bigint",
  binary: (view) => Uint8Array.from(view),
  unwrap,
};

let made: Engine | undefined;

/** The engine. */
export function engine(): Engine {
  if (made === undefined) {
    made = createNodeEngine(conventions);
    made.onLog = (_, level, message) => logSync(logger.level[level], message);
  }
  return made;
}
