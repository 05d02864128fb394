import { ObjectId } from "@tidemark/engine/bson";
import { beforeEach, expect, test } from "vitest";
import type { results } from "../data/results.js";
import type { db } from "../db.js";
import { invalid_argument, out_of_range } from "../errors.js";
import { useFolder } from "../testing/folder.js";
import { Address, Dog, Person } from "../testing/models.js";
import { not } from "./expression.js";

const folder = useFolder();
let database: db;

beforeEach(() => {
  database = folder.open(Dog, Person, Address);
  const ada = Person({ _id: new ObjectId(), name: "Ada", address: Address({ street: "Main St" }) });
  database.write(() => {
    database.insert([
      Dog({ _id: 1, name: "Rex", age: 4, owner: ada, tags: ["good", "old"], toys: new Set(["ball"]) }),
      Dog({ _id: 2, name: "Max", age: 2, owner: ada, marks: new Map([["it's", "x"]]) }),
      Dog({ _id: 3, name: "Bella", age: undefined }),
    ]);
    const rex = database.find(Dog, 1);
    if (rex !== undefined) database.find(Dog, 2)?.pack.push_back(rex);
  });
});

function keys(found: results<Dog>): unknown[] {
  return [...found].map(({ _id }) => _id);
}

const dogs = (): results<Dog> => database.objects(Dog);

test("typed conditions compare", () => {
  expect(keys(dogs().where((o) => o.age.gt(2)))).toEqual([1]);
  expect(keys(dogs().where((o) => o.age.gte(2)))).toEqual([1, 2]);
  expect(keys(dogs().where((o) => o.age.lt(4)))).toEqual([2]);
  expect(keys(dogs().where((o) => o.age.lte(4)))).toEqual([1, 2]);
  expect(keys(dogs().where((o) => o.age.eq(undefined)))).toEqual([3]);
  expect(keys(dogs().where((o) => o.name.neq("Rex")))).toEqual([2, 3]);
  expect(keys(dogs().where((o) => o.name.contains("ell")))).toEqual([3]);
  expect(keys(dogs().where((o) => o.age.eq(o._id)))).toEqual([2]);
});

test("typed conditions combine as the operators of C++ do", () => {
  expect(keys(dogs().where((o) => o.age.gt(2).and(o.name.eq("Rex"))))).toEqual([1]);
  expect(keys(dogs().where((o) => o.name.eq("Max").or(o.name.eq("Bella"))))).toEqual([2, 3]);
  expect(keys(dogs().where((o) => o.age.eq(2).or(o.age.eq(4)).and(o.name.eq("Bella"))))).toEqual([]);
  expect(keys(dogs().where((o) => o.name.eq("Bella").or(o.age.eq(2).and(o.name.eq("Max")))))).toEqual([2, 3]);
  expect(keys(dogs().where((o) => not(o.name.eq("Rex").or(o.name.eq("Max")))))).toEqual([3]);
  expect(keys(dogs().where((o) => o.name.eq("Rex").not().and(o.age.eq(2))))).toEqual([2]);
});

test("typed conditions follow links and look into collections", () => {
  const rex = database.find(Dog, 1);
  expect(keys(dogs().where((o) => o.owner.name.eq("Ada")))).toEqual([1, 2]);
  expect(keys(dogs().where((o) => o.owner.address.street.eq("Main St").and(o.age.lt(3))))).toEqual([2]);
  expect(keys(dogs().where((o) => o.owner.eq(null)))).toEqual([3]);
  expect(keys(dogs().where((o) => o.owner.neq(null)))).toEqual([1, 2]);
  expect(keys(dogs().where((o) => o.owner.eq(rex?.owner ?? null)))).toEqual([1, 2]);
  expect(keys(dogs().where((o) => o.tags.contains("old")))).toEqual([1]);
  expect(keys(dogs().where((o) => o.toys.contains("ball")))).toEqual([1]);
  expect(keys(dogs().where((o) => o.tags.size().gt(1)))).toEqual([1]);
  expect(rex !== undefined && keys(dogs().where((o) => o.pack.contains(rex)))).toEqual([2]);
  expect(keys(dogs().where((o) => o.marks.at("it's").eq("x")))).toEqual([2]);
  expect(keys(dogs().where((o) => o.marks.contains_key("it's")))).toEqual([2]);
  expect(
    database
      .objects(Person)
      .where((o) => o.dogs.size().eq(2))
      .size(),
  ).toBe(1);
  expect(
    rex !== undefined &&
      database
        .objects(Person)
        .where((o) => o.dogs.contains(rex))
        .size(),
  ).toBe(1);
});

test("queries as text, with arguments", () => {
  expect(keys(dogs().where("age > $0 and name == $1", [2, "Rex"]))).toEqual([1]);
  expect(
    keys(
      dogs()
        .where("owner.name == 'Ada'")
        .where((o) => o.age.lt(3)),
    ),
  ).toEqual([2]);
  expect(() => dogs().where("nonsense ==")).toThrow(invalid_argument);
  expect(() => dogs().where("colour == 'red'")).toThrow(invalid_argument);
  expect(() => dogs().where((o) => (o as never as Record<string, typeof o.age>)["colour"]?.eq(1) as never)).toThrow(
    "'Dog' has no property 'colour'.",
  );
  expect(() => dogs().where(() => true as never)).toThrow(invalid_argument);
});

test("orders", () => {
  expect(keys(dogs().sort("name", true))).toEqual([3, 2, 1]);
  expect(keys(dogs().sort("name", false))).toEqual([1, 2, 3]);
  expect(
    keys(
      dogs().sort([
        { key_path: "owner.name", ascending: false },
        { key_path: "age", ascending: true },
      ]),
    ),
  ).toEqual([3, 2, 1]);
});

test("access by index", () => {
  expect([dogs()[0]?.name, dogs().at(2).name, dogs().size()]).toEqual(["Rex", "Bella", 3]);
  expect(() => dogs()[3]).toThrow(out_of_range);
  expect(() => dogs().at(-1)).toThrow("Index out of range.");
});
