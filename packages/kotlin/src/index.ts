/**
 * Tidemark in the shape of the Realm Kotlin SDK.
 *
 * @module
 */

export {};
