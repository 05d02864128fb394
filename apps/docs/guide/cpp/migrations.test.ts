/** The guide's code in the shape of the SDK for C++: what lies between the marks of a region is printed there. */

import { expect, test } from "vitest";
// #region imports
import * as realm from "@tidemark/cpp";
// #endregion
import { useFolder } from "../testing/folder.js";

// #region before
const PersonBefore = realm.schema("Person", {
  _id: realm.primary_key(realm.int64),
  name: realm.string,
  age: realm.int64,
});
// #endregion

// #region after
const Person = realm.schema("Person", {
  _id: realm.primary_key(realm.int64),
  name: realm.optional(realm.string),
  email: realm.string,
});
// #endregion

// #region migrate
function open_migrated(path: string): realm.db {
  const config = new realm.db_config(path);
  config.set_schema_version(1);
  return realm.open(config, Person);
}
// #endregion

const path = useFolder();

function write_before(name: string): string {
  const db = realm.open(new realm.db_config(path(name)), PersonBefore);
  db.write(() => db.add(PersonBefore({ _id: 1, name: "Ada", age: 36 })));
  db.close();
  return path(name);
}

test("a migration", () => {
  const file = write_before("migrated.realm");
  expect(() => realm.open(new realm.db_config(file), Person)).toThrow("Migration is required");
  const db = open_migrated(file);
  const found = db.objects(Person).at(0);
  expect([found.name, found.email]).toEqual(["Ada", ""]);
  db.close();
});

test("starting over", () => {
  const file = write_before("replaced.realm");
  // #region replace
  const config = new realm.db_config(file);
  config.set_schema_mode(realm.schema_mode.soft_reset_file);
  const db = realm.open(config, Person);
  // #endregion
  expect(db.objects(Person).size()).toBe(0);
  db.close();
});
