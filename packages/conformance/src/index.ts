/**
 * The shared suite.
 *
 * @module
 */

export {};
