/**
 * The value types that BSON defines, as the engine uses them.
 *
 * @module
 */

export { Decimal128, ObjectId, UUID as Uuid } from "@tidemark/engine/bson";
