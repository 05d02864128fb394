/**
 * The value types that BSON defines: those of the one copy that the engine uses.
 *
 * @module
 */

export * as BSON from "bson";
export { Decimal128, ObjectId, UUID } from "bson";
