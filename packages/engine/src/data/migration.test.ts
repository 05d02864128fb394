// What opening a file with other classes does, by mode and version.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, expect, test } from "vitest";
import type { MigrationFiles, OpenOptions } from "../engine.js";
import { createNodeEngine } from "../node/index.js";
import type { RealmFile } from "../realm-file.js";
import { classOf, property } from "../testing/models.js";
import { plainConventions } from "../values/conventions.js";
import { createObject, findObject } from "./create.js";
import type { Database } from "./database.js";
import { deleteClass, renameProperty } from "./migration.js";
import type { ObjectHandle } from "./object.js";
import { Results } from "./results.js";
import type { ClassDeclaration } from "./schema.js";

const engine = createNodeEngine(plainConventions);
const directory = mkdtempSync(join(tmpdir(), "tidemark-migrations-"));
const open: RealmFile[] = [];
let lastPath = 0;

afterEach(() => {
  for (const file of open.splice(0)) file.close();
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function newPath(): string {
  lastPath += 1;
  return join(directory, `${lastPath}.realm`);
}

function openFile(path: string, classes: readonly ClassDeclaration[] | undefined, rest: Partial<OpenOptions> = {}) {
  const file = engine.open({ path, isInMemory: false, isReadOnly: false, classes, ...rest });
  open.push(file);
  return file;
}

function close(file: RealmFile): void {
  open.splice(open.indexOf(file), 1);
  file.close();
}

function layout(database: Database, name: string) {
  const found = database.layout(name);
  if (found === undefined) throw new Error(`no class ${name}`);
  return found;
}

function all(database: Database, name: string): ObjectHandle[] {
  const results = new Results(database, layout(database, name), { kind: "class" }, []);
  return Array.from({ length: results.length }, (_, index) => results.get(index) as ObjectHandle);
}

function get(object: ObjectHandle, name: string): unknown {
  const column = object.layout.columnByName(name);
  if (column === undefined) throw new Error(`no property ${name}`);
  return object.get(column);
}

function set(object: ObjectHandle, name: string, value: unknown): void {
  const column = object.layout.columnByName(name);
  if (column === undefined) throw new Error(`no property ${name}`);
  object.set(column, value);
}

const optional = { isNullable: true };
const dog = classOf("Dog", "int", property("name", "string"), property("age", "int", optional));
const owner = classOf("Owner", "int", property("dogs", "link", { collection: "list", target: "Dog" }));

/** A file of version 0: three dogs, the second without an age, and an owner of them. */
function dogs(classes: readonly ClassDeclaration[] = [dog, owner]): string {
  const path = newPath();
  const file = openFile(path, classes, { schemaVersion: 0 });
  const { database } = file;
  database.beginWrite();
  const made = ["Ada", "Bo", "Cy"].map((name, index) =>
    createObject(
      database,
      layout(database, "Dog"),
      { _id: index, name, age: index === 1 ? null : 10 + index },
      "never",
    ),
  );
  createObject(database, layout(database, "Owner"), { _id: 0, dogs: made }, "never");
  database.commitWrite();
  close(file);
  return path;
}

const changed = classOf(
  "Dog",
  "int",
  property("age", "int"),
  property("name", "string", optional),
  property("size", "double"),
  property("owners", "link", { collection: "list", target: "Owner" }),
);

test("a difference needs a higher version, and is named", () => {
  const path = dogs();
  const wrong = [
    classOf("Dog", "string", property("name", "string", optional), property("age", "int", { collection: "list" })),
    { ...owner, primaryKey: "id", properties: [property("id", "int"), ...owner.properties.slice(1)] },
  ];
  expect(() => openFile(path, wrong, { schemaVersion: 0 })).toThrow(
    `Migration is required due to the following errors:
- Property 'Dog._id' has been changed from 'int' to 'string'.
- Property 'Dog.name' has been made optional.
- Property 'Dog.age' has been changed from 'int' to 'array<int>'.
- Property 'Owner._id' has been removed.
- Property 'Owner.id' has been added.
- Primary Key for class 'Owner' has been changed from '_id' to 'id'.`,
  );
  const required = classOf("Dog", "int", property("name", "string"), property("age", "int"));
  expect(() => openFile(path, [required])).toThrow("- Property 'Dog.age' has been made required.");
  // New classes and indexes need none.
  const indexed = classOf(
    "Dog",
    "int",
    property("name", "string", { isIndexed: true }),
    property("age", "int", optional),
  );
  const file = openFile(path, [indexed, classOf("Cat", "int")], { schemaVersion: 0 });
  expect(file.database.declaredVersion).toBe(0);
});

test("a version never goes back", () => {
  const path = dogs();
  expect(engine.schemaVersion(path)).toBe(0);
  close(openFile(path, [dog, owner], { schemaVersion: 7 }));
  expect(engine.schemaVersion(path)).toBe(7);
  expect(() => openFile(path, [dog, owner], { schemaVersion: 6 })).toThrow(
    "Provided schema version 6 is less than last set version 7.",
  );
  expect(engine.schemaVersion(newPath())).toBe(-1);
  const file = openFile(path, undefined);
  expect(file.database.declaredVersion).toBe(7);
  expect(() => openFile(path, [dog], { schemaVersion: 8 })).toThrow("already opened with different schema version");
});

test("without a callback properties come, go and keep what fits", () => {
  const path = dogs();
  const { database } = openFile(path, [changed, owner], { schemaVersion: 1 });
  const read = all(database, "Dog").map((one) => ["_id", "age", "name", "size"].map((name) => get(one, name)));
  expect(read).toEqual([
    [0, 10, "Ada", 0],
    [1, 0, "Bo", 0],
    [2, 12, "Cy", 0],
  ]);
  expect(database.declaredVersion).toBe(1);
});

test("the callback sees the file as it was and writes it as it is to be", () => {
  const path = dogs();
  let seen: MigrationFiles | undefined;
  const renamed = classOf("Dog", "int", property("title", "string"), property("years", "int", optional));
  const onMigration = (files: MigrationFiles): void => {
    seen = files;
    const { before, after, oldVersion } = files;
    expect(oldVersion).toBe(0);
    expect([after.database.isInMigration, after.database.isInWrite]).toEqual([true, true]);
    expect(() => before.database.beginWrite()).toThrow("read-only");
    expect(() => after.database.commitWrite()).toThrow("of a migration");
    renameProperty(after.database, "Dog", "age", "years");
    for (const old of all(before.database, "Dog")) {
      const object = findObject(after.database, layout(after.database, "Dog"), get(old, "_id"));
      set(object as ObjectHandle, "title", `${String(get(old, "name"))}!`);
    }
    after.close();
  };
  const { database } = openFile(path, [renamed, owner], { schemaVersion: 2, onMigration });
  expect(all(database, "Dog").map((one) => [get(one, "title"), get(one, "years")])).toEqual([
    ["Ada!", 10],
    ["Bo!", null],
    ["Cy!", 12],
  ]);
  expect(seen?.before.database.isClosed).toBe(true);
  expect(database.isInMigration).toBe(false);
  expect(
    layout(database, "Dog")
      .columns.map(({ name }) => name)
      .sort(),
  ).toEqual(["title", "years"]);
  database.beginWrite();
  set(all(database, "Dog")[0] as ObjectHandle, "title", "Eve");
  database.commitWrite();
});

test("what the callback throws undoes everything", () => {
  const path = dogs();
  const onMigration = ({ after }: MigrationFiles): void => {
    set(all(after.database, "Dog")[0] as ObjectHandle, "size", 3);
    throw new Error("no");
  };
  expect(() => openFile(path, [changed, owner], { schemaVersion: 1, onMigration })).toThrow("no");
  expect(engine.schemaVersion(path)).toBe(0);
  const { database } = openFile(path, [dog, owner], { schemaVersion: 0 });
  expect(all(database, "Dog").map((one) => get(one, "age"))).toEqual([10, null, 12]);
});

test("another primary key, and links that follow it", () => {
  const path = dogs();
  const named: ClassDeclaration = { ...dog, primaryKey: "name" };
  const { database } = openFile(path, [named, owner], { schemaVersion: 1 });
  const bo = findObject(database, layout(database, "Dog"), "Bo");
  expect(bo === undefined ? undefined : get(bo, "_id")).toBe(1);
  const [boss] = all(database, "Owner") as [ObjectHandle];
  const list = get(boss, "dogs") as { length: number; get(index: number): ObjectHandle };
  expect(Array.from({ length: list.length }, (_, index) => get(list.get(index), "name"))).toEqual(["Ada", "Bo", "Cy"]);
});

test("keys that the callback makes equal are refused", () => {
  const path = dogs();
  const texts = classOf("Dog", "string", property("name", "string"), property("age", "int", optional));
  const give = (key: (old: number) => string) => (files: MigrationFiles) => {
    const before = all(files.before.database, "Dog");
    all(files.after.database, "Dog").forEach((one, index) =>
      set(one, "_id", key(get(before[index] as ObjectHandle, "_id") as number)),
    );
  };
  const classes = [texts, owner];
  const equal = give(() => "same");
  expect(() => openFile(path, classes, { schemaVersion: 1, onMigration: equal })).toThrow(
    "Primary key property 'Dog._id' has duplicate values after migration.",
  );
  expect(engine.schemaVersion(path)).toBe(0);
  const { database } = openFile(path, classes, { schemaVersion: 1, onMigration: give((old) => `dog ${old}`) });
  expect(findObject(database, layout(database, "Dog"), "dog 2")).toBeDefined();
});

test("classes go, and objects move into others", () => {
  const path = dogs();
  const without = { ...owner, properties: [property("_id", "int")] };
  const onMigration = ({ after }: MigrationFiles): void => {
    expect(deleteClass(after.database, "None")).toBe(false);
    expect(deleteClass(after.database, "Dog")).toBe(true);
  };
  const { database } = openFile(path, [without], { schemaVersion: 1, onMigration });
  expect(database.layouts.map(({ name }) => name)).toEqual(["Owner"]);

  const { primaryKey: _, ...rest } = dog;
  const embedded: ClassDeclaration = { ...rest, kind: "embedded", properties: dog.properties.slice(1) };
  const other = openFile(dogs(), [embedded, owner], { schemaVersion: 1 });
  const [boss] = all(other.database, "Owner") as [ObjectHandle];
  const list = get(boss, "dogs") as { length: number; get(index: number): ObjectHandle };
  expect([list.length, get(list.get(2), "name")]).toEqual([3, "Cy"]);
});

test("embedded objects become objects of their own, and get primary keys from the callback", () => {
  const { primaryKey: _, ...rest } = dog;
  const embedded: ClassDeclaration = { ...rest, kind: "embedded", properties: dog.properties.slice(1) };
  const path = dogs();
  close(openFile(path, [embedded, owner], { schemaVersion: 1 }));
  expect(() => openFile(path, [dog, owner])).toThrow("- Class 'Dog' has been changed from Embedded to TopLevel.");
  const loose = { ...owner, properties: [property("_id", "int")] };
  expect(() => openFile(path, [{ ...dog, kind: "asymmetric" }, loose], { schemaVersion: 2 })).toThrow(
    "Class 'Dog' has been changed from Embedded to TopLevelAsymmetric.",
  );
  const onMigration = ({ after }: MigrationFiles): void => {
    all(after.database, "Dog").forEach((one, index) => set(one, "_id", index + 7));
  };
  const { database } = openFile(path, [dog, owner], { schemaVersion: 2, onMigration });
  const [boss] = all(database, "Owner") as [ObjectHandle];
  const list = get(boss, "dogs") as { length: number; get(index: number): ObjectHandle };
  const found = [0, 1, 2].map((index) => [get(list.get(index), "_id"), get(list.get(index), "name")]);
  expect(found).toEqual([
    [7, "Ada"],
    [8, "Bo"],
    [9, "Cy"],
  ]);
  expect(all(database, "Dog")).toHaveLength(3);
});

test("a file that is open elsewhere is not migrated", () => {
  const path = dogs();
  const elsewhere = createNodeEngine(plainConventions);
  const first = elsewhere.open({ path, isInMemory: false, isReadOnly: false, classes: [dog, owner] });
  expect(() => openFile(path, [changed, owner], { schemaVersion: 1 })).toThrow("open elsewhere");
  first.close();
  openFile(path, [changed, owner], { schemaVersion: 1 });
});

test("modes", () => {
  const additive = openFile(dogs(), [classOf("Dog", "int", property("size", "double"))], {
    schemaMode: "additive",
    schemaVersion: 3,
  });
  expect(all(additive.database, "Dog").map((one) => get(one, "name"))).toEqual(["Ada", "Bo", "Cy"]);
  expect(additive.database.declaredVersion).toBe(3);
  expect(() => openFile(dogs(), [changed, owner], { schemaMode: "additive" })).toThrow(
    "The following changes cannot be made in additive-only schema mode:\n- Property 'Dog.name' has been made optional.",
  );

  const isReadOnly = true;
  const readOnly = openFile(dogs(), [classOf("Dog", "int", property("name", "string"))], { isReadOnly });
  expect(all(readOnly.database, "Dog")).toHaveLength(3);
  expect(() => openFile(dogs(), [changed, owner, classOf("Cat", "int")], { isReadOnly, schemaVersion: 1 })).toThrow(
    "The following changes cannot be made in read-only schema mode:\n- Class 'Cat' has been added.\n",
  );
  expect(() => openFile(dogs(), [dog], { isReadOnly, schemaMode: "immutable", schemaVersion: 1 })).toThrow(
    "Provided schema version 1 does not equal last set version 0.",
  );

  const path = dogs();
  close(openFile(path, [dog, owner], { schemaMode: "soft-reset", schemaVersion: 0 }));
  close(openFile(path, [dog, owner], { schemaVersion: 0 }));
  const reset = openFile(path, [dog, owner], { schemaMode: "soft-reset", schemaVersion: 1 });
  expect([all(reset.database, "Dog").length, reset.database.declaredVersion]).toEqual([0, 1]);
  expect(all(openFile(dogs(), [changed, owner], { schemaMode: "soft-reset" }).database, "Dog")).toEqual([]);
  expect(all(openFile(dogs(), [dog, owner], { schemaMode: "hard-reset" }).database, "Dog")).toEqual([]);
  expect(() => openFile(dogs(), [changed, owner], { schemaMode: "manual", schemaVersion: 1 })).toThrow(
    "Migration is required due to the following errors:",
  );
  const manual = openFile(newPath(), [changed, owner], { schemaMode: "manual", schemaVersion: 1 });
  expect(manual.database.declaredVersion).toBe(1);
});

test("a synced file is only added to", () => {
  const path = newPath();
  const isSyncedFile = true;
  close(openFile(path, [dog], { isSyncedFile, schemaVersion: 0 }));
  const required = classOf("Dog", "int", property("name", "string"), property("age", "int"));
  const onMigration = (): never => {
    throw new Error("not called");
  };
  expect(() => openFile(path, [required], { isSyncedFile, schemaVersion: 1, onMigration })).toThrow(
    "The following changes cannot be made in additive-only schema mode:\n- Property 'Dog.age' has been made required.",
  );
  expect(engine.schemaVersion(path)).toBe(0);
  const more = classOf("Dog", "int", property("name", "string"), property("size", "double"));
  const file = openFile(path, [more], { isSyncedFile, schemaVersion: 1, onMigration });
  expect(layout(file.database, "Dog").columns.map(({ name }) => name)).toEqual(["name", "age", "size"]);
  expect(file.database.declaredVersion).toBe(1);
  // What the application does not know needs no value.
  file.database.beginWrite();
  createObject(file.database, layout(file.database, "Dog"), { _id: 1, name: "Rex", size: 1 }, "never");
  file.database.commitWrite();
  close(file);
  // One that knows less goes on with the file as it is.
  expect(openFile(path, [dog], { isSyncedFile, schemaVersion: 0 }).database.declaredVersion).toBe(1);
});
