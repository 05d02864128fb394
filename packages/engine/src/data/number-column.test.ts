import { expect, test } from "vitest";
import { ByteWriter } from "../values/bytes.js";
import { plainConventions } from "../values/conventions.js";
import { tag } from "../values/tags.js";
import { pageOf, readScalar, skipValue } from "../values/unpack.js";
import { aggregateOfNumbers } from "./number-column.js";
import { type Aggregate, aggregateOf } from "./results.js";

const kinds: readonly Aggregate[] = ["min", "max", "sum", "avg"];

function packed(bytesMax: number, write: (view: DataView) => number): Uint8Array {
  const bytes = new Uint8Array(bytesMax);
  return bytes.subarray(0, write(new DataView(bytes.buffer)));
}

function int(value: bigint): Uint8Array {
  return packed(9, (view) => {
    view.setUint8(0, tag.int);
    view.setBigInt64(1, value, true);
    return 9;
  });
}

function double(value: number): Uint8Array {
  return packed(9, (view) => {
    view.setUint8(0, tag.double);
    view.setFloat64(1, value, true);
    return 9;
  });
}

function float(value: number): Uint8Array {
  return packed(5, (view) => {
    view.setUint8(0, tag.float);
    view.setFloat32(1, value, true);
    return 5;
  });
}

const nothing = Uint8Array.of(tag.null);

function pageWith(values: readonly Uint8Array[]): ReturnType<typeof pageOf> {
  const writer = new ByteWriter(64);
  for (const value of values) for (const byte of value) writer.u8(byte);
  return pageOf(writer.copy());
}

test.each([
  ["nothing", []],
  ["nulls", [nothing, nothing]],
  ["integers", [int(5n), nothing, int(-7n), int(2n ** 53n - 1n), int(-(2n ** 53n) + 1n)]],
  ["doubles", [double(0.1), double(0.2), double(-0), nothing, double(1e300)]],
  ["no number first", [double(Number.NaN), double(1)]],
  ["no number later", [double(1), double(Number.NaN), double(0.5)]],
  ["floats among others", [float(0.1), int(3n), double(-2.5)]],
])("%s come to what their values do", (_, values) => {
  const page = pageWith(values);
  const all: unknown[] = [];
  for (let offset = 0; offset < page.bytes.length; offset = skipValue(page, offset)) {
    all.push(readScalar(page, offset, plainConventions));
  }
  for (const kind of kinds) {
    expect(aggregateOfNumbers(kind, page)).toEqual({ value: aggregateOf(kind, all) });
  }
});

test("what numbers do not hold exactly, or what is none, is left to others", () => {
  expect(aggregateOfNumbers("sum", pageWith([int(1n), int(2n ** 53n)]))).toBeUndefined();
  expect(aggregateOfNumbers("sum", pageWith([int(1n), Uint8Array.of(tag.bool, 1)]))).toBeUndefined();
});
