import { afterEach, beforeEach, expect, test } from "vitest";
import { createObject, findObject } from "../data/create.js";
import type { Dictionary } from "../data/dictionary.js";
import type { List } from "../data/list.js";
import type { EmbeddedHandle, ObjectHandle } from "../data/object.js";
import { Results } from "../data/results.js";
import type { ClassLayout, Column } from "../data/schema.js";
import type { ValueSet } from "../data/value-set.js";
import type { Engine } from "../engine.js";
import { must } from "../errors.js";
import { createNodeEngine } from "../node/index.js";
import type { RealmFile } from "../realm-file.js";
import { classOf, property } from "../testing/models.js";
import { plainConventions } from "../values/conventions.js";
import { indexedForm, withIndexes } from "./indexed.js";
import { LogFilter } from "./log-filter.js";
import { eraseEmbedded } from "./collections.js";
import { resolveHandle } from "./resolve.js";

const engine: Engine = createNodeEngine(plainConventions);
const isNullable = true;

const address = { ...classOf("Address", "int", property("street", "string")), kind: "embedded" as const };
const { primaryKey: _, ...embedded } = { ...address, properties: address.properties.slice(1) };
const person = classOf(
  "Person",
  "int",
  property("name", "string"),
  property("friends", "link", { collection: "list", target: "Person" }),
  property("tags", "string", { collection: "set" }),
  property("scores", "int", { collection: "dictionary" }),
  property("home", "link", { isNullable, target: "Address" }),
);

let file: RealmFile;
let lastMemory = 0;

beforeEach(() => {
  lastMemory += 1;
  file = engine.open({
    path: `/shared-${lastMemory}`,
    isInMemory: true,
    isReadOnly: false,
    classes: [person, embedded],
  });
  write(() => {
    const first = { _id: 1, name: "Ada", friends: [], tags: ["a"], scores: { x: 1 }, home: { street: "here" } };
    createObject(file.database, layout(), first, "never");
    createObject(file.database, layout(), { _id: 2, name: "Bea", friends: [{ _id: 1 }] }, "modified");
  });
});

afterEach(() => file.close());

function write(work: () => void): void {
  file.database.beginWrite();
  work();
  file.database.commitWrite();
}

function layout(): ClassLayout {
  return must(file.database.layout("Person"), "the class is declared");
}

function column(name: string): Column {
  return must(layout().columnByPublicName(name), "the property is declared");
}

function ada(): ObjectHandle {
  return must(findObject(file.database, layout(), 1), "Ada is there");
}

test("objects, collections and results show in a frozen view what they were", () => {
  const everybody = new Results(file.database, layout(), { kind: "class" }, []);
  const friends = must(findObject(file.database, layout(), 2), "Bea is there").get(column("friends")) as List;
  const ofFriends = new Results(file.database, layout(), { kind: "collection", collection: friends }, []);
  const frozenFile = engine.freeze(file);
  const { database } = frozenFile;
  const frozen = {
    ada: must(resolveHandle(database, ada()), "it is there"),
    tags: must(resolveHandle(database, ada().get(column("tags")) as ValueSet), "it is there"),
    scores: must(resolveHandle(database, ada().get(column("scores")) as Dictionary), "it is there"),
    home: must(resolveHandle(database, ada().get(column("home")) as EmbeddedHandle), "it is there"),
    friends: must(resolveHandle(database, friends), "it is there"),
    everybody: must(resolveHandle(database, everybody), "it is there"),
    ofFriends: must(resolveHandle(database, ofFriends), "it is there"),
  };
  write(() => {
    ada().set(column("name"), "changed");
    ada().set(column("tags"), ["b", "c"]);
    ada().set(column("scores"), {});
    ada().set(column("home"), { street: "there" });
    friends.clear();
    createObject(file.database, layout(), { _id: 3, name: "Cem" }, "never");
  });
  const frozenColumn = (name: string): Column => must(frozen.ada.layout.columnByPublicName(name), "declared");
  expect(frozen.ada.get(frozenColumn("name"))).toBe("Ada");
  expect(frozen.tags.values()).toEqual(["a"]);
  expect(frozen.scores.keys()).toEqual(["x"]);
  expect(frozen.home.get(must(frozen.home.layout.columnByPublicName("street"), "declared"))).toBe("here");
  expect([frozen.friends.length, frozen.everybody.length, frozen.ofFriends.length]).toEqual([1, 2, 1]);
  expect([everybody.length, ofFriends.length]).toEqual([3, 0]);
  frozenFile.close();
});

test("what did not exist at the frozen version gives a handle that is not valid", () => {
  const frozenFile = engine.freeze(file);
  write(() => {
    createObject(file.database, layout(), { _id: 3, name: "Cem" }, "never");
  });
  const late = must(findObject(file.database, layout(), 3), "Cem is there");
  expect(resolveHandle(frozenFile.database, late)).toBeUndefined();
  frozenFile.close();
});

test("an embedded object is erased from its owner", () => {
  write(() => eraseEmbedded(ada().get(column("home")) as EmbeddedHandle));
  expect(ada().get(column("home"))).toBe(null);
});

test("only a file of another schema is replaced", () => {
  const other = classOf("Person", "int", property("name", "int"));
  const schemaMode = "soft-reset" as const;
  const memory = { path: "/shared-replaced", isInMemory: true, isReadOnly: false, schemaMode };
  const options = { ...memory, classes: [person, embedded] };
  const first = engine.open(options);
  expect(first.database.layout("Person")).toBeDefined();
  expect(() => engine.open({ ...options, classes: [other] })).toThrow();
  first.close();
  const second = engine.open({ ...options, classes: [other] });
  expect(second.database.layout("Person")?.columnByName("name")?.type).toBe("int");
  second.close();
});

test("an indexed form reads and writes by index, and its methods see the collection itself", () => {
  const values = ["a", "b"];
  class Letters {
    readonly #own = values;
    get length(): number {
      return this.#own.length;
    }
    same(): this {
      return this;
    }
  }
  const letters = new Letters();
  const indexed = withIndexes(letters, {
    read: (index) => values[index],
    write: (index, value) => void (values[index] = String(value)),
  }) as Letters & { [index: number]: string };
  indexed[1] = "c";
  expect([indexed[0], indexed[1], indexed[2], indexed.length]).toEqual(["a", "c", undefined, 2]);
  expect(Object.keys(indexed)).toEqual(["0", "1"]);
  expect([0 in indexed, 2 in indexed]).toEqual([true, false]);
  expect(indexed.same()).toBe(indexed);
  expect(indexedForm(letters)).toBe(indexed);
  const plain = {};
  expect(indexedForm(plain)).toBe(plain);
});

test("a level holds for a category and those below it", () => {
  const filter = new LogFilter();
  expect([filter.isWanted("Realm.Sync", "warn"), filter.isWanted("Realm.Sync", "info")]).toEqual([true, false]);
  filter.setLevel("debug", "Realm.Sync.Client");
  filter.setLevel("off", "Realm.App");
  expect(filter.levelOf("Realm.Sync.Client.Session")).toBe("debug");
  expect(filter.isWanted("Realm.App", "fatal")).toBe(false);
  filter.setLevel("error", "Realm");
  expect(filter.levelOf("Realm.Sync.Client.Session")).toBe("error");
});
