/**
 * Sums, means and order of decimals: exact, and rounded half to even where 34 digits do not hold the result.
 *
 * @module
 */

import { Decimal128 } from "bson";
import { type DecimalParts, decimalFromParts, decimalToParts } from "./decimal.js";

const digitsMax = 34;
const exponentMin = -6176;
const exponentMax = 6111;

/** What a decimal is, apart from the finite ones. */
type Special = "nan" | "infinity" | "-infinity";

interface Finite {
  /** With its sign. */
  readonly coefficient: bigint;
  readonly exponent: number;
}

function isSpecial(value: Finite | Special): value is Special {
  return typeof value === "string";
}

function numberOf(value: Decimal128): Finite | Special {
  const { coefficient, exponent, isNegative }: DecimalParts = decimalToParts(value);
  if (exponent > exponentMax) {
    if (value.toString() === "NaN") return "nan";
    return isNegative ? "-infinity" : "infinity";
  }
  return { coefficient: isNegative ? -coefficient : coefficient, exponent };
}

function powerOfTen(exponent: number): bigint {
  return 10n ** BigInt(exponent);
}

/** Divides, rounding half to even. */
function divided(dividend: bigint, divisor: bigint): bigint {
  const isNegative = dividend < 0n;
  const size = isNegative ? -dividend : dividend;
  const quotient = size / divisor;
  const twice = (size % divisor) * 2n;
  const isUp = twice > divisor || (twice === divisor && quotient % 2n === 1n);
  const result = isUp ? quotient + 1n : quotient;
  return isNegative ? -result : result;
}

function rounded({ coefficient, exponent }: Finite): Finite {
  const size = coefficient < 0n ? -coefficient : coefficient;
  const excess = Math.max(String(size).length - digitsMax, exponentMin - exponent);
  if (excess <= 0) return { coefficient, exponent };
  return rounded({ coefficient: divided(coefficient, powerOfTen(excess)), exponent: exponent + excess });
}

function decimalOf(value: Finite | Special): Decimal128 {
  if (isSpecial(value)) {
    return Decimal128.fromString(value === "nan" ? "NaN" : value === "infinity" ? "Infinity" : "-Infinity");
  }
  const { coefficient, exponent } = rounded(value);
  const isNegative = coefficient < 0n;
  if (exponent > exponentMax) {
    const size = coefficient * powerOfTen(exponent - exponentMax);
    if (String(isNegative ? -size : size).length > digitsMax) return decimalOf(isNegative ? "-infinity" : "infinity");
    return decimalFromParts({ coefficient: isNegative ? -size : size, exponent: exponentMax, isNegative });
  }
  return decimalFromParts({ coefficient: isNegative ? -coefficient : coefficient, exponent, isNegative });
}

function plus(a: Finite | Special, b: Finite | Special): Finite | Special {
  if (isSpecial(a)) return a === "nan" || !isSpecial(b) || a === b ? a : "nan";
  if (isSpecial(b)) return b;
  const exponent = Math.min(a.exponent, b.exponent);
  const aligned = ({ coefficient, exponent: own }: Finite): bigint => coefficient * powerOfTen(own - exponent);
  return { coefficient: aligned(a) + aligned(b), exponent };
}

function sumOf(values: readonly Decimal128[]): Finite | Special {
  return values.map(numberOf).reduce(plus, { coefficient: 0n, exponent: 0 });
}

/** The sum; 0 of none. */
export function sumOfDecimals(values: readonly Decimal128[]): Decimal128 {
  return decimalOf(sumOf(values));
}

/** The mean of at least one. */
export function meanOfDecimals(values: readonly Decimal128[]): Decimal128 {
  const sum = sumOf(values);
  if (isSpecial(sum)) return decimalOf(sum);
  const count = BigInt(values.length);
  if (sum.coefficient % count === 0n) return decimalOf({ ...sum, coefficient: sum.coefficient / count });
  const digits = digitsMax + String(count).length;
  const coefficient = divided(sum.coefficient * powerOfTen(digits), count);
  return decimalOf(trimmed({ coefficient, exponent: sum.exponent - digits }));
}

/** Without the zeros at the end that division has put there. */
function trimmed({ coefficient, exponent }: Finite): Finite {
  let [size, power] = [coefficient, exponent];
  while (size !== 0n && size % 10n === 0n) [size, power] = [size / 10n, power + 1];
  return { coefficient: size, exponent: power };
}

/** Below 0 if the first is smaller, above if it is greater. NaN is smaller than all others. */
export function compareDecimals(a: Decimal128, b: Decimal128): number {
  const [left, right] = [rank(numberOf(a)), rank(numberOf(b))];
  if (left.rank !== right.rank) return left.rank - right.rank;
  const difference = plus(left.value, { ...right.value, coefficient: -right.value.coefficient });
  return isSpecial(difference) ? 0 : Number(difference.coefficient > 0n) - Number(difference.coefficient < 0n);
}

function rank(value: Finite | Special): { readonly rank: number; readonly value: Finite } {
  const zero = { coefficient: 0n, exponent: 0 };
  if (!isSpecial(value)) return { rank: 0, value };
  return { rank: value === "nan" ? -2 : value === "infinity" ? 1 : -1, value: zero };
}

/** What decimals come to, of which there is at least one. */
export function aggregateOfDecimals(kind: "min" | "max" | "sum" | "avg", values: readonly Decimal128[]): Decimal128 {
  if (kind === "sum") return sumOfDecimals(values);
  if (kind === "avg") return meanOfDecimals(values);
  const sign = kind === "min" ? 1 : -1;
  return values.reduce((best, value) => (sign * compareDecimals(value, best) < 0 ? value : best));
}

/** A number as a decimal, by the digits that JavaScript shows. */
export function decimalOfNumber(value: number | bigint): Decimal128 {
  return Decimal128.fromString(String(value));
}
