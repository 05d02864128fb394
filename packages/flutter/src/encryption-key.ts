/**
 * Encryption keys as Dart has them: lists of numbers.
 *
 * @module
 */

import { RealmException } from "./errors.js";

const keyLength = 64;

/** @internal The bytes of a key. @throws {@link RealmException} if it is none. */
export function keyOf(key: readonly number[] | Uint8Array): Uint8Array {
  if (key.length !== keyLength) {
    throw new RealmException(`Wrong encryption key size (must be ${keyLength}, but was ${key.length})`);
  }
  if ([...key].some((byte) => !Number.isInteger(byte) || byte < 0 || byte > 255)) {
    throw new RealmException("Encryption key must consist of bytes from 0 to 255");
  }
  return Uint8Array.from(key);
}
