/**
 * Primary keys as a compensating-write error names them: base64 of the changeset encoding of a key.
 *
 * @module
 */

import { ObjectId, UUID } from "bson";
import type { SyncErrorInformation } from "../errors.js";
import { decodeUtf8 } from "../values/bytes.js";

const types = { null: 0, int: 1, string: 3, objectId: 10, uuid: 11 } as const;

function bytesOf(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

/** A signed variable-length integer: seven bits a byte, the last byte six bits and a sign. */
function readInteger(bytes: Uint8Array, start: number): { readonly value: bigint; readonly end: number } {
  let value = 0n;
  let shift = 0n;
  for (let index = start; index < bytes.length; index += 1) {
    const byte = bytes[index] ?? 0;
    if ((byte & 0x80) !== 0) {
      value |= BigInt(byte & 0x7f) << shift;
      shift += 7n;
      continue;
    }
    value |= BigInt(byte & 0x3f) << shift;
    return { value: (byte & 0x40) === 0 ? value : ~value, end: index + 1 };
  }
  throw new RangeError("the key ends within an integer");
}

/** Reads a key; `undefined` if it is not of this form. */
function primaryKeyFromBase64(base64: string): unknown {
  try {
    const bytes = bytesOf(base64);
    const { value: type, end } = readInteger(bytes, 0);
    switch (Number(type)) {
      case types.null:
        return null;
      case types.int:
        return Number(readInteger(bytes, end).value);
      case types.string: {
        const length = readInteger(bytes, end);
        return decodeUtf8(bytes, length.end, length.end + Number(length.value));
      }
      case types.objectId:
        return new ObjectId(bytes.slice(end, end + 12));
      case types.uuid:
        return new UUID(bytes.slice(end, end + 16));
      default:
        return undefined;
    }
  } catch {
    return undefined;
  }
}

/**
 * What the loop says of an error, with the keys in it read. The loop leaves them as they came: a value with a class of
 * its own would arrive without it where the loop has a thread of its own.
 */
export function withKeys(error: SyncErrorInformation): SyncErrorInformation {
  if (error.writes.length === 0) return error;
  const writes = error.writes.map(({ primaryKey, ...write }) => ({
    ...write,
    primaryKey: typeof primaryKey === "string" ? primaryKeyFromBase64(primaryKey) : primaryKey,
  }));
  return { ...error, writes };
}
