import { ObjectId } from "@tidemark/engine/bson";
import { beforeEach, expect, test } from "vitest";
import type { db } from "../db.js";
import { invalid_argument, logic_error } from "../errors.js";
import { turn, useFolder } from "../testing/folder.js";
import { Address, Dog, Person } from "../testing/models.js";
import type { managed, property_change } from "./managed.js";

const folder = useFolder();
let database: db;
let rex: managed<Dog>;

beforeEach(() => {
  database = folder.open(Dog, Person, Address);
  rex = database.write(() => database.add(Dog({ _id: 1, name: "Rex" })));
});

test("results are told at first with nothing, then what changes", async () => {
  const seen: unknown[] = [];
  const token = database.objects(Dog).observe((change) => {
    const { deletions, insertions, modifications, collection } = change;
    seen.push([change.empty(), [...deletions], [...insertions], [...modifications], collection.size()]);
  });
  await turn();
  database.write(() => database.add(Dog({ _id: 2 })));
  await turn();
  database.write(() => (rex.name = "Max"));
  await turn();
  database.write(() => database.remove(rex));
  await turn();
  expect(seen).toEqual([
    [true, [], [], [], 1],
    [false, [], [1], [], 2],
    [false, [], [], [0], 2],
    [false, [0], [], [], 1],
  ]);
  token.unregister();
  token.unregister();
  database.write(() => database.add(Dog({ _id: 3 })));
  await turn();
  expect(seen).toHaveLength(4);
});

test("an object's first call is its first change, with old and new values", async () => {
  const seen: (readonly property_change[])[] = [];
  const token = rex.observe(({ property_changes }) => seen.push(property_changes));
  await turn();
  expect(seen).toEqual([]);
  database.write(() => {
    rex.name = "Max";
    rex.age = 3;
    rex.tags.push_back("x");
  });
  await turn();
  expect(seen).toEqual([
    expect.arrayContaining([
      { name: "name", old_value: "Rex", new_value: "Max" },
      { name: "age", old_value: undefined, new_value: 3 },
      { name: "tags" },
    ]),
  ]);
  expect(seen[0]).toHaveLength(3);
  token[Symbol.dispose]();
  database.write(() => (rex.name = "Rex"));
  await turn();
  expect(seen).toHaveLength(1);
});

test("a change right after observing is told", async () => {
  const seen: (readonly property_change[])[] = [];
  rex.observe(({ property_changes }) => seen.push(property_changes));
  const ada = Person({ _id: new ObjectId(), name: "Ada" });
  database.write(() => rex.assign({ owner: ada }));
  await turn();
  expect(seen).toHaveLength(1);
  expect(seen[0]).toMatchObject([{ name: "owner", old_value: null, new_value: { name: "Ada" } }]);
});

test("the end of an object is told once", async () => {
  const seen: boolean[] = [];
  rex.observe(({ is_deleted, object }) => seen.push(is_deleted && object.is_invalidated()));
  await turn();
  database.write(() => database.remove(rex));
  await turn();
  database.write(() => database.add(Dog({ _id: 1 })));
  await turn();
  expect(seen).toEqual([true]);
});

test("vectors, sets and maps tell of themselves, and when their object is gone", async () => {
  const seen: unknown[] = [];
  rex.tags.observe((change) => seen.push(["tags", [...change.insertions], change.collection_root_was_deleted]));
  rex.toys.observe((change) => seen.push(["toys", change.insertions.length, change.empty()]));
  rex.marks.observe((change) => {
    const { insertions, modifications, deletions } = change;
    seen.push(["marks", ...insertions, ...modifications, ...deletions, change.empty()]);
  });
  await turn();
  seen.length = 0;
  database.write(() => {
    rex.tags.push_back("a");
    rex.toys.insert("ball");
    rex.marks.set("key", 1);
  });
  await turn();
  expect(seen).toEqual([
    ["tags", [0], false],
    ["toys", 1, false],
    ["marks", "key", false],
  ]);
  seen.length = 0;
  database.write(() => database.remove(rex));
  await turn();
  expect(seen[0]).toEqual(["tags", [], true]);
});

test("a closed database tells nobody, and nobody can begin to listen", async () => {
  let calls = 0;
  const all = database.objects(Dog);
  all.observe(() => (calls += 1));
  database.close();
  await turn();
  expect(calls).toBe(0);
  expect(() => all.observe(() => undefined)).toThrow(logic_error);
  expect(() => rex.observe(() => undefined)).toThrow(logic_error);
});

test("with key paths only those properties count", async () => {
  const ada = database.write(() => database.add(Person({ _id: new ObjectId(), name: "Ada" })));
  database.write(() => {
    rex.assign({ owner: ada });
    rex.pack.push_back(rex);
    ada.dogs.size();
  });
  const seen: string[] = [];
  const paths = { all: undefined, age: ["age"], owner: ["owner.name"], none: [] };
  for (const [name, path] of Object.entries(paths)) {
    database.objects(Dog).observe(({ modifications }) => seen.push(`results ${name} ${modifications.length}`), path);
    rex.pack.observe(({ modifications }) => seen.push(`vector ${name} ${modifications.length}`), path);
    rex.observe(
      ({ property_changes }) => seen.push(`object ${name} ${property_changes.map((one) => one.name).join()}`),
      path,
    );
  }
  await turn();
  seen.length = 0;
  database.write(() => (rex.age = 5));
  await turn();
  const told = (...names: string[]): string[] =>
    names.flatMap((name) => [`results ${name} 1`, `vector ${name} 1`]).toSorted();
  expect(seen.toSorted()).toEqual(["object age age", "object all age", ...told("age", "all")]);
  seen.length = 0;
  database.write(() => (ada.name = "Eve"));
  await turn();
  expect(seen.toSorted()).toEqual(["object owner owner", ...told("all", "owner")]);
  expect(() => database.objects(Dog).observe(() => undefined, ["none"])).toThrow(invalid_argument);
  expect(() => rex.pack.observe(() => undefined, ["none"])).toThrow("is not a valid property in Dog");
  expect(() => rex.observe(() => undefined, ["none"])).toThrow("is not a valid property in Dog");
});

test("sets and maps take key paths too", async () => {
  const seen: number[] = [];
  // Of values they are of no effect.
  rex.toys.observe(({ insertions }) => seen.push(insertions.length), []);
  rex.marks.observe(({ insertions }) => seen.push(insertions.length), []);
  await turn();
  database.write(() => {
    rex.toys.insert("ball");
    rex.marks.set("key", 1);
  });
  await turn();
  expect(seen).toEqual([0, 0, 1, 1]);
});
