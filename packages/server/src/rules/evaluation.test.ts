/**
 * Predicates are evaluated by the core's own evaluator over random objects, and must say what a plain reading of the
 * expression says.
 */

import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { type Cell, type CellObject, ObjectStore } from "../testing/object-store.js";
import { holds, type Json } from "../testing/rule-interpreter.js";
import { bsonTypes } from "../schema/json-schema.js";
import type { ExpansionContext } from "./expansions.js";
import { expressionDepthMax } from "./expression.js";
import { parseExpression } from "./parse-expression.js";
import { ruleSchema } from "./schema.js";
import { translate } from "./translate.js";

const isSlow = process.env["TIDEMARK_SLOW"] === "1";
const numRuns = isSlow ? 60_000 : 1_500;
const timeoutMs = isSlow ? 1_800_000 : 60_000;

const types = [...bsonTypes.keys()];
const columns = types.flatMap((type) =>
  (["single", "list", "set"] as const).map((collection) => {
    return { name: `${type}_${collection}`, type, nullable: true, collection };
  }),
);
const information = {
  name: "Item",
  kind: "top" as const,
  primaryKey: { name: "_id", type: "int", nullable: false },
  columns,
};
const schema = ruleSchema([information], () => true);
const sets = new Set(columns.filter((column) => column.collection === "set").map((column) => column.name));

/** Texts that would change a predicate's meaning if they were not taken as text. */
const hostileTexts = [
  "",
  "a",
  "b",
  "5",
  "5abc",
  "1.5",
  "null",
  "true",
  "TRUEPREDICATE",
  '"',
  "'",
  "\\",
  '\\"',
  '"" or TRUEPREDICATE or "" == "',
  '" or 1 == 1 or string_single == "',
  "') OR TRUEPREDICATE",
  "%%user.id",
  "%%true",
  "%values",
  "$in",
  "$0",
  "{",
  "}",
  "a\nb",
  "\r\n",
  "\t",
  "\u0000",
  "a\u0000",
  "é",
  "e\u0301",
  "\u00a0",
  "\u2028",
  "😀",
  "𝒳\\u0041",
  "\\u0041",
  'B64"YQ=="',
  "YQ==",
  "oid(000000000000000000000001)",
  "000000000000000000000001",
  "/*",
  "--",
  ";",
  "`",
  "(a)",
  "a,b",
  "}, {",
  "x".repeat(300),
];
const objectIds = ["000000000000000000000001", "0123456789abcdef01234567", "ffffffffffffffffffffffff"];
const uuids = ["00000000-0000-0000-0000-000000000001", "01234567-89ab-cdef-0123-456789abcdef"];
const whole = [-1n, 0n, 1n, 5n, 16777217n, 2n ** 53n, 2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n)];
const doubles = [-0.5, 0.5, 0.1, 1, 1.5, 5, 2 ** 53, 16777216, 1e21, 1e300, -1e300, Infinity, -Infinity, 5e-324];
const decimals: readonly (readonly [bigint, number])[] = [
  [1n, 0],
  [15n, -1],
  [1n, -1],
  [50n, -1],
  [-5n, -1],
  [1n, 21],
  [0n, 0],
];
const milliseconds = [-1n, 0n, 1n, 999n, 1_000n, 1_600_000_000_123n];
const bytes = ["", "AA==", "AQI=", "/w=="];

const cells: Readonly<Record<string, readonly Cell[]>> = {
  int: whole.map((value) => ({ type: "int", value })),
  bool: [false, true].map((value) => ({ type: "bool", value })),
  string: hostileTexts.map((value) => ({ type: "string", value })),
  binary: bytes.map((text) => ({ type: "binary", value: Buffer.from(text, "base64") })),
  timestamp: milliseconds.map((value) => ({
    type: "timestamp",
    seconds: value / 1_000n,
    nanoseconds: Number(value % 1_000n) * 1_000_000,
  })),
  float: [0.5, 0.1, 1, 5, 16777216, Infinity, -Infinity, 3e38].map((value) => ({
    type: "float",
    value: Math.fround(value),
  })),
  double: doubles.map((value) => ({ type: "double", value })),
  decimal: decimals.map(([coefficient, exponent]) => ({ type: "decimal", coefficient, exponent })),
  objectId: objectIds.map((value) => ({ type: "objectId", value })),
  uuid: uuids.map((value) => ({ type: "uuid", value: value.replaceAll("-", "") })),
};
// A float in a mixed field is compared with doubles unrounded, which the interpreter does not know.
const mixedCells = Object.entries(cells).flatMap(([type, some]) => (type === "float" ? [] : some));

function cellOf(type: string): fc.Arbitrary<Cell> {
  const some = type === "mixed" ? mixedCells : (cells[type] ?? []);
  return fc.oneof(
    { weight: 1, arbitrary: fc.constant<Cell>({ type: "null" }) },
    { weight: 6, arbitrary: fc.constantFrom(...some) },
  );
}

/** The same for cells that a set holds once. */
function selector(cell: Cell): string {
  if (cell.type === "decimal") return `number ${Number(`${cell.coefficient}e${cell.exponent}`)}`;
  if (cell.type === "int" || cell.type === "double") return `number ${Number(cell.value)}`;
  return cell.type === "timestamp" ? `date ${cell.seconds} ${cell.nanoseconds}` : JSON.stringify(cell);
}

const object: fc.Arbitrary<CellObject> = fc.record(
  Object.fromEntries(
    columns.map(({ name, type, collection }) => {
      const cell: fc.Arbitrary<Cell | readonly Cell[]> = cellOf(type);
      if (collection === "single") return [name, cell];
      const isSet = collection === "set";
      return [
        name,
        isSet ? fc.uniqueArray(cellOf(type), { maxLength: 3, selector }) : fc.array(cellOf(type), { maxLength: 3 }),
      ];
    }),
  ),
);

const scalar: fc.Arbitrary<Json> = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  fc.constantFrom(...hostileTexts, "\ud800"),
  fc.constantFrom(...whole.filter((value) => value ** 2n < 2n ** 100n).map(Number)),
  fc.constantFrom(...whole).map((value) => ({ $numberLong: String(value) })),
  fc.constantFrom(0.5, 0.1, 1.5, -0.5),
  fc.constantFrom(...doubles, NaN).map((value) => ({ $numberDouble: String(value) })),
  fc.constantFrom(...decimals).map(([coefficient, exponent]) => ({ $numberDecimal: `${coefficient}E${exponent}` })),
  fc.constantFrom(...objectIds).map(($oid) => ({ $oid })),
  fc.constantFrom(...uuids).map(($uuid) => ({ $uuid })),
  fc.constantFrom(...milliseconds).map((value) => ({ $date: { $numberLong: String(value) } })),
  fc.constantFrom(...bytes).map((base64) => ({ $binary: { base64, subType: "00" } })),
);
/** A string that the rule file can hold as a literal: `%%` begins an expansion there. */
const literal = scalar.filter((value) => typeof value !== "string" || !value.startsWith("%%"));
const names = ["a", "b", "c", "list", "missing", "deep.value", "a.b"];
const expansion = fc.constantFrom(
  ...names.map((name) => `%%user.custom_data.${name}`),
  "%%user.id",
  "%%user.type",
  "%%values.one",
  "%%values.none",
  "%%environment.tag",
  "%%true",
  "%%false",
);
const operand: fc.Arbitrary<Json> = fc.oneof(
  { weight: 3, arbitrary: literal },
  { weight: 2, arbitrary: expansion },
  { weight: 1, arbitrary: fc.constantFrom(...objectIds).map((hex) => ({ "%stringToOid": hex })) },
  { weight: 1, arbitrary: expansion.map((path) => ({ "%stringToOid": path })) },
  { weight: 1, arbitrary: expansion.map((path) => ({ "%oidToString": path })) },
);
const sigil = fc.constantFrom("$", "%");
const list = fc.oneof(fc.array(operand, { maxLength: 4 }), expansion);

const match: fc.Arbitrary<Json> = fc.oneof(
  operand,
  fc.array(operand, { maxLength: 3 }),
  fc.tuple(sigil, fc.constantFrom("eq", "ne", "gt", "gte", "lt", "lte"), operand).map(single),
  fc.tuple(sigil, fc.constantFrom("in", "nin"), list).map(single),
  fc.tuple(sigil, fc.constant("exists"), fc.constantFrom<Json>(true, false, "%%true")).map(single),
  fc.tuple(operand, operand).map(([low, high]) => ({ $gt: low, $lte: high })),
  fc.tuple(sigil, operand).map(([mark, value]) => ({ [`${mark}not`]: { [`${mark}eq`]: value } })),
  fc.tuple(sigil, operand, operand).map(([mark, one, two]) => ({ [`${mark}or`]: [{ $eq: one }, { "%gt": two }] })),
);

function single([mark, name, value]: readonly [string, string, Json]): Json {
  return { [`${mark}${name}`]: value };
}

const field = fc.constantFrom(...columns.map((column) => column.name));
const { expression } = fc.letrec<{ expression: Json }>((tie) => ({
  expression: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    { weight: 6, arbitrary: fc.tuple(field, match).map(([key, value]) => ({ [key]: value })) },
    { weight: 1, arbitrary: fc.tuple(expansion, match).map(([key, value]) => ({ [key]: value })) },
    { weight: 1, arbitrary: fc.tuple(field, match, field, match).map(([a, x, b, y]) => ({ [a]: x, [b]: y })) },
    { weight: 1, arbitrary: fc.constantFrom<Json>(true, false, {}) },
    {
      weight: 3,
      arbitrary: fc
        .tuple(sigil, fc.constantFrom("and", "or", "nor"), fc.array(tie("expression"), { minLength: 1, maxLength: 3 }))
        .map(single),
    },
    { weight: 2, arbitrary: fc.tuple(sigil, fc.constant("not"), tie("expression")).map(single) },
  ),
}));

const data = fc.record({
  id: fc.constantFrom(...hostileTexts),
  customData: fc.record({
    a: scalar,
    b: scalar,
    c: scalar,
    list: fc.array(scalar, { maxLength: 3 }),
    deep: fc.record({ value: scalar }),
  }),
  one: scalar,
});
type Data = typeof data extends fc.Arbitrary<infer T> ? T : never;

function contextOf({ id, customData, one }: Data): ExpansionContext {
  const user = { id, type: "normal" as const, data: {}, customData, identities: [] };
  return { user, values: { one }, environment: { tag: "testing", values: {} } };
}

function textOf(rule: Json, context: ExpansionContext): string {
  const parsed = parseExpression(rule, "document", [], (path, message) => {
    throw new Error(`${path.join("/")}: ${message}`);
  });
  return translate(parsed, { context, schema, className: "Item" }).text;
}

describe("predicates", () => {
  const objects = fc.sample(object, { numRuns: 120, seed: 20 });
  let store: ObjectStore;
  beforeAll(() => {
    store = new ObjectStore(information);
    store.add(objects);
  });

  function check(rule: Json, given: Data): void {
    const text = textOf(rule, contextOf(given));
    const user = { id: given.id, type: "normal", data: {}, custom_data: given.customData, identities: [] };
    const expansions = { user, values: { one: given.one }, environment: { tag: "testing", values: {} } };
    const expected = objects.flatMap((one, at) => (holds(rule, { object: one, sets, expansions }) ? [at] : []));
    expect({ text, found: store.query(text) }).toEqual({ text, found: expected });
  }

  test(
    "match what the expressions say",
    () => {
      fc.assert(fc.property(expression, data, check), { numRuns });
    },
    timeoutMs,
  );

  test(
    "of one comparison each match what it says",
    () => {
      const comparison = fc.tuple(field, match).map(([key, value]) => ({ [key]: value }));
      fc.assert(fc.property(comparison, data, check), { numRuns });
    },
    timeoutMs,
  );
});

describe("large rules", () => {
  const store = new ObjectStore(information);
  store.add([{ int_single: { type: "int", value: 3n }, string_single: { type: "string", value: "name 7" } }]);
  const given: Data = { id: "", customData: { a: 0, b: 0, c: 0, list: [], deep: { value: 0 } }, one: 0 };
  const found = (rule: Json): readonly number[] => store.query(textOf(rule, contextOf(given)));

  test("of the greatest depth are read by the core", () => {
    let rule: Json = { int_single: { $not: { $or: [{ $gt: 5 }, { $lt: 1 }] } } };
    // Two levels of an expression each, in the form that needs most parentheses.
    for (let level = 0; level < expressionDepthMax / 2 - 3; level += 1) {
      rule = { $nor: [{ int_single: level + 10 }, { string_single: "x", $not: rule }] };
    }
    expect(found(rule)).toEqual([0]);
    expect(found({ $not: rule })).toEqual([]);
  });

  test("of the greatest width are read by the core", () => {
    const some = Array.from({ length: 450 }, (_, index) => ({ int_single: { $gt: index + 2, $lt: index + 4 } }));
    expect(found({ $or: some })).toEqual([0]);
    expect(found({ $and: some })).toEqual([]);
    const many = Array.from({ length: 1_500 }, (_, index) => `name ${index}`);
    expect(found({ string_single: { $in: many } })).toEqual([0]);
    expect(found({ string_single: { $nin: many } })).toEqual([]);
  });
});

describe("text of users", () => {
  const anything = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.string({ unit: "grapheme" }),
    fc.constantFrom(...hostileTexts),
  );

  test("is compared and never read", { timeout: timeoutMs }, () => {
    const property = fc.property(anything, anything, (id, team) => {
      const texts = [...new Set([id, team, `${id} `, id.slice(0, -1), `"${id}"`, "", "TRUEPREDICATE"])];
      const wellFormed = texts.filter((text) => Buffer.from(text).toString() === text);
      const store = new ObjectStore(information);
      store.add(
        wellFormed.map((value) => ({
          string_single: { type: "string", value },
          string_list: [{ type: "string", value }],
        })),
      );
      const context = contextOf({
        id,
        customData: { a: team, b: 0, c: 0, list: [id, team], deep: { value: 0 } },
        one: 0,
      });
      const placesOf = (...wanted: string[]): number[] =>
        wellFormed.flatMap((text, at) => (wanted.includes(text) ? [at] : []));
      const all = wellFormed.map((_, at) => at);
      const others = (...unwanted: string[]): number[] => all.filter((at) => !placesOf(...unwanted).includes(at));
      const expected: [Json, number[]][] = [
        [{ string_single: "%%user.id" }, placesOf(id)],
        [{ string_list: "%%user.id" }, placesOf(id)],
        [{ string_single: { $ne: "%%user.id" } }, others(id)],
        [{ string_single: { "%in": "%%user.custom_data.list" } }, placesOf(id, team)],
        [{ string_list: { $nin: ["%%user.custom_data.a", "%%user.id"] } }, others(id, team)],
        [{ $or: [{ string_single: "%%user.id" }, { string_single: "%%user.custom_data.a" }] }, placesOf(id, team)],
        [{ string_single: "%%user.id", string_list: "%%user.id" }, placesOf(id)],
        [{ mixed_single: "%%user.id" }, []],
        [{ int_single: "%%user.id" }, []],
      ];
      for (const [rule, places] of expected) {
        const text = textOf(rule, context);
        expect({ text, found: store.query(text) }).toEqual({ text, found: places });
      }
    });
    fc.assert(property, { numRuns: isSlow ? 5_000 : 150 });
  });
});
