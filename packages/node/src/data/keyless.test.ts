/** Classes without a primary key, which local realms may have. */

import { expect, test } from "vitest";
import { Realm } from "../realm.js";
import type { DefaultObject, ObjectSchema } from "../schema/types.js";
import { turn, useFolder } from "../testing/folder.js";

const schema: ObjectSchema[] = [
  { name: "Dog", properties: { name: "string", age: { type: "int", default: 1 }, owner: "Person" } },
  {
    name: "Person",
    properties: {
      name: "string",
      dogs: "Dog[]",
      friends: { type: "linkingObjects", objectType: "Dog", property: "owner" },
    },
  },
];

const folder = useFolder();

test("objects without a primary key are created, linked, changed, found and deleted", async () => {
  const realm = folder.open(schema);
  realm.write(() => {
    const ann = realm.create("Person", { name: "Ann", dogs: [{ name: "Rex" }, { name: "Fido", age: 4 }] });
    realm.create("Dog", { name: "Ace", owner: ann });
    realm.create("Dog", { name: "Bob", owner: { name: "Joe" } });
  });
  const dogs = realm.objects("Dog");
  const told: number[][] = [];
  dogs.addListener((_, changes) => told.push(changes.newModifications));
  await turn();
  expect(dogs.map((dog) => dog["name"] as unknown)).toEqual(["Rex", "Fido", "Ace", "Bob"]);
  expect(dogs.filtered("owner.name == 'Ann'").length).toBe(1);
  const ace = dogs.filtered("name == 'Ace'")[0] as DefaultObject;
  expect(ace["owner"].friends.length).toBe(1);
  realm.write(() => {
    ace["age"] = 7;
    ace["owner"].dogs.push(ace);
  });
  await turn();
  expect(told).toEqual([[], [2]]);
  expect(realm.objects("Person").filtered("ANY dogs == $0", ace).length).toBe(1);
  expect(ace["owner"].dogs.indexOf(ace)).toBe(2);
  expect(dogs.filtered("owner == $0", ace["owner"]).length).toBe(1);
  expect(JSON.stringify(dogs[1])).toBe('{"name":"Fido","age":4,"owner":null}');
  expect(() => realm.objectForPrimaryKey("Dog", 1)).toThrow("Expected a primary key");
  realm.write(() => realm.delete(ace));
  expect([ace["isValid"](), dogs.length, realm.objects("Person")[0]?.["dogs"].length]).toEqual([false, 3, 2]);
});

test("a file with such classes is opened again, with its schema and without", () => {
  const path = folder.path("keyless.realm");
  const first = new Realm({ path, schema });
  first.write(() => first.create("Dog", { name: "Rex" }));
  first.close();
  const second = folder.keep(new Realm({ path, schema }));
  second.write(() => second.create("Dog", { name: "Fido" }));
  expect(second.objects("Dog").length).toBe(2);
  second.close();
  const third = folder.keep(new Realm({ path }));
  expect(third.schema.map(({ name, primaryKey }) => [name, primaryKey])).toEqual([
    ["Dog", undefined],
    ["Person", undefined],
  ]);
  third.write(() => third.create("Person", { name: "Joe", dogs: [...third.objects("Dog")] }));
  expect(third.objects("Person").filtered("dogs.@count == 2").length).toBe(1);
});
