// What `apply-vectors.mjs` writes everywhere.
//
// Values: all that a type has to hold, in ascending order of the database. `same` equals the first of `values`, and is
// another representation of it or the same one again.
export const decimal = (coefficient, exponent, negative = false) => ({ decimal: { coefficient, exponent, negative } });
export const digits34 = "9".repeat(34);
export const long = (text, times) => text.repeat(times);
export const key = (table, pk) => ({ link: { table, pk } });

export const types = {
  int: {
    values: ["-9223372036854775808", "-1", "0", "63", "64", "9007199254740993", "9223372036854775807"].map((int) => ({
      int,
    })),
    wrong: { string: "1" },
  },
  bool: { values: [{ bool: false }, { bool: true }], wrong: { int: "1" } },
  string: {
    values: ["", "\u0000", "a", "a\u0000b", "b", "ä", "\ufffd", "😀", `😀${long("x", 300)}`].map((string) => ({
      string,
    })),
    wrong: { binary: "61" },
  },
  binary: {
    values: ["", "00", "0000", "61", "ff", `ff${long("00", 300)}`].map((binary) => ({ binary })),
    wrong: { string: "a" },
  },
  timestamp: {
    values: [
      ["-9223372036854775807", "-999999999"],
      ["-62135596800", "0"],
      ["-1", "-999999999"],
      ["-1", "0"],
      ["0", "-1"],
      ["0", "0"],
      ["0", "1"],
      ["1700000000", "123456789"],
      ["9223372036854775807", "999999999"],
    ].map((timestamp) => ({ timestamp })),
    wrong: { int: "0" },
  },
  float: {
    values: [
      { floatBits: "7fc00000" },
      { floatBits: "ffc00001" },
      { floatBits: "ff800000" },
      { float: "-3.4028235e38" },
      { float: "-1.5" },
      { float: "-0" },
      { float: "1e-45" },
      { float: "16777216" },
      { floatBits: "7f800000" },
    ],
    wrong: { double: "1.5" },
  },
  double: {
    values: [
      { doubleBits: "7ff8000000000000" },
      { doubleBits: "fff8000000000001" },
      { doubleBits: "fff0000000000000" },
      { double: "-1.7976931348623157e308" },
      { double: "-0" },
      { double: "5e-324" },
      { double: "0.1" },
      { double: "9007199254740992" },
      { doubleBits: "7ff0000000000000" },
    ],
    wrong: { float: "1.5" },
  },
  decimal: {
    values: [
      decimal("0", 9696),
      decimal("0", 9184, true),
      decimal(digits34, 6111, true),
      decimal("1", -6176, true),
      decimal("0", -1, true),
      decimal("1", -6176),
      decimal("1050", -2),
      decimal(digits34, 0),
      decimal(digits34, 6111),
      decimal("0", 9184),
    ],
    same: decimal("0", 9696, true),
    wrong: { double: "1.5" },
  },
  objectId: {
    values: ["0".repeat(24), "0123456789abcdef01234567", "f".repeat(24)].map((objectId) => ({ objectId })),
    wrong: { uuid: "00000000-0000-0000-0000-000000000000" },
  },
  uuid: {
    values: ["0", "8", "f"].map((digit) => ({ uuid: "00000000-0000-0000-0000-000000000000".replaceAll("0", digit) })),
    wrong: { objectId: "0".repeat(24) },
  },
  mixed: {
    values: [
      { null: true },
      { bool: false },
      { bool: true },
      { doubleBits: "7ff8000000000001" },
      { int: "-9223372036854775808" },
      { float: "-0" },
      { decimal: { coefficient: "1050", exponent: -2, negative: false } },
      { double: "1e300" },
      { string: "" },
      { string: "\u0000😀" },
      { binary: "" },
      { timestamp: ["0", "-1"] },
      { objectId: "0".repeat(24) },
      { uuid: "00000000-0000-0000-0000-000000000000" },
      key("U", { string: "a" }),
    ],
  },
  link: { values: ["a", "b"].map((string) => key("U", { string })), wrong: key("T", { int: "1" }) },
};
export const collections = ["single", "list", "set", "dictionary"];
export const nullsOf = (type, collection) => {
  if (type === "mixed") return [true];
  if (type === "link") return [collection === "single" || collection === "dictionary"];
  return [false, true];
};
// In ascending order of their bytes: the last is longer than any that a path of names would have.
export const oddKeys = [
  "",
  "\u0000",
  " ",
  "#",
  "-0",
  "0",
  "K",
  "a$",
  "k",
  "ä",
  "\ufffd",
  "😀",
  `😀${long("k", 200)}`,
  "😁",
  "😂",
];
