import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createNodeEngine } from "../node/index.js";
import type { RealmFile } from "../realm-file.js";
import { classOf, property } from "../testing/models.js";
import { plainConventions } from "../values/conventions.js";
import type { ClassDeclaration } from "./schema.js";
import { readSchema } from "./schema.js";

const engine = createNodeEngine(plainConventions);

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tidemark-indexes-"));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function task(isIndexed: boolean): ClassDeclaration {
  return classOf("Task", "int", property("name", "string", { isIndexed }), property("size", "int"));
}

function open(declared: ClassDeclaration, isReadOnly = false): RealmFile {
  return engine.open({ path: join(folder, "file.realm"), isInMemory: false, isReadOnly, classes: [declared] });
}

/** Which columns have an index, and the version of the schema; the file is closed. */
function indexedIn(file: RealmFile): readonly [string[], number] {
  const { store, view } = file.database;
  const { classes, version } = readSchema(store, view);
  const columns = classes.flatMap((one) => one.columns);
  file.close();
  return [columns.filter((column) => column.indexed === true).map(({ name }) => name), version];
}

test("a file has the indexes that were declared last", () => {
  const [none, first] = indexedIn(open(task(false)));
  expect(none).toEqual([]);
  const [name, second] = indexedIn(open(task(true)));
  expect(name).toEqual(["name"]);
  expect(second).toBe(first + 1);
  expect(indexedIn(open(task(true)))).toEqual([["name"], second]);
  // A reader has to take what there is.
  expect(indexedIn(open(task(false), true))).toEqual([["name"], second]);
  expect(indexedIn(open(task(false)))).toEqual([[], second + 1]);
});

test("types without an order cannot be indexed", () => {
  const wrong = classOf("Task", "int", property("size", "double", { isIndexed: true }));
  expect(() => open(wrong)).toThrow("Property 'Task.size' of type 'double' cannot be indexed.");
  const list = classOf("Task", "int", property("sizes", "int", { collection: "list", isIndexed: true }));
  expect(() => open(list)).toThrow("Property 'Task.sizes' of type 'array' cannot be indexed.");
});
