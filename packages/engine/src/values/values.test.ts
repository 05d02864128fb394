import { Decimal128, ObjectId, UUID } from "bson";
import { describe, expect, test } from "vitest";
import { ByteWriter } from "./bytes.js";
import { plainConventions } from "./conventions.js";
import { decimalFromParts, decimalToParts } from "./decimal.js";
import { packMixed, packValue, valueBytesMax, type ValueType } from "./pack.js";
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

  test.each([
    [0, 1],
    [1_700_000_000, 123_456_789],
    [0, -1],
    [-1, -999_999_999],
    [-62_135_596_800, -500_000],
  ])("a date that was read keeps what Date cannot show when it is written: %i s, %i ns", (seconds, nanoseconds) => {
    const read = plainConventions.timestamp(seconds, nanoseconds) as Date;
    expect(plainConventions.timestampParts(read)).toEqual({ seconds, nanoseconds });
    expect(roundTrip("timestamp", read)).toEqual(read);
    // Dates that the application makes are what they say.
    const same = new Date(read);
    const ofMilliseconds = Math.trunc(nanoseconds / 1_000_000) * 1_000_000;
    expect((plainConventions.timestampParts(same)?.nanoseconds ?? 1) === ofMilliseconds).toBe(true);
    read.setTime(read.getTime() + 1);
    expect(plainConventions.timestampParts(read)).toEqual(plainConventions.timestampParts(new Date(read)));
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

/** Little-endian bytes and text, as the public cases of BSON have them. */
const decimals: readonly (readonly [string, string])[] = [
  ["0000000000000000000000000000007c", "NaN"],
  ["00000000000000000000000000000078", "Infinity"],
  ["000000000000000000000000000000f8", "-Infinity"],
  ["00000000000000000000000000004030", "0"],
  ["000000000000000000000000000040b0", "-0"],
  ["00000000000000000000000000003e30", "0.0"],
  ["00000000000000000000000000000000", "0E-6176"],
  ["0000000000000000000000000000fe5f", "0E+6111"],
  ["01000000000000000000000000000000", "1E-6176"],
  ["01000000000000000000000000000080", "-1E-6176"],
  ["01000000000000000000000000004030", "1"],
  ["01000000000000000000000000003e30", "0.1"],
  ["0a000000000000000000000000003e30", "1.0"],
  ["64000000000000000000000000003c30", "1.00"],
  ["f2af967ed05c82de3297ff6fde3c4030", "1234567890123456789012345678901234"],
  ["f2af967ed05c82de3297ff6fde3cfc2f", "0.1234567890123456789012345678901234"],
  ["ffffffff638e8d37c087adbe09edff5f", "9.999999999999999999999999999999999E+6144"],
  ["ffffffff638e8d37c087adbe09edffdf", "-9.999999999999999999999999999999999E+6144"],
];

test.each(decimals)("decimal %s says %s, and goes through the core's form unchanged", (bytes, text) => {
  const decimal = new Decimal128(Uint8Array.from(Buffer.from(bytes, "hex")));
  const back = roundTrip("decimal", decimal) as Decimal128;
  expect([Buffer.from(back.bytes).toString("hex"), back.toString()]).toEqual([bytes, text]);
  expect(Buffer.from((roundTrip("decimal", text) as Decimal128).bytes).toString("hex")).toBe(bytes);
});

test.each([
  ["1E+6112", "1.0E+6112"],
  ["1E+6144", "1.000000000000000000000000000000000E+6144"],
  ["0E+7000", "0E+6111"],
  ["10E-6177", "1E-6176"],
])("decimal %s is clamped to %s", (given, text) => {
  expect(String(roundTrip("decimal", given))).toBe(text);
});

test.each(["1.2345678901234567890123456789012345", "1E+6145", "1E-6177", "", "one", "1.2.3", "1e"])(
  "decimal %s is refused",
  (text) => expect(() => roundTrip("decimal", text)).toThrow("Expected 'p' to be an instance of Decimal128"),
);

test("texts and binaries of 16 MiB less what stands around them, and no longer ones", () => {
  const longest = "x".repeat(valueBytesMax);
  expect(roundTrip("string", longest) === longest).toBe(true);
  expect(() => roundTrip("string", `${longest}x`)).toThrow("String too big");
  expect(() => roundTrip("string", "é".repeat(valueBytesMax / 2 + 1))).toThrow("String too big");
  expect(() => roundTrip("binary", new ArrayBuffer(valueBytesMax + 1))).toThrow("Binary too big");
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
