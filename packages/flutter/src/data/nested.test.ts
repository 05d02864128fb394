import { expect, test } from "vitest";
import { int, list, map, object, realmValue, string } from "../model/property.js";
import { ObjectType, SchemaObject } from "../model/schema.js";
import { useFolder } from "../testing/folder.js";
import { EmbeddedObject, RealmObject } from "./object.js";
import { RealmValue } from "./realm-value.js";

class Inner extends EmbeddedObject.of(
  SchemaObject("Inner", { text: string() }, { baseType: ObjectType.embeddedObject }),
) {}
class Target extends RealmObject.of(SchemaObject("Target", { id: int().primaryKey(), name: string() })) {}
class Thing extends RealmObject.of(
  SchemaObject("Thing", {
    id: int().primaryKey(),
    any: realmValue(),
    anys: list(realmValue()),
    named: map(realmValue()),
    inner: object(() => Inner),
  }),
) {}

const folder = useFolder();

test("lists and maps in a RealmValue are stored, and live", () => {
  const realm = folder.open(Thing, Target, Inner);
  const target = new Target({ id: 1, name: "linked" });
  const value = RealmValue.from({ list: [1, null, ["deep"], RealmValue.double(2)], object: target, none: null });
  expect([value.type, value.asMap().get("list")?.asList().length]).toEqual(["map", 4]);
  const thing = realm.write(() => realm.add(new Thing({ id: 1, any: value, anys: [[1], new Map([["a", 1]])] })));
  realm.write(() => {
    const inside = thing.any.asMap().get("list")?.asList();
    inside?.elementAt(2).asList().add(RealmValue.from("more"));
    inside?.insert(0, RealmValue.from({ b: [] }));
    inside?.removeAt(1);
    thing.any.asMap().remove("none");
    thing.named.set("x", RealmValue.from([target]));
  });
  expect(target.isManaged).toBe(true);
  expect(thing.any.equals({ list: [{ b: [] }, null, ["deep", "more"], RealmValue.double(2)], object: target })).toBe(
    true,
  );
  expect(
    thing.any
      .asMap()
      .get("list")
      ?.asList()
      .map(({ type }) => type),
  ).toEqual(["map", "nullValue", "list", "int"]);
  expect(thing.anys.map((one) => one.equals([1]))).toEqual([true, false]);
  expect(target.equals(thing.named.get("x")?.asList()[0]?.value)).toBe(true);
  realm.write(() => {
    const { any } = thing;
    thing.any = any;
    thing.anys[0] = thing.any;
  });
  expect(thing.anys[0]?.equals(thing.any)).toBe(true);
  expect(() => thing.any.asList()).toThrow("A map is not a list");
});

test("sets and embedded objects in a RealmValue are refused", () => {
  const realm = folder.open(Thing, Target, Inner);
  expect(() => RealmValue.from(new Set([1]))).toThrow("Sets are not supported as values of a RealmValue");
  expect(() => realm.write(() => realm.add(new Thing({ id: 1, any: [new Inner({ text: "x" })] })))).toThrow(
    "Using an embedded object (Inner) as a RealmValue is not supported",
  );
  expect(realm.all(Thing).length).toBe(0);
});

test("changes of a nested list", async () => {
  const realm = folder.open(Thing, Target, Inner);
  const thing = realm.write(() => realm.add(new Thing({ id: 1, any: [1] })));
  const told: number[][] = [];
  const subscription = thing.any.asList().changes.listen(({ inserted }) => void told.push([...inserted]));
  await new Promise((resolve) => setTimeout(resolve, 20));
  realm.write(() => thing.any.asList().add(RealmValue.from(2)));
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(told).toEqual([[], [1]]);
  await subscription.cancel();
});
