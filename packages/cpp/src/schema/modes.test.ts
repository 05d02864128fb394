// What becomes of a file whose classes have changed, by the mode.

import { expect, test } from "vitest";
import { db_config, type schema_mode } from "../db-config.js";
import { type db, open } from "../db.js";
import { logic_error } from "../errors.js";
import { useFolder } from "../testing/folder.js";
import { type any_class, schema } from "./model.js";
import * as types from "./types.js";

const First = schema("Dog", { _id: types.primary_key(types.int64), name: types.string, age: types.int64 });
const Second = schema("Dog", {
  _id: types.primary_key(types.int64),
  name: types.optional(types.string),
  size: types.double,
});
const Added = schema("Dog", {
  _id: types.primary_key(types.int64),
  name: types.string,
  age: types.int64,
  size: types.double,
});

const folder = useFolder();
let lastPath = 0;

/** A file of version 1 with a dog. */
function dogs(): string {
  lastPath += 1;
  const path = folder.path(`dogs-${lastPath}.realm`);
  const config = new db_config(path);
  config.set_schema_version(1);
  const database = open(config, First);
  database.write(() => database.add(First({ _id: 1, name: "Rex", age: 3 })));
  database.close();
  return path;
}

function opened(mode: schema_mode, version: number, one: any_class, path: string = dogs()): db {
  const config = new db_config(path);
  config.set_schema_version(version);
  config.set_schema_mode(mode);
  return folder.keep(open(config, one));
}

test("automatic", () => {
  const database = opened("automatic", 2, Second);
  const dog = database.objects(Second).at(0);
  expect([dog.name, dog.size]).toEqual(["Rex", 0]);
  expect(() => opened("automatic", 1, Second)).toThrow(logic_error);
  expect(() => opened("automatic", 1, Second)).toThrow(
    `Migration is required due to the following errors:
- Property 'Dog.name' has been made optional.
- Property 'Dog.age' has been removed.
- Property 'Dog.size' has been added.`,
  );
  expect(() => opened("automatic", 0, First)).toThrow("Provided schema version 0 is less than last set version 1.");
});

test("immutable and read_only", () => {
  for (const mode of ["immutable", "read_only"] as const) {
    const database = opened(mode, 1, First);
    expect(database.objects(First).at(0).name).toBe("Rex");
    expect(() => database.begin_write()).toThrow(logic_error);
    expect(() => opened(mode, 1, Added)).toThrow("cannot be made in read-only schema mode");
  }
  expect(() => opened("immutable", 2, First)).toThrow("Provided schema version 2 does not equal last set version 1.");
  expect(opened("read_only", 2, First).objects(First).size()).toBe(1);
});

test("resets", () => {
  expect(opened("soft_reset_file", 1, First).objects(First).size()).toBe(1);
  expect(opened("soft_reset_file", 2, First).objects(First).size()).toBe(0);
  expect(opened("soft_reset_file", 1, Second).objects(Second).size()).toBe(0);
  expect(opened("hard_reset_file", 1, First).objects(First).size()).toBe(0);
});

test("additive", () => {
  for (const mode of ["additive_discovered", "additive_explicit"] as const) {
    const dog = opened(mode, 0, Added).objects(Added).at(0);
    expect([dog.name, dog.size]).toEqual(["Rex", 0]);
    expect(() => opened(mode, 9, Second)).toThrow(
      "The following changes cannot be made in additive-only schema mode:\n- Property 'Dog.name' has been made optional.",
    );
  }
});

test("manual", () => {
  expect(opened("manual", 2, First).objects(First).size()).toBe(1);
  expect(() => opened("manual", 2, Second)).toThrow("Migration is required");
  expect(opened("manual", 2, Second, folder.path("new.realm")).objects(Second).size()).toBe(0);
});
