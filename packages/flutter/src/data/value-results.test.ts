/**
 * Lists, sets and maps as results, and their changes for key paths.
 */
import { beforeEach, describe, expect, test } from "vitest";
import { RealmError, RealmException } from "../errors.js";
import { int, list, map, object, realmValue, set, string } from "../model/property.js";
import { SchemaObject } from "../model/schema.js";
import type { Realm } from "../realm.js";
import { turn, useFolder } from "../testing/folder.js";
import { RealmObject } from "./object.js";
import { RealmValue } from "./realm-value.js";
import { RealmResults } from "./results.js";

class Dog extends RealmObject.of(SchemaObject("Dog", { name: string().primaryKey(), age: int().defaultsTo(1) })) {}

class Box extends RealmObject.of(
  SchemaObject("Box", {
    id: int().primaryKey(),
    words: list(string()),
    numbers: set(int()),
    values: list(realmValue()),
    dogs: list(object(() => Dog)),
    pack: set(object(() => Dog)),
    named: map(object(() => Dog)),
    scores: map(int()),
  }),
) {}

const folder = useFolder();
let realm: Realm;
let box: Box;
beforeEach(() => {
  realm = folder.open(Box, Dog);
  box = realm.write(() =>
    realm.add(
      new Box({ id: 1, words: ["b", "a"], numbers: [2, 1], values: [1, "x"].map((one) => RealmValue.from(one)) }),
    ),
  );
});

describe("values as results", () => {
  test("are live, read as other results are, and tell of changes", async () => {
    const words = box.words.asResults();
    expect(words).toBeInstanceOf(RealmResults);
    expect([words[0], words.first, words.last, words.length, words.isValid]).toEqual(["b", "b", "a", 2, true]);
    expect([words.indexOf("a"), words.contains("z"), words.toList()]).toEqual([1, false, ["b", "a"]]);
    expect([box.numbers.asResults().toList(), box.values.asResults().first.value]).toEqual([[1, 2], 1]);
    expect(() => words[2]).toThrow(RangeError);
    const told: unknown[] = [];
    words.changes.listen(({ results, inserted, isCleared }) => told.push([results === words, inserted, isCleared]));
    await turn();
    realm.write(() => box.words.add("c"));
    await turn();
    realm.write(() => box.words.clear());
    await turn();
    expect(told).toEqual([
      [true, [], false],
      [true, [2], false],
      [true, [], true],
    ]);
  });

  test("can be frozen", () => {
    const frozen = box.words.asResults().freeze();
    folder.keep(frozen.realm);
    realm.write(() => box.words.add("c"));
    expect([frozen.toList(), frozen.isFrozen, frozen.freeze() === frozen]).toEqual([["b", "a"], true, true]);
  });

  test("are not queried or subscribed to", async () => {
    const words = box.words.asResults();
    expect(() => words.query("TRUEPREDICATE")).toThrow("Queries on collections of values are not supported");
    expect(() => box.numbers.query("TRUEPREDICATE")).toThrow(RealmException);
    expect(() => words.changesFor(["x"])).toThrow("Key paths are only for collections of objects.");
    await expect(words.subscribe()).rejects.toThrow(RealmError);
    expect(() => words.unsubscribe()).toThrow(RealmError);
  });
});

describe("maps", () => {
  test("the objects of a map are queried", async () => {
    realm.write(() => box.named.addAll({ a: new Dog({ name: "Rex", age: 2 }), b: null, c: new Dog({ name: "Max" }) }));
    const all = box.named.query("TRUEPREDICATE");
    const old = box.named.query("age > $0", [1]);
    expect([all.map(({ name }) => name), old.map(({ name }) => name)]).toEqual([["Rex", "Max"], ["Rex"]]);
    const frozen = old.freeze();
    folder.keep(frozen.realm);
    const told: number[] = [];
    old.changes.listen(({ results }) => told.push(results.length));
    await turn();
    realm.write(() => box.named.remove("a"));
    await turn();
    expect([told, frozen.length, all.length]).toEqual([[1, 0], 1, 1]);
    expect(() => box.scores.query("TRUEPREDICATE")).toThrow("Queries on collections of values are not supported");
    expect(() => new Box({ id: 2 }).named.query("TRUEPREDICATE")).toThrow("Unmanaged maps cannot be queried");
  });
});

describe("changes for key paths", () => {
  test("only those properties count, of lists, sets and maps of objects", async () => {
    const rex = realm.write(() => realm.add(new Dog({ name: "Rex" })));
    realm.write(() => {
      box.dogs.add(rex);
      box.pack.add(rex);
      box.named.set("a", rex);
    });
    const told: string[] = [];
    const paths = { all: undefined, age: ["age"], none: [] };
    for (const [name, path] of Object.entries(paths)) {
      box.dogs.changesFor(path).listen(({ modified }) => told.push(`list ${name} ${modified.length}`));
      box.pack.changesFor(path).listen(({ modified }) => told.push(`set ${name} ${modified.length}`));
      box.named.changesFor(path).listen(({ modified }) => told.push(`map ${name} ${modified.length}`));
    }
    await turn();
    told.length = 0;
    realm.write(() => (rex.age = 5));
    await turn();
    expect(told.toSorted()).toEqual(["list age 1", "list all 1", "map age 1", "map all 1", "set age 1", "set all 1"]);
  });

  test("paths are looked at before", () => {
    expect(() => box.dogs.changesFor(["none"])).toThrow("Property 'none' in KeyPath 'none' is not a valid property");
    expect(() => box.pack.changesFor([""])).toThrow("It is not allowed to have empty key paths.");
    expect(() => box.named.changesFor(["none"])).toThrow(RealmException);
    for (const values of [box.words, box.numbers, box.scores]) {
      expect(() => values.changesFor(["x"])).toThrow("Key paths are only for collections of objects.");
    }
  });
});
