import { expect, test } from "vitest";
import { Configuration } from "./configuration.js";
import { RealmObject } from "./data/object.js";
import { RealmException, UserCallbackException } from "./errors.js";
import { Realm, SchemaObject } from "./index.js";
import type { LocalOptions } from "./index.js";
import { int, string } from "./model/property.js";
import type { SchemaEntry } from "./model/schema.js";
import { useFolder } from "./testing/folder.js";

class Person extends RealmObject.of(
  SchemaObject("Person", { name: string().primaryKey(), age: int(), nick: string() }),
) {}
class Pet extends RealmObject.of(SchemaObject("Pet", { name: string().primaryKey() })) {}

const later = SchemaObject("Person", { name: string().primaryKey(), years: int(), age: string() });
class Later extends RealmObject.of(later) {}

const folder = useFolder();
let lastPath = 0;

function people(): string {
  lastPath += 1;
  const path = folder.path(`people-${lastPath}.realm`);
  const realm = new Realm(Configuration.local([Person, Pet], { path }));
  realm.write(() => {
    realm.add(new Person({ name: "Ada", age: 36, nick: "a" }));
    realm.add(new Person({ name: "Alan", age: 41, nick: "b" }));
    realm.add(new Pet({ name: "Rex" }));
  });
  realm.close();
  return path;
}

function open(path: string, schema: readonly SchemaEntry[], options: LocalOptions = {}): Realm {
  return folder.keep(new Realm(Configuration.local(schema, { path, ...options })));
}

test("objects are found in the new realm, and properties renamed", () => {
  const path = people();
  const versions: number[] = [];
  const realm = open(path, [Later], {
    schemaVersion: 2,
    migrationCallback: (migration, oldSchemaVersion) => {
      versions.push(oldSchemaVersion);
      const { oldRealm, newRealm } = migration;
      expect([...oldRealm.schema].map(({ name }) => name)).toEqual(["Person", "Pet"]);
      expect(oldRealm.find("Person", "Ada")?.dynamic.get("nick")).toBe("a");
      expect(newRealm.isInTransaction).toBe(true);
      for (const old of oldRealm.all("Person")) {
        const found = migration.findInNewRealm(Later, old);
        if (found === null) throw new Error("lost");
        found.age = `${old.dynamic.get<number>("age")} years`;
        found.years = old.dynamic.get("age");
      }
      newRealm.add(new Later({ name: "Grace", years: 85, age: "" }));
      migration.delete(newRealm.find(Later, "Alan") as Later);
      const alan = oldRealm.find("Person", "Alan") as RealmObject;
      expect(migration.findInNewRealm(Later, alan)).toBeNull();
      expect(migration.deleteType("Pet")).toBe(true);
      expect(migration.deleteType("None")).toBe(false);
      expect(() => migration.renameProperty("Person", "none", "years")).toThrow(RealmException);
      expect(() => migration.renameProperty("Person", "nick", "years")).toThrow("from type 'string' to 'int'");
    },
  });
  expect(versions).toEqual([0]);
  expect([...realm.all(Later)].map(({ name, years, age }) => [name, years, age])).toEqual([
    ["Ada", 36, "36 years"],
    ["Grace", 85, ""],
  ]);
  realm.close();
  expect([...open(path, []).schema].map(({ name }) => name)).toEqual(["Person"]);
});

test("a renamed property keeps its values", () => {
  const path = people();
  const renamed = SchemaObject("Person", { name: string().primaryKey(), years: int(), nick: string() });
  const realm = open(path, [renamed], {
    schemaVersion: 1,
    migrationCallback: (migration) => migration.renameProperty("Person", "age", "years"),
  });
  expect(realm.dynamic.find("Person", "Alan")?.dynamic.get("years")).toBe(41);
});

test("what the callback throws undoes the migration", () => {
  const path = people();
  const migrationCallback = (): never => {
    throw new Error("no");
  };
  const migrate = (): Realm => open(path, [Later], { schemaVersion: 1, migrationCallback });
  expect(migrate).toThrow(UserCallbackException);
  try {
    migrate();
  } catch (error) {
    expect((error as UserCallbackException).userException).toEqual(new Error("no"));
  }
  expect(open(path, [Person]).find(Person, "Ada")?.age).toBe(36);
});

test("versions and differences are refused as they are to be", () => {
  const path = people();
  expect(() => open(path, [Later])).toThrow("- Property 'Person.years' has been added.");
  open(path, [Later], { schemaVersion: 4 }).close();
  expect(() => open(path, [Later], { schemaVersion: 3 })).toThrow(
    "Provided schema version 3 is less than last set version 4.",
  );
  const anew = open(path, [Later], { schemaVersion: 3, shouldDeleteIfMigrationNeeded: true });
  expect(anew.all(Later).length).toBe(0);
});
