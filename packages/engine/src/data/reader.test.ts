// Objects are found, made, changed and erased alike by a core that has functions for reading and by one that has not.
import { ObjectId } from "bson";
import { expect, test } from "vitest";
import type { Core, CoreStore } from "../core.js";
import { must } from "../errors.js";
import { nodeHost } from "../node/host.js";
import { loadCore } from "../node/native.js";
import { classOf, property } from "../testing/models.js";
import { plainConventions } from "../values/conventions.js";
import { createObject, findObject } from "./create.js";
import { Database } from "./database.js";
import type { ObjectHandle } from "./object.js";
import { Results } from "./results.js";
import type { ClassLayout } from "./schema.js";

const numbered = classOf(
  "Numbered",
  "int",
  property("text", "string", { default: "none" }),
  property("n", "int", { isNullable: true }),
);
const named = classOf(
  "Named",
  "string",
  property("text", "string"),
  property("tags", "string", { collection: "list" }),
);
const identified = classOf("Identified", "objectId", property("at", "timestamp"));

const core = loadCore();

/** A core without the functions for reading, as that of WASM is. */
const plainCore: Core = {
  ...core,
  openStore: (path, options) => {
    const store = core.openStore(path, options);
    return new Proxy(store, {
      get: (target, name) => {
        if (name === "hotReads") return undefined;
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === "function" ? (value.bind(target) as unknown) : value;
      },
    });
  },
};

function open(used: Core): Database {
  return new Database({
    core: used,
    clock: nodeHost,
    conventions: plainConventions,
    path: null,
    isSynced: false,
    isReadOnly: false,
    classes: [numbered, named, identified],
  });
}

function layoutOf(database: Database, name: string): ClassLayout {
  return must(database.layout(name), "it is declared");
}

function create(database: Database, name: string, values: Record<string, unknown>): ObjectHandle {
  return createObject(database, layoutOf(database, name), values, "never");
}

function find(database: Database, name: string, key: unknown): ObjectHandle | undefined {
  return findObject(database, layoutOf(database, name), key);
}

function write(database: Database, work: () => void): void {
  database.beginWrite();
  work();
  database.commitWrite();
}

function valueOf(object: ObjectHandle | undefined, name: string): unknown {
  return object?.get(must(object.layout.columnByPublicName(name), "it is declared"));
}

const id = new ObjectId("0123456789abcdef01234567");
// Longer than a page of rows, than what is left of one, and than a key may be there.
const lengths = [0, 1, 900, 1_100, 5_000, 8_191, 8_192, 20_000];

/** What is seen while objects come, change and go. */
function story(used: Core): unknown[] {
  const database = open(used);
  const seen: unknown[] = [];
  write(database, () => {
    for (let key = 0; key < 500; key += 1) create(database, "Numbered", { _id: key * 3, text: `text ${key}` });
    for (const length of lengths) create(database, "Named", { _id: "k".repeat(length), text: "é".repeat(length) });
    create(database, "Identified", { _id: id, at: new Date(5) });
    seen.push(valueOf(find(database, "Numbered", 30), "text"), find(database, "Numbered", 31)?.key);
    seen.push(valueOf(find(database, "Identified", id), "at"));
  });
  for (let key = 0; key < 1_500; key += 1) seen.push(valueOf(find(database, "Numbered", key), "text"));
  for (const length of lengths) {
    const long = find(database, "Named", "k".repeat(length));
    seen.push(valueOf(long, "text"), valueOf(long, "_id"));
  }
  seen.push(valueOf(find(database, "Numbered", 33n), "text"), find(database, "Named", "absent"));
  const held = must(find(database, "Numbered", 60), "it was made");
  write(database, () => {
    held.set(must(held.layout.columnByPublicName("n"), "it is declared"), 7);
    seen.push(valueOf(held, "n"), valueOf(find(database, "Numbered", 60), "n"));
    must(find(database, "Numbered", 63), "it was made").erase();
    seen.push(find(database, "Numbered", 63)?.key, valueOf(find(database, "Numbered", 66), "text"));
    create(database, "Numbered", { _id: 63 });
    seen.push(valueOf(find(database, "Numbered", 63), "text"));
  });
  seen.push(valueOf(held, "n"), valueOf(find(database, "Numbered", 63), "text"));
  const layout = layoutOf(database, "Numbered");
  const all = new Results(database, layout, { kind: "class" }, []);
  const some = all.refine("_id < 30", new Uint8Array(4));
  seen.push(some.aggregate("sum", "_id"), some.aggregate("max", "n"), all.aggregate("max", "n"), all.length);
  write(database, () => some.eraseAll());
  seen.push(all.length, find(database, "Numbered", 0), valueOf(find(database, "Numbered", 30), "text"));
  database.close();
  return seen;
}

test("a core without functions for reading shows the same", () => {
  const seen = story(core);
  expect(story(plainCore)).toEqual(seen);
  expect(seen.slice(0, 6)).toEqual(["text 10", undefined, new Date(5), "text 0", undefined, undefined]);
  expect(seen.slice(-7)).toEqual([135, undefined, 7, 500, 490, undefined, "text 10"]);
});

test("what a creation refuses leaves nothing behind", () => {
  const database = open(core);
  database.beginWrite();
  create(database, "Numbered", { _id: 1 });
  expect(() => create(database, "Numbered", { _id: 1 })).toThrow("existing primary key value '1'");
  expect(() => create(database, "Numbered", { _id: 2, text: 5 })).toThrow("Expected 'text' to be a string");
  expect(() => create(database, "Numbered", { _id: 2.5 })).toThrow("cannot be converted");
  expect(find(database, "Numbered", 2)).toBe(undefined);
  expect(valueOf(create(database, "Numbered", { _id: 2, n: 3 }), "n")).toBe(3);
  expect(() => create(database, "Identified", { _id: id })).toThrow("Missing value for property 'Identified.at'");
  database.commitWrite();
  expect(new Results(database, layoutOf(database, "Numbered"), { kind: "class" }, []).length).toBe(2);
  expect(() => create(database, "Numbered", { _id: 1 })).toThrow("outside of a write transaction");
  database.close();
});

test("defaults may read and write while an object is made", () => {
  const database = open(core);
  const text = must(layoutOf(database, "Numbered").columnByPublicName("text"), "it is declared");
  const values = {
    _id: 1,
    get text(): string {
      create(database, "Numbered", { _id: 2, text: "inner" });
      return String(find(database, "Numbered", 2)?.get(text));
    },
  };
  write(database, () => create(database, "Numbered", values));
  expect([1, 2].map((key) => find(database, "Numbered", key)?.get(text))).toEqual(["inner", "inner"]);
  database.close();
});

test("functions for reading end with their handle", () => {
  const store: CoreStore = core.openStore(null, "{}");
  const hot = must(store.hotReads?.(), "this core has them");
  const view = store.beginRead();
  const bytes = new Uint8Array(64);
  expect(() => hot.find(bytes, 0, view, 0, 1)).toThrow("No class has index 0");
  expect(() => hot.find(bytes, 60, view, 0, 9)).toThrow("beyond its bytes");
  expect(() => hot.row(undefined as unknown as Uint8Array, 0, 0, 0, 0)).toThrow("snapshot");
  store.close();
  for (const name of ["find", "findRow", "row"] as const) {
    expect(() => hot[name](bytes, 0, view, 0, 1)).toThrow("closed");
  }
});
