/**
 * The value types that BSON defines, as the engine uses them.
 *
 * @module
 */

import { Decimal128, ObjectId, UUID } from "@tidemark/engine/bson";

export { Decimal128, ObjectId };

/** A UUID. */
export type RealmUUID = UUID;

/** Makes UUIDs. */
export const RealmUUID: {
  /** A new one. */
  random(): RealmUUID;
  /** From its text, or its sixteen bytes. */
  from(value: string | Uint8Array): RealmUUID;
} = {
  random: () => new UUID(),
  from: (value) => new UUID(value),
};
