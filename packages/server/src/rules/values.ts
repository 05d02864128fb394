/**
 * Values of rules: literals of the rule files, custom user data and configured values, in the JSON form of Extended
 * JSON (relaxed or canonical).
 *
 * @module
 */

import {
  compareIntWithDouble,
  compareScaled,
  intMax,
  intMin,
  parseDecimal,
  type Scaled,
  scaledOfDouble,
} from "./numbers.js";

/** A value that a queryable field can hold. Dates count milliseconds since 1970. */
export type Scalar =
  | { readonly type: "null" }
  | { readonly type: "bool"; readonly value: boolean }
  | { readonly type: "int"; readonly value: bigint }
  | { readonly type: "double"; readonly value: number }
  | { readonly type: "decimal"; readonly value: Scaled }
  | { readonly type: "string"; readonly value: string }
  | { readonly type: "binary"; readonly bytes: Uint8Array }
  | { readonly type: "date"; readonly milliseconds: bigint }
  | { readonly type: "objectId"; readonly hex: string }
  | { readonly type: "uuid"; readonly hex: string };

export type Value =
  | Scalar
  | { readonly type: "array"; readonly items: readonly Value[] }
  | { readonly type: "document"; readonly fields: ReadonlyMap<string, Value> }
  /** Something that no field can hold, like a regular expression: equal to nothing. */
  | { readonly type: "other" };

/** Deepest nesting of arrays and documents; what is deeper is taken as something that no field can hold. */
export const valueDepthMax = 100;

const other: Value = { type: "other" };
const objectIdText = /^[0-9a-f]{24}$/i;
const uuidText = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const wholeText = /^[+-]?\d{1,20}$/;
const base64Text = /^[A-Za-z0-9+/]*={0,2}$/;
const isoDateText = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:?\d{2})$/;
const subtypes = { binary: "00", uuid: "04" };

/** Keys that make an object a literal of Extended JSON. */
const literalKeys: ReadonlySet<string> = new Set(
  (
    "$oid $uuid $date $numberInt $numberLong $numberDouble $numberDecimal $binary " +
    "$timestamp $regularExpression $minKey $maxKey $undefined $symbol $code $dbPointer"
  ).split(" "),
);

/** Whether an object is meant as a literal of Extended JSON and not as a document or an expression. */
export function isExtendedLiteral(value: object): boolean {
  return Object.keys(value).some((key) => literalKeys.has(key));
}

/** The value of a literal of Extended JSON; `null` if it is malformed. */
export function readExtendedLiteral(value: object): Value | null {
  const [entry, ...more] = Object.entries(value);
  if (entry === undefined || more.length > 0) return null;
  const [key, content] = entry as [string, unknown];
  switch (key) {
    case "$oid":
      return objectId(content);
    case "$uuid":
      return uuid(content);
    case "$date":
      return date(content);
    case "$numberInt":
      return whole(content, -(2n ** 31n), 2n ** 31n - 1n);
    case "$numberLong":
      return whole(content, intMin, intMax);
    case "$numberDouble":
      return double(content);
    case "$numberDecimal":
      return decimal(content);
    case "$binary":
      return binary(content);
    default:
      return literalKeys.has(key) ? other : null;
  }
}

/**
 * Reads JSON of user data and configured values. Malformed literals of Extended JSON are documents: they equal no
 * scalar.
 */
export function readValue(value: unknown, depth = 0): Value {
  if (depth > valueDepthMax) return other;
  if (value === null) return { type: "null" };
  switch (typeof value) {
    case "boolean":
      return { type: "bool", value };
    case "number":
      return readNumber(value);
    case "string":
      return { type: "string", value };
    case "object":
      break;
    default:
      return other;
  }
  if (Array.isArray(value)) return { type: "array", items: value.map((item) => readValue(item, depth + 1)) };
  const literal = readExtendedLiteral(value);
  if (literal !== null) return literal;
  const fields = Object.entries(value).map(([key, field]) => [key, readValue(field, depth + 1)] as const);
  return { type: "document", fields: new Map(fields) };
}

/** A number of JSON: whole ones are integers, whatever their spelling. */
export function readNumber(value: number): Scalar {
  return Number.isSafeInteger(value) ? { type: "int", value: BigInt(value) } : { type: "double", value };
}

/** An object id of 24 hexadecimal digits, or `null`. */
export function objectId(text: unknown): Scalar | null {
  return typeof text === "string" && objectIdText.test(text) ? { type: "objectId", hex: text.toLowerCase() } : null;
}

/** A UUID in its usual spelling, or `null`. */
export function uuid(text: unknown): Scalar | null {
  return typeof text === "string" && uuidText.test(text) ? { type: "uuid", hex: text.toLowerCase() } : null;
}

function whole(text: unknown, min: bigint, max: bigint): Scalar | null {
  if (typeof text !== "string" || !wholeText.test(text)) return null;
  const value = BigInt(text.replace(/^\+/, ""));
  return value >= min && value <= max ? { type: "int", value } : null;
}

function double(text: unknown): Scalar | null {
  if (typeof text !== "string" || text.trim() !== text || text === "") return null;
  const value = Number(text);
  return Number.isNaN(value) && text !== "NaN" ? null : { type: "double", value };
}

function decimal(text: unknown): Scalar | null {
  if (typeof text !== "string") return null;
  // The special values are those of a double, and compare in the same way.
  const special = { nan: NaN, inf: Infinity, infinity: Infinity }[text.replace(/^[+-]/, "").toLowerCase()];
  if (special !== undefined) return { type: "double", value: text.startsWith("-") ? -special : special };
  const value = parseDecimal(text);
  return value === null ? null : { type: "decimal", value };
}

function date(content: unknown): Scalar | null {
  if (typeof content === "number") {
    return Number.isSafeInteger(content) ? { type: "date", milliseconds: BigInt(content) } : null;
  }
  if (typeof content === "string") {
    const milliseconds = isoDateText.test(content) ? Date.parse(content) : NaN;
    return Number.isNaN(milliseconds) ? null : { type: "date", milliseconds: BigInt(milliseconds) };
  }
  const long = typeof content === "object" && content !== null ? readExtendedLiteral(content) : null;
  return long?.type === "int" ? { type: "date", milliseconds: long.value } : null;
}

function binary(content: unknown): Value | null {
  if (typeof content !== "object" || content === null) return null;
  const { base64, subType, ...more } = content as { readonly base64?: unknown; readonly subType?: unknown };
  if (typeof base64 !== "string" || typeof subType !== "string" || Object.keys(more).length > 0) return null;
  if (!base64Text.test(base64) || !/^[0-9a-f]{1,2}$/i.test(subType)) return null;
  const bytes = new Uint8Array(Buffer.from(base64, "base64"));
  const subtype = subType.padStart(2, "0");
  if (subtype === subtypes.binary) return { type: "binary", bytes };
  if (subtype !== subtypes.uuid) return other;
  const hex = Buffer.from(bytes).toString("hex");
  return uuid(hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5"));
}

/** Whether two values are the same, arrays and documents field by field. Numbers compare by value. */
export function isSame(left: Value, right: Value): boolean {
  if (left.type === "array" && right.type === "array") {
    const { items } = right;
    return left.items.length === items.length && left.items.every((item, at) => isSameOr(item, items[at]));
  }
  if (left.type === "document" && right.type === "document") {
    const { fields } = right;
    return (
      left.fields.size === fields.size && [...left.fields].every(([key, value]) => isSameOr(value, fields.get(key)))
    );
  }
  return isScalar(left) && isScalar(right) && compareScalars(left, right) === 0;
}

function isSameOr(left: Value, right: Value | undefined): boolean {
  return right !== undefined && isSame(left, right);
}

/** How many values a value holds, itself included. */
export function countOf(value: Value): number {
  const parts = value.type === "array" ? value.items : value.type === "document" ? [...value.fields.values()] : [];
  return parts.reduce((count, part) => count + countOf(part), 1);
}

/** Whether a value is one that a queryable field can hold. */
export function isScalar(value: Value): value is Scalar {
  return value.type !== "array" && value.type !== "document" && value.type !== "other";
}

/**
 * Negative, zero or positive, as the first is less, equal or greater; `null` where two values cannot be compared:
 * values of different classes, and whatever has to do with NaN.
 */
export function compareScalars(left: Scalar, right: Scalar): number | null {
  const numbers = compareNumbers(left, right);
  if (numbers !== undefined) return numbers;
  if (left.type === "null") return right.type === "null" ? 0 : null;
  if (left.type === "bool") return right.type === "bool" ? Number(left.value) - Number(right.value) : null;
  if (left.type === "string") return right.type === "string" ? compareText(left.value, right.value) : null;
  if (left.type === "binary") return right.type === "binary" ? Buffer.compare(left.bytes, right.bytes) : null;
  if (left.type === "date") {
    return right.type === "date" ? compareOrdered(left.milliseconds, right.milliseconds) : null;
  }
  if (left.type === "objectId") return right.type === "objectId" ? compareOrdered(left.hex, right.hex) : null;
  if (left.type === "uuid") return right.type === "uuid" ? compareOrdered(left.hex, right.hex) : null;
  return null;
}

/** `undefined` where one of two is no number. */
function compareNumbers(left: Scalar, right: Scalar): number | null | undefined {
  if (left.type === "int") {
    if (right.type === "int") return compareOrdered(left.value, right.value);
    if (right.type === "decimal") return compareScaled({ coefficient: left.value, exponent: 0 }, right.value);
    if (right.type !== "double") return undefined;
    if (!Number.isFinite(right.value)) return compareFloats(0, right.value);
    return compareIntWithDouble(left.value, right.value);
  }
  if (left.type === "decimal") {
    if (right.type === "decimal") return compareScaled(left.value, right.value);
    if (right.type === "int") return compareScaled(left.value, { coefficient: right.value, exponent: 0 });
    if (right.type !== "double") return undefined;
    if (!Number.isFinite(right.value)) return compareFloats(0, right.value);
    return compareScaled(left.value, scaledOfDouble(right.value));
  }
  if (left.type !== "double") return undefined;
  if (right.type === "double") return compareFloats(left.value, right.value);
  const opposite = compareNumbers(right, left);
  return opposite === undefined || opposite === null ? opposite : -opposite;
}

function compareFloats(left: number, right: number): number | null {
  if (left === right) return 0;
  if (left < right) return -1;
  return left > right ? 1 : null;
}

/** Order of code points, which is that of the UTF-8 bytes. */
function compareText(left: string, right: string): number {
  return Buffer.compare(Buffer.from(left), Buffer.from(right));
}

function compareOrdered<T extends bigint | string>(left: T, right: T): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}
