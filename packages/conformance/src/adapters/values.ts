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
  /** A list inside a mixed field, of what {@link ValueForms.mixed} gives. */
  mixedList(elements: readonly unknown[]): unknown;
  /** A dictionary there. */
  mixedEntries(entries: readonly (readonly [string, unknown])[]): unknown;
  /** The elements of a list that was read; `undefined` for all other values. */
  elements(value: object): Iterable<unknown> | undefined;
  /** The entries of a dictionary that was read; `undefined` for all other values. */
  entries(value: object): Iterable<readonly [string, unknown]> | undefined;
  /** What is in a value of a mixed field; all others as they are. */
  unmixed(value: unknown): unknown;
}

/** Dates of JavaScript, and mixed fields that show what they hold. */
export const plainForms: Omit<ValueForms, "elements" | "entries"> = {
  date: (unixMs) => new Date(unixMs),
  unixMs: (value) => (value instanceof Date ? value.getTime() : undefined),
  mixed: (value) => value,
  mixedList: (elements) => elements,
  mixedEntries: (entries) => Object.fromEntries(entries),
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
    if ("mixed" in value) return this.#mixed(value.mixed);
    if ("entries" in value) throw new Error("dictionaries are values of mixed fields only");
    return this.#special(value);
  }

  #mixed(value: Value): unknown {
    if (typeof value === "object" && value !== null) {
      if (isList(value)) return this.#forms.mixedList(value.map((one) => this.#mixed(one)));
      if ("entries" in value) {
        return this.#forms.mixedEntries(value.entries.map(([key, one]) => [key, this.#mixed(one)] as const));
      }
    }
    return this.#forms.mixed(this.encode(value));
  }

  /** The collection at the end of a way inside a mixed field. */
  inside(read: unknown, way: readonly (number | string)[]): unknown {
    let value = this.#forms.unmixed(read);
    for (const step of way) {
      const collection = value as object;
      const found =
        typeof step === "number"
          ? [...(this.#forms.elements(collection) ?? [])][step]
          : new Map(this.#forms.entries(collection) ?? []).get(step);
      value = this.#forms.unmixed(found);
    }
    return value;
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
    const elements = this.#forms.elements(value);
    if (elements !== undefined) return Array.from(elements, (one) => this.decode(one));
    const entries = this.#forms.entries(value);
    if (entries === undefined) return value as Value;
    return { entries: byKey(Array.from(entries, ([key, one]) => [key, this.decode(one)] as const)) };
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
