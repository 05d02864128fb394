/**
 * The one engine of the process, made when it is first needed.
 *
 * @module
 */

import { type Conventions, type Engine, plainConventions, unwrap } from "@tidemark/engine";
import { createNodeEngine } from "@tidemark/engine/node";
import { RealmValue } from "./data/realm-value.js";
import { categoryNamed, log } from "./logging.js";

/** Values as this SDK shows them: exact integers, bytes for binary data. */
const conventions: Conventions = {
  ...plainConventions,
  unsafeIntegers: "bigint",
  binary: (view) => Uint8Array.from(view),
  collectionParts: (value) => RealmValue.collectionParts(value),
  unwrap: (value) => unwrap(RealmValue.storedOf(value)),
};

let made: Engine | undefined;

/** The engine. */
export function engine(): Engine {
  if (made === undefined) {
    made = createNodeEngine(conventions);
    made.onLog = (category, level, message) => log(categoryNamed(category), level, message);
  }
  return made;
}

/** The engine if anything has needed it yet. */
export function existingEngine(): Engine | undefined {
  return made;
}
