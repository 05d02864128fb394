/**
 * The value types that BSON defines, as the engine uses them.
 *
 * @module
 */

export { BSON, Decimal128, ObjectId, UUID } from "@tidemark/engine/bson";
