import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { classSchema, schemaArbitrary, source } from "../testing/schemas.js";
import type { ClassInformation } from "./classes.js";
import { compareSchemas } from "./compare.js";
import { deriveJsonSchema } from "./derive.js";
import type { CollectionSource, SchemaProblem } from "./problem.js";
import { readRealmSchema } from "./read.js";

/** The only problem, as one text. */
function onlyProblem(sources: readonly CollectionSource[]): string {
  const { problems } = readRealmSchema(sources);
  expect(problems).toHaveLength(1);
  return problems.map(text).join();
}

function text({ severity, document, path, message }: SchemaProblem): string {
  return `${severity} ${document} /${path.join("/")}: ${message}`;
}

function read(sources: readonly CollectionSource[]): readonly ClassInformation[] {
  const { problems, classes } = readRealmSchema(sources);
  expect(problems.map(text)).toEqual([]);
  return classes;
}

const ref = (collection: string): string => `#/relationship/mongodb-atlas/shop/${collection}`;
const link = (collection: string, isList: boolean): object => ({
  ref: ref(collection),
  foreign_key: "_id",
  is_list: isList,
});

describe("the types of properties", () => {
  const scalars = [
    ["bool", "bool"],
    ["long", "int"],
    ["int", "int"],
    ["float", "float"],
    ["double", "double"],
    ["decimal", "decimal"],
    ["string", "string"],
    ["binData", "binary"],
    ["date", "timestamp"],
    ["objectId", "objectId"],
    ["uuid", "uuid"],
    ["mixed", "mixed"],
  ] as const;

  const columnOf = (property: object, required: readonly string[] = []): unknown => {
    const [information] = read([
      source("things", classSchema("Thing", { p: property }, { required: ["_id", ...required] })),
    ]);
    return information?.columns[0];
  };

  test.each(scalars)("%s is Realm's %s, alone and in collections", (bsonType, type) => {
    const isMixed = type === "mixed";
    expect(columnOf({ bsonType })).toEqual({ name: "p", type, nullable: true, collection: "single" });
    if (!isMixed) {
      expect(columnOf({ bsonType }, ["p"])).toEqual({ name: "p", type, nullable: false, collection: "single" });
    }
    const element = { name: "p", type, nullable: isMixed };
    expect(columnOf({ bsonType: "array", items: { bsonType } })).toEqual({ ...element, collection: "list" });
    const set = { bsonType: "array", uniqueItems: true, items: { bsonType } };
    expect(columnOf(set)).toEqual({ ...element, collection: "set" });
    const dictionary = { bsonType: "object", additionalProperties: { bsonType } };
    expect(columnOf(dictionary)).toEqual({ ...element, collection: "dictionary" });
    expect(columnOf({ ...dictionary, properties: {} })).toEqual({ ...element, collection: "dictionary" });
  });

  test("elements may be null where their type says so", () => {
    const column = columnOf({ bsonType: "array", items: { bsonType: ["string", "null"] } });
    expect(column).toEqual({ name: "p", type: "string", nullable: true, collection: "list" });
  });

  test("a dictionary of anything says true", () => {
    const column = columnOf({ bsonType: "object", additionalProperties: true });
    expect(column).toEqual({ name: "p", type: "mixed", nullable: true, collection: "dictionary" });
  });

  test.each([
    ["string", "string"],
    ["int", "int"],
    ["long", "int"],
    ["objectId", "objectId"],
    ["uuid", "uuid"],
  ])("a primary key of %s, required or not", (bsonType, type) => {
    for (const required of [[], ["_id"]]) {
      const schema = { title: "Thing", bsonType: "object", properties: { _id: { bsonType } }, required };
      const [information] = read([source("things", schema)]);
      expect(information?.primaryKey).toEqual({ name: "_id", type, nullable: required.length === 0 });
    }
  });

  test("an asymmetric class", () => {
    const [information] = read([source("things", classSchema("Thing"), { isAsymmetric: true })]);
    expect(information?.kind).toBe("asymmetric");
  });
});

describe("links and embedded objects", () => {
  const person = source("people", classSchema("Person", {}, { properties: { _id: { bsonType: "uuid" } } }));
  const uuid = { bsonType: "uuid" };

  test("links by relationships, alone, in collections and in embedded objects", () => {
    const embedded = {
      title: "Step",
      bsonType: "object",
      properties: { by: uuid, seen: { bsonType: "array", items: uuid } },
    };
    const schema = classSchema("Task", {
      owner: uuid,
      plain: uuid,
      watchers: { bsonType: "array", items: uuid },
      helpers: { bsonType: "array", uniqueItems: true, items: uuid },
      roles: { bsonType: "object", additionalProperties: uuid },
      first: embedded,
      steps: { bsonType: "array", items: embedded },
      named: { bsonType: "object", additionalProperties: embedded },
    });
    const relationships = {
      owner: link("people", false),
      watchers: { ...link("people", true), source_key: "watchers" },
      "helpers.[]": link("people", true),
      roles: link("people", true),
      "first.by": link("people", false),
      "first.seen": link("people", true),
      "steps.[].by": link("people", false),
      "steps.[].seen": link("people", true),
      "named.[].by": link("people", false),
      "named.[].seen": link("people", true),
    };
    const [, task, step] = read([person, source("tasks", schema, { relationships })]);
    const toPerson = { type: "link", target: "Person" };
    const toStep = { type: "link", target: "Step" };
    expect(task?.columns).toEqual([
      { name: "owner", ...toPerson, nullable: true, collection: "single" },
      { name: "plain", type: "uuid", nullable: true, collection: "single" },
      { name: "watchers", ...toPerson, nullable: false, collection: "list" },
      { name: "helpers", ...toPerson, nullable: false, collection: "set" },
      { name: "roles", ...toPerson, nullable: true, collection: "dictionary" },
      { name: "first", ...toStep, nullable: true, collection: "single" },
      { name: "steps", ...toStep, nullable: false, collection: "list" },
      { name: "named", ...toStep, nullable: true, collection: "dictionary" },
    ]);
    expect(step).toEqual({
      name: "Step",
      kind: "embedded",
      columns: [
        { name: "by", ...toPerson, nullable: true, collection: "single" },
        { name: "seen", ...toPerson, nullable: false, collection: "list" },
      ],
    });
  });

  test("an embedded class without a title is called after its parent and field", () => {
    const schema = classSchema("Task", { place: { bsonType: "object", properties: { city: { bsonType: "string" } } } });
    const [task, place] = read([source("tasks", schema)]);
    expect(task?.columns[0]?.target).toBe("Task_place");
    expect(place?.name).toBe("Task_place");
  });

  test("a point of GeoJSON is an embedded class", () => {
    const properties = {
      type: { bsonType: "string" },
      coordinates: { bsonType: "array", items: { bsonType: "double" } },
    };
    const point = { title: "Point", bsonType: "object", properties, required: ["type"] };
    const [, embedded] = read([source("shops", classSchema("Shop", { location: point }))]);
    expect(embedded?.columns).toEqual([
      { name: "type", type: "string", nullable: false, collection: "single" },
      { name: "coordinates", type: "double", nullable: false, collection: "list" },
    ]);
  });

  test("defaults are kept by class and property, as Extended JSON", () => {
    const schema = classSchema("Task", {
      count: { bsonType: "long", default: { $numberLong: "7" } },
      when: { bsonType: "date", default: { $date: { $numberLong: "0" } } },
      place: { title: "Place", bsonType: "object", properties: { city: { bsonType: "string", default: "Kiel" } } },
    });
    const { defaults, problems } = readRealmSchema([source("tasks", schema)]);
    expect(problems).toEqual([]);
    expect([...(defaults.get("Task") ?? [])]).toEqual([
      ["count", { $numberLong: "7" }],
      ["when", { $date: { $numberLong: "0" } }],
    ]);
    expect(defaults.get("Place")?.get("city")).toBe("Kiel");
  });
});

describe("there and back", () => {
  /** Embedded classes that nobody holds are in no collection's schema. */
  function withoutUnused(classes: readonly ClassInformation[]): readonly ClassInformation[] {
    const byName = new Map(classes.map((one) => [one.name, one]));
    const kept = new Set(classes.filter((one) => one.kind !== "embedded"));
    for (const one of kept) {
      for (const { target } of one.columns) {
        const information = byName.get(target ?? "");
        if (information !== undefined) kept.add(information);
      }
    }
    return [...kept];
  }

  const sourcesOf = (classes: readonly ClassInformation[]): CollectionSource[] =>
    deriveJsonSchema(classes, "shop").map((one) => ({ ...one, service: "mongodb-atlas" }));

  test("classes become JSON Schema and the same classes again", () => {
    fc.assert(
      fc.property(schemaArbitrary, (classes) => {
        // Through text, as files are.
        const sources = JSON.parse(JSON.stringify(sourcesOf(classes))) as CollectionSource[];
        const back = readRealmSchema(sources);
        expect(back.problems.filter((one) => one.severity === "error").map(text)).toEqual([]);
        expect(compareSchemas(withoutUnused(classes), back.classes)).toEqual([]);
        expect(sourcesOf(back.classes).map((one) => one.collection)).toEqual(sources.map((one) => one.collection));
      }),
      { numRuns: 150 },
    );
  });

  test("the schema of Development Mode reads without a remark", () => {
    fc.assert(
      fc.property(schemaArbitrary, (classes) => {
        expect(readRealmSchema(sourcesOf(classes)).problems.map(text)).toEqual([]);
      }),
    );
  });

  test("whatever a default is, nothing is thrown", () => {
    const keys = ["$oid", "$date", "$binary", "$numberLong", "$numberDecimal", "$uuid", "$regularExpression", "base64"];
    const values = fc.oneof(fc.jsonValue({ maxDepth: 1 }), fc.constantFrom("1", "ZZ", "04"));
    const extended = fc.dictionary(
      fc.constantFrom(...keys, "subType"),
      fc.oneof(values, fc.dictionary(fc.constantFrom(...keys, "subType"), values, { maxKeys: 2 })),
      { maxKeys: 2 },
    );
    const types = fc.constantFrom("binData", "date", "decimal", "objectId", "uuid", "long", "mixed");
    fc.assert(
      fc.property(types, extended, (bsonType, value) => {
        readRealmSchema([source("things", classSchema("Thing", { p: { bsonType, default: value } }))]);
      }),
      { numRuns: 500 },
    );
  });

  test("whatever the documents hold, nothing is thrown", () => {
    const anything = fc.jsonValue({ maxDepth: 2 });
    const words = [
      "title",
      "bsonType",
      "properties",
      "required",
      "items",
      "additionalProperties",
      "_id",
      "array",
      "object",
    ];
    const schemaLike = fc.letrec((tie) => ({
      node: fc.dictionary(
        fc.constantFrom(...words, "p"),
        fc.oneof({ depthSize: "medium" }, fc.constantFrom(...words, "string"), anything, tie("node")),
      ),
    })).node;
    fc.assert(
      fc.property(fc.oneof(anything, schemaLike), anything, (schema, relationships) => {
        readRealmSchema([
          source("things", schema, { relationships }),
          source("others", classSchema("O", { p: schema })),
        ]);
      }),
      { numRuns: 150 },
    );
  });
});

describe("what is wrong with a schema", () => {
  const property = (value: unknown, rest: object = {}): CollectionSource[] => [
    source("things", classSchema("Thing", { p: value }, rest)),
  ];
  const p = "class Thing, property p";
  const stays = "the collection is not synchronised";

  test.each([
    ["no object", 3, `error schema /: collection "things": the schema must be an object`],
    [
      "no title",
      { bsonType: "object" },
      `warning schema /: collection "things" is not synchronised: its schema has no title, which is the name of the class`,
    ],
    ["a title that is no string", { title: 1 }, `error schema /title: collection "things": title must be a string`],
    [
      "a class name of more than 57 bytes",
      classSchema("ä".repeat(29)),
      `error schema /title: collection "things": the name of a class has 1 to 57 bytes; "${"ä".repeat(29)}" has 58`,
    ],
    [
      "another type than object",
      { title: "Thing", bsonType: "array" },
      `error schema /bsonType: class Thing: the bsonType of a collection's schema is "object"`,
    ],
    [
      "no primary key",
      { title: "Thing", bsonType: "object", properties: {} },
      "error schema /properties: class Thing: there must be a property _id: it is the primary key",
    ],
    [
      "a primary key of a wrong type",
      { title: "Thing", bsonType: "object", properties: { _id: { bsonType: "bool" } } },
      `error schema /properties/_id/bsonType: class Thing: the bsonType of _id is string, int, long, objectId or uuid; found "bool"`,
    ],
    [
      "an unknown keyword",
      classSchema("Thing", {}, { propertes: {} }),
      `warning schema /propertes: class Thing: unknown keyword "propertes"`,
    ],
    [
      "a required name that is no property",
      classSchema("Thing", {}, { required: ["_id", "x"] }),
      `error schema /required/1: class Thing: required names "x", which is no property`,
    ],
    [
      "required that is no array",
      classSchema("Thing", {}, { required: "_id" }),
      "error schema /required: class Thing: required must be an array of names",
    ],
  ])("%s", (_, schema, expected) => {
    expect(onlyProblem([source("things", schema)])).toBe(expected);
  });

  test("a class name of exactly 57 bytes is one", () => {
    expect(read([source("things", classSchema("a".repeat(57)))])).toHaveLength(1);
  });

  test.each([
    ["no object", "string", `error schema /properties/p: ${p}: must be an object with a bsonType`],
    ["no type", {}, `error schema /properties/p: ${p}: bsonType is missing`],
    [
      "an unknown type",
      { bsonType: "strng" },
      `error schema /properties/p/bsonType: ${p}: there is no bsonType "strng"`,
    ],
    [
      "a type that is no string",
      { bsonType: 5 },
      `error schema /properties/p/bsonType: ${p}: bsonType must be a string`,
    ],
    [
      "no object as items",
      { bsonType: "array", items: "string" },
      `error schema /properties/p/items: ${p}: must be an object with a bsonType`,
    ],
    [
      "uniqueItems that is no truth value",
      { bsonType: "array", uniqueItems: 1, items: { bsonType: "string" } },
      `error schema /properties/p/uniqueItems: ${p}: uniqueItems must be true or false`,
    ],
    [
      "a default of another type",
      { bsonType: "objectId", default: { $oid: "1" } },
      `error schema /properties/p/default: ${p}: the default is no value of type objectId`,
    ],
    [
      "a default of a list",
      { bsonType: "array", items: { bsonType: "string" }, default: [] },
      `warning schema /properties/p/default: ${p}: only scalar properties can have a default`,
    ],
    [
      "a restriction",
      { bsonType: "int", minimum: 1 },
      `information schema /properties/p/minimum: ${p}: what clients write is not checked against "minimum"`,
    ],
    [
      "an object that is described nowhere",
      { title: "Nowhere", bsonType: "object" },
      "error schema /properties/p: there is no embedded class Nowhere: an object with this title needs properties",
    ],
    [
      "an embedded class with the name of a collection's",
      { title: "Thing", bsonType: "object", properties: {} },
      `error schema /properties/p/title: ${p}: "Thing" is the class of a collection; an embedded object needs another title`,
    ],
    [
      "an embedded class with a long name",
      { title: "a".repeat(58), bsonType: "object", properties: {} },
      `error schema /properties/p/title: ${p}: the name of a class has 1 to 57 bytes; "${"a".repeat(58)}" has 58`,
    ],
  ])("a property with %s", (_, value, expected) => {
    expect(onlyProblem(property(value))).toBe(expected);
  });

  test.each([
    ["null", { bsonType: "null" }, "/bsonType", 'of bsonType "null"'],
    ["regex", { bsonType: "regex" }, "/bsonType", 'of bsonType "regex"'],
    ["timestamp", { bsonType: "timestamp" }, "/bsonType", 'of bsonType "timestamp"'],
    ["several types", { bsonType: ["string", "null"] }, "/bsonType", "of several types"],
    ["an array of arrays", { bsonType: "array", items: { bsonType: "array" } }, "/items", "a list of collections"],
    ["a tuple", { bsonType: "array", items: [] }, "/items", "an array with items of different types by place"],
    ["an array of anything", { bsonType: "array" }, "", "an array without items"],
    ["an untold object", { bsonType: "object" }, "", "an object without properties and additionalProperties"],
    [
      "a set of objects",
      { bsonType: "array", uniqueItems: true, items: { bsonType: "object", properties: {} } },
      "/items",
      "a set of objects",
    ],
    [
      "null deep inside",
      { bsonType: "array", items: { bsonType: "object", properties: { q: { bsonType: "null" } } } },
      "/items/properties/q/bsonType",
      'of bsonType "null"',
    ],
  ])("a property that Realm does not have keeps the collection out: %s", (name, value, path, what) => {
    const { classes, problems } = readRealmSchema(property(value));
    const subject = name === "null deep inside" ? "class Thing_p, property q" : p;
    expect(problems.map(text)).toEqual([
      `warning schema /properties/p${path}: ${subject}: no Realm property is ${what}; ${stays}`,
    ]);
    expect(classes).toEqual([]);
  });

  test("names of properties have 1 to 63 bytes and no dot", () => {
    const bad = { bsonType: "string" };
    for (const name of ["", "a.b", "a".repeat(64)]) {
      const problem = onlyProblem([source("things", classSchema("Thing", { [name]: bad }))]);
      expect(problem).toContain(
        `property ${name}: a name has 1 to 63 bytes and no dot; this one has ${name.length} bytes`,
      );
    }
  });

  test.each([
    ["a list", { bsonType: "array", items: { bsonType: "string" } }, "a list is never null"],
    ["mixed", { bsonType: "mixed" }, "the value can be null at any time"],
    ["an embedded object", { bsonType: "object", properties: {} }, "the value can be null at any time"],
  ])("%s cannot be required", (_, value, reason) => {
    const problem = onlyProblem(property(value, { required: ["_id", "p"] }));
    expect(problem).toBe(`warning schema /properties/p: ${p}: to be required has no meaning here: ${reason}`);
  });

  test("an embedded class is the same wherever it is", () => {
    const step = (type: string): object => ({
      title: "Step",
      bsonType: "object",
      properties: { n: { bsonType: type } },
    });
    const sources = [
      source("a", classSchema("A", { one: step("int"), two: step("long") })),
      source("b", classSchema("B", { three: step("string") })),
    ];
    expect(onlyProblem(sources)).toBe(
      "error schema /properties/three: class B, property three: Step is described in another way elsewhere: " +
        "class Step, property n: expected optional int, found optional string",
    );
  });

  test("a class has one collection", () => {
    expect(onlyProblem([source("a", classSchema("A")), source("b", classSchema("A"))])).toBe(
      'error schema /title: the title "A" is that of collection "a" of database "shop" already',
    );
  });

  test("objects nest 64 deep", () => {
    let schema: object = { bsonType: "string" };
    for (let depth = 0; depth < 66; depth += 1)
      schema = { title: `D${depth}`, bsonType: "object", properties: { d: schema } };
    expect(onlyProblem(property(schema))).toContain("objects nest at most 64 deep");
  });
});

describe("what is wrong with relationships", () => {
  const targets = [
    source("people", classSchema("Person")),
    source("events", classSchema("Event"), { isAsymmetric: true }),
  ];
  const id = { bsonType: "objectId" };
  const properties = { p: id, list: { bsonType: "array", items: id }, key: { bsonType: "string" } };
  const problemOf = (relationships: unknown, required: readonly string[] = []): string =>
    onlyProblem([
      ...targets,
      source("tasks", classSchema("Task", properties, { required: ["_id", ...required] }), { relationships }),
    ]);
  const refForm = 'ref must have the form "#/relationship/<data source>/<database>/<collection>"';

  test.each([
    ["no object", [], "error relationships /: relationships must be an object"],
    ["a relationship that is none", { p: 1 }, 'error relationships /p: relationship "p": must be an object'],
    ["no ref", { p: { foreign_key: "_id" } }, 'error relationships /p: relationship "p": ref is missing'],
    [
      "a malformed ref",
      { p: { ref: "people", foreign_key: "_id" } },
      `error relationships /p/ref: relationship "p": ${refForm}`,
    ],
    [
      "a missing collection",
      { p: link("peple", false) },
      'error relationships /p/ref: relationship "p": there is no collection "peple" with a class in database "shop"',
    ],
    [
      "another data source",
      { p: { ...link("people", false), ref: "#/relationship/other/shop/people" } },
      'error relationships /p/ref: relationship "p": the target is in another data source, "other"; links stay in "mongodb-atlas"',
    ],
    [
      "a target that is only written",
      { p: link("events", false) },
      'error relationships /p/ref: relationship "p": objects of class Event are only written; nothing links there',
    ],
    [
      "another foreign key",
      { p: { ...link("people", false), foreign_key: "name" } },
      'error relationships /p/foreign_key: relationship "p": foreign_key must be "_id" where the collection is synchronised, not "name"',
    ],
    [
      "no foreign key",
      { p: { ref: ref("people"), is_list: false } },
      'error relationships /p: relationship "p": foreign_key is missing; links lead to "_id"',
    ],
    [
      "is_list that is no truth value",
      { p: { ...link("people", false), is_list: "no" } },
      'error relationships /p/is_list: relationship "p": is_list must be true or false',
    ],
    [
      "is_list for one value",
      { p: link("people", true) },
      "error relationships /p/is_list: class Task, property p: is_list must be false for a single value",
    ],
    [
      "no is_list for a list",
      { list: link("people", false) },
      "error relationships /list/is_list: class Task, property list: is_list must be true for a list",
    ],
    [
      "an unknown key",
      { p: { ...link("people", false), islist: true } },
      'warning relationships /p/islist: relationship "p": unknown key "islist"',
    ],
    [
      "a source key that is no string",
      { p: { ...link("people", false), source_key: 1 } },
      'error relationships /p/source_key: relationship "p": source_key must be a string',
    ],
    [
      "a field that is not there",
      { q: link("people", false) },
      'error relationships /q: there is no property at "q" whose value can be a key of another document',
    ],
    ["the primary key", { _id: link("people", false) }, "error relationships /_id: _id cannot be a link"],
    [
      "a type that is not that of the target's key",
      { key: link("people", false) },
      "error schema /properties/key/bsonType: class Task, property key: is a link to Person, whose _id is objectId; found string",
    ],
  ])("%s", (_, relationships, expected) => {
    expect(problemOf(relationships)).toBe(expected);
  });

  test("a link cannot be required", () => {
    expect(problemOf({ p: link("people", false) }, ["p"])).toBe(
      "error schema /properties/p: class Task, property p: a link cannot be required: its target may not exist",
    );
  });

  test("a link to a collection that is kept out", () => {
    const out = source("out", classSchema("Out", { p: { bsonType: "null" } }));
    const task = source("tasks", classSchema("Task", properties), { relationships: { p: link("out", false) } });
    const { problems } = readRealmSchema([out, task]);
    expect(problems.filter((one) => one.severity === "error").map(text)).toEqual([
      'error relationships /p/ref: relationship "p": the collection of class Out is not synchronised',
    ]);
  });
});
