import { afterEach, beforeEach, expect, test } from "vitest";
import { createObject, findObject } from "../data/create.js";
import { List } from "../data/list.js";
import type { EmbeddedHandle, ObjectHandle } from "../data/object.js";
import { packParameters, Results } from "../data/results.js";
import type { ClassDeclaration } from "../data/schema.js";
import type { Engine } from "../engine.js";
import { must } from "../errors.js";
import { createNodeEngine } from "../node/index.js";
import type { RealmFile } from "../realm-file.js";
import { classOf, property } from "../testing/models.js";
import { plainConventions } from "../values/conventions.js";
import { resolveHandle } from "./resolve.js";

const engine: Engine = createNodeEngine(plainConventions);

const chip: ClassDeclaration = {
  name: "Chip",
  kind: "embedded",
  properties: [property("code", "string")],
  backlinks: [],
};
const dog = classOf(
  "Dog",
  "int",
  property("tags", "string", { collection: "list" }),
  property("chip", "link", { isNullable: true, target: "Chip" }),
);

let file: RealmFile;
let lastMemory = 0;

beforeEach(() => {
  lastMemory += 1;
  file = engine.open({
    path: `/resolve-${lastMemory}`,
    isInMemory: true,
    isReadOnly: false,
    classes: [dog, chip],
  });
  write(() => createObject(file.database, layoutOf(file), { _id: 1, tags: ["a"], chip: { code: "x" } }, "never"));
});

afterEach(() => file.close());

function write<T>(work: () => T): T {
  file.database.beginWrite();
  const result = work();
  file.database.commitWrite();
  return result;
}

function layoutOf({ database }: RealmFile) {
  return must(database.layout("Dog"), "the class is declared");
}

function dogOf(of: RealmFile): ObjectHandle {
  return must(findObject(of.database, layoutOf(of), 1), "the dog is there");
}

function column(of: RealmFile, name: string) {
  return must(layoutOf(of).columnByPublicName(name), "the column is declared");
}

test("objects, lists and embedded objects are found in a frozen version, and back in the live file", () => {
  const frozen = engine.freeze(file);
  write(() => {
    dogOf(file).set(column(file, "tags"), ["b"]);
    dogOf(file).set(column(file, "chip"), { code: "y" });
  });
  const tags = must(resolveHandle(frozen.database, dogOf(file).get(column(file, "tags")) as List), "is there");
  expect(tags.values()).toEqual(["a"]);
  expect(resolveHandle(file.database, tags)?.values()).toEqual(["b"]);
  const live = dogOf(file).get(column(file, "chip")) as EmbeddedHandle;
  const code = must(live.layout.columnByPublicName("code"), "the column is declared");
  expect(live.get(code)).toBe("y");
  expect(resolveHandle(frozen.database, live)?.get(code)).toBe("x");
  expect(resolveHandle(file.database, live)).toBe(live);
  frozen.close();
});

test("what does not exist in the other version is not found", () => {
  const frozen = engine.freeze(file);
  const later = write(() => createObject(file.database, layoutOf(file), { _id: 2, tags: [], chip: null }, "never"));
  expect(resolveHandle(frozen.database, later)).toBeUndefined();
  write(() => dogOf(file).erase());
  expect(resolveHandle(file.database, dogOf(frozen))).toBeUndefined();
  expect(resolveHandle(file.database, new List(dogOf(frozen), column(frozen, "tags")))).toBeUndefined();
  frozen.close();
});

test("results keep their queries", () => {
  const frozen = engine.freeze(file);
  write(() => createObject(file.database, layoutOf(file), { _id: 2, tags: [], chip: null }, "never"));
  const all = new Results(file.database, layoutOf(file), { kind: "class" }, []);
  const some = all.refine("_id > $0", packParameters(file.database, [0]));
  expect([some.length, resolveHandle(frozen.database, some)?.length]).toEqual([2, 1]);
  frozen.close();
});

test("what is committed can be frozen inside a write transaction", () => {
  file.database.beginWrite();
  dogOf(file).erase();
  const frozen = engine.freeze(file, "committed");
  expect(dogOf(frozen).isValid()).toBe(true);
  file.database.cancelWrite();
  frozen.close();
});
