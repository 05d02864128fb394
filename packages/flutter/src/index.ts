/**
 * Tidemark in the shape of the Realm SDK for Flutter and Dart.
 *
 * @module
 */

export {};
