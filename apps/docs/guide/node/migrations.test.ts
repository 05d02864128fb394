/** The guide's code in the shape of the SDK for Node.js: what lies between the marks of a region is printed there. */

import { expect, test } from "vitest";
// #region imports
import { Realm } from "@tidemark/node";
import type { Configuration, ObjectSchema } from "@tidemark/node";
// #endregion
import { useFolder } from "../testing/folder.js";

// #region before
const personBefore: ObjectSchema = {
  name: "Person",
  primaryKey: "_id",
  properties: { _id: "int", firstName: "string", lastName: "string", age: "int" },
};
// #endregion

// #region after
const person: ObjectSchema = {
  name: "Person",
  primaryKey: "_id",
  properties: { _id: "int", fullName: "string", age: "int?" },
};
// #endregion

// #region migrate
interface PersonBefore {
  firstName: string;
  lastName: string;
}

function configurationFor(path: string): Configuration {
  return {
    path,
    schema: [person],
    schemaVersion: 1,
    onMigration: (oldRealm, newRealm) => {
      const before = oldRealm.objects<PersonBefore>("Person");
      const after = newRealm.objects<{ fullName: string }>("Person");
      before.forEach(({ firstName, lastName }, index) => {
        const migrated = after[index];
        if (migrated !== undefined) migrated.fullName = `${firstName} ${lastName}`;
      });
    },
  };
}
// #endregion

const path = useFolder();

function writeBefore(name: string): string {
  const realm = new Realm({ path: path(name), schema: [personBefore] });
  realm.write(() => realm.create("Person", { _id: 1, firstName: "Ada", lastName: "Lovelace", age: 36 }));
  realm.close();
  return path(name);
}

test("a migration", () => {
  const file = writeBefore("migrated.realm");
  expect(() => new Realm({ path: file, schema: [person] })).toThrow("Migration is required");
  const realm = new Realm(configurationFor(file));
  const found = realm.objects<{ fullName: string; age: number }>("Person")[0];
  expect([found?.fullName, found?.age]).toEqual(["Ada Lovelace", 36]);
  realm.close();
  // #region version
  const version = Realm.schemaVersion(file); // −1 if there is no file
  // #endregion
  expect(version).toBe(1);
});

test("starting over", () => {
  const file = writeBefore("replaced.realm");
  // #region replace
  const realm = new Realm({ path: file, schema: [person], deleteRealmIfMigrationNeeded: true });
  // #endregion
  expect(realm.objects("Person").length).toBe(0);
  realm.close();
});
