/**
 * The guide's code in the shape of the SDK for Flutter and Dart: what lies between the marks of a region is printed
 * there.
 */

import { expect, test } from "vitest";
// #region imports
import {
  Configuration,
  int,
  type LocalConfiguration,
  Realm,
  RealmObject,
  SchemaObject,
  string,
} from "@tidemark/flutter";
// #endregion
import { useFolder } from "../testing/folder.js";

// #region before
class PersonBefore extends RealmObject.of(
  SchemaObject("Person", { id: int().mapTo("_id").primaryKey(), firstName: string(), lastName: string(), age: int() }),
) {}
// #endregion

// #region after
class Person extends RealmObject.of(
  SchemaObject("Person", { id: int().mapTo("_id").primaryKey(), fullName: string(), years: int() }),
) {}
// #endregion

// #region migrate
function configurationFor(path: string): LocalConfiguration {
  return Configuration.local([Person], {
    path,
    schemaVersion: 1,
    migrationCallback: (migration, oldSchemaVersion) => {
      if (oldSchemaVersion > 0) return;
      migration.renameProperty("Person", "age", "years");
      for (const old of migration.oldRealm.all("Person")) {
        const person = migration.findInNewRealm(Person, old);
        if (person === null) continue;
        person.fullName = `${old.dynamic.get<string>("firstName")} ${old.dynamic.get<string>("lastName")}`;
      }
    },
  });
}
// #endregion

const path = useFolder();

function writeBefore(name: string): string {
  const realm = new Realm(Configuration.local([PersonBefore], { path: path(name) }));
  realm.write(() => realm.add(new PersonBefore({ id: 1, firstName: "Ada", lastName: "Lovelace", age: 36 })));
  realm.close();
  return path(name);
}

test("a migration", () => {
  const file = writeBefore("migrated.realm");
  expect(() => new Realm(Configuration.local([Person], { path: file }))).toThrow("Migration is required");
  const realm = new Realm(configurationFor(file));
  const found = realm.find(Person, 1);
  expect([found?.fullName, found?.years]).toEqual(["Ada Lovelace", 36]);
  realm.close();
});

test("starting over", () => {
  const file = writeBefore("replaced.realm");
  // #region replace
  const realm = new Realm(Configuration.local([Person], { path: file, shouldDeleteIfMigrationNeeded: true }));
  // #endregion
  expect(realm.all(Person).length).toBe(0);
  realm.close();
});
