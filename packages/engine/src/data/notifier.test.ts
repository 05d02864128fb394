/** When listeners are called, whatever those before them do, and what they hear after more than is remembered. */

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { must } from "../errors.js";
import { createNodeEngine } from "../node/index.js";
import type { RealmFile } from "../realm-file.js";
import { classOf, property } from "../testing/models.js";
import { plainConventions } from "../values/conventions.js";
import type { CollectionChanges, DictionaryChanges } from "./changes.js";
import { createObject, findObject } from "./create.js";
import type { Dictionary } from "./dictionary.js";
import type { List } from "./list.js";
import type { ObjectHandle } from "./object.js";
import type { ObjectChanges } from "./observers.js";
import { packParameters, Results } from "./results.js";
import type { ClassLayout } from "./schema.js";

const engine = createNodeEngine(plainConventions);
const item = classOf(
  "Item",
  "int",
  property("number", "int"),
  property("next", "link", { isNullable: true, target: "Item" }),
  property("many", "link", { collection: "list", target: "Item" }),
  property("named", "link", { isNullable: true, collection: "dictionary", target: "Item" }),
);

let file: RealmFile;

beforeEach(() => {
  file = engine.open({ path: "/notifier", isInMemory: true, isReadOnly: false, classes: [item] });
});
afterEach(() => file.close());

function write<T>(work: () => T): T {
  const { database } = file;
  database.beginWrite();
  const result = work();
  database.commitWrite();
  return result;
}

function layout(): ClassLayout {
  return must(file.database.layout("Item"), "the class is declared");
}

function make(_id: number, values: Readonly<Record<string, unknown>> = {}): ObjectHandle {
  return createObject(file.database, layout(), { _id, number: _id, ...values }, "never");
}

function at(_id: number): ObjectHandle {
  return must(findObject(file.database, layout(), _id), "it exists");
}

function set(object: ObjectHandle, name: string, value: unknown): void {
  object.set(must(layout().columnByName(name), "it is declared"), value);
}

function get<T>(object: ObjectHandle, name: string): T {
  return object.get(must(layout().columnByName(name), "it is declared")) as T;
}

function all(query?: string): Results {
  const results = new Results(file.database, layout(), { kind: "class" }, []);
  return query === undefined ? results : results.refine(query, packParameters(file.database, []));
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

describe("what a listener does", () => {
  test("a listener of the file that another one removes is not called any more", async () => {
    const { notifier } = file.database;
    const calls: string[] = [];
    for (const listen of ["onChange", "onBeforeNotify"] as const) {
      let stop = (): void => undefined;
      notifier[listen](() => {
        calls.push(listen);
        stop();
      });
      stop = notifier[listen](() => calls.push(`${listen}, removed`));
    }
    write(() => make(1));
    await turn();
    expect(calls).toEqual(["onBeforeNotify", "onChange"]);
  });

  test("while it leaves a transaction open the others wait, and are told what they would have been told", async () => {
    const { database } = file;
    const calls: [string, CollectionChanges, boolean][] = [];
    let mayBegin = false;
    database.notifier.onResults(all(), (changes) => {
      calls.push(["first", changes, database.isInWrite]);
      if (!mayBegin) return;
      mayBegin = false;
      database.beginWrite();
      make(all().length + 1);
    });
    const stop = database.notifier.onResults(all(), (changes) => {
      calls.push(["second", changes, database.isInWrite]);
    });
    let changeCount = 0;
    database.notifier.onChange(() => {
      if (database.isInWrite) throw new Error("inside a transaction");
      changeCount += 1;
    });
    await turn();
    calls.splice(0);
    mayBegin = true;
    write(() => make(1));
    await turn();
    expect(calls).toEqual([["first", { ...nothing, insertions: [0] }, false]]);
    expect(changeCount).toBe(0);
    database.commitWrite();
    await turn();
    expect(calls.slice(1)).toEqual([
      ["second", { ...nothing, insertions: [0] }, false],
      ["first", { ...nothing, insertions: [1] }, false],
      ["second", { ...nothing, insertions: [1] }, false],
    ]);
    expect(changeCount).toBe(2);
    calls.splice(0);
    mayBegin = true;
    write(() => make(3));
    await turn();
    expect(database.isInWrite).toBe(true);
    stop();
    database.cancelWrite();
    await turn();
    // The one that waited was removed; what was undone is told to nobody.
    expect(calls).toEqual([["first", { ...nothing, insertions: [2] }, false]]);
    expect(changeCount).toBe(3);
  });

  test("what is undone before others are told has not happened for them", async () => {
    const { database } = file;
    const told: CollectionChanges[] = [];
    const numbers = all();
    database.notifier.onResults(numbers, (changes) => told.push(changes));
    database.notifier.onBeforeNotify(() => {
      if (numbers.length > 0) write(() => numbers.eraseAll());
    });
    await turn();
    write(() => make(1));
    await turn();
    expect([told, numbers.length, [...numbers.keys()]]).toEqual([[nothing], 0, []]);
    write(() => make(2));
    await turn();
    expect([told, [...numbers.keys()]]).toEqual([[nothing], []]);
  });
});

test("one that cannot be told does not keep the others from being told", async () => {
  const { database } = file;
  const broken = new Proxy(all(), {
    get(target, name) {
      if (name === "keys") throw new Error("cannot be evaluated");
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? (value as () => unknown).bind(target) : value;
    },
  });
  const errors: unknown[] = [];
  const known = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException").on("uncaughtException", (error) => errors.push(error));
  try {
    const told: CollectionChanges[] = [];
    database.notifier.onResults(broken, () => undefined);
    database.notifier.onResults(all(), (changes) => told.push(changes));
    await turn();
    write(() => make(1));
    await turn();
    expect(told).toEqual([nothing, { ...nothing, insertions: [0] }]);
    expect(errors.map(String)).toEqual(Array.from({ length: 2 }, () => "Error: cannot be evaluated"));
  } finally {
    process.removeAllListeners("uncaughtException");
    for (const listener of known) process.on("uncaughtException", listener);
  }
});

describe("after more commits than are remembered", () => {
  function manyCommits(): void {
    for (let count = 0; count < 1_100; count += 1) write(() => set(at(9), "number", count));
  }

  beforeEach(() => {
    write(() => {
      for (let _id = 1; _id <= 9; _id += 1) make(_id);
      set(at(1), "next", at(2));
      set(at(2), "next", at(3));
      get<List>(at(4), "many").assign([at(1), at(3), at(5)]);
      get<Dictionary>(at(4), "named").set("a", at(3));
      get<Dictionary>(at(4), "named").set("b", at(5));
    });
  });

  test("modifications over links are told as ever", async () => {
    const { notifier } = file.database;
    const told: Record<string, CollectionChanges[]> = {};
    const listen = (name: string, results: Results, keyPaths?: readonly string[]): void => {
      notifier.onResults(results, (changes) => (told[name] ??= []).push(changes), keyPaths);
    };
    listen("plain", all("number < 5"));
    listen("sorted", all("number < 5 SORT(number DESC)"));
    listen("over a path", all("number < 5"), ["next.number"]);
    listen("over backlinks", all("number < 5 OR next.number == 77"), ["number"]);
    const list = get<List>(at(4), "many");
    notifier.onCollection(list, (changes) => (told["list"] ??= []).push(changes));
    notifier.onCollection(list, (changes) => (told["list over a path"] ??= []).push(changes), ["next.number"]);
    const dictionary: DictionaryChanges[] = [];
    notifier.onDictionary(get<Dictionary>(at(4), "named"), (changes) => dictionary.push(changes));
    const object: ObjectChanges[] = [];
    notifier.onObject(at(1), (changes) => object.push(changes), false, ["next.number", "number"]);
    await turn();
    write(() => set(at(2), "number", 0));
    write(() => set(at(3), "number", 1));
    manyCommits();
    await turn();
    const last = Object.fromEntries(Object.entries(told).map(([name, calls]) => [name, calls[1]]));
    expect(last).toEqual({
      plain: { ...nothing, newModifications: [0, 1, 2, 3], oldModifications: [0, 1, 2, 3] },
      // 4 3 2 1 become 4 1 3 2.
      sorted: {
        deletions: [1, 2],
        insertions: [2, 3],
        moves: [
          { from: 1, to: 2 },
          { from: 2, to: 3 },
        ],
        newModifications: [0, 1],
        oldModifications: [0, 3],
      },
      "over a path": { ...nothing, newModifications: [0, 1], oldModifications: [0, 1] },
      "over backlinks": { ...nothing, newModifications: [1, 2], oldModifications: [1, 2] },
      list: { ...nothing, newModifications: [0, 1], oldModifications: [0, 1] },
      "list over a path": { ...nothing, newModifications: [0], oldModifications: [0] },
    });
    expect(dictionary.slice(1)).toEqual([{ deletions: [], insertions: [], modifications: ["a"] }]);
    expect(object.slice(1)).toEqual([{ isDeleted: false, changedProperties: ["next"] }]);
  });
});
