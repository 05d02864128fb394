/**
 * Tidemark for Node.js.
 *
 * @module
 */

export {};
