/** What is held of a file stays live when its classes grow: a download, or another realm, brings new properties. */

import { afterEach, beforeEach, expect, test } from "vitest";
import { must } from "../errors.js";
import { createNodeEngine } from "../node/index.js";
import { classOf, property } from "../testing/models.js";
import { plainConventions } from "../values/conventions.js";
import type { CollectionChanges, DictionaryChanges } from "./changes.js";
import { createObject, findObject } from "./create.js";
import { Database } from "./database.js";
import type { Dictionary } from "./dictionary.js";
import type { List } from "./list.js";
import type { ObjectHandle } from "./object.js";
import type { ObjectChanges } from "./observers.js";
import { packParameters, Results } from "./results.js";
import type { ClassLayout } from "./schema.js";

const engine = createNodeEngine(plainConventions);
const properties = [
  property("number", "int"),
  property("next", "link", { isNullable: true, target: "Item" }),
  property("many", "link", { collection: "list", target: "Item" }),
  property("named", "link", { isNullable: true, collection: "dictionary", target: "Item" }),
];
const item = classOf("Item", "int", ...properties);
const grown = classOf("Item", "int", property("added", "string", { isNullable: true }), ...properties);
const other = classOf("Another", "int", property("item", "link", { isNullable: true, target: "Item" }));

let database: Database;

beforeEach(() => {
  const file = engine.open({ path: "/growth", isInMemory: true, isReadOnly: false, classes: [] });
  const { core, clock, conventions } = file.database;
  file.close();
  const options = { core, clock, conventions, path: null, isReadOnly: false, isSynced: true };
  database = new Database({ ...options, classes: [item] });
});
afterEach(() => database.close());

function write<T>(work: () => T): T {
  database.beginWrite();
  const result = work();
  database.commitWrite();
  return result;
}

function layout(): ClassLayout {
  return must(database.layout("Item"), "the class is declared");
}

function make(_id: number): ObjectHandle {
  return createObject(database, layout(), { _id, number: _id }, "never");
}

function at(_id: number): ObjectHandle {
  return must(findObject(database, layout(), _id), "it exists");
}

function get<T>(object: ObjectHandle, name: string): T {
  return object.get(must(object.layout.columnByName(name), "it is declared")) as T;
}

function set(object: ObjectHandle, name: string, value: unknown): void {
  object.set(must(object.layout.columnByName(name), "it is declared"), value);
}

async function turn(): Promise<void> {
  for (let turns = 0; turns < 3; turns += 1) await new Promise((resolve) => setImmediate(resolve));
}

const nothing: CollectionChanges = {
  deletions: [],
  insertions: [],
  moves: [],
  newModifications: [],
  oldModifications: [],
};

test.each([
  ["a property", [grown]],
  ["a class that links here", [item, other]],
])("after %s was added", async (_, classes) => {
  write(() => {
    for (let _id = 0; _id < 3; _id += 1) make(_id);
    set(at(0), "next", at(1));
    get<List>(at(0), "many").assign([at(1), at(2)]);
    get<Dictionary>(at(0), "named").set("a", at(1));
  });
  const { notifier } = database;
  const results = new Results(database, layout(), { kind: "class" }, []);
  const some = results.refine("number > 0 SORT(number DESC)", packParameters(database, []));
  const [object, linked, list, named] = [at(0), at(1), get<List>(at(0), "many"), get<Dictionary>(at(0), "named")];
  expect([results.length, some.length, get(object, "number"), list.length]).toEqual([3, 2, 0, 2]);
  const told: Record<string, unknown[]> = {};
  const tell = (name: string) => (changes: CollectionChanges | DictionaryChanges | ObjectChanges) => {
    (told[name] ??= []).push(changes);
  };
  notifier.onResults(results, tell("results"));
  notifier.onResults(results, tell("over a path"), ["next.number"]);
  notifier.onResults(some, tell("some"));
  notifier.onCollection(list, tell("list"));
  notifier.onDictionary(named, tell("named"));
  notifier.onObject(object, tell("object"));
  notifier.onObject(object, tell("object over a path"), false, ["next.number"]);
  let schemaCount = 0;
  notifier.onSchemaChange(() => (schemaCount += 1));
  await turn();
  database.declare(classes);
  await turn();
  for (const key of Object.keys(told)) told[key] = [];
  write(() => {
    make(3);
    set(linked, "number", 9);
    set(object, "number", 7);
    list.insert(2, at(3));
  });
  expect([results.length, [...results.keys()].length, some.length]).toEqual([4, 4, 4]);
  expect([get(object, "number"), get(at(0), "number"), get(linked, "number")]).toEqual([7, 7, 9]);
  expect([list.length, results.indexOf(at(3)), at(0).equals(object)]).toEqual([3, 3, true]);
  await turn();
  const modified = { ...nothing, newModifications: [0, 1], oldModifications: [0, 1] };
  expect(told).toEqual({
    results: [{ ...modified, insertions: [3] }],
    "over a path": [{ ...nothing, insertions: [3], newModifications: [0], oldModifications: [0] }],
    some: [
      {
        // 2 1 become 1 0 3 2.
        deletions: [1],
        insertions: [0, 1, 2],
        moves: [{ from: 1, to: 0 }],
        newModifications: [],
        oldModifications: [],
      },
    ],
    list: [{ ...nothing, insertions: [2], newModifications: [0], oldModifications: [0] }],
    named: [{ deletions: [], insertions: [], modifications: ["a"] }],
    object: [{ isDeleted: false, changedProperties: ["number", "many"] }],
    "object over a path": [{ isDeleted: false, changedProperties: ["next"] }],
  });
  expect(schemaCount).toBe(1);
  write(() => set(at(0), "number", 8));
  expect([get(object, "number"), get(at(0), "number"), [...list.keys()], [...results.keys()]]).toEqual([
    8,
    8,
    [1, 2, 3],
    [0, 1, 2, 3],
  ]);
  write(() => get<List>(at(0), "many").erase(0));
  expect([list.length, [...list.keys()]]).toEqual([2, [2, 3]]);
  await turn();
  told["results"] = [];
  write(() => at(3).erase());
  expect([results.length, some.length]).toEqual([3, 3]);
  write(() => results.eraseAll());
  expect([results.length, object.isValid(), list.isValid()]).toEqual([0, false, false]);
  await turn();
  expect(told["results"]).toEqual([{ ...nothing, deletions: [0, 1, 2, 3] }]);
});
