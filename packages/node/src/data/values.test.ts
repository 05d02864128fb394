import { beforeEach, expect, test } from "vitest";
import type { Realm } from "../realm.js";
import { Results } from "./results.js";
import type { ObjectSchema } from "../schema/types.js";
import { turn, useFolder } from "../testing/folder.js";
import type { CollectionChangeSet } from "./collection.js";

const box: ObjectSchema = {
  name: "Box",
  primaryKey: "_id",
  properties: {
    _id: "int",
    words: "string[]",
    numbers: "int?[]",
    dates: "date<>",
    any: "mixed[]",
    boxes: "Box[]",
    other: "Box",
  },
};

interface Box {
  words: Realm.List<string>;
  numbers: Realm.List<number | null>;
  dates: Realm.Set<Date>;
  any: Realm.List;
  boxes: Realm.List;
}

const folder = useFolder();
let realm: Realm;
let one: Box;
beforeEach(() => {
  realm = folder.open([box]);
  one = realm.write(() =>
    realm.create("Box", {
      _id: 1,
      words: ["b", "a", "\u{1f600}", "\uffff", "a"],
      numbers: [3, null, 1, 2],
      dates: [new Date(9), new Date(5)],
      any: ["x", 2, null, true, 1.5],
    }),
  ) as unknown as Box;
});

const nothing: CollectionChangeSet = { insertions: [], deletions: [], newModifications: [], oldModifications: [] };

test("values are sorted by themselves, null first, texts by code points", () => {
  expect([...one.words.sorted()]).toEqual(["a", "a", "b", "\uffff", "\u{1f600}"]);
  expect([...one.numbers.sorted(true)]).toEqual([3, 2, 1, null]);
  expect([...one.dates.sorted(true)]).toEqual([new Date(9), new Date(5)]);
  expect([...one.any.sorted()]).toEqual([null, true, 1.5, 2, "x"]);
  expect([...one.words.sorted().sorted(true)][0]).toBe("\u{1f600}");
});

test("what is sorted is results, and live", async () => {
  const sorted = one.numbers.sorted();
  expect(sorted).toBeInstanceOf(Results);
  expect([sorted[0], sorted.length, sorted.type, sorted.optional, sorted.isValid()]).toEqual([
    null,
    4,
    "int",
    true,
    true,
  ]);
  const told: CollectionChangeSet[] = [];
  sorted.addListener((_, changes) => told.push(changes));
  await turn();
  realm.write(() => one.numbers.push(0));
  expect([...sorted]).toEqual([null, 0, 1, 2, 3]);
  expect([sorted.min(), sorted.max(), sorted.sum(), sorted.avg()]).toEqual([0, 3, 6, 1.5]);
  expect([sorted.indexOf(2), sorted.map((value) => value), sorted.includes(3)]).toEqual([3, [null, 0, 1, 2, 3], true]);
  await turn();
  expect(told).toEqual([nothing, { ...nothing, insertions: [1] }]);
  realm.write(() => realm.deleteAll());
  expect(sorted.isValid()).toBe(false);
  await turn();
  expect(told[2]).toEqual({ ...nothing, deletions: [0, 1, 2, 3, 4] });
});

test("a snapshot of values stays", () => {
  const snapshots = [one.words.snapshot(), one.words.sorted().snapshot(), one.dates.snapshot()];
  realm.write(() => {
    one.words.push("z");
    one.dates.clear();
  });
  expect(snapshots.map(({ length }) => length)).toEqual([5, 5, 2]);
  realm.write(() => realm.deleteAll());
  expect([snapshots[0]?.isValid(), snapshots[0]?.[0], snapshots[1]?.[0]]).toEqual([true, "b", "a"]);
});

test("values go by the name of self, and by no other", () => {
  expect([...one.words.sorted("self", true)]).toEqual([...one.words.sorted(true)]);
  expect([...one.dates.sorted([["self", true]])]).toEqual([new Date(9), new Date(5)]);
  expect([...one.words.sorted(["self"]).snapshot().sorted("self", true)][0]).toBe("\u{1f600}");
  const text = "Cannot sort on key path 'length': arrays of 'string' can only be sorted on 'self'";
  expect(() => one.words.sorted("length")).toThrow(text);
  expect(() => one.words.sorted().sorted("length")).toThrow(text);
  expect(() => one.dates.sorted(["self", "self"])).toThrow("Cannot sort array of 'date' on more than one key path");
});

test("what values cannot do is refused, as by the original", () => {
  expect(() => one.words.filtered("TRUEPREDICATE")).toThrow("Queries on collections of values are not supported");
  expect(() => one.words.sorted().filtered("self > 'a'")).toThrow("Queries on collections of values");
});

test("objects are sorted by what they have, on paths of links", () => {
  const sort = (by: string) => (): unknown => realm.objects("Box").sorted(by);
  expect(() => one.boxes.sorted()).toThrow("Cannot sort on key path 'self': property 'Box.self' does not exist.");
  expect(() => realm.objects("Box").sorted(true)).toThrow("property 'Box.self' does not exist.");
  expect(sort("nope")).toThrow("Cannot sort on key path 'nope': property 'Box.nope' does not exist.");
  expect(sort("words")).toThrow("property 'Box.words' is of unsupported type 'array'.");
  expect(sort("_id.x")).toThrow("property 'Box._id' of type 'int' may only be the final property in the key path.");
  expect(sort("other")).toThrow("property 'Box.other' of type 'object' cannot be the final property in the key path.");
  expect(sort("")).toThrow("Cannot sort on key path '': missing property name.");
  expect(realm.objects("Box").sorted("other._id", true)).toHaveLength(1);
});
