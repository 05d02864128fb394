/**
 * The values of a list or set in an order of their own, live, or as they were at one moment.
 *
 * @module
 */

import type { Database } from "./database.js";
import type { List } from "./list.js";
import type { Column } from "./schema.js";
import type { ValueSet } from "./value-set.js";

/** How values are ordered: as in the collection, or by themselves. */
export type ValueOrder = "given" | "ascending" | "descending";

/** Values of a collection. */
export class ValueResults {
  /** Where they come from. */
  readonly collection: List | ValueSet;
  /** Their order. */
  readonly order: ValueOrder;
  /** Those of one moment, for ever. */
  readonly #moment: readonly unknown[] | undefined;
  #values: readonly unknown[] = [];
  #epoch = -1;

  constructor(collection: List | ValueSet, order: ValueOrder, moment?: readonly unknown[]) {
    this.collection = collection;
    this.order = order;
    this.#moment = moment;
  }

  /** The open file. */
  get database(): Database {
    return this.collection.database;
  }

  /** The column that holds the collection. */
  get column(): Column {
    return this.collection.column;
  }

  /** Whether the collection still exists; the values of a moment are there as long as the file is open. */
  isValid(): boolean {
    return this.#moment === undefined ? this.collection.isValid() : !this.database.isClosed;
  }

  /** The values. */
  values(): readonly unknown[] {
    this.database.requireOpen();
    if (this.#moment !== undefined) return this.#moment;
    if (this.#epoch !== this.database.dataEpoch) {
      this.#values = inOrder(this.collection.values(), this.order);
      this.#epoch = this.database.dataEpoch;
    }
    return this.#values;
  }

  /** How many there are. */
  get length(): number {
    return this.values().length;
  }

  /** The value at an index; `undefined` beyond the end. */
  get(index: number): unknown {
    return this.values()[index];
  }

  /** The same values in an order. */
  sorted(isDescending: boolean): ValueResults {
    const order = isDescending ? "descending" : "ascending";
    const moment = this.#moment === undefined ? undefined : inOrder(this.#moment, order);
    return new ValueResults(this.collection, order, moment);
  }

  /** The same of the collection's counterpart in another version. */
  of(collection: List | ValueSet): ValueResults {
    return new ValueResults(collection, this.order, this.#moment);
  }

  /** The values of this moment. */
  snapshot(): ValueResults {
    return new ValueResults(this.collection, this.order, this.values());
  }
}

/** Values that are equal keep their places. */
function inOrder(values: readonly unknown[], order: ValueOrder): readonly unknown[] {
  if (order === "given") return values;
  const sign = order === "descending" ? -1 : 1;
  return values.toSorted((one, other) => sign * compareInOrder(one, other));
}

/** Null comes first, then kinds of values one after the other, each in its own order. */
export function compareInOrder(one: unknown, other: unknown): number {
  const rank = rankOf(one) - rankOf(other);
  if (rank !== 0) return rank;
  const [left, right] = [comparable(one), comparable(other)];
  if (typeof left === "string" && typeof right === "string") return compareTexts(left, right);
  return left < right ? -1 : Number(left > right);
}

const ranks = ["null", "boolean", "number", "string", "binary", "date", "object"] as const;

function rankOf(value: unknown): number {
  return ranks.indexOf(kindOf(value));
}

function kindOf(value: unknown): (typeof ranks)[number] {
  if (value === null || value === undefined) return "null";
  if (typeof value === "bigint" || typeof value === "number" || isDecimal(value)) return "number";
  if (typeof value === "boolean" || typeof value === "string") return typeof value as "boolean" | "string";
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return "binary";
  return value instanceof Date ? "date" : "object";
}

function isDecimal(value: unknown): boolean {
  return (value as { readonly _bsontype?: unknown })._bsontype === "Decimal128";
}

function comparable(value: unknown): number | bigint | string {
  if (value === null || value === undefined) return 0;
  if (typeof value === "bigint" || typeof value === "number" || typeof value === "string") return value;
  if (typeof value === "boolean" || value instanceof Date) return Number(value);
  if (isDecimal(value)) return Number((value as { toString(): string }).toString());
  if (value instanceof ArrayBuffer) return bytesText(new Uint8Array(value));
  if (ArrayBuffer.isView(value)) return bytesText(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
  return (value as { toString(): string }).toString();
}

function bytesText(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
}

/** By code points, as the bytes of UTF-8 are ordered. */
function compareTexts(one: string, other: string): number {
  let index = 0;
  while (index < one.length && index < other.length && one.charCodeAt(index) === other.charCodeAt(index)) index += 1;
  const [left, right] = [one.codePointAt(index) ?? -1, other.codePointAt(index) ?? -1];
  return left - right;
}
