import { expect, test } from "vitest";
import {
  AutomaticSchemaMigration,
  DynamicMutableRealmObject,
  embeddedRealmObject,
  IllegalArgumentException,
  IllegalStateException,
  int,
  list,
  type MigrationBlock,
  type ModelClass,
  nullable,
  object,
  primaryKey,
  Realm,
  RealmConfiguration,
  realmObject,
  string,
  UpdatePolicy,
} from "./index.js";
import { useFolder } from "./testing/folder.js";

class Person extends realmObject("Person", {
  _id: primaryKey(int()),
  firstName: string(),
  lastName: nullable(string()),
  tags: list(string()),
  friends: list<unknown>("Person"),
}) {}
class Pet extends realmObject("Pet", { _id: primaryKey(int()) }) {}
class Migrated extends realmObject("Person", {
  _id: primaryKey(int()),
  fullName: string(),
  tags: list(string()),
  friends: list<unknown>("Person"),
  home: object<unknown>("Home"),
}) {}
class Home extends embeddedRealmObject("Home", { street: string() }) {}

const folder = useFolder();
let lastName = 0;

function people(): string {
  lastName += 1;
  const name = `people-${lastName}.realm`;
  const realm = Realm.open(build(name, [Person, Pet]).build());
  realm.writeBlocking((mutable) => {
    const ada = mutable.copyToRealm(
      new Person().apply((it) => {
        it._id = 1;
        it.firstName = "Ada";
        it.tags.add("first");
      }),
    );
    const alan = mutable.copyToRealm(
      new Person().apply((it) => {
        it._id = 2;
        it.firstName = "Alan";
        it.lastName = "Turing";
      }),
    );
    alan.friends.add(ada);
    mutable.copyToRealm(new Pet());
  });
  realm.close();
  return name;
}

function build(name: string, schema: readonly ModelClass[]) {
  return new RealmConfiguration.Builder(schema).directory(folder.directory).name(name);
}

function migrate(name: string, migration: MigrationBlock, version: number = 1): Realm {
  const configuration = build(name, [Migrated, Home])
    .schemaVersion(version)
    .migration(AutomaticSchemaMigration(migration));
  return folder.keep(Realm.open(configuration.build()));
}

test("enumerate gives each object as it was and as it is", () => {
  const seen: unknown[] = [];
  const realm = migrate(
    people(),
    (context) => {
      const { oldRealm, newRealm } = context;
      seen.push(oldRealm.schemaVersion(), newRealm.schemaVersion(), oldRealm.schema().get("Pet")?.name);
      context.enumerate("Person", (before, after) => {
        expect([before.type, after?.type]).toEqual(["Person", "Person"]);
        const first = before.getValue<string>("firstName");
        const last = before.getNullableValue<string>("lastName");
        after?.set("fullName", last === null ? first : `${first} ${last}`);
        after?.set(["home", DynamicMutableRealmObject.create("Home", { street: `${first} Street` })]);
      });
      context.enumerate("Pet", (before, after) => seen.push(before.getValue("_id"), after));
    },
    3,
  );
  expect(seen).toEqual([0, 3, "Pet", 0, null]);
  const found = realm.query(Migrated).find();
  expect(found.map(({ fullName }) => fullName)).toEqual(["Ada", "Alan Turing"]);
  expect(found.map(({ home }) => (home as Home | null)?.street)).toEqual(["Ada Street", "Alan Street"]);
  expect(realm.schemaVersion()).toBe(3);
});

test("objects are read and changed by the names of their properties", () => {
  const realm = migrate(people(), ({ oldRealm, newRealm }) => {
    const before = oldRealm.query("Person", "firstName == $0", "Alan").first().find();
    if (before === null) throw new Error("lost");
    expect(before.getObjectList("friends").map((friend) => friend.getValue("firstName"))).toEqual(["Ada"]);
    expect([before.isManaged(), before.isFrozen()]).toEqual([true, true]);
    expect(() => before.getValue("lastName")).toThrow(
      "Trying to access property 'Person.lastName' as type: 'value' but actual schema type is 'string?'",
    );
    expect(() => before.getNullableValue("firstName")).toThrow(IllegalArgumentException);
    expect(() => before.getObject("none")).toThrow("doesn't contain a property named 'none'");
    expect(() => oldRealm.query("None")).toThrow("Schema does not contain a class named 'None'");

    const alan = newRealm.findLatest(before);
    expect(alan?.getValue("fullName")).toBe("");
    const grace = DynamicMutableRealmObject.create("Person", {
      _id: 3,
      fullName: "Grace",
      friends: [alan],
      tags: ["c"],
    });
    expect([grace.type, grace.isManaged()]).toEqual(["Person", false]);
    const stored = newRealm.copyToRealm(grace);
    stored.getValueList<string>("tags").add("d");
    expect(stored.getObjectList("friends").get(0).getValue("_id")).toBe(2);
    newRealm.copyToRealm(
      DynamicMutableRealmObject.create("Person", [
        ["_id", 1],
        ["fullName", "A"],
      ]),
      UpdatePolicy.ALL,
    );
    expect(() => newRealm.copyToRealm(DynamicMutableRealmObject.create("Person", { none: 1 }))).toThrow("named 'none'");
    newRealm.delete(alan as DynamicMutableRealmObject);
    expect(newRealm.findLatest(before)).toBeNull();
  });
  const found = realm
    .query(Migrated)
    .find()
    .map(({ _id, fullName, tags, friends }) => [_id, fullName, [...tags], friends.size]);
  expect(found).toEqual([
    [1, "A", ["first"], 0],
    [3, "Grace", ["c", "d"], 0],
  ]);
});

test("what a migration throws undoes it, and its objects end with it", () => {
  const name = people();
  expect(() =>
    migrate(name, ({ newRealm }) => {
      newRealm.deleteAll();
      throw new RangeError("no");
    }),
  ).toThrow(RangeError);
  const kept: (DynamicMutableRealmObject | null)[] = [];
  const realm = migrate(name, ({ newRealm }) => {
    kept.push(newRealm.query("Person").first().find());
  });
  expect(realm.query(Migrated).find().size).toBe(2);
  expect(() => kept[0]?.set("fullName", "x")).toThrow(IllegalStateException);
});

test("versions and differences", () => {
  const name = people();
  expect(() => Realm.open(build(name, [Migrated, Home]).build())).toThrow(
    "Migration is required due to the following errors:\n- Property 'Person.firstName' has been removed.",
  );
  folder.keep(Realm.open(build(name, [Migrated, Home]).schemaVersion(2).build())).close();
  expect(() => Realm.open(build(name, [Migrated, Home]).schemaVersion(1).build())).toThrow(
    "Provided schema version 1 is less than last set version 2.",
  );
  const replaced = build(name, [Person]).deleteRealmIfMigrationNeeded();
  const filled: number[] = [];
  const realm = folder.keep(
    Realm.open(
      replaced
        .initialData((mutable) => {
          filled.push(mutable.query(Person).find().size);
        })
        .build(),
    ),
  );
  expect([realm.query(Person).find().size, filled]).toEqual([0, [0]]);
});

test("models become embedded", () => {
  class Address extends realmObject("Address", { street: string() }) {}
  class Holder extends realmObject("Holder", { address: object<unknown>("Address") }) {}
  class Embedded extends embeddedRealmObject("Address", { street: string() }) {}
  const name = "embedded.realm";
  const before = Realm.open(build(name, [Address, Holder]).build());
  before.writeBlocking((mutable) => {
    const shared = mutable.copyToRealm(new Address().apply((it) => (it.street = "Main")));
    for (let count = 0; count < 2; count += 1) {
      mutable.copyToRealm(new Holder()).address = shared;
    }
  });
  before.close();
  const next = build(name, [Embedded, Holder]).schemaVersion(1);
  expect(() => Realm.open(next.migration(() => undefined).build())).toThrow("Cannot convert 'Address' to embedded");
  const realm = folder.keep(Realm.open(next.migration(() => undefined, true).build()));
  const streets = realm
    .query(Holder)
    .find()
    .map(({ address }) => (address as Embedded | null)?.street);
  expect(streets).toEqual(["Main", "Main"]);
});
