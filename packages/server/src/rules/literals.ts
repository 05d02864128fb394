/**
 * Constants as literals of Realm Query Language.
 *
 * Its string literals are not unescaped, and it reads constants toward the type of the property beside them (the
 * string `'5abc'` is 5 beside an int). So a constant is only ever written where the field holds its type, and a string
 * with anything but harmless characters as base64.
 *
 * @module
 */

import {
  compareIntWithDouble,
  compareScaled,
  floorOf,
  floorOfDouble,
  intMax,
  intMin,
  normal,
  parseDecimal,
  type Scaled,
  scaledOfDouble,
} from "./numbers.js";
import { RuleRefusal } from "./refusal.js";
import type { Scalar } from "./values.js";

type NumericScalar = Extract<Scalar, { readonly type: "int" | "double" | "decimal" }>;

/** Where a constant stands among the values that a field can hold. */
export type Placement =
  /**
   * At the literal's value (0), or just above (1) or below it (−1), with no possible value of the field between.
   */
  | { readonly kind: "at"; readonly text: string; readonly offset: -1 | 0 | 1 }
  /** Beyond all values that the field can hold. */
  | { readonly kind: "above" | "below" }
  /** Not among them: another type, NaN, or text that no string can be. */
  | { readonly kind: "apart" };

const apart: Placement = { kind: "apart" };

/** The type of the field that values of a type need; numbers are looked at by themselves. */
const columnTypes: Readonly<Record<Exclude<Scalar, NumericScalar | { readonly type: "null" }>["type"], string>> = {
  bool: "bool",
  string: "string",
  binary: "binary",
  date: "timestamp",
  objectId: "objectId",
  uuid: "uuid",
};

/**
 * Places a constant that is not null among the values of a field.
 *
 * @param type type of the field or its elements; `undefined` where it is not known.
 */
export function place(value: Exclude<Scalar, { readonly type: "null" }>, type: string | undefined): Placement {
  if (value.type === "int" || value.type === "double" || value.type === "decimal") return placeNumber(value, type);
  if (type !== undefined && type !== "mixed" && columnTypes[value.type] !== type) return apart;
  const text = literal(value);
  return text === null ? apart : at(text);
}

function at(text: string, offset: -1 | 0 | 1 = 0): Placement {
  return { kind: "at", text, offset };
}

function literal(value: Exclude<Scalar, NumericScalar | { readonly type: "null" }>): string | null {
  switch (value.type) {
    case "bool":
      return String(value.value);
    case "string":
      return stringLiteral(value.value);
    case "binary":
      return `binary(B64"${Buffer.from(value.bytes).toString("base64")}")`;
    case "date": {
      const [seconds, rest] = [value.milliseconds / 1_000n, value.milliseconds % 1_000n];
      return `T${seconds}:${rest * 1_000_000n}`;
    }
    case "objectId":
      return `oid(${value.hex})`;
    case "uuid":
      return `uuid(${value.hex})`;
  }
}

/** Characters that stand for themselves between double quotes; the canonical form of the SDKs has the same. */
const plainText = /^[A-Za-z0-9 {|}~:;<=>?@!#$%&()*+,\-./[\]^_`\u{80}-\u{10ffff}]*$/u;

/** A string literal; `null` for text with half a surrogate pair, which no stored string has. */
function stringLiteral(text: string): string | null {
  const bytes = Buffer.from(text);
  if (bytes.toString() !== text) return null;
  return plainText.test(text) ? `"${text}"` : `B64"${bytes.toString("base64")}"`;
}

function placeNumber(value: NumericScalar, type: string | undefined): Placement {
  if (value.type === "double" && Number.isNaN(value.value)) return apart;
  switch (type) {
    case "int":
      return placeAmongInts(value);
    case "double":
      return value.type === "int" ? nearest(value.value, Number(value.value)) : at(doubleText(doubleOf(value)));
    case "float":
      return placeAmongFloats(value);
    case "decimal":
      return at(decimalText(value));
    case "mixed":
    case undefined:
      return at(mixedText(value));
    default:
      return apart;
  }
}

function placeAmongInts(value: NumericScalar): Placement {
  if (value.type === "int") return at(String(value.value));
  if (value.type === "double" && !Number.isFinite(value.value)) return { kind: value.value > 0 ? "above" : "below" };
  const { floor, isExact } = value.type === "double" ? floorOfDouble(value.value) : floorOf(value.value);
  if (floor > intMax) return { kind: "above" };
  if (floor < intMin) return { kind: "below" };
  return at(String(floor), isExact ? 0 : 1);
}

/** A double beside a float is rounded to one, as the query language does; an integer is not. */
function placeAmongFloats(value: NumericScalar): Placement {
  if (value.type === "int") return nearest(value.value, Math.fround(Number(value.value)));
  const double = doubleOf(value);
  const isTooLarge = Number.isFinite(double) && !Number.isFinite(Math.fround(double));
  if (!isTooLarge) return at(doubleText(double));
  return double > 0 ? at("inf", -1) : at("-inf", 1);
}

/** An integer beside the floating-point number that is nearest to it. */
function nearest(value: bigint, double: number): Placement {
  const order = compareIntWithDouble(value, double);
  return at(doubleText(double), order === 0 ? 0 : order < 0 ? -1 : 1);
}

function doubleOf(value: NumericScalar): number {
  if (value.type === "decimal") return Number(scaledText(value.value));
  return Number(value.value);
}

/** A double is never written like an integer: comparisons with NaN depend on it. */
function doubleText(value: number): string {
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  const text = String(value);
  return /^-?\d+$/.test(text) ? `${text}.0` : text;
}

function decimalText(value: NumericScalar): string {
  if (value.type === "int") return String(value.value);
  if (value.type === "decimal") return scaledText(value.value);
  return Number.isFinite(value.value) ? scaledText(parseDecimal(String(value.value)) ?? zero) : doubleText(value.value);
}

/** Beside a mixed field there are no literals of decimals: an integer or a double of the same value stands for them. */
function mixedText(value: NumericScalar): string {
  if (value.type === "int") return String(value.value);
  if (value.type === "double") return doubleText(value.value);
  const { floor, isExact } = floorOf(value.value);
  if (isExact && floor >= intMin && floor <= intMax) return String(floor);
  const double = doubleOf(value);
  if (Number.isFinite(double) && compareScaled(scaledOfDouble(double), value.value) === 0) return doubleText(double);
  throw new RuleRefusal("compares a field of mixed type with a decimal that no double is");
}

const zero: Scaled = { coefficient: 0n, exponent: 0 };

/** A number as the query language reads decimals from text, always with an exponent. */
function scaledText(number: Scaled): string {
  const { coefficient, exponent } = normal(number);
  return `${coefficient}e${exponent}`;
}
