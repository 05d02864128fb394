/**
 * Encryption keys on their way to the core.
 *
 * @module
 */

import type { Clock } from "../host.js";

/** Random bytes that an opening of an encrypted file takes. */
const seedBytes = 32;

/** What the core is given of an encryption key. */
export function secretOf(
  key: Uint8Array | undefined,
  clock: Pick<Clock, "randomBytes">,
): [key: Uint8Array | null, seed: Uint8Array | null] {
  return key === undefined ? [null, null] : [key, clock.randomBytes(seedBytes)];
}
