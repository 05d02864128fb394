/**
 * Writing packed values: checks a JavaScript value against the type of a property and writes it for the core.
 *
 * @module
 */

import { Decimal128, ObjectId, UUID } from "bson";
import { EngineError } from "../errors.js";
import type { ByteWriter } from "./bytes.js";
import type { Conventions } from "./conventions.js";
import { decimalToParts } from "./decimal.js";
import { tag } from "./tags.js";

/** Types of single values. */
export type ValueType =
  | "mixed"
  | "int"
  | "bool"
  | "string"
  | "binary"
  | "timestamp"
  | "float"
  | "double"
  | "decimal"
  | "link"
  | "objectId"
  | "uuid";

/** A live object that another one can link to. */
export abstract class Linkable {
  /** Name of the class. */
  abstract readonly className: string;
  /** @throws if the object is gone or has no key of its own. */
  abstract packedKey(): Uint8Array;
}

/** How a value is called in an error: `a number`, `an instance of Foo`. */
export function describeType(value: unknown): string {
  if (value === null) return "null";
  if (value === undefined) return "undefined";
  if (typeof value === "object") {
    if (Array.isArray(value)) return "an array";
    const name: unknown = (value as { constructor?: { name?: unknown } }).constructor?.name;
    return typeof name !== "string" || name === "Object" || name === "" ? "an object" : `an instance of ${name}`;
  }
  if (typeof value === "number") {
    if (Number.isNaN(value)) return "NaN";
    return Number.isInteger(value) ? "a number" : "a decimal number";
  }
  if (typeof value === "function") {
    return value.name === "" ? "a function or class" : `a function or class named ${value.name}`;
  }
  return `a ${typeof value}`;
}

/** The error for a value of the wrong type. */
export function typeMismatch(expected: string, value: unknown, name: string | undefined): EngineError {
  const target = name === undefined ? "value" : `'${name}'`;
  return new EngineError("type-mismatch", `Expected ${target} to be ${expected}, got ${describeType(value)}`);
}

function bsonType(value: unknown): unknown {
  return typeof value === "object" && value !== null ? (value as { _bsontype?: unknown })._bsontype : undefined;
}

function isObjectId(value: unknown): value is ObjectId {
  return value instanceof ObjectId || bsonType(value) === "ObjectId";
}

/** Whether a value is a decimal, of whichever copy of the library. */
export function isDecimal(value: unknown): value is Decimal128 {
  return value instanceof Decimal128 || bsonType(value) === "Decimal128";
}

function isUuid(value: unknown): value is UUID {
  return value instanceof UUID || (bsonType(value) === "Binary" && (value as { sub_type?: unknown }).sub_type === 4);
}

function binaryBytes(value: unknown): Uint8Array | undefined {
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  if (bsonType(value) === "Binary") {
    const { buffer, position } = value as { buffer: Uint8Array; position: number };
    return buffer.subarray(0, position);
  }
  return undefined;
}

const int64Max = 0x7fff_ffff_ffff_ffffn;
const int64Min = -0x8000_0000_0000_0000n;

function packInteger(writer: ByteWriter, value: unknown, name: string | undefined): void {
  if (typeof value === "number") {
    if (!Number.isInteger(value) || value >= 2 ** 63 || value < -(2 ** 63)) {
      throw new EngineError(
        "type-mismatch",
        `The number ${value} cannot be converted to a BigInt because it is not an integer`,
      );
    }
  } else if (typeof value !== "bigint") {
    throw typeMismatch("a number or bigint", value, name);
  } else if (value > int64Max || value < int64Min) {
    throw typeMismatch("an integer of 64 bits", value, name);
  }
  writer.u8(tag.int);
  writer.i64(value);
}

function packTimestamp(writer: ByteWriter, value: unknown, conventions: Conventions, name: string | undefined): void {
  const parts = conventions.timestampParts(value) ?? dateText(value);
  if (parts === undefined) throw typeMismatch("an instance of Date", value, name);
  if (!Number.isFinite(parts.seconds)) throw typeMismatch("a valid date", value, name);
  writer.u8(tag.timestamp);
  writer.i64(parts.seconds);
  writer.i32(parts.nanoseconds);
}

/** Dates may be given as text or milliseconds, as the Node SDK takes them. */
function dateText(value: unknown): { seconds: number; nanoseconds: number } | undefined {
  if (typeof value !== "string" && typeof value !== "number") return undefined;
  const unixMs = new Date(value).getTime();
  if (Number.isNaN(unixMs)) return undefined;
  const seconds = Math.trunc(unixMs / 1000);
  return { seconds, nanoseconds: (unixMs - seconds * 1000) * 1_000_000 };
}

function packObjectId(writer: ByteWriter, value: unknown, name: string | undefined): void {
  if (!isObjectId(value)) throw typeMismatch("an instance of ObjectId", value, name);
  writer.u8(tag.objectId);
  writer.bytes(value.id);
}

function packUuid(writer: ByteWriter, value: unknown, name: string | undefined): void {
  if (!isUuid(value)) throw typeMismatch("an instance of UUID", value, name);
  writer.u8(tag.uuid);
  writer.bytes(value.buffer.subarray(0, 16));
}

/** A number in decimal digits, exactly: what 34 digits cannot hold is refused. */
function parseDecimal(text: string, value: unknown, name: string | undefined): Decimal128 {
  try {
    return Decimal128.fromString(text);
  } catch (error) {
    const { message } = typeMismatch("an instance of Decimal128", value, name);
    throw new EngineError("type-mismatch", message, { cause: error });
  }
}

function packDecimal(writer: ByteWriter, value: unknown, name: string | undefined): void {
  let decimal: Decimal128;
  if (isDecimal(value)) decimal = value;
  else if (typeof value === "number" || typeof value === "string") decimal = parseDecimal(String(value), value, name);
  else throw typeMismatch("an instance of Decimal128", value, name);
  const { coefficient, exponent, isNegative } = decimalToParts(decimal);
  writer.u8(tag.decimal);
  writer.u64(coefficient & 0xffff_ffff_ffff_ffffn);
  writer.u64(coefficient >> 64n);
  writer.i32(exponent);
  writer.u8(isNegative ? 1 : 0);
}

/** Writes a link to a live object. */
export function packLink(writer: ByteWriter, value: Linkable): void {
  writer.u8(tag.link);
  writer.text16(value.className);
  writer.bytes(value.packedKey());
}

/**
 * Reads what packing a value will need. Reading may send the batch, which must not hold half a mutation then: so this
 * goes before the mutation is begun.
 */
export function prepareValue(value: unknown, conventions: Conventions): void {
  const object = conventions.unwrap(value);
  if (object instanceof Linkable) object.packedKey();
}

/** Longest text or binary that can be stored, in bytes: 16 MiB less what stands around it. */
export const valueBytesMax = 16_777_199;

function checkLength(length: number, kind: "String" | "Binary"): void {
  if (length > valueBytesMax) throw new EngineError("limit-exceeded", `${kind} too big`);
}

/** A character takes three bytes at most. */
function checkText(text: string): void {
  if (text.length * 3 > valueBytesMax) checkLength(new TextEncoder().encode(text).length, "String");
}

function packBinary(writer: ByteWriter, value: unknown, name: string | undefined): void {
  const bytes = binaryBytes(value);
  if (bytes === undefined) throw typeMismatch("an instance of ArrayBuffer", value, name);
  checkLength(bytes.length, "Binary");
  writer.u8(tag.binary);
  writer.u32(bytes.length);
  writer.bytes(bytes);
}

/**
 * Writes a value of a property, element or query argument.
 *
 * @param target class that links must point to.
 * @param name for errors.
 */
export function packValue(
  writer: ByteWriter,
  type: ValueType,
  isNullable: boolean,
  value: unknown,
  conventions: Conventions,
  target: string | undefined,
  name: string | undefined,
): void {
  if (value === null || value === undefined) {
    if (!isNullable && type !== "mixed") throw typeMismatch(expectedOf(type, target), value, name);
    writer.u8(tag.null);
    return;
  }
  switch (type) {
    case "int":
      return packInteger(writer, value, name);
    case "bool":
      if (typeof value !== "boolean") throw typeMismatch("a boolean", value, name);
      writer.u8(tag.bool);
      writer.u8(value ? 1 : 0);
      return;
    case "string":
      if (typeof value !== "string") throw typeMismatch("a string", value, name);
      checkText(value);
      writer.u8(tag.string);
      writer.text32(value);
      return;
    case "float":
      if (typeof value !== "number") throw typeMismatch("a number", value, name);
      writer.u8(tag.float);
      writer.f32(value);
      return;
    case "double":
      if (typeof value !== "number") throw typeMismatch("a number", value, name);
      writer.u8(tag.double);
      writer.f64(value);
      return;
    case "binary":
      return packBinary(writer, value, name);
    case "timestamp":
      return packTimestamp(writer, value, conventions, name);
    case "decimal":
      return packDecimal(writer, value, name);
    case "objectId":
      return packObjectId(writer, value, name);
    case "uuid":
      return packUuid(writer, value, name);
    case "link": {
      const object = conventions.unwrap(value);
      if (!(object instanceof Linkable) || (target !== undefined && object.className !== target)) {
        throw typeMismatch(expectedOf(type, target), value, name);
      }
      return packLink(writer, object);
    }
    case "mixed":
      return packMixed(writer, value, conventions, name, "double");
  }
}

function expectedOf(type: ValueType, target: string | undefined): string {
  switch (type) {
    case "int":
      return "a number or bigint";
    case "bool":
      return "a boolean";
    case "string":
      return "a string";
    case "float":
    case "double":
      return "a number";
    case "link":
      return target === undefined ? "an object" : `an instance of ${target}`;
    case "binary":
      return "an instance of ArrayBuffer";
    case "timestamp":
      return "an instance of Date";
    case "decimal":
      return "an instance of Decimal128";
    case "objectId":
      return "an instance of ObjectId";
    case "uuid":
      return "an instance of UUID";
    case "mixed":
      return "a value";
  }
}

/**
 * Writes a value of whatever type it has.
 *
 * @param numbers what whole numbers become: a double in a mixed property, an int as a query's argument.
 */
export function packMixed(
  writer: ByteWriter,
  value: unknown,
  conventions: Conventions,
  name: string | undefined,
  numbers: "double" | "int-if-whole",
): void {
  if (value === null || value === undefined) return writer.u8(tag.null);
  const parts = conventions.mixedParts?.(value);
  if (parts !== undefined) return packValue(writer, parts.type, true, parts.value, conventions, undefined, name);
  if (typeof value === "number") {
    const isInteger = numbers === "int-if-whole" && Number.isSafeInteger(value) && !Object.is(value, -0);
    return packValue(writer, isInteger ? "int" : "double", false, value, conventions, undefined, name);
  }
  const type = mixedType(value, conventions);
  if (type === undefined) throw typeMismatch("a value that can be stored", value, name);
  packValue(writer, type, false, value, conventions, undefined, name);
}

function mixedType(value: unknown, conventions: Conventions): ValueType | undefined {
  switch (typeof value) {
    case "bigint":
      return "int";
    case "boolean":
      return "bool";
    case "string":
      return "string";
    case "object":
      break;
    default:
      return undefined;
  }
  if (conventions.unwrap(value) instanceof Linkable) return "link";
  if (conventions.timestampParts(value) !== undefined) return "timestamp";
  if (isObjectId(value)) return "objectId";
  if (isDecimal(value)) return "decimal";
  if (isUuid(value)) return "uuid";
  return binaryBytes(value) === undefined ? undefined : "binary";
}
