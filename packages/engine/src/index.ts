/**
 * The SDK-neutral client.
 *
 * @module
 */

export type * from "./core.js";
