/**
 * The sync server as a library.
 *
 * @module
 */

export type * from "./ledger.js";
