import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createObject } from "../data/create.js";
import type { Dictionary } from "../data/dictionary.js";
import type { List } from "../data/list.js";
import type { EmbeddedHandle, ObjectHandle } from "../data/object.js";
import { Results } from "../data/results.js";
import type { ClassDeclaration } from "../data/schema.js";
import type { ValueSet } from "../data/value-set.js";
import type { Engine } from "../engine.js";
import { must } from "../errors.js";
import { createNodeEngine } from "../node/index.js";
import type { RealmFile } from "../realm-file.js";
import { classOf, property } from "../testing/models.js";
import { eraseEmbedded, resultsOfCollection } from "./collections.js";
import { relocate } from "./relocate.js";

const engine: Engine = createNodeEngine();

const embedded: ClassDeclaration = {
  name: "Address",
  kind: "embedded",
  properties: [property("street", "string")],
  backlinks: [],
};
const person = classOf(
  "Person",
  "int",
  property("name", "string"),
  property("home", "link", { isNullable: true, target: "Address" }),
  property("places", "link", { collection: "list", target: "Address" }),
  property("tags", "string", { collection: "list" }),
  property("toys", "string", { collection: "set" }),
  property("marks", "int", { collection: "dictionary" }),
  property("friends", "link", { collection: "list", target: "Person" }),
);

let folder: string;
let file: RealmFile;
let frozen: RealmFile;
let ada: ObjectHandle;

function get(name: string): unknown {
  return ada.get(must(ada.layout.columnByName(name), "declared"));
}

function write(work: () => void): void {
  file.database.beginWrite();
  work();
  file.database.commitWrite();
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tidemark-relocate-"));
  const classes = [person, embedded];
  file = engine.open({ path: join(folder, "a.realm"), isInMemory: false, isReadOnly: false, classes });
  write(() => {
    ada = createObject(
      file.database,
      must(file.database.layout("Person"), "declared"),
      {
        _id: 1,
        name: "Ada",
        home: { street: "Main St" },
        places: [{ street: "First" }, { street: "Second" }],
        tags: ["a"],
        toys: ["ball"],
        marks: { key: 1 },
        friends: [{ _id: 2, name: "Bea" }],
      },
      "never",
    );
  });
  frozen = engine.freeze(file);
});

afterEach(() => {
  frozen.close();
  file.close();
  rmSync(folder, { recursive: true });
});

test("objects and collections of a frozen version stay as they were, and lead back to the live ones", () => {
  const [home, second] = [get("home"), (get("places") as List).get(1)] as EmbeddedHandle[];
  const handles = [get("tags"), get("toys"), get("marks"), get("friends")] as [List, ValueSet, Dictionary, List];
  const then = [ada, must(home, "set"), must(second, "set"), ...handles].map((handle) =>
    must(relocate(handle, frozen.database), "it was there"),
  );
  write(() => {
    for (const name of ["tags", "toys", "marks"]) (get(name) as List).clear();
    ada.set(must(ada.layout.columnByName("name"), "declared"), "Eve");
    eraseEmbedded(must(second, "set"));
    eraseEmbedded(must(home, "set"));
  });
  const [person1, home1, second1, tags1, toys1, marks1, friends1] = then as [
    ObjectHandle,
    EmbeddedHandle,
    EmbeddedHandle,
    List,
    ValueSet,
    Dictionary,
    List,
  ];
  const street = must(home1.layout.columnByName("street"), "declared");
  expect([person1.get(must(person1.layout.columnByName("name"), "declared")), home1.get(street)]).toEqual([
    "Ada",
    "Main St",
  ]);
  expect([second1.get(street), tags1.values(), toys1.values(), marks1.keys()]).toEqual([
    "Second",
    ["a"],
    ["ball"],
    ["key"],
  ]);
  expect(resultsOfCollection(friends1).length).toBe(1);
  expect(relocate(person1, file.database)?.equals(ada)).toBe(true);
  expect(relocate(tags1, file.database)?.length).toBe(0);
  expect([relocate(home1, file.database), relocate(second1, file.database)]).toEqual([undefined, undefined]);
});

test("results keep their source and queries", () => {
  const { layout } = ada;
  const all = new Results(file.database, layout, { kind: "class" }, []).refine("name == 'Ada'", new Uint8Array(4));
  const friends = resultsOfCollection(get("friends") as List);
  const [all1, friends1, snapshot1] = [all, friends, all.snapshot()].map((results) =>
    must(relocate(results, frozen.database), "it was there"),
  );
  write(() => ada.erase());
  expect([all.length, all1?.length, friends1?.length, snapshot1?.length]).toEqual([0, 1, 1, 1]);
  expect(all1 && relocate(all1, file.database)?.length).toBe(0);
  expect(friends1 && relocate(friends1, file.database)).toBeUndefined();
  expect(relocate(friends, frozen.database)).toBeUndefined();
});

test("what came later, or is gone, is not there", () => {
  let late: ObjectHandle | undefined;
  write(() => (late = createObject(file.database, ada.layout, { _id: 3, name: "Cleo" }, "never")));
  expect(relocate(must(late, "created"), frozen.database)).toBeUndefined();
  write(() => ada.erase());
  expect(relocate(ada, frozen.database)).toBeUndefined();
});

test("only collections of objects are results", () => {
  expect(() => resultsOfCollection(get("tags") as List)).toThrow("not supported");
  expect(() => resultsOfCollection(get("places") as List)).toThrow("not supported");
});
