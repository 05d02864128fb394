/** Queries say what the application says: names that are mapped to others in the file, and linking objects. */

import { expect, test } from "vitest";
import { Realm } from "../realm.js";
import type { ObjectSchema } from "../schema/types.js";
import { useFolder } from "../testing/folder.js";

const schema: ObjectSchema[] = [
  {
    name: "Dog",
    primaryKey: "_id",
    properties: {
      _id: "int",
      nickname: { type: "string", mapTo: "name" },
      owners: { type: "linkingObjects", objectType: "Person", property: "pets" },
    },
  },
  {
    name: "Person",
    primaryKey: "_id",
    properties: {
      _id: "int",
      age: { type: "int", mapTo: "years" },
      pets: { type: "list", objectType: "Dog", mapTo: "dogs" },
    },
  },
];

const folder = useFolder();

function dogs(realm: Realm, query: string, ...values: unknown[]): unknown[] {
  return realm
    .objects("Dog")
    .filtered(query, ...values)
    .map((dog) => dog["_id"] as unknown);
}

test("names of the application are understood in queries", () => {
  const realm = folder.open(schema);
  realm.write(() => {
    const [first, second] = ["rex", "fido"].map((nickname, _id) => realm.create("Dog", { _id, nickname }));
    realm.create("Person", { _id: 1, age: 30, pets: [first, second] });
    realm.create("Person", { _id: 2, age: 50, pets: [second] });
  });
  expect(dogs(realm, "nickname == $0", "rex")).toEqual([0]);
  expect(dogs(realm, "ANY owners.age > $0", 40)).toEqual([1]);
  expect(dogs(realm, "owners.@count == 1")).toEqual([0]);
  expect(dogs(realm, "owners.@max.age == 50")).toEqual([1]);
  expect(dogs(realm, "ANY @links.Person.pets.age == 30")).toEqual([0, 1]);
  expect(dogs(realm, "TRUEPREDICATE SORT(nickname ASC)")).toEqual([1, 0]);
  expect(dogs(realm, "ANY owners.pets.nickname == $0", "rex")).toEqual([0, 1]);
  // Names of the file are understood as well.
  expect(dogs(realm, "name == $0", "fido")).toEqual([1]);
});

test("another realm of the same file brings its own classes", () => {
  const [dog, person] = schema;
  if (dog === undefined || person === undefined) throw new Error("there are two classes");
  const path = folder.path("joined.realm");
  const first = folder.keep(
    new Realm({ path, schema: [person, { ...dog, properties: { _id: "int", name: "string" } }] }),
  );
  const second = folder.keep(new Realm({ path, schema: [dog] }));
  first.write(() => {
    first.create("Person", { _id: 1, age: 30, pets: [first.create("Dog", { _id: 1, name: "rex" })] });
  });
  expect(dogs(second, "ANY owners.age == 30 AND nickname == 'rex'")).toEqual([1]);
});
