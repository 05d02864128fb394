/** The guide's code in the shape of the Kotlin SDK: what lies between the marks of a region is printed there. */

import { dirname } from "node:path";
import { expect, test } from "vitest";
// #region imports
import { AutomaticSchemaMigration, Realm, RealmConfiguration } from "@tidemark/kotlin";
import { int, nullable, primaryKey, realmObject, string } from "@tidemark/kotlin";
// #endregion
import { useFolder } from "../testing/folder.js";

// #region before
class PersonBefore extends realmObject("Person", {
  _id: primaryKey(int()),
  firstName: string(),
  lastName: string(),
  age: int(),
}) {}
// #endregion

// #region after
class Person extends realmObject("Person", { _id: primaryKey(int()), fullName: string(), age: nullable(int()) }) {}
// #endregion

// #region migrate
function configurationFor(directory: string, name: string): RealmConfiguration {
  const migration = AutomaticSchemaMigration((context) => {
    context.enumerate("Person", (before, after) => {
      const names = [before.getValue<string>("firstName"), before.getValue<string>("lastName")];
      after?.set("fullName", names.join(" "));
    });
  });
  return new RealmConfiguration.Builder([Person])
    .directory(directory)
    .name(name)
    .schemaVersion(1)
    .migration(migration)
    .build();
}
// #endregion

const path = useFolder();

function writeBefore(name: string): string {
  const directory = dirname(path(name));
  const realm = Realm.open(new RealmConfiguration.Builder([PersonBefore]).directory(directory).name(name).build());
  realm.writeBlocking((mutable) => {
    const ada = { _id: 1, firstName: "Ada", lastName: "Lovelace", age: 36 };
    mutable.copyToRealm(new PersonBefore().apply((made) => Object.assign(made, ada)));
  });
  realm.close();
  return directory;
}

test("a migration", () => {
  const name = "migrated.realm";
  const directory = writeBefore(name);
  const unchanged = new RealmConfiguration.Builder([Person]).directory(directory).name(name).build();
  expect(() => Realm.open(unchanged)).toThrow("Migration is required");
  const realm = Realm.open(configurationFor(directory, name));
  const found = realm.query(Person).first().find();
  expect([found?.fullName, found?.age]).toEqual(["Ada Lovelace", 36]);
  expect(realm.schemaVersion()).toBe(1);
  realm.close();
});

test("starting over", () => {
  const name = "replaced.realm";
  const directory = writeBefore(name);
  // #region replace
  const builder = new RealmConfiguration.Builder([Person]).directory(directory).name(name);
  const realm = Realm.open(builder.deleteRealmIfMigrationNeeded().build());
  // #endregion
  expect(realm.query(Person).find().size).toBe(0);
  realm.close();
});
