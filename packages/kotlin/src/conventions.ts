/**
 * Values as this SDK shows them.
 *
 * @module
 */

import { type Conventions, dateParts, plainConventions, unwrap } from "@tidemark/engine";
import { RealmAny } from "./data/any.js";
import { RealmInstant } from "./data/instant.js";

/** Integers stay exact, points in time keep their nanoseconds, mixed values their type. */
export const kotlinConventions: Conventions = {
  ...plainConventions,
  unsafeIntegers: "bigint",
  timestamp: (seconds, nanoseconds) => RealmInstant.from(seconds, nanoseconds),
  timestampParts: (value) => {
    if (value instanceof Date) return dateParts(value.getTime());
    if (!(value instanceof RealmInstant)) return undefined;
    return { seconds: value.epochSeconds, nanoseconds: value.nanosecondsOfSecond };
  },
  binary: (view) => Uint8Array.from(view),
  mixed: (value, type) => RealmAny.read(value, type),
  mixedParts: (value) => (value instanceof RealmAny ? value.parts : undefined),
  collectionParts: (value) => (value instanceof RealmAny ? value.collectionParts : undefined),
  unwrap: (value) => unwrap(value instanceof RealmAny && value.type === "OBJECT" ? value.value : value),
};
