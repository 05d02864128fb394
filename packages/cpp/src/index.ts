/**
 * Tidemark in the shape of the Realm C++ SDK.
 *
 * @module
 */

export {};
