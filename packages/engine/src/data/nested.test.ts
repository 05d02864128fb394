import { afterEach, beforeEach, expect, test } from "vitest";
import { createNodeEngine } from "../node/index.js";
import { must } from "../errors.js";
import type { RealmFile } from "../realm-file.js";
import { classOf, property } from "../testing/models.js";
import { plainConventions } from "../values/conventions.js";
import { createObject } from "./create.js";
import { Dictionary } from "./dictionary.js";
import { List } from "./list.js";
import { nestingMax } from "./nested.js";
import type { ObjectHandle } from "./object.js";

const engine = createNodeEngine(plainConventions);
const thing = classOf(
  "Thing",
  "int",
  property("any", "mixed", { isNullable: true }),
  property("all", "mixed", { isNullable: true, collection: "list" }),
  property("named", "mixed", { isNullable: true, collection: "dictionary" }),
  property("few", "mixed", { isNullable: true, collection: "set" }),
);

let file: RealmFile;

beforeEach(() => {
  file = engine.open({ path: "/nested", isInMemory: true, isReadOnly: false, classes: [thing] });
});
afterEach(() => file.close());

function write<T>(work: () => T): T {
  const { database } = file;
  database.beginWrite();
  try {
    const result = work();
    database.commitWrite();
    return result;
  } catch (error) {
    database.cancelWrite();
    throw error;
  }
}

function layout() {
  return must(file.database.layout("Thing"), "the class is declared");
}

function make(values: Readonly<Record<string, unknown>>): ObjectHandle {
  return write(() => createObject(file.database, layout(), values, "never"));
}

function column(name: string) {
  return must(layout().columnByPublicName(name), "it is declared");
}

/** Live collections as plain ones. */
function plain(value: unknown): unknown {
  if (value instanceof List) return value.values().map(plain);
  if (value instanceof Dictionary) return Object.fromEntries(value.keys().map((key) => [key, plain(value.get(key))]));
  return value;
}

const tree = { numbers: [1, [2, 3], { deep: ["x"] }], empty: [], none: {}, nothing: null };

test("plain lists and dictionaries become live ones, in columns and in their elements", () => {
  const object = make({ _id: 1, any: tree, all: [tree, [tree]], named: { tree, list: [1] } });
  expect(plain(object.get(column("any")))).toEqual(tree);
  expect(plain(object.get(column("all")))).toEqual([tree, [tree]]);
  expect(plain(object.get(column("named")))).toEqual({ tree, list: [1] });
});

test("nested collections are edited in place, and what is assigned again is replaced", () => {
  const object = make({ _id: 1, any: tree });
  const root = object.get(column("any")) as Dictionary;
  const numbers = root.get("numbers") as List;
  write(() => {
    numbers.insert(3, "end");
    (numbers.get(1) as List).set(0, { now: "a dictionary" });
    (numbers.get(2) as Dictionary).set("more", [true]);
    (numbers.get(2) as Dictionary).erase("deep");
    numbers.move(3, 0);
    numbers.erase(1);
    root.set("empty", [[]]);
  });
  const expected = ["end", [{ now: "a dictionary" }, 3], { more: [true] }];
  expect(plain(root)).toEqual({ ...tree, numbers: expected, empty: [[]] });
  write(() => object.set(column("any"), { other: 1 }));
  expect(plain(object.get(column("any")))).toEqual({ other: 1 });
  expect(numbers.isValid()).toBe(false);
  expect(() => numbers.length).toThrow("Access to invalidated List object");
  write(() => object.set(column("any"), [1]));
  expect(() => root.size).toThrow("Access to invalidated Dictionary object");
  write(() => object.set(column("any"), "text"));
  expect(object.get(column("any"))).toBe("text");
});

test("a live collection that is assigned is copied, also over itself", () => {
  const object = make({ _id: 1, any: tree, all: [[1], { a: [2] }] });
  write(() => object.set(column("any"), object.get(column("any"))));
  expect(plain(object.get(column("any")))).toEqual(tree);
  write(() => object.set(column("any"), object.get(column("all"))));
  expect(plain(object.get(column("any")))).toEqual([[1], { a: [2] }]);
  write(() => object.set(column("all"), object.get(column("all"))));
  expect(plain(object.get(column("all")))).toEqual([[1], { a: [2] }]);
  write(() => object.set(column("named"), { a: object.get(column("any")) }));
  write(() => object.set(column("named"), object.get(column("named"))));
  expect(plain(object.get(column("named")))).toEqual({ a: [[1], { a: [2] }] });
});

test("sets, what cannot be stored, keys that are not legal and too many levels are refused, and nothing is written", () => {
  const object = make({ _id: 1, any: [1] });
  let deep: unknown = [];
  for (let level = 1; level < nestingMax; level += 1) deep = level % 2 === 0 ? [deep] : { deep };
  const refused: readonly (readonly [unknown, string])[] = [
    [[1, new Set([1])], "Using a Set as a Mixed value is not supported."],
    [[object.get(column("few"))], "Using a ValueSet as a Mixed value is not supported."],
    [[1, { a: () => 1 }], `Expected 'any[1]["a"]' to be a value that can be stored, got a function or class named a`],
    [{ $a: 1 }, "Dictionary::insert: key must not start with '$'"],
    [{ "a.b": 1 }, "Dictionary::insert: key must not contain '.'"],
    [[deep], "Max nesting level reached"],
  ];
  file.database.beginWrite();
  for (const [value, message] of refused) {
    expect(() => object.set(column("any"), value)).toThrow(message);
  }
  expect(() => (object.get(column("named")) as Dictionary).set("a.b", 1)).toThrow("key must not contain '.'");
  file.database.cancelWrite();
  expect(plain(object.get(column("any")))).toEqual([1]);
  write(() => object.set(column("any"), deep));
  expect(plain(object.get(column("any")))).toEqual(deep);
});

test("listeners of a nested list are told of its changes, and of its end", async () => {
  const object = make({ _id: 1, any: { list: [1, 2] } });
  const list = (object.get(column("any")) as Dictionary).get("list") as List;
  const told: unknown[] = [];
  const end = file.database.notifier.onCollection(list, (changes) => told.push({ ...changes }));
  await new Promise((resolve) => setTimeout(resolve, 10));
  write(() => list.insert(0, 0));
  await new Promise((resolve) => setTimeout(resolve, 10));
  expect(told.at(-1)).toMatchObject({ insertions: [0], deletions: [] });
  write(() => object.set(column("any"), null));
  await new Promise((resolve) => setTimeout(resolve, 10));
  expect(told.at(-1)).toMatchObject({ insertions: [], deletions: [0, 1, 2] });
  expect(told.length).toBe(3);
  end();
});

test("listeners of a nested dictionary, and of a list inside a list, are told of their own changes", async () => {
  const object = make({ _id: 1, any: { inner: { a: 1, b: 2 } }, all: [[1], [2]] });
  const inner = (object.get(column("any")) as Dictionary).get("inner") as Dictionary;
  const first = (object.get(column("all")) as List).get(0) as List;
  const { notifier } = file.database;
  const told: unknown[] = [];
  const lists: unknown[] = [];
  const ends = [
    notifier.onDictionary(inner, (changes) => told.push(changes)),
    notifier.onCollection(first, (changes) => lists.push({ ...changes })),
  ];
  const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 10));
  await turn();
  write(() => inner.set("a", 3));
  await turn();
  expect(told.at(-1)).toEqual({ deletions: [], insertions: [], modifications: ["a"] });
  // An edit of the outer list's other element is none of the first's.
  write(() => ((object.get(column("all")) as List).get(1) as List).insert(0, 9));
  write(() => (object.get(column("any")) as Dictionary).set("other", 1));
  await turn();
  expect([told.length, lists.length]).toEqual([2, 1]);
  write(() => first.insert(1, 5));
  await turn();
  expect(lists.at(-1)).toMatchObject({ insertions: [1], deletions: [] });
  write(() => (object.get(column("any")) as Dictionary).set("inner", 0));
  await turn();
  expect(told.at(-1)).toEqual({ deletions: ["a", "b"], insertions: [], modifications: [] });
  for (const end of ends) end();
});
