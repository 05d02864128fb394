/**
 * Reading packed values: from bytes of the core to values of JavaScript.
 *
 * @module
 */

import { ObjectId, UUID } from "bson";
import { copyBytes, decodeUtf8 } from "./bytes.js";
import type { Conventions } from "./conventions.js";
import { decimalFromParts } from "./decimal.js";
import type { ValueType } from "./pack.js";
import { tag } from "./tags.js";

/** Bytes with their view, made once for all rows of a page. */
export interface Page {
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

/** Wraps bytes of the core. */
export function pageOf(bytes: Uint8Array): Page {
  return { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength) };
}

/** A link as stored: the target may not exist. */
export interface StoredLink {
  readonly className: string;
  readonly packedKey: Uint8Array;
}

const two32 = 4_294_967_296;

/** An i64 as number, or as bigint where the conventions want that beyond 2^53. */
export function readInteger(page: Page, offset: number, conventions: Conventions): number | bigint {
  const value = page.view.getInt32(offset + 4, true) * two32 + page.view.getUint32(offset, true);
  if (Number.isSafeInteger(value) || conventions.unsafeIntegers === "number") return value;
  return page.view.getBigInt64(offset, true);
}

/** Offset behind the packed value at `offset`. */
export function skipValue(page: Page, offset: number): number {
  const { view } = page;
  const start = offset + 1;
  switch (view.getUint8(offset)) {
    case tag.null:
    case tag.objectMarker:
    case tag.listMarker:
    case tag.dictionaryMarker:
    case tag.erasedMarker:
      return start;
    case tag.bool:
      return start + 1;
    case tag.float:
      return start + 4;
    case tag.int:
    case tag.double:
      return start + 8;
    case tag.objectId:
    case tag.timestamp:
      return start + 12;
    case tag.uuid:
    case tag.globalKey:
      return start + 16;
    case tag.decimal:
      return start + 21;
    case tag.link:
      return skipValue(page, start + 2 + view.getUint16(start, true));
    default:
      // Strings, binaries, collections and embedded objects all begin with the length of what follows.
      return start + 4 + view.getUint32(start, true);
  }
}

/** Reads a value that is neither a link, a collection nor an embedded object. */
export function readScalar(page: Page, offset: number, conventions: Conventions): unknown {
  const { bytes, view } = page;
  const start = offset + 1;
  switch (bytes[offset]) {
    case tag.null:
      return null;
    case tag.int:
      return readInteger(page, start, conventions);
    case tag.bool:
      return bytes[start] !== 0;
    case tag.string:
      return decodeUtf8(bytes, start + 4, start + 4 + view.getUint32(start, true));
    case tag.binary:
      return conventions.binary(bytes.subarray(start + 4, start + 4 + view.getUint32(start, true)));
    case tag.timestamp: {
      const seconds = view.getInt32(start + 4, true) * two32 + view.getUint32(start, true);
      return conventions.timestamp(seconds, view.getInt32(start + 8, true));
    }
    case tag.float:
      return view.getFloat32(start, true);
    case tag.double:
      return view.getFloat64(start, true);
    case tag.decimal:
      return decimalFromParts({
        coefficient: (view.getBigUint64(start + 8, true) << 64n) | view.getBigUint64(start, true),
        exponent: view.getInt32(start + 16, true),
        isNegative: bytes[start + 20] !== 0,
      });
    case tag.objectId:
      return new ObjectId(copyBytes(bytes, start, start + 12));
    case tag.uuid:
      return new UUID(copyBytes(bytes, start, start + 16));
    default:
      throw new Error(`broken invariant: tag ${bytes[offset]} is no scalar`);
  }
}

const scalarTypes: Readonly<Record<number, ValueType>> = {
  [tag.int]: "int",
  [tag.bool]: "bool",
  [tag.string]: "string",
  [tag.binary]: "binary",
  [tag.timestamp]: "timestamp",
  [tag.float]: "float",
  [tag.double]: "double",
  [tag.decimal]: "decimal",
  [tag.objectId]: "objectId",
  [tag.uuid]: "uuid",
};

/** Reads a scalar of a property of mixed type, as the SDK shows it. */
export function readMixed(page: Page, offset: number, conventions: Conventions): unknown {
  const value = readScalar(page, offset, conventions);
  const type = scalarTypes[page.bytes[offset] ?? tag.null];
  return type === undefined || conventions.mixed === undefined ? value : conventions.mixed(value, type);
}

/** Reads a link (tag included). */
export function readLink(page: Page, offset: number): StoredLink {
  const { bytes, view } = page;
  const nameStart = offset + 3;
  const keyStart = nameStart + view.getUint16(offset + 1, true);
  return {
    className: decodeUtf8(bytes, nameStart, keyStart),
    packedKey: bytes.subarray(keyStart, skipValue(page, keyStart)),
  };
}

/** A collection's elements: count and where the first begins. */
export function readCollectionHead(page: Page, offset: number): { readonly count: number; readonly first: number } {
  return { count: page.view.getUint32(offset + 5, true), first: offset + 9 };
}

/** Where a column's value begins in a row, or −1 if the row is older than the column. */
export function columnOffset(page: Page, rowOffset: number, column: number): number {
  const { view } = page;
  const count = view.getUint16(rowOffset, true);
  if (column >= count) return -1;
  const values = rowOffset + 2 + count * 4;
  return column === 0 ? values : values + view.getUint32(rowOffset + 2 + (column - 1) * 4, true);
}
