import { beforeEach, describe, expect, test } from "vitest";
import { BSON } from "../bson.js";
import { Realm } from "../realm.js";
import type { ObjectSchema } from "../schema/types.js";
import { useFolder } from "../testing/folder.js";
import type { Counter } from "./counter.js";
import type { Dictionary } from "./dictionary.js";
import type { List } from "./list.js";
import { RealmObject } from "./object.js";
import type { RealmSet } from "./set.js";

class Thing extends RealmObject<Thing, "_id"> {
  declare _id: number;
  declare name: string;
  declare done: boolean;
  declare friend: Thing | null;
  declare friends: List<Thing>;
  declare fans: unknown;
  declare place: { street: string; zip: number | null } | null;
  declare places: List<{ street: string }>;
  declare tags: List<string>;
  declare scores: RealmSet<number>;
  declare extra: Dictionary<unknown>;
  declare visits: Counter | null;

  static schema: ObjectSchema = {
    name: "Thing",
    primaryKey: "_id",
    properties: {
      _id: "int",
      name: "string",
      done: { type: "bool", default: false },
      friend: "Thing",
      friends: "Thing[]",
      fans: { type: "linkingObjects", objectType: "Thing", property: "friend" },
      place: "Place",
      places: "Place[]",
      tags: "string[]",
      scores: "int<>",
      extra: "mixed{}",
      visits: "counter?",
    },
  };

  shout(): string {
    return this.name.toUpperCase();
  }
}

const place: ObjectSchema = { name: "Place", embedded: true, properties: { street: "string", zip: "int?" } };

const values: ObjectSchema = {
  name: "Values",
  primaryKey: "_id",
  properties: {
    _id: "objectId",
    int: "int?",
    bool: "bool?",
    float: "float?",
    double: "double?",
    string: "string?",
    data: "data?",
    date: "date?",
    objectId: "objectId?",
    uuid: "uuid?",
    decimal: "decimal128?",
    mixed: "mixed",
    mapped: { type: "string", mapTo: "inFile", default: "d" },
  },
};

const folder = useFolder();
let realm: Realm;
beforeEach(() => {
  realm = folder.open([Thing, place, values]);
});

function make(id: number, more: object = {}): Thing {
  return realm.write(() => realm.create(Thing, { _id: id, name: `thing ${id}`, ...more }));
}

const key = new BSON.ObjectId();

describe("values", () => {
  const cases: readonly (readonly [string, unknown])[] = [
    ["int", 0],
    ["int", -1],
    ["int", 2 ** 31],
    ["int", Number.MIN_SAFE_INTEGER],
    ["bool", true],
    ["float", 0.5],
    ["double", Math.PI],
    ["double", Number.NEGATIVE_INFINITY],
    ["double", -0],
    ["double", Number.NaN],
    ["string", ""],
    ["string", "naïve 🌊 \u0000 text"],
    ["string", "x".repeat(100_000)],
    ["data", Uint8Array.of(0, 1, 255).buffer],
    ["date", new Date(-1)],
    ["date", new Date(1_700_000_000_123)],
    ["objectId", new BSON.ObjectId()],
    ["uuid", new BSON.UUID()],
    ["decimal", BSON.Decimal128.fromString("-10.50")],
    ["decimal", BSON.Decimal128.fromString("NaN")],
    ["decimal", BSON.Decimal128.fromString("9.999999999999999999999999999999999E+6144")],
    ["mixed", "text"],
    ["mixed", 1.5],
    ["mixed", null],
    ["mixed", new Date(5)],
    ["mapped", "other"],
  ];

  test.each(cases)("%s keeps %s", (name: string, value: unknown) => {
    const object = realm.write(() => realm.create("Values", { _id: key, [name]: value }));
    const read: unknown = object[name];
    if (value instanceof ArrayBuffer) expect(new Uint8Array(read as ArrayBuffer)).toEqual(new Uint8Array(value));
    else expect(read).toEqual(value);
  });

  test("properties that are not given are null, or have their default", () => {
    const object = realm.write(() => realm.create("Values", { _id: key }));
    expect(object.toJSON()).toEqual({
      _id: key,
      int: null,
      bool: null,
      float: null,
      double: null,
      string: null,
      data: null,
      date: null,
      objectId: null,
      uuid: null,
      decimal: null,
      mixed: null,
      mapped: "d",
    });
  });

  test.each([
    ["int", "1", "Expected 'int' to be a number or bigint, got a string"],
    ["int", 1.5, "The number 1.5 cannot be converted to a BigInt because it is not an integer"],
    ["bool", 1, "Expected 'bool' to be a boolean, got a number"],
    ["string", 1.5, "Expected 'string' to be a string, got a decimal number"],
    ["objectId", "x", "Expected 'objectId' to be an instance of ObjectId, got a string"],
  ])("%s refuses %s", (name, value, message) => {
    expect(() => realm.write(() => realm.create("Values", { _id: key, [name]: value }))).toThrow(message);
    expect(realm.objects("Values").length).toBe(0);
  });

  test("an object id and other bytes do not change with what is read later", () => {
    const [first, second] = realm.write(() => [
      realm.create("Values", { _id: key, uuid: new BSON.UUID() }),
      realm.create("Values", { _id: new BSON.ObjectId(), uuid: new BSON.UUID() }),
    ]);
    const before = String(first?.["uuid"]);
    const kept = first?.["uuid"];
    expect(second?.["uuid"]).toBeDefined();
    expect(String(kept)).toBe(before);
  });
});

describe("objects", () => {
  test("a class of the application gives its objects type and methods", () => {
    const thing = make(1);
    expect(thing).toBeInstanceOf(Thing);
    expect(thing.shout()).toBe("THING 1");
    expect(realm.objects(Thing)[0]?.shout()).toBe("THING 1");
    const made = realm.write(() => new Thing(realm, { _id: 2, name: "two" }));
    expect(made.name).toBe("two");
    expect(realm.objectForPrimaryKey(Thing, 2)?.name).toBe("two");
  });

  test("properties show as the object's own", () => {
    const thing = make(1);
    expect(Object.keys(thing)).toContain("name");
    // Spreading is what is tested.
    // oxlint-disable-next-line typescript/no-misused-spread
    expect({ ...thing }.name).toBe("thing 1");
    expect("name" in thing).toBe(true);
    expect(JSON.parse(JSON.stringify(thing))).toMatchObject({ _id: 1, name: "thing 1", tags: [] });
  });

  test("create refuses an existing key, or updates", () => {
    const thing = make(1, { tags: ["a"] });
    expect(() => make(1)).toThrow(
      "Attempting to create an object of type 'Thing' with an existing primary key value '1'.",
    );
    realm.write(() => realm.create("Thing", { _id: 1, name: "new" }, "modified"));
    expect(thing.name).toBe("new");
    expect([...thing.tags]).toEqual(["a"]);
    realm.write(() => realm.create("Thing", { _id: 1, tags: ["b"] }, "all"));
    expect([...thing.tags]).toEqual(["b"]);
  });

  test("an existing key is noticed within one transaction too", () => {
    expect(() =>
      realm.write(() => {
        realm.create("Thing", { _id: 1, name: "a" });
        realm.create("Thing", { _id: 1, name: "b" });
      }),
    ).toThrow("existing primary key value '1'");
    expect(realm.objects("Thing").length).toBe(0);
  });

  test("a key is free again after its object was deleted, also in the same transaction", () => {
    const thing = make(1);
    realm.write(() => {
      realm.delete(thing);
      realm.create("Thing", { _id: 1, name: "again" });
    });
    expect(thing.isValid()).toBe(false);
    expect(realm.objectForPrimaryKey(Thing, 1)?.name).toBe("again");
  });

  test("a missing required property is an error", () => {
    expect(() => realm.write(() => realm.create("Thing", { _id: 1 }))).toThrow(
      "Missing value for property 'Thing.name'",
    );
  });

  test("a deleted object refuses to be read", () => {
    const thing = make(1);
    realm.write(() => realm.delete(thing));
    expect(thing.isValid()).toBe(false);
    expect(() => thing.name).toThrow("Accessing object of type Thing which has been invalidated or deleted");
  });

  test("writes need a transaction, and transactions do not nest", () => {
    const thing = make(1);
    expect(() => {
      thing.name = "x";
    }).toThrow("Cannot modify managed objects outside of a write transaction.");
    expect(() => realm.write(() => realm.write(() => undefined))).toThrow("already in a write transaction");
    expect(realm.isInTransaction).toBe(false);
  });

  test("what a transaction throws undoes it; so does cancelTransaction", () => {
    const thing = make(1);
    expect(() =>
      realm.write(() => {
        thing.name = "x";
        make(2);
      }),
    ).toThrow("already in a write");
    expect(thing.name).toBe("thing 1");
    realm.beginTransaction();
    thing.name = "y";
    const lost = realm.create(Thing, { _id: 3, name: "lost" });
    expect(thing.name).toBe("y");
    realm.cancelTransaction();
    expect(thing.name).toBe("thing 1");
    expect(lost.isValid()).toBe(false);
  });

  test("the primary key cannot be changed", () => {
    const thing = make(1);
    expect(() =>
      realm.write(() => {
        thing._id = 5;
      }),
    ).toThrow("Cannot change value of primary key");
  });

  test("counters add", () => {
    const thing = make(1, { visits: 5 });
    realm.write(() => {
      thing.visits?.increment(2);
      thing.visits?.decrement();
    });
    expect(thing.visits?.value).toBe(6);
    realm.write(() => {
      thing.visits = null;
    });
    expect(thing.visits).toBeNull();
  });
});

describe("links", () => {
  test("lead to objects, are null when these are gone, and are made from plain values", () => {
    const one = make(1);
    const two = make(2, { friend: one, friends: [one, { _id: 3, name: "three" }] });
    expect(two.friend?.name).toBe("thing 1");
    expect(two.friends.map(({ name }) => name)).toEqual(["thing 1", "three"]);
    realm.write(() => realm.delete(one));
    expect(two.friend).toBeNull();
    expect(two.friends.map(({ name }) => name)).toEqual(["three"]);
  });

  test("are followed backwards", () => {
    const one = make(1);
    make(2, { friend: one });
    make(3, { friend: one });
    expect((one.fans as List<Thing>).map(({ _id }) => _id)).toEqual([2, 3]);
    expect(one.linkingObjects("Thing", "friend").length).toBe(2);
    expect(one.linkingObjectsCount()).toBe(2);
  });

  test("embedded objects live and go with their owner", () => {
    const thing = make(1, { place: { street: "a", zip: 5 }, places: [{ street: "b" }] });
    realm.write(() => {
      if (thing.place !== null) thing.place.street = "c";
      const [first] = thing.places;
      if (first !== undefined) first.street = "d";
    });
    expect(thing.place?.street).toBe("c");
    expect(thing.places[0]?.street).toBe("d");
    const kept = thing.place;
    realm.write(() => {
      thing.place = null;
    });
    expect(thing.place).toBeNull();
    expect(() => kept?.street).toThrow("invalidated or deleted");
  });
});

describe("collections", () => {
  test("lists change in all ways of an array", () => {
    const { tags } = make(1, { tags: ["a", "b", "c"] });
    const now = (): string[] => [...tags];
    realm.write(() => tags.push("d", "e"));
    expect(now()).toEqual(["a", "b", "c", "d", "e"]);
    expect(realm.write(() => [tags.pop(), tags.shift()])).toEqual(["e", "a"]);
    realm.write(() => tags.unshift("x", "y"));
    expect(now()).toEqual(["x", "y", "b", "c", "d"]);
    expect(realm.write(() => tags.splice(1, 2, "n"))).toEqual(["y", "b"]);
    expect(now()).toEqual(["x", "n", "c", "d"]);
    realm.write(() => {
      tags.move(0, 3);
      tags.swap(0, 1);
      tags[2] = "z";
    });
    expect(now()).toEqual(["c", "n", "z", "x"]);
    expect(tags.length).toBe(4);
    expect(tags.indexOf("z")).toBe(2);
    expect(tags.includes("q")).toBe(false);
    expect(() => {
      (tags as { length: number }).length = 0;
    }).toThrow("Cannot assign to read only property 'length'");
  });

  test("sets hold each value once", () => {
    const { scores } = make(1, { scores: [3, 1, 3] });
    expect([...scores].sort()).toEqual([1, 3]);
    realm.write(() => scores.add(2).add(2));
    expect(scores.size).toBe(3);
    expect(realm.write(() => [scores.delete(1), scores.delete(9)])).toEqual([true, false]);
    expect(scores.has(1)).toBe(false);
  });

  test("dictionaries hold values by key", () => {
    const { extra } = make(1, { extra: { a: 1, b: "two" } });
    realm.write(() => {
      extra["c"] = true;
      extra.set({ d: null });
      delete extra["a"];
    });
    // oxlint-disable-next-line typescript/no-misused-spread
    expect({ ...extra }).toEqual({ b: "two", c: true, d: null });
    expect(Object.keys(extra)).toEqual(["b", "c", "d"]);
    expect("a" in extra).toBe(false);
    realm.write(() => extra.remove(["b", "c"]));
    expect([...extra.keys()]).toEqual(["d"]);
  });

  test("results are live, filtered and sorted", () => {
    for (let id = 0; id < 10; id += 1) make(id, { done: id % 2 === 0, name: `n${9 - id}` });
    const done = realm.objects(Thing).filtered("done == $0 AND _id > $1", true, 3);
    expect(done.map(({ _id }) => _id)).toEqual([4, 6, 8]);
    expect(done.sorted("name").map(({ _id }) => _id)).toEqual([8, 6, 4]);
    expect(
      realm
        .objects(Thing)
        .sorted([
          ["done", true],
          ["_id", true],
        ])
        .map(({ _id }) => _id),
    ).toEqual([8, 6, 4, 2, 0, 9, 7, 5, 3, 1]);
    const snapshot = done.snapshot();
    make(20, { done: true });
    expect(done.length).toBe(4);
    expect(snapshot.length).toBe(3);
    expect(done.max("_id")).toBe(20);
    expect(realm.objects(Thing).sum("_id")).toBe(65);
    realm.write(() => realm.delete(done));
    expect(done.length).toBe(0);
    expect(realm.objects(Thing).length).toBe(7);
  });

  test("arguments of queries may be lists", () => {
    for (let id = 0; id < 5; id += 1) make(id, { name: `n${id}` });
    const keys = (query: string, ...given: unknown[]): unknown[] =>
      realm
        .objects(Thing)
        .filtered(query, ...given)
        .map(({ _id }) => _id);
    expect(keys("name IN $0 AND _id > $1", ["n1", "n3", "n9"], 1)).toEqual([3]);
    expect(keys("ANY $0 == _id", [1, 2])).toEqual([1, 2]);
    expect(keys("NOT _id IN $0", [0, 4])).toEqual([1, 2, 3]);
    expect(keys("_id IN $0", [])).toEqual([]);
    expect(() => keys("_id IN $0", [[1]])).toThrow("a value that can be stored");
  });

  test("a wrong query is an error at once", () => {
    expect(() => realm.objects("Thing").filtered("nothing ==")).toThrow(/Invalid predicate/);
    expect(() => realm.objects("Thing").filtered("nowhere == 1")).toThrow(/no property/i);
    expect(() => realm.objects("Nope")).toThrow("Object type 'Nope' not found in schema.");
  });

  test("iterating while changing sees the objects of the beginning", () => {
    for (let id = 0; id < 5; id += 1) make(id);
    const seen: number[] = [];
    realm.write(() => {
      for (const thing of realm.objects(Thing).filtered("done == false")) {
        thing.done = true;
        seen.push(thing._id);
      }
    });
    expect(seen).toEqual([0, 1, 2, 3, 4]);
  });
});

test("a closed realm refuses everything, and closing again is no error", () => {
  const thing = make(1);
  const all = realm.objects(Thing);
  realm.close();
  realm.close();
  expect(realm.isClosed).toBe(true);
  expect(() => realm.objects("Thing")).toThrow("Cannot access realm that has been closed.");
  expect(() => all.length).toThrow("closed");
  expect(() => thing.name).toThrow("closed");
  expect(thing.isValid()).toBe(false);
});

test("two realms of one file share its state; it closes with the last", () => {
  const { path } = realm;
  const other = folder.keep(new Realm({ path, schema: [Thing, place, values] }));
  make(1);
  expect(other.objects("Thing").length).toBe(1);
  realm.close();
  expect(other.objects("Thing").length).toBe(1);
});

test("many objects survive reopening", () => {
  const count = 20_000;
  realm.write(() => {
    for (let id = 0; id < count; id += 1) realm.create("Thing", { _id: id, name: `thing ${id}`, tags: [`t${id}`] });
  });
  const { path } = realm;
  realm.close();
  const again = folder.keep(new Realm({ path }));
  expect(again.objects("Thing").length).toBe(count);
  expect(again.objectForPrimaryKey<{ name: string }>("Thing", 12_345)?.name).toBe("thing 12345");
  let sum = 0;
  for (const { _id } of again.objects<{ _id: number }>("Thing")) sum += _id;
  expect(sum).toBe((count * (count - 1)) / 2);
});

test("a file whose classes have changed is refused, or deleted first if the configuration says so", () => {
  const path = folder.path("changed.realm");
  const holder = (type: string): ObjectSchema[] => [{ name: "Holder", properties: { value: type } }];
  const before = folder.keep(new Realm({ path, schema: holder("int") }));
  before.write(() => before.create("Holder", { value: 1 }));
  before.close();
  expect(() => new Realm({ path, schema: holder("string") })).toThrow("value");
  const after = folder.keep(new Realm({ path, schema: holder("string"), deleteRealmIfMigrationNeeded: true }));
  expect(after.objects("Holder").length).toBe(0);
  after.close();
  const same = folder.keep(new Realm({ path, schema: holder("string"), deleteRealmIfMigrationNeeded: true }));
  same.write(() => same.create("Holder", { value: "kept" }));
  same.close();
  const again = folder.keep(new Realm({ path, schema: holder("string"), deleteRealmIfMigrationNeeded: true }));
  expect(again.objects("Holder").length).toBe(1);
});
