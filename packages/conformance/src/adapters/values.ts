/**
 * Values that JSON has no form for, between the suite and a facade.
 *
 * @module
 */

import { Decimal128, ObjectId, UUID } from "@tidemark/engine/bson";
import type { SpecialValue, Value } from "../adapter.js";

/** Where the facades differ. */
export interface ValueForms {
  /** A point in time as it is written. */
  date(unixMs: number): unknown;
  /** Milliseconds of a point in time that was read; `undefined` for all other values. */
  unixMs(value: unknown): number | undefined;
  /** What a mixed field is given. */
  mixed(value: unknown): unknown;
  /** What is in a value of a mixed field; all others as they are. */
  unmixed(value: unknown): unknown;
}

/** Dates of JavaScript, and mixed fields that show what they hold. */
export const plainForms: ValueForms = {
  date: (unixMs) => new Date(unixMs),
  unixMs: (value) => (value instanceof Date ? value.getTime() : undefined),
  mixed: (value) => value,
  unmixed: (value) => value,
};

/** Reads and writes values of one facade. */
export class Values {
  readonly #forms: ValueForms;

  constructor(forms: ValueForms) {
    this.#forms = forms;
  }

  /** What the facade is given. */
  encode(value: Value): unknown {
    if (typeof value !== "object" || value === null) return value;
    if (isList(value)) return value.map((one) => this.encode(one));
    return "mixed" in value ? this.#forms.mixed(this.encode(value.mixed)) : this.#special(value);
  }

  /** The fields of a new object. */
  fields(values: Readonly<Record<string, Value>>): Record<string, unknown> {
    return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, this.encode(value)]));
  }

  #special({ type, text }: SpecialValue): unknown {
    switch (type) {
      case "int":
        return Number.isSafeInteger(Number(text)) ? Number(text) : BigInt(text);
      case "double":
        return Number(text);
      case "date":
        return this.#forms.date(Date.parse(text));
      case "data":
        return Uint8Array.from(Buffer.from(text, "hex"));
      case "objectId":
        return new ObjectId(text);
      case "uuid":
        return new UUID(text);
      case "decimal":
        return Decimal128.fromString(text);
    }
  }

  /** What the facade has answered. */
  decode(read: unknown): Value {
    const value = this.#forms.unmixed(read);
    if (value === undefined) return null;
    if (typeof value === "bigint") return { type: "int", text: String(value) };
    if (typeof value === "number" && (!Number.isFinite(value) || Object.is(value, -0))) {
      return { type: "double", text: Object.is(value, -0) ? "-0" : String(value) };
    }
    if (typeof value !== "object" || value === null) return value as Value;
    const unixMs = this.#forms.unixMs(value);
    if (unixMs !== undefined) return { type: "date", text: new Date(unixMs).toISOString() };
    if (value instanceof ObjectId) return { type: "objectId", text: value.toString() };
    if (value instanceof UUID) return { type: "uuid", text: value.toString() };
    if (value instanceof Decimal128) return { type: "decimal", text: value.toString() };
    if (value instanceof Uint8Array) return { type: "data", text: Buffer.from(value).toString("hex") };
    if (value instanceof ArrayBuffer) return { type: "data", text: Buffer.from(value).toString("hex") };
    return value as Value;
  }
}

function isList(value: object): value is readonly Value[] {
  return Array.isArray(value);
}

/** Values in an order that does not depend on the facade. */
export function inOrder(values: Iterable<Value>): readonly Value[] {
  return [...values].toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}

/** Entries by their keys. */
export function byKey(entries: Iterable<readonly [string, Value]>): readonly (readonly [string, Value])[] {
  return [...entries].toSorted(([a], [b]) => (a < b ? -1 : 1));
}

/** Class and property of a field of backlinks, `Dog.owner`; `undefined` for all other types. */
export function backlinksOf(type: string): { readonly className: string; readonly field: string } | undefined {
  const [, className, field] = /^(\w+)\.(\w+)$/.exec(type) ?? [];
  return className === undefined || field === undefined ? undefined : { className, field };
}
