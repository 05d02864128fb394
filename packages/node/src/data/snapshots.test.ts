import { beforeEach, expect, test } from "vitest";
import { Realm } from "../realm.js";
import type { ObjectSchema } from "../schema/types.js";
import { useFolder } from "../testing/folder.js";

const item: ObjectSchema = { name: "Item", primaryKey: "_id", properties: { _id: "int", note: "string?" } };
const owner: ObjectSchema = {
  name: "Owner",
  primaryKey: "_id",
  properties: {
    _id: "int",
    numbers: "int[]",
    numberSet: "int<>",
    numberMap: "int{}",
    items: "Item[]",
    itemSet: "Item<>",
    itemMap: "Item{}",
    any: "mixed[]",
  },
};

interface Collection extends Iterable<unknown> {
  readonly length: number;
  snapshot(): Collection;
  sorted(): Collection;
  isValid(): boolean;
}
type Owner = Record<"numbers" | "numberSet" | "items" | "itemSet" | "any", Collection & Realm.List & Realm.Set>;

const folder = useFolder();
let realm: Realm;
let one: Owner;
beforeEach(() => {
  realm = folder.open([item, owner]);
  one = realm.write(() => {
    const items = [1, 2, 3].map((_id) => realm.create("Item", { _id }));
    const [numbers, any] = [
      [3, 1, 2],
      ["x", 1, null],
    ];
    return realm.create("Owner", { _id: 1, numbers, numberSet: numbers, items, itemSet: items, any });
  }) as unknown as Owner;
});

const collections: readonly (readonly [string, () => Collection])[] = [
  ["a list of values", () => one.numbers],
  ["a set of values", () => one.numberSet],
  ["a list of mixed values", () => one.any],
  ["sorted values", () => one.numbers.sorted()],
  ["a list of objects", () => one.items],
  ["a set of objects", () => one.itemSet],
  ["objects of a class", () => realm.objects("Item")],
  ["results of a query", () => realm.objects("Item").filtered("_id > 0")],
];

/** Keys of objects, and values. */
const told = (collection: Collection): unknown[] =>
  [...collection].map((element) =>
    element instanceof Realm.Object ? (element as unknown as { _id: number })._id : element,
  );

test.each(collections)("a snapshot of %s stays as it was, whatever is added and taken away", (_, live) => {
  const snapshot = live().snapshot();
  const before = told(snapshot);
  expect([before.length, snapshot.isValid()]).toEqual([3, true]);
  realm.write(() => {
    const four = realm.create("Item", { _id: 4 });
    one.numbers.push(9);
    one.numberSet.add(9);
    one.any.push("y");
    one.items.push(four);
    one.itemSet.add(four);
  });
  expect([told(snapshot), live().length]).toEqual([before, 4]);
  realm.write(() => {
    for (const name of ["numbers", "items", "any"] as const) one[name].splice(0, 4);
    for (const name of ["numberSet", "itemSet"] as const) one[name].clear();
  });
  expect(told(snapshot)).toEqual(before);
});

test.each(collections)("a snapshot of %s keeps its length when everything is deleted", (_, live) => {
  const snapshot = live().snapshot();
  realm.write(() => realm.deleteAll());
  expect([snapshot.length, snapshot.isValid()]).toEqual([3, true]);
});

test.each(collections)("a snapshot of %s ends with its realm", (_, live) => {
  const snapshot = live().snapshot();
  realm.close();
  expect(() => [...snapshot]).toThrow();
  expect(snapshot.isValid()).toBe(false);
});
