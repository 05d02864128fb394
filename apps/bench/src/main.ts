/**
 * Benchmarks.
 *
 * @module
 */

export {};
