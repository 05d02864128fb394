import { expect, test } from "vitest";
import { Realm } from "../index.js";
import { useFolder } from "../testing/folder.js";

const folder = useFolder();
const schema: Realm.ObjectSchema[] = [
  { name: "Inner", embedded: true, properties: { text: "string" } },
  { name: "Target", primaryKey: "_id", properties: { _id: "int", name: "string" } },
  {
    name: "Thing",
    primaryKey: "_id",
    properties: { _id: "int", any: "mixed", anys: "mixed[]", named: "mixed{}", few: "mixed<>", inner: "Inner" },
  },
];

interface Thing {
  _id: number;
  any: unknown;
  anys: Realm.List;
  named: Realm.Dictionary;
  few: Realm.Set;
  inner: unknown;
}

test("arrays and objects in mixed properties become lists and dictionaries, which are live", () => {
  const realm = folder.open(schema);
  const thing = realm.write(() => {
    const target = realm.create("Target", { _id: 1, name: "linked" });
    const any = { list: [1, null, ["deep"]], object: target, none: null };
    return realm.create<Thing>("Thing", { _id: 1, any, anys: [[1], { a: 1 }], named: { x: [target] } });
  });
  const any = thing.any as Realm.Dictionary<Realm.List>;
  const list = any["list"] as Realm.List;
  expect([any instanceof Realm.Dictionary, list instanceof Realm.List, list.type]).toEqual([true, true, "mixed"]);
  realm.write(() => {
    list.push({ b: [] });
    (list[2] as Realm.List).unshift("first");
    list[0] = "one";
    any.remove("none");
    any["more"] = [[]];
    (thing.anys[1] as Realm.Dictionary)["a"] = { c: true };
  });
  const linked = { _id: 1, name: "linked" };
  const shown = { list: ["one", null, ["first", "deep"], { b: [] }], object: linked, more: [[]] };
  expect(JSON.parse(JSON.stringify(thing))).toEqual({
    _id: 1,
    any: shown,
    anys: [[1], { a: { c: true } }],
    named: { x: [linked] },
    few: [],
    inner: null,
  });
  expect(any.toJSON()).toEqual(shown);
  expect(() => list.push(1)).toThrow("Cannot modify managed objects outside of a write transaction.");
  realm.write(() => (thing.any = thing.anys));
  expect(JSON.parse(JSON.stringify(thing.any))).toEqual([[1], { a: { c: true } }]);
  expect([any.isValid(), list.isValid()]).toEqual([false, false]);
});

test("sets and embedded objects in mixed properties are refused, and nothing is written", () => {
  const realm = folder.open(schema);
  const thing = realm.write(() => realm.create<Thing>("Thing", { _id: 1, any: [1], inner: { text: "x" } }));
  realm.beginTransaction();
  expect(() => (thing.any = [thing.few])).toThrow("Using a RealmSet as a Mixed value is not supported.");
  expect(() => (thing.any = [new Set([1])])).toThrow("Using a Set as a Mixed value is not supported.");
  expect(() => (thing.any = { a: thing.inner })).toThrow(
    "Using an embedded object (Inner) as a Mixed value is not supported.",
  );
  expect(() => (thing.any = { $a: 1 })).toThrow("key must not start with '$'");
  expect(() => thing.few.add([1] as never)).toThrow("Lists within a Set are not supported.");
  expect(() => thing.few.add({})).toThrow("Dictionaries within a Set are not supported.");
  realm.commitTransaction();
  expect(JSON.parse(JSON.stringify(thing.any))).toEqual([1]);
  expect(thing.few.size).toBe(0);
});

test("listeners of nested collections", async () => {
  const realm = folder.open(schema);
  const thing = realm.write(() => realm.create<Thing>("Thing", { _id: 1, any: { list: [1] } }));
  const dictionary = thing.any as Realm.Dictionary<Realm.List>;
  const told: unknown[] = [];
  (dictionary["list"] as Realm.List).addListener((_, { insertions }) => void told.push(insertions));
  dictionary.addListener((_, { modifications }) => void told.push(modifications));
  await new Promise((resolve) => setTimeout(resolve, 20));
  realm.write(() => (dictionary["list"] as Realm.List).push(2));
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(told).toEqual([[], [], [1], ["list"]]);
});
