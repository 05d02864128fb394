/**
 * What must compile, and what must not: `tsc` checks it when the package is built.
 */
import { expect, expectTypeOf, test } from "vitest";
import type { managed } from "../data/managed.js";
import type { managed_map } from "../data/map.js";
import type { managed_vector } from "../data/vector.js";
import type { results } from "../data/results.js";
import { useFolder } from "../testing/folder.js";
import { asymmetric_schema, schema, type struct } from "./model.js";
import {
  type mixed_value,
  type single_value,
  bool,
  int64,
  link,
  linking_objects,
  map,
  mixed,
  object_id,
  optional,
  primary_key,
  set,
  string,
  vector,
} from "./types.js";

const Person = schema("Person", { _id: primary_key(object_id), name: string, dogs: linking_objects("Dog", "owner") });
type Person = struct<typeof Person>;
const Dog = schema("Dog", {
  _id: primary_key(int64),
  name: string,
  age: optional(int64),
  good: bool,
  owner: link(Person),
  friend_: link("Dog"),
  pack: vector(link("Dog")),
  tags: set(string),
  m: map(mixed),
});
type Dog = struct<typeof Dog>;
const Reading = asymmetric_schema("Reading", { _id: primary_key(object_id), value: int64 });

const folder = useFolder();

test("types are inferred from what is declared", () => {
  const database = folder.open(Dog, Person);
  expectTypeOf<Dog["_id"]>().toEqualTypeOf<number | bigint>();
  expectTypeOf<Dog["age"]>().toEqualTypeOf<number | bigint | undefined>();
  expectTypeOf<Dog["owner"]>().toEqualTypeOf<Person | managed<Person> | null>();
  const dog = database.write(() => database.add(Dog({ _id: 1, name: "Rex" })));
  expectTypeOf(dog).toEqualTypeOf<managed<Dog>>();
  expectTypeOf(dog.name).toEqualTypeOf<string>();
  expectTypeOf(dog.good).toEqualTypeOf<boolean>();
  expectTypeOf(dog.friend_).toEqualTypeOf<managed<Dog> | null>();
  expectTypeOf(dog.owner).toEqualTypeOf<managed<Person> | null>();
  expectTypeOf<(typeof dog.pack)[0]>().toEqualTypeOf<managed<Dog>>();
  type Read = single_value | managed_vector<mixed_value> | managed_map<mixed_value>;
  expectTypeOf<ReturnType<typeof dog.m.at>>().toEqualTypeOf<Read>();
  expectTypeOf<Dog["m"]>().toEqualTypeOf<ReadonlyMap<string, mixed_value>>();
  expectTypeOf<mixed_value>().toEqualTypeOf<single_value | readonly mixed_value[] | ReadonlyMap<string, mixed_value>>();
  expectTypeOf(database.objects(Dog)).toEqualTypeOf<results<Dog>>();
  expectTypeOf(database.objects(Dog).where((o) => o.owner.name.eq("x"))).toEqualTypeOf<results<Dog>>();
  expectTypeOf(dog.detach().pack).toEqualTypeOf<Dog["pack"]>();
  expectTypeOf(dog.pack.as_results()).toEqualTypeOf<results<Dog>>();
  expectTypeOf(dog.pack).toExtend<managed_vector<Dog | managed<Dog>>>();
  expect(dog.name).toBe("Rex");
});

test("what does not fit does not compile", () => {
  const database = folder.open(Dog, Person);
  const inSpirit = (): void => {
    // @ts-expect-error the primary key is missing
    Dog({ name: "Rex" });
    // @ts-expect-error a name is a text
    Dog({ _id: 1, name: 2 });
    // @ts-expect-error there is no such property
    Dog({ _id: 1, colour: "red" });
    const dog = database.add(Dog({ _id: 1 }));
    // @ts-expect-error only objects that a class has made can be added
    database.add({ _id: 1, name: "Rex" });
    // @ts-expect-error a name is a text
    dog.name = 3;
    // @ts-expect-error an owner is a person
    dog.owner = dog;
    // @ts-expect-error there is no such property
    database.objects(Dog).where((o) => o.colour.eq("red"));
    // @ts-expect-error an age is a number
    database.objects(Dog).where((o) => o.age.gt("2"));
    // @ts-expect-error a link is compared with objects
    database.objects(Dog).where((o) => o.owner.eq("Ada"));
    // @ts-expect-error a condition is needed
    database.objects(Dog).where((o) => o.age);
    // @ts-expect-error backlinks are computed
    database.add(Person({ _id: object_id.generate(), dogs: [] }));
    // @ts-expect-error what is only sent cannot be read
    database.objects(Reading);
    // @ts-expect-error what is only sent is nothing that could be held
    const held: object = database.add(Reading({ _id: object_id.generate() }));
    expect(held).toBeUndefined();
    // @ts-expect-error a mixed holds no sets
    dog.m.set("a", new Set([1]));
    dog.m.set("a", [1, new Map([["b", [null, "x"]]])]);
    database.objects(Dog).where((o) => o.m.at("a").eq("x").or(o.m.at("a").gt(1)));
    // @ts-expect-error only texts contain parts
    database.objects(Dog).where((o) => o.age.contains("2"));
  };
  expect(inSpirit).toBeTypeOf("function");
});
