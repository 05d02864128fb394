// Files whose classes have changed: `onMigration` and what goes with it.

import { expect, test } from "vitest";
import { Realm } from "./index.js";
import type { Configuration, ObjectSchema } from "./index.js";
import { useFolder } from "./testing/folder.js";

const folder = useFolder();
let lastPath = 0;
let path = "";

const first: ObjectSchema = {
  name: "Person",
  primaryKey: "_id",
  properties: { _id: "int", firstName: "string", lastName: "string", age: "int", friends: "Person[]" },
};
const second: ObjectSchema = {
  name: "Person",
  primaryKey: "_id",
  properties: { _id: "int", fullName: "string", age: "string", friends: "Person[]", born: "date?" },
};

interface First {
  _id: number;
  firstName: string;
  lastName: string;
  age: number;
}

interface Second {
  _id: number;
  fullName: string;
  age: string;
  friends: Second[];
}

/** A file of version 0 with two friends. */
function people(schema: ObjectSchema[] = [first]): void {
  lastPath += 1;
  path = folder.path(`people-${lastPath}.realm`);
  const realm = new Realm({ path, schema });
  realm.write(() => {
    const ada = realm.create("Person", { _id: 1, firstName: "Ada", lastName: "Lovelace", age: 36 });
    realm.create("Person", { _id: 2, firstName: "Alan", lastName: "Turing", age: 41, friends: [ada] });
  });
  realm.close();
}

function open(rest: Configuration): Realm {
  return folder.keep(new Realm({ path, ...rest }));
}

test("the callback brings objects from the old realm to the new one", () => {
  people();
  const told: unknown[] = [];
  const realm = open({
    schema: [second],
    schemaVersion: 3,
    onMigration: (oldRealm, newRealm) => {
      told.push(oldRealm.schemaVersion, oldRealm.isReadOnly, oldRealm.isInMigration);
      told.push(newRealm.isInMigration, newRealm.isInTransaction, oldRealm.schema[0]?.properties["age"]?.type);
      const before = oldRealm.objects<First>("Person");
      const after = newRealm.objects<Second>("Person");
      before.forEach((person, index) => {
        const migrated = after[index] as Second;
        expect(migrated.age).toBe("");
        migrated.fullName = `${person.firstName} ${person.lastName}`;
        migrated.age = String(person.age);
      });
      newRealm.create("Person", { _id: 3, fullName: "Grace Hopper", age: "85", friends: [after[0]] });
      newRealm.delete(newRealm.objects<Second>("Person").filtered("_id == 2"));
      expect(() => oldRealm.write(() => undefined)).toThrow("read-only");
      expect(() => newRealm.write(() => undefined)).toThrow("already in a write transaction");
      expect(() => newRealm.commitTransaction()).toThrow("migration");
    },
  });
  expect(told).toEqual([0, true, false, true, true, "int"]);
  const found = realm
    .objects<Second>("Person")
    .map(({ _id, fullName, age, friends }) => [_id, fullName, age, friends.length]);
  expect(found).toEqual([
    [1, "Ada Lovelace", "36", 0],
    [3, "Grace Hopper", "85", 1],
  ]);
  expect([realm.schemaVersion, realm.isInMigration]).toEqual([3, false]);
  realm.close();
  expect(Realm.schemaVersion(path)).toBe(3);
  expect(() => open({ schema: [second] })).toThrow("Provided schema version 0 is less than last set version 3.");
});

test("what the callback throws is thrown by the opening, and nothing has changed", async () => {
  people();
  const onMigration = (_: Realm, newRealm: Realm): void => {
    newRealm.deleteAll();
    throw new RangeError("no");
  };
  const configuration: Configuration = { path, schema: [second], schemaVersion: 1, onMigration };
  expect(() => new Realm(configuration)).toThrow(RangeError);
  await expect(Realm.open(configuration)).rejects.toThrow("no");
  expect(Realm.schemaVersion(path)).toBe(0);
  const realm = open({ schema: [first] });
  expect(realm.objects<First>("Person").map(({ age }) => age)).toEqual([36, 41]);
});

test("the same version takes no other properties, a higher one needs no callback", () => {
  people();
  expect(() => open({ schema: [second] })).toThrow(
    `Migration is required due to the following errors:
- Property 'Person.firstName' has been removed.
- Property 'Person.lastName' has been removed.
- Property 'Person.age' has been changed from 'int' to 'string'.
- Property 'Person.fullName' has been added.
- Property 'Person.born' has been added.`,
  );
  const realm = open({ schema: [second], schemaVersion: 1 });
  expect(realm.objects<Second>("Person").map(({ _id, fullName }) => [_id, fullName])).toEqual([
    [1, ""],
    [2, ""],
  ]);
});

test("the callback is called for a higher version alone", () => {
  people();
  const told: number[] = [];
  const onMigration = (oldRealm: Realm): void => void told.push(oldRealm.schemaVersion);
  for (const schemaVersion of [0, 5, 5, 6]) open({ schema: [first], schemaVersion, onMigration }).close();
  expect(told).toEqual([0, 5]);
  Realm.deleteFile({ path });
  expect(Realm.schemaVersion(path)).toBe(-1);
  open({ schema: [first], schemaVersion: 9, onMigration }).close();
  expect([told, Realm.schemaVersion(path)]).toEqual([[0, 5], 9]);
});

test("a model is deleted with its objects", () => {
  const pet: ObjectSchema = { name: "Pet", properties: { name: "string" } };
  people([first, pet]);
  const realm = open({ schema: [first], schemaVersion: 1, onMigration: (_, newRealm) => newRealm.deleteModel("Pet") });
  realm.close();
  const dynamic = open({});
  expect(dynamic.schema.map(({ name }) => name)).toEqual(["Person"]);
  expect(() => dynamic.deleteModel("Person")).toThrow("outside of a write transaction");
  dynamic.write(() => dynamic.deleteModel("Person"));
  expect(dynamic.schema).toEqual([]);
});

test("another primary key", () => {
  people();
  const keyed: ObjectSchema = { ...first, primaryKey: "lastName" };
  const realm = open({ schema: [keyed], schemaVersion: 1 });
  const alan = realm.objectForPrimaryKey<First & { friends: First[] }>("Person", "Turing");
  expect([alan?._id, alan?.friends[0]?.lastName]).toEqual([2, "Lovelace"]);
  realm.close();
  const equal: Configuration = {
    path,
    schema: [{ ...keyed, properties: { ...keyed.properties, lastName: "uuid" } }],
    schemaVersion: 2,
  };
  expect(() => new Realm(equal)).toThrow(
    "Primary key property 'Person.lastName' has duplicate values after migration.",
  );
});

test("objects become embedded", () => {
  const address: ObjectSchema = { name: "Address", properties: { street: "string" } };
  const holder: ObjectSchema = { name: "Holder", properties: { address: "Address" } };
  lastPath += 1;
  path = folder.path(`embedded-${lastPath}.realm`);
  const before = open({ schema: [address, holder] });
  before.write(() => {
    const shared = before.create("Address", { street: "Main" });
    before.create("Holder", { address: shared });
    before.create("Holder", { address: shared });
    before.create("Address", { street: "Nowhere" });
  });
  before.close();
  const schema = [{ ...address, embedded: true }, holder];
  expect(() => open({ schema })).toThrow("- Class 'Address' has been changed from TopLevel to Embedded.");
  expect(() => open({ schema, schemaVersion: 1 })).toThrow("Cannot convert 'Address' to embedded");
  const migrationOptions = { resolveEmbeddedConstraints: true };
  const realm = open({ schema, schemaVersion: 1, migrationOptions });
  const streets = realm.objects<{ address: { street: string } }>("Holder").map((one) => one.address.street);
  expect(streets).toEqual(["Main", "Main"]);
});

test("a file that would have to be migrated is deleted if the configuration says so", () => {
  people();
  const realm = open({ schema: [second], deleteRealmIfMigrationNeeded: true });
  expect(realm.objects("Person").length).toBe(0);
});
