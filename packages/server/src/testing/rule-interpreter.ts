/**
 * The meaning of rule expressions, read off their JSON and evaluated object by object: short and slow, with nothing in
 * common with what the server does, for tests to compare with.
 *
 * Two rules are the query evaluator's and not MongoDB's: doubles beside floats are rounded to floats, and a double
 * beside a decimal has the digits of its shortest text.
 *
 * @module
 */

import type { Cell, CellObject } from "./object-store.js";

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
type JsonObject = Readonly<Record<string, Json>>;

/** What `%%` paths begin with, as JSON. */
export type Expansions = JsonObject;

/** The cells of a field. */
class Field {
  readonly cells: readonly Cell[];
  readonly collection: "list" | "set" | null;

  constructor(cells: Cell | readonly Cell[], collection: "list" | "set") {
    this.cells = isList(cells) ? cells : [cells];
    this.collection = isList(cells) ? collection : null;
  }
}

/** What stands before an operator; `undefined` is what leads nowhere. */
type Side = Field | Json | undefined;

/** Of what an expression is asked. */
export interface Question {
  readonly object: CellObject;
  /** Names of the fields that are sets and not lists. */
  readonly sets: ReadonlySet<string>;
  readonly expansions: Expansions;
}

/** Whether an expression is true of an object. */
export function holds(expression: Json, question: Question): boolean {
  const { object, sets, expansions } = question;
  const self = (part: Json): boolean => holds(part, question);
  if (typeof expression === "boolean") return expression;
  return Object.entries(expression as JsonObject).every(([key, value]) => {
    const operator = /^[$%](and|or|nor|not)$/.exec(key)?.[1];
    if (operator === "and") return (value as Json[]).every(self);
    if (operator === "or") return (value as Json[]).some(self);
    if (operator === "nor") return !(value as Json[]).some(self);
    if (operator === "not") return !self(value);
    if (key.startsWith("%%")) return asks(lookUp(key, expansions), value, expansions);
    const field = new Field(object[key] ?? { type: "null" }, sets.has(key) ? "set" : "list");
    return asks(field, value, expansions);
  });
}

function asks(left: Side, value: Json, expansions: Expansions): boolean {
  if (!isPlainObject(value) || isLiteral(value) || Object.keys(value).some((key) => /%.*To/.test(key))) {
    return compare("eq", left, constant(value, expansions));
  }
  return Object.entries(value).every(([key, operand]) => {
    const operator = key.slice(1);
    if (operator === "not") return !asks(left, operand, expansions);
    if (operator === "or") return (operand as Json[]).some((one) => asks(left, one, expansions));
    if (operator === "exists") {
      const isThere =
        left instanceof Field ? left.collection !== null || left.cells[0]?.type !== "null" : left !== undefined;
      return constant(operand, expansions) === isThere;
    }
    return compare(operator, left, constant(operand, expansions));
  });
}

function compare(operator: string, left: Side, right: Json | undefined): boolean {
  if (left === undefined || right === undefined) return false;
  switch (operator) {
    case "eq":
      return equals(left, right);
    case "ne":
      return !equals(left, right);
    case "in":
      return isList(right) && right.some((one) => equals(left, one));
    case "nin":
      return isList(right) && !right.some((one) => equals(left, one));
    default:
      return elements(left).some((one) => inOrder(operator, order(one, readJson(right))));
  }
}

function equals(left: Field | Json, right: Json): boolean {
  const isMany = left instanceof Field ? left.collection !== null : isList(left);
  const [own, others] = [elements(left), elements(right)];
  const isEqual = (one: Reading | null, other: Reading | null | undefined): boolean => order(one, other ?? null) === 0;
  if (!isMany || !isList(right)) return own.some((one) => others.some((other) => isEqual(one, other)));
  if (own.length !== others.length) return false;
  if (!(left instanceof Field) || left.collection === "list") return own.every((one, at) => isEqual(one, others[at]));
  const isOwn = (other: Reading | null): boolean => own.some((one) => isEqual(one, other));
  return own.every((one) => others.some((other) => isEqual(one, other))) && others.every(isOwn);
}

function elements(side: Field | Json): readonly (Reading | null)[] {
  if (side instanceof Field) return side.cells.map(readCell);
  return isList(side) ? side.map(readJson) : [readJson(side)];
}

function inOrder(operator: string, found: number | null): boolean {
  if (found === null) return false;
  if (operator === "gt") return found > 0;
  if (operator === "gte") return found >= 0;
  return operator === "lt" ? found < 0 : found <= 0;
}

interface Reading {
  readonly class: string;
  /** Compared by `<` within a class; numbers are exact fractions with a power of ten, or infinities. */
  readonly key: string | number | bigint | readonly [bigint, bigint];
  readonly from: string;
}

/** Compares a value with a constant. */
function order(one: Reading | null, two: Reading | null): number | null {
  if (one === null || two === null || one.class !== two.class) return null;
  if (one.class !== "number") return one.key === two.key ? 0 : one.key < two.key ? -1 : 1;
  return compareNumbers(one, two);
}

function compareNumbers(one: Reading, two: Reading): number | null {
  const a = one.key;
  let b = two.key;
  if (one.from === "float" && two.from !== "int") {
    const double = typeof b === "number" ? b : Number(toText(b));
    // One that no float comes near keeps its value.
    b = Number.isFinite(Math.fround(double)) ? Math.fround(double) : double;
  }
  if (one.from === "double" && two.from === "decimal") b = Number(toText(b));
  if (one.from === "decimal" && two.from === "double" && typeof b === "number" && Number.isFinite(b))
    b = digits(String(b));
  if ([a, b].some((key) => typeof key === "number" && Number.isNaN(key))) return null;
  if ([a, b].some((key) => key === Infinity || key === -Infinity)) {
    const [x, y] = [Number(toText(a)), Number(toText(b))];
    const [p, q] = [clip(x, a), clip(y, b)];
    return p === q ? 0 : p < q ? -1 : 1;
  }
  const [x, y] = [fraction(a), fraction(b)];
  const difference = x[0] * y[1] - y[0] * x[1];
  return difference === 0n ? 0 : difference < 0n ? -1 : 1;
}

function clip(value: number, key: Reading["key"]): number {
  return key === Infinity || key === -Infinity ? value : 0;
}

function fraction(key: Reading["key"]): readonly [bigint, bigint] {
  if (typeof key === "bigint") return [key, 1n];
  if (typeof key !== "number") return key as readonly [bigint, bigint];
  let [value, denominator] = [key, 1n];
  while (!Number.isInteger(value)) [value, denominator] = [value * 2, denominator * 2n];
  return [BigInt(value), denominator];
}

function toText(key: Reading["key"]): string {
  if (typeof key !== "object") return String(key);
  const scale = key[1].toString().length - 1;
  return `${key[0]}e-${scale}`;
}

function digits(text: string): readonly [bigint, bigint] {
  const [, sign = "", whole = "", part = "", exponent = "0"] =
    /^(-?)(\d*)\.?(\d*)(?:[eE]([+-]?\d+))?$/.exec(text) ?? [];
  const power = Number(exponent) - part.length;
  const coefficient = BigInt(`${sign}${whole}${part}`);
  return power < 0 ? [coefficient, 10n ** BigInt(-power)] : [coefficient * 10n ** BigInt(power), 1n];
}

function readCell(cell: Cell): Reading {
  switch (cell.type) {
    case "null":
      return { class: "null", key: 0, from: "null" };
    case "bool":
      return { class: "bool", key: Number(cell.value), from: "bool" };
    case "int":
    case "float":
    case "double":
      return { class: "number", key: cell.value, from: cell.type };
    case "decimal":
      return { class: "number", key: digits(`${cell.coefficient}e${cell.exponent}`), from: "decimal" };
    case "string":
      return { class: "string", key: Buffer.from(cell.value).toString("hex"), from: "string" };
    case "binary":
      return { class: "binary", key: Buffer.from(cell.value).toString("hex"), from: "binary" };
    case "timestamp":
      return { class: "date", key: cell.seconds * 1_000_000_000n + BigInt(cell.nanoseconds), from: "date" };
    case "objectId":
    case "uuid":
      return { class: cell.type, key: cell.value, from: cell.type };
  }
}

function readJson(value: Json): Reading | null {
  if (value === null) return { class: "null", key: 0, from: "null" };
  if (typeof value === "boolean") return { class: "bool", key: Number(value), from: "bool" };
  if (typeof value === "string") {
    const isText = Buffer.from(value).toString() === value;
    return isText ? { class: "string", key: Buffer.from(value).toString("hex"), from: "string" } : null;
  }
  if (typeof value === "number") {
    return Number.isInteger(value)
      ? { class: "number", key: BigInt(value), from: "int" }
      : { class: "number", key: value, from: "double" };
  }
  if (!isPlainObject(value)) return null;
  const [[key, content] = ["", null]] = Object.entries(value);
  switch (key) {
    case "$oid":
      return { class: "objectId", key: content as string, from: "objectId" };
    case "$uuid":
      return { class: "uuid", key: (content as string).replaceAll("-", ""), from: "uuid" };
    case "$date":
      return {
        class: "date",
        key: BigInt((content as { $numberLong: string }).$numberLong) * 1_000_000n,
        from: "date",
      };
    case "$numberLong":
      return { class: "number", key: BigInt(content as string), from: "int" };
    case "$numberDouble":
      return { class: "number", key: Number(content), from: "double" };
    case "$numberDecimal":
      return { class: "number", key: digits(content as string), from: "decimal" };
    case "$binary":
      return {
        class: "binary",
        key: Buffer.from((content as { base64: string }).base64, "base64").toString("hex"),
        from: key,
      };
    default:
      return null;
  }
}

/** A constant operand as JSON; `undefined` for what leads nowhere, left out of lists. */
function constant(value: Json, expansions: Expansions): Json | undefined {
  if (typeof value === "string" && value.startsWith("%%")) return lookUp(value, expansions);
  if (isList(value)) return value.map((one) => constant(one, expansions)).filter((one) => one !== undefined);
  if (!isPlainObject(value)) return value;
  const [[key, argument] = ["", null]] = Object.entries(value);
  const found = /^%.*To/.test(key) ? constant(argument, expansions) : undefined;
  if (key === "%stringToOid")
    return typeof found === "string" && /^[0-9a-f]{24}$/.test(found) ? { $oid: found } : undefined;
  if (key === "%oidToString") return isPlainObject(found) ? found["$oid"] : undefined;
  return value;
}

function lookUp(text: string, expansions: Expansions): Json | undefined {
  if (text === "%%true" || text === "%%false") return text === "%%true";
  let found: Json | undefined = expansions;
  for (const name of text.slice(2).split(".")) {
    if (!isPlainObject(found) || !Object.hasOwn(found, name)) return undefined;
    found = found[name];
  }
  return found;
}

function isPlainObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !isList(value);
}

function isList(value: Json | undefined): value is readonly Json[];
function isList(value: Cell | readonly Cell[]): value is readonly Cell[];
function isList(value: unknown): boolean {
  return Array.isArray(value);
}

function isLiteral(value: JsonObject): boolean {
  return Object.keys(value).some((key) => /^\$(oid|uuid|date|number|binary)/.test(key));
}
