/**
 * What a change set costs follows the change and not the collection: counted by what is read of the file.
 */

import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { CoreStore } from "../core.js";
import type { Engine } from "../engine.js";
import { must } from "../errors.js";
import { createNodeEngine } from "../node/index.js";
import type { RealmFile } from "../realm-file.js";
import { classOf, property } from "../testing/models.js";
import { plainConventions } from "../values/conventions.js";
import type { CollectionChanges } from "./changes.js";
import { createObject, findObject } from "./create.js";
import type { List } from "./list.js";
import type { ObjectHandle } from "./object.js";
import { packParameters, Results } from "./results.js";
import type { ClassLayout } from "./schema.js";

const engine: Engine = createNodeEngine(plainConventions);

const count = 100_000;
/** Elements of lists, which take longer to make. */
const [valueCount, linkCount] = [20_000, 5_000];

const item = classOf(
  "Item",
  "int",
  property("number", "int"),
  property("other", "int"),
  property("owner", "link", { isNullable: true, target: "Owner" }),
);
const owner = classOf(
  "Owner",
  "int",
  property("name", "string"),
  property("numbers", "int", { collection: "list" }),
  property("items", "link", { collection: "list", target: "Item" }),
);

let file: RealmFile;
/** Rows that queries looked at, rows and bytes that were read. */
let visited = { rows: 0, bytes: 0 };
const stops: (() => void)[] = [];

beforeAll(() => {
  file = engine.open({ path: "/change-cost", isInMemory: true, isReadOnly: false, classes: [item, owner] });
  const { database } = file;
  database.beginWrite();
  const one = createObject(database, layout("Owner"), { _id: 1, name: "one" }, "never");
  const items: ObjectHandle[] = [];
  for (let _id = 0; _id < count; _id += 1) {
    items.push(
      createObject(database, layout("Item"), { _id, number: (_id * 7) % count, other: _id, owner: null }, "never"),
    );
  }
  column(one, "numbers").assign(Array.from({ length: valueCount }, (_, index) => index));
  column(one, "items").assign(items.slice(0, linkCount));
  database.commitWrite();
  (database as { store: CoreStore }).store = counted(database.store);
}, 120_000);

afterAll(() => file.close());

beforeEach(() => {
  for (const stop of stops.splice(0)) stop();
});

function counted(store: CoreStore): CoreStore {
  const counting: Partial<CoreStore> = {
    query(view, index, text, parameters, restrict) {
      visited.rows += restrict?.length ?? store.count(view, index);
      return store.query(view, index, text, parameters, restrict);
    },
    row(view, index, key) {
      const row = store.row(view, index, key);
      visited.rows += 1;
      visited.bytes += row?.length ?? 0;
      return row;
    },
    rows(view, index, keys) {
      const rows = store.rows(view, index, keys);
      visited.rows += keys.length;
      visited.bytes += rows.length;
      return rows;
    },
    origins(view, index, targets, ...rest) {
      const found = store.origins(view, index, targets, ...rest);
      visited.rows += targets.length + found.length;
      return found;
    },
  };
  return new Proxy(store, {
    get(target, name) {
      const own = counting[name as keyof CoreStore];
      if (own !== undefined) return own;
      const value: unknown = target[name as keyof CoreStore];
      return typeof value === "function" ? (value as () => unknown).bind(target) : value;
    },
  });
}

function layout(name: string): ClassLayout {
  return must(file.database.layout(name), "the class is declared");
}

function column(object: ObjectHandle, name: string): List {
  return object.get(must(object.layout.columnByName(name), "it has the column")) as List;
}

function itemAt(key: number): ObjectHandle {
  return must(findObject(file.database, layout("Item"), key), "it exists");
}

function set(object: ObjectHandle, name: string, value: unknown): void {
  object.set(must(object.layout.columnByName(name), "it has the column"), value);
}

async function turn(): Promise<void> {
  for (let turns = 0; turns < 2; turns += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** What a change is told as, and what it took beyond the change itself. */
async function told(
  listen: (listener: (changes: CollectionChanges) => void) => () => void,
  change: () => void,
): Promise<{ readonly changes: CollectionChanges | undefined; readonly visits: typeof visited }> {
  let last: CollectionChanges | undefined;
  stops.push(listen((changes) => (last = changes)));
  await turn();
  last = undefined;
  file.database.beginWrite();
  change();
  file.database.commitWrite();
  visited = { rows: 0, bytes: 0 };
  await turn();
  return { changes: last, visits: visited };
}

const few = { rows: 400, bytes: 4_000 };

function expectFew(found: typeof visited): void {
  expect(found.rows).toBeLessThan(few.rows);
  expect(found.bytes).toBeLessThan(few.bytes);
}

function itemsThat(...queries: readonly string[]): Results {
  const all = new Results(file.database, layout("Item"), { kind: "class" }, []);
  return queries.reduce((results, text) => results.refine(text, packParameters(file.database, [])), all);
}

test.for([
  ["all", [], { newModifications: [50_000] }],
  ["a filter", ["other < 60000.5"], { newModifications: [50_000] }],
  ["an order", ["TRUEPREDICATE SORT(number ASC)"], { deletions: [50_000], insertions: [0] }],
  ["a filter and an order", ["other > 20 SORT(other DESC)", "number < 90000 SORT(number ASC)"], { insertions: [0] }],
] as const)("one changed object of 100,000: %s", { timeout: 60_000 }, async ([, queries, expected]) => {
  const results = itemsThat(...queries);
  const object = itemAt(50_000);
  const before = Number(object.get(must(object.layout.columnByName("number"), "it has one")));
  const { changes, visits } = await told(
    (listener) => results.database.notifier.onResults(results, listener),
    () => set(object, "number", -1),
  );
  expect(changes).toMatchObject(expected);
  expectFew(visits);
  // The keys that the results have now are those of a new evaluation.
  const [keys, anew] = [results.keys(), itemsThat(...queries).keys()];
  expect(keys.length).toBe(anew.length);
  expect(keys.every((key, index) => key === anew[index])).toBe(true);
  file.database.beginWrite();
  set(object, "number", before);
  file.database.commitWrite();
});

test("one changed element of a list of 20,000 values", async () => {
  const one = must(findObject(file.database, layout("Owner"), 1), "it exists");
  const list = column(one, "numbers");
  const { changes, visits } = await told(
    (listener) => file.database.notifier.onCollection(list, listener),
    () => {
      list.insert(10, -1);
      list.erase(15_000);
      list.set(10_000, -2);
      list.move(3, 5);
    },
  );
  expect(changes).toEqual({
    deletions: [3, 14_999],
    insertions: [5, 10],
    newModifications: [10_000],
    oldModifications: [9_999],
    moves: [{ from: 3, to: 5 }],
  });
  expectFew(visits);
});

test("one changed object in a list of 5,000 links; the core looks for its place", async () => {
  const one = must(findObject(file.database, layout("Owner"), 1), "it exists");
  const list = column(one, "items");
  const { changes, visits } = await told(
    (listener) => file.database.notifier.onCollection(list, listener),
    () => set(itemAt(4_000), "other", -1),
  );
  expect(changes).toMatchObject({ deletions: [], insertions: [], newModifications: [4_000] });
  expectFew(visits);
});

test("an object that many link to: what is told is what is looked at", async () => {
  const { database } = file;
  database.beginWrite();
  const two = createObject(database, layout("Owner"), { _id: 2, name: "two" }, "never");
  for (let key = 0; key < 30; key += 1) set(itemAt(key), "owner", two);
  database.commitWrite();
  const results = itemsThat();
  const { changes, visits } = await told(
    (listener) => database.notifier.onResults(results, listener),
    () => set(two, "name", "changed"),
  );
  expect(changes?.newModifications).toEqual(Array.from({ length: 30 }, (_, index) => index));
  expectFew(visits);
});

test("of other classes, nothing is looked at", async () => {
  const results = new Results(file.database, layout("Owner"), { kind: "class" }, []);
  const { changes, visits } = await told(
    (listener) => file.database.notifier.onResults(results, listener, ["name"]),
    () => set(itemAt(5), "other", -5),
  );
  expect(changes).toBeUndefined();
  expectFew(visits);
});
