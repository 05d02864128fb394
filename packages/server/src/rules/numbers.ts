/**
 * Exact numbers: integers of 64 bits, doubles and 34-digit decimals, compared by value as Realm Query Language does.
 *
 * @module
 */

/** A finite number `coefficient × 10^exponent`. */
export interface Scaled {
  readonly coefficient: bigint;
  readonly exponent: number;
}

export const intMin: bigint = -(2n ** 63n);
export const intMax: bigint = 2n ** 63n - 1n;

/** Digits of a decimal, and the range of its exponent when the coefficient is a whole number. */
const decimalDigitsMax = 34;
const decimalExponentMin = -6176;
const decimalExponentMax = 6144;

/** Digits to which a double is taken when it is compared with a decimal. */
const doubleDigits = 15;

/** Longest text of a decimal; its digits, sign, point and exponent need less than half of it. */
const decimalTextMax = 100;

const decimalText = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,6}))?$/;

/** Reads the text of a finite decimal that 34 digits hold; `null` for any other text. */
export function parseDecimal(text: string): Scaled | null {
  const [, sign, whole = "", fraction = "", exponent = "0"] = decimalText.exec(text) ?? [];
  if (sign === undefined || whole.length + fraction.length === 0 || text.length > decimalTextMax) return null;
  const magnitude = BigInt(whole + fraction);
  const number = normal({
    coefficient: sign === "-" ? -magnitude : magnitude,
    exponent: Number(exponent) - fraction.length,
  });
  const digits = magnitudeText(number.coefficient).length;
  const fits = digits <= decimalDigitsMax && number.exponent >= decimalExponentMin;
  return fits && number.exponent + digits - 1 <= decimalExponentMax ? number : null;
}

/** A finite double as a decimal, to the digits that are sure. */
export function scaledOfDouble(value: number): Scaled {
  return parseDecimal(value.toPrecision(doubleDigits)) ?? { coefficient: 0n, exponent: 0 };
}

/** The one form of a number: no trailing zeros in the coefficient. */
export function normal(number: Scaled): Scaled {
  if (number.coefficient === 0n) return { coefficient: 0n, exponent: 0 };
  const text = magnitudeText(number.coefficient);
  const digits = text.replace(/0+$/, "");
  const zeros = text.length - digits.length;
  const magnitude = BigInt(digits);
  return { coefficient: number.coefficient < 0n ? -magnitude : magnitude, exponent: number.exponent + zeros };
}

/** Digits before the point beyond which {@link floorOf} does not count. */
const floorDigitsMax = 40;

/**
 * The largest whole number that is not above a number, and whether it is the number itself. Numbers far beyond 64 bits
 * are cut, so that an exponent cannot cost much.
 */
export function floorOf(number: Scaled): { readonly floor: bigint; readonly isExact: boolean } {
  const { coefficient, exponent } = number;
  const digits = magnitudeText(coefficient).length + exponent;
  if (coefficient === 0n) return { floor: 0n, isExact: true };
  if (digits <= 0) return { floor: coefficient < 0n ? -1n : 0n, isExact: false };
  if (digits > floorDigitsMax) {
    const limit = 10n ** BigInt(floorDigitsMax);
    return { floor: coefficient < 0n ? -limit : limit, isExact: false };
  }
  if (exponent >= 0) return { floor: coefficient * 10n ** BigInt(exponent), isExact: true };
  const unit = 10n ** BigInt(-exponent);
  const quotient = coefficient / unit;
  const isExact = quotient * unit === coefficient;
  return { floor: isExact || coefficient >= 0n ? quotient : quotient - 1n, isExact };
}

/** The largest whole number that is not above a finite double, and whether it is the double itself. */
export function floorOfDouble(value: number): { readonly floor: bigint; readonly isExact: boolean } {
  const floor = Math.floor(value);
  return { floor: BigInt(floor), isExact: floor === value };
}

/** Negative, zero or positive, as the first is less, equal or greater. */
export function compareScaled(left: Scaled, right: Scaled): number {
  const [sign, otherSign] = [signOf(left.coefficient), signOf(right.coefficient)];
  if (sign !== otherSign || sign === 0) return sign - otherSign;
  const magnitude = magnitudeText(left.coefficient).length + left.exponent;
  const otherMagnitude = magnitudeText(right.coefficient).length + right.exponent;
  // Only numbers of one magnitude are written out, so that an exponent cannot cost much.
  if (magnitude !== otherMagnitude) return magnitude < otherMagnitude ? -sign : sign;
  const exponent = Math.min(left.exponent, right.exponent);
  const a = left.coefficient * 10n ** BigInt(left.exponent - exponent);
  const b = right.coefficient * 10n ** BigInt(right.exponent - exponent);
  return a < b ? -1 : Number(a > b);
}

function signOf(coefficient: bigint): number {
  return coefficient < 0n ? -1 : Number(coefficient > 0n);
}

/** The same for an integer and a finite double, without rounding either. */
export function compareIntWithDouble(left: bigint, right: number): number {
  const { floor, isExact } = floorOfDouble(right);
  if (left !== floor) return left < floor ? -1 : 1;
  return isExact ? 0 : -1;
}

function magnitudeText(coefficient: bigint): string {
  return (coefficient < 0n ? -coefficient : coefficient).toString();
}
