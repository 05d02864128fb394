import { Decimal128, ObjectId, UUID } from "bson";
import { describe, expect, test } from "vitest";
import { ByteWriter } from "./bytes.js";
import { plainConventions } from "./conventions.js";
import { decimalFromParts, decimalToParts } from "./decimal.js";
import { packMixed, packValue, type ValueType } from "./pack.js";
import { columnOffset, pageOf, readScalar, skipValue } from "./unpack.js";

function roundTrip(type: ValueType, value: unknown, conventions = plainConventions): unknown {
  // So small that every write has to grow it.
  const writer = new ByteWriter(1);
  packValue(writer, type, true, value, conventions, undefined, "p");
  const page = pageOf(writer.copy());
  expect(skipValue(page, 0)).toBe(writer.length);
  return readScalar(page, 0, conventions);
}

describe("packed values", () => {
  test.each<readonly [ValueType, unknown]>([
    ["int", 0],
    ["int", -1],
    ["int", 2 ** 31],
    ["int", -(2 ** 31) - 1],
    ["int", Number.MAX_SAFE_INTEGER],
    ["int", Number.MIN_SAFE_INTEGER],
    ["bool", false],
    ["string", ""],
    ["string", "a".repeat(49)],
    ["string", "é".repeat(1000)],
    ["string", "\u{1f30a} end"],
    ["float", 0.25],
    ["double", Number.MIN_VALUE],
    ["timestamp", new Date(0)],
    ["timestamp", new Date(-1500)],
    ["timestamp", new Date(8_640_000_000_000_000)],
    ["objectId", new ObjectId("0123456789abcdef01234567")],
    ["uuid", new UUID("01234567-89ab-4def-8123-456789abcdef")],
    ["decimal", Decimal128.fromString("-0")],
    ["decimal", Decimal128.fromString("123456789012345678901234567890.1234")],
    ["decimal", Decimal128.fromString("-Infinity")],
    ["mixed", true],
    ["string", null],
  ])("%s %s", (type, value) => {
    expect(roundTrip(type, value)).toEqual(value);
  });

  test("integers beyond 2^53 are numbers or exact, as the SDK has it", () => {
    expect(roundTrip("int", 2n ** 60n)).toBe(2 ** 60);
    const exact = { ...plainConventions, unsafeIntegers: "bigint" } as const;
    expect(roundTrip("int", 2n ** 60n + 1n, exact)).toBe(2n ** 60n + 1n);
    expect(roundTrip("int", 5n, exact)).toBe(5);
  });

  test("binary data is copied", () => {
    const bytes = Uint8Array.of(1, 2, 3);
    const read = roundTrip("binary", bytes) as ArrayBuffer;
    expect([...new Uint8Array(read)]).toEqual([1, 2, 3]);
    expect(read.byteLength).toBe(3);
  });

  test("whole numbers are doubles in a mixed property and integers as arguments", () => {
    const tagOf = (numbers: "double" | "int-if-whole", value: number): number | undefined => {
      const writer = new ByteWriter();
      packMixed(writer, value, plainConventions, undefined, numbers);
      return writer.copy()[0];
    };
    expect([tagOf("double", 5), tagOf("int-if-whole", 5), tagOf("int-if-whole", 5.5)]).toEqual([7, 1, 7]);
  });
});

test("decimals keep their parts", () => {
  expect(decimalToParts(Decimal128.fromString("10.50"))).toEqual({
    coefficient: 1050n,
    exponent: -2,
    isNegative: false,
  });
  expect(decimalToParts(Decimal128.fromString("NaN"))).toMatchObject({ coefficient: 0n, exponent: 9696 });
  expect(decimalToParts(Decimal128.fromString("Infinity"))).toMatchObject({ coefficient: 0n, exponent: 9184 });
  for (const text of ["1E-6176", "9.999999999999999999999999999999999E+6144", "-7", "NaN", "-Infinity"]) {
    expect(decimalFromParts(decimalToParts(Decimal128.fromString(text))).toString()).toBe(text);
  }
});

test("a row that is older than a column has none of it", () => {
  // Two columns: int 7, then bool true.
  const writer = new ByteWriter();
  writer.u16(2);
  writer.u32(9);
  writer.u32(11);
  packValue(writer, "int", false, 7, plainConventions, undefined, "a");
  packValue(writer, "bool", false, true, plainConventions, undefined, "b");
  const page = pageOf(writer.copy());
  const read = (column: number): unknown => readScalar(page, columnOffset(page, 0, column), plainConventions);
  expect([read(0), read(1), columnOffset(page, 0, 2)]).toEqual([7, true, -1]);
});
