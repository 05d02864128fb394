import { describe, expect, test } from "vitest";
import { bsonTypes } from "../schema/json-schema.js";
import type { ExpansionContext } from "./expansions.js";
import { parseExpression } from "./parse-expression.js";
import { type FieldShape, type RuleSchema, ruleSchema } from "./schema.js";
import { translate } from "./translate.js";

const types = [...bsonTypes.keys()];
const schema = ruleSchema(
  [
    {
      name: "Item",
      kind: "top",
      primaryKey: { name: "_id", type: "objectId", nullable: false },
      columns: types.flatMap((type) => [
        // "uuid" is a reserved name.
        { name: type === "uuid" ? "guid" : type, type, nullable: true, collection: "single" as const },
        { name: `${type}s`, type, nullable: true, collection: "list" as const },
        { name: `${type}Set`, type, nullable: true, collection: "set" as const },
      ]),
    },
  ],
  () => true,
);
const untyped: RuleSchema = { isQueryable: () => true, field: (): FieldShape | undefined => undefined };

const oid = "0123456789abcdef01234567";
const uuid = "01234567-89ab-cdef-0123-456789abcdef";
const context: ExpansionContext = {
  user: {
    id: oid,
    type: "normal",
    data: { name: "Ann", email: "ann@example.com" },
    customData: {
      team: "red",
      teams: ["red", "blue"],
      level: 3,
      isAdmin: true,
      nothing: null,
      oid: { $oid: oid },
      uuid: { $uuid: uuid },
      nested: { deep: { value: "x" } },
      people: [{ name: "Bob" }],
      operator: { $ne: "x" },
      ownName: "%%user.id",
    },
    identities: [{ id: "i1", providerType: "anon-user" }],
  },
  values: { limit: 5, plan: { name: "gold" } },
  environment: { tag: "testing", values: { region: "eu" } },
};

function fail(path: readonly (string | number)[], message: string): never {
  throw new Error(`${path.join("/")}: ${message}`);
}

function textOf(rule: unknown, among: RuleSchema = schema): string {
  const parsed = parseExpression(rule, "document", [], fail);
  return translate(parsed, { context, schema: among, className: "Item" }).text;
}

describe("comparisons", () => {
  test.each<[unknown, string]>([
    [true, "TRUEPREDICATE"],
    [false, "FALSEPREDICATE"],
    [{}, "TRUEPREDICATE"],
    [{ string: "a" }, 'string == "a"'],
    [{ string: { $eq: "a" } }, 'string == "a"'],
    [{ string: { "%eq": "a" } }, 'string == "a"'],
    [{ string: { $ne: "a" } }, '!(string == "a")'],
    [{ string: { "%ne": "a" } }, '!(string == "a")'],
    [{ string: { $gt: "a" } }, 'string > "a"'],
    [{ string: { "%gte": "a" } }, 'string >= "a"'],
    [{ string: { $lt: "a" } }, '!(string == null) and string < "a"'],
    [{ string: { "%lte": "a" } }, '!(string == null) and string <= "a"'],
    [{ int: { $gt: 1, $lt: 9 } }, "int < 9 and int > 1"],
    [{ string: { $in: ["b", "a", "b"] } }, 'string IN {"a", "b"}'],
    [{ string: { "%in": ["a"] } }, 'string == "a"'],
    [{ string: { $in: [] } }, "FALSEPREDICATE"],
    [{ string: { $in: ["a", null, 5] } }, '(string == "a" or string == null)'],
    [{ string: { $nin: ["a", "b"] } }, '!(string IN {"a", "b"})'],
    [{ string: { "%nin": [] } }, "TRUEPREDICATE"],
    [{ string: { $exists: true } }, "!(string == null)"],
    [{ string: { "%exists": false } }, "string == null"],
    [{ string: { $exists: "%%true" } }, "!(string == null)"],
    [{ string: null }, "string == null"],
    [{ string: { $ne: null } }, "!(string == null)"],
    [{ string: { $gte: null } }, "string == null"],
    [{ string: { $gt: null } }, "FALSEPREDICATE"],
    [{ string: ["a", "b"] }, 'string IN {"a", "b"}'],
    [{ strings: "a" }, 'strings == "a"'],
    [{ strings: { $ne: "a" } }, '!(strings == "a")'],
    [{ strings: { $in: ["a", "b"] } }, 'ANY strings IN {"a", "b"}'],
    [{ strings: { $lt: "b" } }, 'strings < "b"'],
    [{ strings: ["b", "a"] }, 'strings == {"b", "a"}'],
    [{ strings: [] }, "strings.@count == 0"],
    [{ strings: ["a", 5] }, "FALSEPREDICATE"],
    [{ strings: { $exists: true } }, "TRUEPREDICATE"],
    [{ strings: { $exists: false } }, "FALSEPREDICATE"],
    [{ stringSet: ["b", "a"] }, 'stringSet == "a" and stringSet == "b" and stringSet.@count == 2'],
    [{ stringSet: ["a", "a"] }, "FALSEPREDICATE"],
    [{ string: { $not: { $in: ["a"] } } }, '!(string == "a")'],
    [{ string: { $or: [{ $eq: "a" }, { $gt: "x" }] } }, '(string == "a" or string > "x")'],
    [{ string: { "%nor": [{ $eq: "a" }] } }, '!(string == "a")'],
  ])("%j", (rule, text) => {
    expect(textOf(rule)).toBe(text);
  });
});

describe("literals", () => {
  test.each<[string, unknown, string]>([
    ["int", 5, "int == 5"],
    ["int", 5.0, "int == 5"],
    ["int", 5.5, "FALSEPREDICATE"],
    ["int", { $gt: 5.5 }, "int > 5"],
    ["int", { $gte: -5.5 }, "int > -6"],
    ["int", { $lt: 5.5 }, "int <= 5"],
    ["int", { $lt: { $numberDecimal: "5.5" } }, "int <= 5"],
    ["int", { $lt: { $numberDouble: "Infinity" } }, "int != null"],
    ["int", { $gt: { $numberDouble: "1e300" } }, "FALSEPREDICATE"],
    ["int", { $gt: { $numberDecimal: "-1E+6000" } }, "int != null"],
    ["int", { $numberLong: "-9223372036854775808" }, "int == -9223372036854775808"],
    ["int", "5", "FALSEPREDICATE"],
    ["int", { $ne: "5abc" }, "TRUEPREDICATE"],
    ["double", 5, "double == 5.0"],
    ["double", { $numberLong: "9007199254740993" }, "FALSEPREDICATE"],
    ["double", { $gt: { $numberLong: "9007199254740993" } }, "double > 9007199254740992.0"],
    ["double", { $lt: { $numberLong: "9007199254740995" } }, "double < 9007199254740996.0"],
    ["double", 1e21, "double == 1e+21"],
    ["double", { $numberDouble: "-Infinity" }, "double == -inf"],
    ["double", { $numberDouble: "NaN" }, "FALSEPREDICATE"],
    ["double", { $numberDouble: "-0.0" }, "double == 0.0"],
    ["double", { $numberDecimal: "0.1" }, "double == 0.1"],
    ["float", 0.1, "float == 0.1"],
    ["float", 16777217, "FALSEPREDICATE"],
    ["float", { $numberDouble: "1e300" }, "FALSEPREDICATE"],
    ["float", { $lt: { $numberDouble: "1e300" } }, "float < inf"],
    ["float", { $gt: { $numberDouble: "-1e300" } }, "float > -inf"],
    ["decimal", 5, "decimal == 5"],
    ["decimal", 0.1, "decimal == 1e-1"],
    ["decimal", { $numberDecimal: "1.50" }, "decimal == 15e-1"],
    [
      "decimal",
      { $numberDecimal: "1234567890123456789012345678901234" },
      "decimal == 1234567890123456789012345678901234e0",
    ],
    ["decimal", { $numberDecimal: "-Infinity" }, "decimal == -inf"],
    ["mixed", 5, "mixed == 5"],
    ["mixed", 5.5, "mixed == 5.5"],
    ["mixed", { $numberDouble: "5.0" }, "mixed == 5.0"],
    ["mixed", { $numberDecimal: "5" }, "mixed == 5"],
    ["mixed", { $numberDecimal: "0.1" }, "mixed == 0.1"],
    ["mixed", "a", 'mixed == "a"'],
    ["bool", true, "bool == true"],
    ["bool", "%%false", "bool == false"],
    ["bool", 1, "FALSEPREDICATE"],
    ["string", 'a"b', 'string == B64"YSJi"'],
    ["string", "it's", 'string == B64"aXQncw=="'],
    ["string", "a\\b", 'string == B64"YVxi"'],
    ["string", "a\nb", 'string == B64"YQpi"'],
    ["string", "é 😀 %$", 'string == "é 😀 %$"'],
    ["string", "\ud800", "FALSEPREDICATE"],
    ["string", "", 'string == ""'],
    ["binary", { $binary: { base64: "AQI=", subType: "00" } }, 'binary == binary(B64"AQI=")'],
    ["guid", { $binary: { base64: "ASNFZ4mrze8BI0VniavN7w==", subType: "04" } }, `guid == uuid(${uuid})`],
    ["guid", { $uuid: uuid.toUpperCase() }, `guid == uuid(${uuid})`],
    ["guid", uuid, "FALSEPREDICATE"],
    ["objectId", { $oid: oid.toUpperCase() }, `objectId == oid(${oid})`],
    ["objectId", "%%user.id", "FALSEPREDICATE"],
    ["_id", { "%stringToOid": "%%user.id" }, `_id == oid(${oid})`],
    ["timestamp", { $date: "2020-01-01T00:00:00.5Z" }, "timestamp == T1577836800:500000000"],
    ["timestamp", { $date: { $numberLong: "-1" } }, "timestamp == T0:-1000000"],
    ["timestamp", { $gt: { $date: { $numberLong: "-1001" } } }, "timestamp > T-1:-1000000"],
  ])("%s %j", (field, value, text) => {
    expect(textOf({ [field]: value })).toBe(text);
  });

  test("a decimal that no double is has no literal beside a mixed field", () => {
    const rule = { mixed: { $numberDecimal: "0.12345678901234567890" } };
    expect(() => textOf(rule)).toThrow("compares a field of mixed type with a decimal that no double is");
  });
});

describe("expansions", () => {
  test.each<[string, string]>([
    ["%%user.id", `string == "${oid}"`],
    ["%%user.type", 'string == "normal"'],
    ["%%user.data.name", 'string == "Ann"'],
    ["%%user.custom_data.team", 'string == "red"'],
    ["%%user.custom_data.teams", 'string IN {"blue", "red"}'],
    ["%%user.custom_data.teams.1", 'string == "blue"'],
    ["%%user.custom_data.teams.01", "FALSEPREDICATE"],
    ["%%user.custom_data.teams.2", "FALSEPREDICATE"],
    ["%%user.custom_data.teams.length", "FALSEPREDICATE"],
    ["%%user.custom_data.team.length", "FALSEPREDICATE"],
    ["%%user.custom_data.nested.deep.value", 'string == "x"'],
    ["%%user.custom_data.nested.deep", "FALSEPREDICATE"],
    ["%%user.custom_data.people.0.name", 'string == "Bob"'],
    ["%%user.custom_data.nothing", "string == null"],
    ["%%user.custom_data.nothing.more", "FALSEPREDICATE"],
    ["%%user.custom_data.missing", "FALSEPREDICATE"],
    ["%%user.custom_data.constructor.name", "FALSEPREDICATE"],
    ["%%user.custom_data.__proto__", "FALSEPREDICATE"],
    ["%%user.custom_data.operator", "FALSEPREDICATE"],
    ["%%user.custom_data.ownName", 'string == "%%user.id"'],
    ["%%user.identities.0.id", 'string == "i1"'],
    ["%%user.identities.0.providerType", 'string == "anon-user"'],
    ["%%values.plan.name", 'string == "gold"'],
    ["%%values.missing", "FALSEPREDICATE"],
    ["%%values.toString", "FALSEPREDICATE"],
    ["%%environment.tag", 'string == "testing"'],
    ["%%environment.values.region", 'string == "eu"'],
  ])("%s", (path, text) => {
    expect(textOf({ string: path })).toBe(text);
  });

  test.each<[unknown, boolean]>([
    [{ "%%true": true }, true],
    [{ "%%false": "%%true" }, false],
    [{ "%%user.id": oid }, true],
    [{ "%%user.id": { $ne: oid } }, false],
    [{ "%%user.type": { "%in": ["system", "normal"] } }, true],
    [{ "%%user.type": { $nin: ["system"] } }, true],
    [{ "%%user.custom_data.level": { $gte: 3, $lt: 4 } }, true],
    [{ "%%user.custom_data.level": { $gt: 2.5 } }, true],
    [{ "%%user.custom_data.level": { $numberDecimal: "3.0" } }, true],
    [{ "%%user.custom_data.level": { $lt: "%%values.limit" } }, true],
    [{ "%%user.custom_data.level": { $lt: "9" } }, false],
    [{ "%%user.custom_data.teams": "red" }, true],
    [{ "%%user.custom_data.team": "%%user.custom_data.teams" }, true],
    [{ "%%user.custom_data.teams": ["red", "blue"] }, true],
    [{ "%%user.custom_data.teams": ["blue", "red"] }, false],
    [{ "%%user.custom_data.teams": { $in: ["green", "blue"] } }, true],
    [{ "%%user.custom_data.teams": { $gt: "pink" } }, true],
    [{ "%%user.custom_data.isAdmin": true }, true],
    [{ "%%user.custom_data.isAdmin": "%%true" }, true],
    [{ "%%user.custom_data.missing": { $exists: false } }, true],
    [{ "%%user.custom_data.missing": { $exists: true } }, false],
    [{ "%%user.custom_data.nothing": { $exists: true } }, true],
    [{ "%%user.custom_data.missing": null }, false],
    // Only what the data itself holds is found.
    [{ "%%user.custom_data.__proto__": { $exists: false } }, true],
    [{ "%%user.custom_data.constructor": { $exists: false } }, true],
    [{ "%%values.toString": { $exists: false } }, true],
    [{ "%%user.custom_data.teams.length": { $exists: false } }, true],
    [{ "%%user.custom_data.missing": { $ne: 1 } }, false],
    [{ "%%user.custom_data.missing": { $nin: [1] } }, false],
    [{ "%%user.custom_data.missing": { $not: { $eq: 1 } } }, true],
    [{ "%%user.id": { "%oidToString": "%%user.custom_data.oid" } }, true],
    [{ "%%user.custom_data.oid": { "%stringToOid": "%%user.id" } }, true],
    [{ "%%user.custom_data.oid": { "%stringToOid": "%%user.type" } }, false],
    [{ "%%user.custom_data.uuid": { "%stringToUuid": uuid } }, true],
    [{ "%%user.type": { $ne: { "%uuidToString": "%%user.custom_data.uuid" } } }, true],
    [{ "%%true": { "%%user.id": oid } }, true],
    [{ "%%false": { "%%user.id": oid } }, false],
    [{ "%%true": { "%and": [{ "%%user.type": "normal" }, { "%%user.custom_data.level": 3 }] } }, true],
    [{ "%%true": { "%not": { "%%user.type": "normal" } } }, false],
    [{ "%or": [{ "%%user.type": "system" }, { "%%user.type": "normal" }] }, true],
    [{ $nor: [{ "%%user.type": "system" }, { "%%user.type": "server" }] }, true],
    [{ "%not": { "%%user.type": "normal" } }, false],
  ])("%j is %s", (rule, value) => {
    expect(textOf(rule)).toBe(value ? "TRUEPREDICATE" : "FALSEPREDICATE");
  });

  test("in a list what leads nowhere is as good as absent", () => {
    expect(textOf({ string: { $in: ["%%user.custom_data.missing", "a"] } })).toBe('string == "a"');
    expect(textOf({ string: { $nin: ["%%user.custom_data.missing", "a"] } })).toBe('!(string == "a")');
    expect(textOf({ string: { $in: "%%user.custom_data.missing" } })).toBe("FALSEPREDICATE");
    expect(textOf({ string: { $nin: "%%user.custom_data.team" } })).toBe("FALSEPREDICATE");
  });
});

test("lists of users are compared up to a number of pairs", () => {
  const hostile = Array.from({ length: 2_000 }, (_, index) => ({
    $numberDecimal: `${index}E${index % 2 ? "" : "-"}6000`,
  }));
  const user = { ...context.user, customData: { one: hostile, other: hostile.slice(1), few: [hostile[0]] } };
  const scope = { context: { ...context, user }, schema, className: "Item" };
  const translated = (rule: unknown): string => translate(parseExpression(rule, "document", [], fail), scope).text;
  const compare = { "%%user.custom_data.one": { $in: "%%user.custom_data.other" } };
  expect(() => translated(compare)).toThrow("compares lists that are too long");
  expect(translated({ "%%user.custom_data.one": { $in: "%%user.custom_data.few" } })).toBe("TRUEPREDICATE");
  expect(translated({ int: { $in: "%%user.custom_data.one" } })).toBe("int == 0");
});

describe("the text", () => {
  test.each<[unknown, unknown]>([
    [
      { int: 1, string: "a" },
      { string: "a", int: 1 },
    ],
    [{ $or: [{ int: 1 }, { string: "a" }] }, { "%or": [{ string: "a" }, { int: 1 }, { int: 1 }] }],
    [{ $and: [{ int: 1 }, { $and: [{ string: "a" }, true] }] }, { string: "a", int: { $eq: 1 } }],
    [{ string: { $in: ["a", "b"] } }, { string: { $in: ["b", "a"] } }],
    [{ $not: { $not: { int: 1 } } }, { int: 1 }],
    [{ $nor: [{ int: 1 }] }, { int: { $ne: 1 } }],
    [{ $or: [{ int: 1 }, { "%%user.type": "server" }] }, { int: 1 }],
    [{ string: "%%user.custom_data.team" }, { string: "red" }],
  ])("of %j is that of %j", (one, other) => {
    expect(textOf(one)).toBe(textOf(other));
  });

  test.each<[unknown, string]>([
    [{ $or: [{ int: 1 }, true] }, "TRUEPREDICATE"],
    [{ $and: [{ int: 1 }, false] }, "FALSEPREDICATE"],
    [{ $not: { "%%user.type": "server" } }, "TRUEPREDICATE"],
    [{ $or: [{ "%%user.custom_data.isAdmin": true }, { string: "%%user.id" }] }, "TRUEPREDICATE"],
    [{ $or: [{ int: 1, string: "a" }, { bool: true }] }, '(bool == true or int == 1 and string == "a")'],
    [{ $nor: [{ int: 1, string: "a" }, { bool: true }] }, '!(bool == true or int == 1 and string == "a")'],
    [{ $not: { int: 1, string: "a" } }, '!(int == 1 and string == "a")'],
    [{ bool: true, $or: [{ int: 1 }, { int: 2 }] }, "(int == 1 or int == 2) and bool == true"],
  ])("of %j", (rule, text) => {
    expect(textOf(rule)).toBe(text);
  });

  test("is the same for a class that is not known yet, where constants fit its fields", () => {
    for (const rule of [{ string: "%%user.id" }, { strings: "a" }, { string: { $lt: "a" } }, { int: { $in: [1] } }]) {
      expect(textOf(rule, untyped)).toBe(textOf(rule));
    }
    expect(textOf({ strings: { $in: ["a", "b"] } }, untyped)).toBe('(strings == "a" or strings == "b")');
  });
});
