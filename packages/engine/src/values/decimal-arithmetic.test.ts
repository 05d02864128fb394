import { Decimal128 } from "bson";
import { expect, test } from "vitest";
import { compareDecimals, meanOfDecimals, sumOfDecimals } from "./decimal-arithmetic.js";

const decimals = (...texts: readonly string[]): Decimal128[] => texts.map((text) => Decimal128.fromString(text));

test.each([
  [[], "0"],
  [["0.10", "0.2"], "0.30"],
  [["1E+3", "1"], "1001"],
  [["-5", "5.0"], "0.0"],
  [["9999999999999999999999999999999999", "0.5"], "1.000000000000000000000000000000000E+34"],
  [["1E+6111", "1E-6176"], "1.000000000000000000000000000000000E+6111"],
  [["9.999999999999999999999999999999999E+6144", "9.999999999999999999999999999999999E+6144"], "Infinity"],
  [["Infinity", "-Infinity"], "NaN"],
  [["NaN", "1"], "NaN"],
  [["1", "-Infinity"], "-Infinity"],
])("the sum of %j is %s", (texts, sum) => {
  expect(sumOfDecimals(decimals(...texts)).toString()).toBe(sum);
});

test.each([
  [["1", "2"], "1.5"],
  [["1", "1", "2"], "1.333333333333333333333333333333333"],
  [["0.10", "0.30"], "0.20"],
  [["-1", "-1", "0"], "-0.6666666666666666666666666666666667"],
  [["Infinity", "1"], "Infinity"],
])("the mean of %j is %s", (texts, mean) => {
  expect(meanOfDecimals(decimals(...texts)).toString()).toBe(mean);
});

test("the order of decimals is that of their values, and NaN comes first", () => {
  const sorted = ["NaN", "-Infinity", "-1E+10", "-0.1", "1E-10", "0.9", "1.0", "10", "Infinity"];
  expect(
    decimals(...sorted)
      .toReversed()
      .toSorted(compareDecimals)
      .map(String),
  ).toEqual(sorted);
  expect(compareDecimals(...(decimals("1.0", "1") as [Decimal128, Decimal128]))).toBe(0);
});
