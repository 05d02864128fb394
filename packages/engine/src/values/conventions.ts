/**
 * How values of the core look in JavaScript, where the SDKs differ.
 *
 * @module
 */

import { copyBytes } from "./bytes.js";
import type { ValueType } from "./pack.js";

/** A point in time. Both parts have the same sign. */
export interface TimestampParts {
  /** Since 1970. */
  readonly seconds: number;
  /** Below a second. */
  readonly nanoseconds: number;
}

/** A value of mixed type, taken apart. */
export interface MixedParts {
  /** Its type. */
  readonly type: ValueType;
  /** What the engine writes. */
  readonly value: unknown;
}

/** A list or dictionary inside a value of mixed type, taken apart. */
export type CollectionParts =
  | {
      /** A list. */
      readonly kind: "list";
      /** Its elements in order. */
      readonly elements: Iterable<unknown>;
    }
  | {
      /** A dictionary. */
      readonly kind: "dictionary";
      /** Its keys and values. */
      readonly entries: Iterable<readonly [string, unknown]>;
    };

/** The choices of one facade. */
export interface Conventions {
  /** What an integer beyond 2^53 becomes. */
  readonly unsafeIntegers: "number" | "bigint";
  /** Makes the value of a point in time. */
  timestamp(seconds: number, nanoseconds: number): unknown;
  /** Takes a point in time apart; `undefined` if the value is none. */
  timestampParts(value: unknown): TimestampParts | undefined;
  /** Makes the value of binary data from a view that must be copied. */
  binary(view: Uint8Array): unknown;
  /** Makes the value of a property of mixed type, for SDKs that show which type it has. Links come as they are. */
  mixed?(value: unknown, type: ValueType): unknown;
  /** Takes such a value apart; `undefined` for all others. */
  mixedParts?(value: unknown): MixedParts | undefined;
  /**
   * Takes a value apart that stands for a list or dictionary inside a value of mixed type; `undefined` for all others.
   * Arrays, plain objects, maps and live collections need it not.
   */
  collectionParts?(value: object): CollectionParts | undefined;
  /** The engine's handle behind an object or collection of the SDK; any other value as it is. */
  unwrap(value: unknown): unknown;
}

/** What was stored of dates that show less than that: a Date has milliseconds. */
const storedParts = new WeakMap<Date, TimestampParts & { readonly unixMs: number }>();

function dateOf(seconds: number, nanoseconds: number): Date {
  const date = new Date(seconds * 1000 + Math.trunc(nanoseconds / 1_000_000));
  if (nanoseconds % 1_000_000 !== 0) storedParts.set(date, { seconds, nanoseconds, unixMs: date.getTime() });
  return date;
}

/** A date that was read is written as it was stored, unless the application has changed it. */
function partsOfDate(date: Date): TimestampParts {
  const unixMs = date.getTime();
  const stored = storedParts.get(date);
  if (stored?.unixMs === unixMs) return { seconds: stored.seconds, nanoseconds: stored.nanoseconds };
  return dateParts(unixMs);
}

/** Numbers, Date and ArrayBuffer, as the Node SDK has them. */
export const plainConventions: Conventions = {
  unsafeIntegers: "number",
  timestamp: dateOf,
  timestampParts: (value) => (value instanceof Date ? partsOfDate(value) : undefined),
  binary: (view) => copyBytes(view).buffer,
  unwrap: (value) => value,
};

/** Seconds and nanoseconds of the same sign, as the core wants them. */
export function dateParts(unixMs: number): TimestampParts {
  const seconds = Math.trunc(unixMs / 1000);
  return { seconds, nanoseconds: (unixMs - seconds * 1000) * 1_000_000 };
}
