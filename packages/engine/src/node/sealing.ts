/**
 * Texts that only who has a key can read: AES-256-GCM under a key that HKDF-SHA-256 makes of the application's.
 *
 * @module
 */

import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";
import type { Sealing } from "../host.js";

const cipher = "aes-256-gcm";
const saltBytes = 16;
const nonceBytes = 12;
const tagBytes = 16;
const label = "tidemark sealed text 1";

function keyOf(key: Uint8Array, salt: Uint8Array): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", key, salt, label, 32));
}

/** By Node's own cryptography. What comes out is salt, nonce, text and tag, as base64. */
export const sealing: Sealing = {
  seal(key, text) {
    const [salt, nonce] = [randomBytes(saltBytes), randomBytes(nonceBytes)];
    const sealer = createCipheriv(cipher, keyOf(key, salt), nonce);
    const sealed = [sealer.update(text, "utf8"), sealer.final()];
    return Buffer.concat([salt, nonce, ...sealed, sealer.getAuthTag()]).toString("base64");
  },
  unseal(key, sealed) {
    const bytes = Buffer.from(sealed, "base64");
    const start = saltBytes + nonceBytes;
    if (bytes.length < start + tagBytes) return undefined;
    const opener = createDecipheriv(cipher, keyOf(key, bytes.subarray(0, saltBytes)), bytes.subarray(saltBytes, start));
    opener.setAuthTag(bytes.subarray(-tagBytes));
    try {
      return Buffer.concat([opener.update(bytes.subarray(start, -tagBytes)), opener.final()]).toString("utf8");
    } catch {
      // Another key, or other bytes than were sealed: nobody can tell which.
      return undefined;
    }
  },
};
