/**
 * Decimal128 between its IEEE 754 form (binary integer decimal, as BSON has it) and the parts that the core keeps.
 *
 * @module
 */

import { Decimal128 } from "bson";
import { localBytes } from "./bytes.js";

/** (−1)^negative · coefficient · 10^exponent. NaN is exponent 9696 and infinity 9184, both with coefficient 0. */
export interface DecimalParts {
  readonly coefficient: bigint;
  readonly exponent: number;
  readonly isNegative: boolean;
}

const exponentBias = 6176;
const exponentBits = 14n;
const mask113 = (1n << 113n) - 1n;
/** Exponent that NaN gets by taking its bits as an ordinary number's. */
const nanExponent = 9696;
const infinityExponent = 9184;

function littleEndian(bytes: Uint8Array): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return (view.getBigUint64(8, true) << 64n) | view.getBigUint64(0, true);
}

/** Takes a decimal apart. */
export function decimalToParts(value: Decimal128): DecimalParts {
  const bits = littleEndian(value.bytes);
  const isNegative = bits >> 127n === 1n;
  const combination = Number((bits >> 122n) & 0x1fn);
  if (combination === 0x1f) return { coefficient: 0n, exponent: nanExponent, isNegative };
  if (combination === 0x1e) return { coefficient: 0n, exponent: infinityExponent, isNegative };
  if (combination >= 0x18) {
    // The second form holds coefficients of 2^113 and more, which are not canonical and count as zero.
    const exponent = Number((bits >> 111n) & ((1n << exponentBits) - 1n)) - exponentBias;
    return { coefficient: 0n, exponent, isNegative };
  }
  const exponent = Number((bits >> 113n) & ((1n << exponentBits) - 1n)) - exponentBias;
  return { coefficient: bits & mask113, exponent, isNegative };
}

/** Puts a decimal together. */
export function decimalFromParts(parts: DecimalParts): Decimal128 {
  const sign = parts.isNegative ? 1n << 127n : 0n;
  const exponent = BigInt(parts.exponent + exponentBias) & ((1n << exponentBits) - 1n);
  const bits = sign | (exponent << 113n) | (parts.coefficient & mask113);
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, bits & 0xffff_ffff_ffff_ffffn, true);
  view.setBigUint64(8, bits >> 64n, true);
  return new Decimal128(localBytes(bytes));
}
