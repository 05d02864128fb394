import { afterEach, beforeEach, expect, test } from "vitest";
import { must } from "../errors.js";
import { createNodeEngine } from "../node/index.js";
import type { RealmFile } from "../realm-file.js";
import { classOf, property } from "../testing/models.js";
import { plainConventions } from "../values/conventions.js";
import { createObject, findObject } from "./create.js";
import { Dictionary } from "./dictionary.js";
import { List } from "./list.js";
import { EmbeddedHandle, type ObjectHandle } from "./object.js";
import { ValueSet } from "./value-set.js";

const engine = createNodeEngine(plainConventions);
const part = { ...classOf("Part", "int", property("size", "int")), kind: "embedded" as const };
const { primaryKey: _, ...embedded } = part;
const thing = classOf(
  "Thing",
  "int",
  property("size", "int"),
  property("texts", "string", { collection: "list" }),
  property("few", "int", { collection: "set" }),
  property("named", "int", { collection: "dictionary" }),
  property("part", "link", { isNullable: true, target: "Part" }),
  property("parts", "link", { collection: "list", target: "Part" }),
  property("friend", "link", { isNullable: true, target: "Thing" }),
);

let file: RealmFile;

beforeEach(() => {
  const classes = [thing, { ...embedded, properties: part.properties.filter(({ name }) => name !== "_id") }];
  file = engine.open({ path: "/check", isInMemory: true, isReadOnly: false, classes });
});
afterEach(() => file.close());

function layout() {
  return must(file.database.layout("Thing"), "the class is declared");
}

const whole = { _id: 1, size: 1, texts: ["a"], few: [1], named: { a: 1 }, part: { size: 1 }, parts: [{ size: 1 }] };

function create(values: Readonly<Record<string, unknown>>, mode: "never" | "modified" | "all" = "never"): ObjectHandle {
  return createObject(file.database, layout(), values, mode);
}

function get(object: ObjectHandle, name: string): unknown {
  return object.get(must(layout().columnByPublicName(name), "it is declared"));
}

/** A value and what it holds. */
function plain(value: unknown): unknown {
  if (value instanceof Dictionary) return value.keys().map((key) => [key, plain(value.get(key))]);
  if (value instanceof List || value instanceof ValueSet) return value.values().map(plain);
  if (!(value instanceof EmbeddedHandle)) return value;
  return value.layout.columns.map((column) => plain(value.get(column)));
}

function row(object: ObjectHandle): unknown {
  return layout().columns.map((column) => plain(object.get(column)));
}

const refused: readonly Readonly<Record<string, unknown>>[] = [
  { texts: ["b", 1] },
  { few: [2, "x"] },
  { named: { b: 2, c: "x" } },
  { named: { b: 2, "c.d": 3 } },
  { part: { size: "x" } },
  { part: {} },
  { parts: [{ size: 2 }, { size: null }] },
  { friend: { _id: 3, size: "x" } },
  { size: 2, texts: 5 },
];

test.each(refused)("what is refused of %j leaves nothing half-written", (values) => {
  const { database } = file;
  database.beginWrite();
  const object = create(whole);
  database.commitWrite();
  database.beginWrite();
  const before = row(object);
  expect(() => create({ ...whole, _id: 2, ...values })).toThrow();
  expect(() => create({ _id: 1, ...values }, "all")).toThrow();
  for (const [name, value] of Object.entries(values)) {
    if (name === "size") continue;
    expect(() => object.set(must(layout().columnByPublicName(name), "it is declared"), value)).toThrow();
  }
  database.commitWrite();
  expect(row(object)).toEqual(before);
  expect([2, 3].map((key) => findObject(database, layout(), key))).toEqual([undefined, undefined]);
});

test("elements that are refused leave their collections as they were", () => {
  const { database } = file;
  database.beginWrite();
  const object = create(whole);
  const before = row(object);
  expect(() => (get(object, "parts") as List).insert(0, { size: "x" })).toThrow("Expected 'size'");
  expect(() => (get(object, "parts") as List).set(0, {})).toThrow("Missing value for property 'Part.size'");
  expect(() => (get(object, "named") as Dictionary).set("$a", 1)).toThrow("key must not start with '$'");
  expect(() => (get(object, "texts") as List).insert(0, null)).toThrow("Expected 'texts[0]' to be a string, got null");
  database.commitWrite();
  expect(row(object)).toEqual(before);
});
