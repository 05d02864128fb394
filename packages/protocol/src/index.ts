/**
 * The Device Sync protocol: messages, error codes, sub-protocols and the JSON of App Services, for both ends.
 *
 * Bodies of changesets are opaque here; compression with Node's zlib is in `@tidemark/protocol/node`.
 *
 * @module
 */

export * from "./app-services.js";
export type * from "./client-messages.js";
export { parseClientMessage, serializeClientMessage } from "./client-messages.js";
export * from "./close-codes.js";
export * from "./constants.js";
export * from "./entries.js";
export * from "./error-codes.js";
export * from "./error-information.js";
export * from "./errors.js";
export { concatenate } from "./head-reader.js";
export * from "./server-messages.js";
export * from "./sub-protocol.js";
