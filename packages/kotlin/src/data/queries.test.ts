import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { IllegalArgumentException, IllegalStateException } from "../errors.js";
import type { Flow } from "../flow/flow.js";
import { Realm } from "../realm.js";
import {
  dictionary,
  index,
  instant,
  int,
  list,
  long,
  nullable,
  object,
  primaryKey,
  set,
  string,
} from "../schema/property.js";
import { useFolder } from "../testing/folder.js";
import type { ListChange, ObjectChange, ResultsChange, SingleQueryChange } from "./changes.js";
import { RealmInstant } from "./instant.js";
import { realmObject } from "./object.js";
import { Sort } from "./query.js";

class Dog extends realmObject("Dog", {
  _id: primaryKey(int()),
  name: index(string()),
  age: int(),
  born: nullable(instant()),
  weight: nullable(long()),
  friends: list<Dog>("Dog"),
  tags: set(string()),
  notes: dictionary(string()),
  best: object<Dog>("Dog"),
}) {}

const folder = useFolder();

function filled(): Realm {
  const realm = folder.open(Dog);
  realm.writeBlocking((tx) => {
    for (const [_id, name, age] of [
      [1, "Rex", 3],
      [2, "Bello", 7],
      [3, "Hasso", 3],
    ] as const) {
      tx.copyToRealm(new Dog().apply((dog) => Object.assign(dog, { _id, name, age })));
    }
  });
  return realm;
}

/** Changes one dog. */
function change(realm: Realm, id: number, edit: (dog: Dog) => void): void {
  realm.writeBlocking((tx) => edit(tx.query(Dog, "_id == $0", id).find().first()));
}

/** Collects until a number of values is there, with something done after each. */
async function collect<T>(flow: Flow<T>, ...steps: readonly (() => void)[]): Promise<T[]> {
  const values: T[] = [];
  for await (const value of flow.take(steps.length + 1)) {
    steps[values.length]?.();
    values.push(value);
  }
  return values;
}

function names(dogs: Iterable<Dog>): string[] {
  return Array.from(dogs, ({ name }) => name);
}

test("queries are narrowed down step by step", () => {
  const realm = filled();
  const young = realm.query(Dog, "age < $0", 5);
  expect(names(young.query("name BEGINSWITH $0", "H").find())).toEqual(["Hasso"]);
  expect(names(realm.query(Dog).sort("name").find())).toEqual(["Bello", "Hasso", "Rex"]);
  expect(names(realm.query(Dog).sort(["age", Sort.DESCENDING], ["name", Sort.ASCENDING]).find())).toEqual([
    "Bello",
    "Hasso",
    "Rex",
  ]);
  expect(names(realm.query(Dog).distinct("age").find())).toEqual(["Rex", "Bello"]);
  expect(names(realm.query(Dog).sort("name", Sort.DESCENDING).limit(2).find())).toEqual(["Rex", "Hasso"]);
  expect(names(young.find().query("_id == 3").find())).toEqual(["Hasso"]);
  expect(young.description()).toBe("age < 5");
  expect(realm.query(Dog, "_id == 9").first().find()).toBeNull();
});

test("queries that cannot be understood are refused at once", () => {
  const realm = filled();
  class Cat extends realmObject("Cat", { _id: primaryKey(int()) }) {}
  expect(() => realm.query(Dog, "nonsense ==")).toThrow(IllegalArgumentException);
  expect(() => realm.query(Dog).sort("nothing")).toThrow(IllegalArgumentException);
  expect(() => realm.query(Dog).limit(-1)).toThrow(IllegalArgumentException);
  expect(() => realm.query(Cat)).toThrow("Schema does not contain a class named 'Cat'");
});

test("values of all objects together", () => {
  const realm = filled();
  change(realm, 1, (dog) => Object.assign(dog, { weight: 2n ** 60n, born: RealmInstant.from(10, 0) }));
  change(realm, 2, (dog) => Object.assign(dog, { weight: 1, born: RealmInstant.from(5, 0) }));
  const all = realm.query(Dog);
  expect([all.count().find(), all.min("age").find(), all.max("age").find(), all.sum("age").find()]).toEqual([
    3, 3, 7, 13,
  ]);
  expect(all.sum("weight").find()).toBe(2n ** 60n + 1n);
  expect([all.min("born").find()?.epochSeconds, all.max("born").find()?.epochSeconds]).toEqual([5, 10]);
  const none = realm.query(Dog, "_id > 9");
  expect([none.min("age").find(), none.max("born").find(), none.sum("age").find()]).toEqual([null, null, 0]);
  expect(() => all.sum("born")).toThrow("Cannot perform 'sum' on properties of RealmInstant");
  expect(() => all.min("name")).toThrow("Cannot perform 'min' on 'Dog.name'");
});

test("a query asks the newest version each time, its results never change", () => {
  const realm = filled();
  const query = realm.query(Dog);
  const before = query.find();
  realm.writeBlocking((tx) => tx.delete(tx.query(Dog, "age == 3")));
  expect([before.size, query.find().size, before.query("age == 3").find().size]).toEqual([3, 1, 2]);
});

test("results tell their beginning, then what changed by index", async () => {
  const realm = filled();
  const told = await collect<ResultsChange<Dog>>(
    realm.query(Dog).asFlow(),
    () => change(realm, 2, (dog) => (dog.name = "Waldi")),
    () => realm.writeBlocking((tx) => tx.delete(tx.query(Dog, "_id < 3"))),
  );
  expect(told.map(({ kind, list: dogs }) => [kind, names(dogs)])).toEqual([
    ["InitialResults", ["Rex", "Bello", "Hasso"]],
    ["UpdatedResults", ["Rex", "Waldi", "Hasso"]],
    ["UpdatedResults", ["Hasso"]],
  ]);
  const [, changed, deleted] = told;
  if (changed?.kind === "UpdatedResults") expect([changed.changes, changed.deletions]).toEqual([[1], []]);
  if (deleted?.kind === "UpdatedResults") expect(deleted.deletionRanges).toEqual([{ startIndex: 0, length: 2 }]);
});

test("an object tells its beginning, its changes by name, and its end", async () => {
  const realm = filled();
  const told: ObjectChange<Dog>[] = [];
  const steps = [
    (): void => change(realm, 1, (dog) => Object.assign(dog, { name: "Waldi", age: 4 })),
    (): void => realm.writeBlocking((tx) => tx.delete(tx.query(Dog, "_id == 1"))),
  ];
  await realm
    .query(Dog, "_id == 1")
    .find()
    .first()
    .asFlow()
    .collect((one) => {
      told.push(one);
      steps[told.length - 1]?.();
    });
  expect(told.map(({ kind, obj }) => [kind, obj?.name])).toEqual([
    ["InitialObject", "Rex"],
    ["UpdatedObject", "Waldi"],
    ["DeletedObject", undefined],
  ]);
  const [, updated] = told;
  if (updated?.kind === "UpdatedObject") {
    expect([updated.changedFields, updated.isFieldChanged("born")]).toEqual([["name", "age"], false]);
  }
});

test("key paths leave out changes of other properties", async () => {
  const realm = filled();
  const dog = realm.query(Dog, "_id == 1").find().first();
  const told = await collect(dog.asFlow(["age"]), () => {
    change(realm, 1, (one) => (one.name = "Waldi"));
    change(realm, 1, (one) => (one.age = 9));
  });
  expect(told.map(({ kind, obj }) => [kind, obj?.age])).toEqual([
    ["InitialObject", 3],
    ["UpdatedObject", 9],
  ]);
});

test("key paths of results lead through links; they must name what is there", async () => {
  const realm = filled();
  const query = realm.query(Dog);
  const told = await collect<ResultsChange<Dog>>(query.asFlow(["age"]), () => {
    change(realm, 1, (one) => (one.name = "Waldi"));
    change(realm, 1, (one) => (one.age = 9));
  });
  expect(told.map(({ kind }) => kind)).toEqual(["InitialResults", "UpdatedResults"]);
  expect(() => query.asFlow(["none"])).toThrow(IllegalArgumentException);
  expect(() => query.first().asFlow(["none"])).toThrow(
    "Property 'none' in KeyPath 'none' is not a valid property in Dog.",
  );
  expect(() => query.find().first().asFlow(["name.x"])).toThrow(IllegalArgumentException);
});

test("the first object of a query: pending, there, changed, another one, gone", async () => {
  const realm = folder.open(Dog);
  const create = (_id: number): void => {
    realm.writeBlocking((tx) =>
      tx.copyToRealm(new Dog().apply((dog) => Object.assign(dog, { _id, name: `dog ${_id}` }))),
    );
  };
  const flow = realm.query(Dog).sort("_id").first().asFlow();
  const told = await collect<SingleQueryChange<Dog>>(
    flow,
    () => create(2),
    () => change(realm, 2, (dog) => (dog.age = 5)),
    () => create(1),
    () => realm.writeBlocking((tx) => tx.deleteAll()),
    () => create(3),
  );
  expect(told.map(({ kind, obj }) => [kind, obj?.name])).toEqual([
    ["PendingObject", undefined],
    ["InitialObject", "dog 2"],
    ["UpdatedObject", "dog 2"],
    ["InitialObject", "dog 1"],
    ["DeletedObject", undefined],
    ["InitialObject", "dog 3"],
  ]);
});

test("lists, sets and dictionaries tell their changes, and end with their object", async () => {
  const realm = filled();
  const dog = realm.query(Dog, "_id == 1").find().first();
  const told = { list: [] as ListChange<Dog>[], set: [] as string[], map: [] as string[] };
  const ends = [
    dog.friends.asFlow().collect((one) => void told.list.push(one)),
    dog.tags.asFlow().collect((one) => void told.set.push(`${one.kind} ${[...one.set].join()}`)),
    dog.notes.asFlow().collect((one) => void told.map.push(`${one.kind} ${one.map.keys().join()}`)),
  ];
  await expect.poll(() => told.map.length).toBe(1);
  change(realm, 1, (live) => {
    live.friends.addAll(live.friends.isEmpty() ? [live] : []);
    live.tags.add("a");
    live.notes.set("k", "v");
  });
  await expect.poll(() => told.map.length).toBe(2);
  realm.writeBlocking((tx) => tx.delete(tx.query(Dog, "_id == 1")));
  await Promise.all(ends);
  expect(told.list.map(({ kind, list: dogs }) => [kind, dogs.size])).toEqual([
    ["InitialList", 0],
    ["UpdatedList", 1],
    ["DeletedList", 0],
  ]);
  expect(told.set).toEqual(["InitialSet ", "UpdatedSet a", "DeletedSet "]);
  expect(told.map).toEqual(["InitialMap ", "UpdatedMap k", "DeletedMap "]);
});

test("values follow, and are told only when they are others", async () => {
  const realm = filled();
  const told = await collect(
    realm.query(Dog).max("age").asFlow(),
    () => {
      change(realm, 1, (dog) => (dog.age = 4));
      change(realm, 1, (dog) => (dog.age = 20));
    },
    () => realm.writeBlocking((tx) => tx.deleteAll()),
  );
  expect(told).toEqual([7, 20, null]);
});

test("a realm tells that it has changed, and all flows complete with it", async () => {
  const realm = filled();
  const told = realm.asFlow().map(({ kind }) => kind);
  expect(await collect(told, () => change(realm, 1, (dog) => (dog.age = 1)))).toEqual(["InitialRealm", "UpdatedRealm"]);
  const ends = [
    realm.asFlow().toArray(),
    realm.query(Dog).asFlow().toArray(),
    realm.query(Dog).first().asFlow().toArray(),
  ];
  realm.close();
  expect((await Promise.all(ends)).map(({ length }) => length)).toEqual([1, 0, 0]);
  expect(() => realm.query(Dog)).toThrow(IllegalStateException);
});

test("nothing can be followed inside of a write transaction", () => {
  const realm = filled();
  realm.writeBlocking((tx) => {
    expect(() => tx.query(Dog).asFlow()).toThrow(IllegalStateException);
    expect(() => tx.query(Dog).first().asFlow()).toThrow(IllegalStateException);
    expect(() => tx.query(Dog).find().first().asFlow()).toThrow("cannot be observed during a write");
  });
});

test("objects of a realm that is closed cannot be read", () => {
  const realm = filled();
  const dogs = realm.query(Dog).find();
  const dog = dogs.first();
  realm.close();
  realm.close();
  expect([realm.isClosed(), dog.isValid()]).toEqual([true, false]);
  expect(() => dog.name).toThrow(IllegalStateException);
  expect(() => dogs.size).toThrow(IllegalStateException);
});

test("versions are closed when nobody can reach them any more", async () => {
  setFlagsFromString("--expose_gc");
  const collectGarbage = runInNewContext("gc") as () => void;
  const realm = filled();
  const kept = realm.query(Dog).find().first();
  for (let round = 0; round < 5; round += 1) {
    change(realm, 1, (dog) => (dog.age = 10 + round));
    realm.query(Dog).find();
  }
  expect(realm.getNumberOfActiveVersions()).toBe(6);
  await expect
    .poll(() => {
      collectGarbage();
      return realm.getNumberOfActiveVersions();
    })
    .toBe(2);
  expect([kept.age, realm.query(Dog).find().first().age]).toEqual([3, 14]);
});

test("asking for a value keeps no version", () => {
  const realm = filled();
  for (let round = 0; round < 5; round += 1) {
    change(realm, 1, (dog) => (dog.age = round));
    expect(realm.query(Dog, "age == $0", round).count().find()).toBe(round === 3 ? 2 : 1);
  }
  expect(realm.getNumberOfActiveVersions()).toBe(1);
});

test("a write is refused when too many versions are in use", () => {
  const realm = folder.keep(openLimited());
  const kept: unknown[] = [];
  const write = (): void => {
    realm.writeBlocking((tx) => tx.copyToRealm(new Dog().apply((dog) => (dog._id = kept.length))));
    kept.push(realm.query(Dog).find());
  };
  write();
  write();
  write();
  expect(write).toThrow("Number of active versions (3) in the Realm exceeded the limit of 2");
});

function openLimited(): Realm {
  return Realm.open(folder.configure([Dog]).maxNumberOfActiveVersions(2).build());
}
