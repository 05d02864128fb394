import { expect, test } from "vitest";
import {
  any,
  embeddedRealmObject,
  int,
  list,
  object,
  primaryKey,
  RealmAny,
  realmAnyDictionaryOf,
  realmAnyListOf,
  realmDictionaryOf,
  realmListOf,
  realmObject,
  realmSetOf,
  string,
} from "../index.js";
import { useFolder } from "../testing/folder.js";

class Inner extends embeddedRealmObject("Inner", { text: string() }) {}
class Target extends realmObject("Target", { id: primaryKey(int()), name: string() }) {}
class Thing extends realmObject("Thing", {
  id: primaryKey(int()),
  value: any(),
  values: list(any()),
  inner: object(() => Inner),
}) {}

const folder = useFolder();

function thing(id: number, value: RealmAny | null): Thing {
  return new Thing().apply((made) => {
    made.id = id;
    made.value = value;
  });
}

function tree(): RealmAny {
  const target = new Target().apply((made) => {
    made.id = 1;
    made.name = "linked";
  });
  return RealmAny.create(
    realmDictionaryOf<RealmAny | null>(
      ["list", realmAnyListOf(1, null, realmAnyListOf("deep"), RealmAny.create(1, "FLOAT"))],
      ["object", RealmAny.create(target)],
      ["none", null],
    ),
  );
}

test("collections in values of any type are stored, live in a write, and copied", () => {
  const realm = folder.open(Thing, Target, Inner);
  const read = realm.writeBlocking((tx) => {
    const live = tx.copyToRealm(thing(1, tree()));
    live.values.add(realmAnyDictionaryOf(["a", 1]));
    const inside = live.value?.asDictionary().get("list")?.asList();
    inside?.get(2)?.asList().add(RealmAny.create("more"));
    inside?.add(0, realmAnyDictionaryOf(["b", realmAnyListOf()]));
    inside?.removeAt(1);
    live.value?.asDictionary().remove("none");
    return live;
  });
  const value = read.value?.asDictionary();
  expect([read.value?.type, value?.keys()]).toEqual(["DICTIONARY", ["list", "object"]]);
  const list_ = value?.get("list")?.asList();
  expect(list_?.map((one) => one?.type)).toEqual(["DICTIONARY", undefined, "LIST", "FLOAT"]);
  expect(
    list_
      ?.get(2)
      ?.asList()
      .map((one) => one?.asString()),
  ).toEqual(["deep", "more"]);
  expect(value?.get("object")?.asRealmObject(Target).name).toBe("linked");
  expect(read.values.get(0)?.equals(realmAnyDictionaryOf(["a", 1]))).toBe(true);
  expect(() => list_?.add(null)).toThrow("Cannot modify managed objects outside of a write transaction");
  expect(() => read.value?.asList()).toThrow("wanted a 'LIST' but the instance is a 'DICTIONARY'");
  const copy = realm.copyFromRealm(read);
  expect(copy.value?.asDictionary().get("list")?.equals(value?.get("list"))).toBe(true);
  copy.value?.asDictionary().set("own", null);
  expect([copy.value?.asDictionary().size, value?.size]).toEqual([3, 2]);
});

test("sets and embedded objects in values of any type are refused", () => {
  const realm = folder.open(Thing, Target, Inner);
  expect(() => RealmAny.create(realmSetOf(1) as never)).toThrow("Sets are not supported as values of a RealmAny");
  const inner = new Inner();
  expect(() => realm.writeBlocking((tx) => tx.copyToRealm(thing(1, realmAnyListOf(inner as never))))).toThrow(
    "Using an embedded object (Inner) as a Mixed value is not supported.",
  );
  realm.writeBlocking((tx) => {
    const live = tx.copyToRealm(thing(2, null).apply((made) => (made.inner = inner)));
    expect(() => (live.value = realmAnyListOf(live.inner as never))).toThrow(
      "Using an embedded object (Inner) as a Mixed value is not supported.",
    );
  });
  expect(
    realm
      .query(Thing)
      .find()
      .map(({ value }) => value),
  ).toEqual([null]);
});

test("a flow of a nested list tells its changes", async () => {
  const realm = folder.open(Thing, Target, Inner);
  const read = realm.writeBlocking((tx) => tx.copyToRealm(thing(1, RealmAny.create(realmListOf(RealmAny.create(1))))));
  const told: number[] = [];
  const job = read.value
    ?.asList()
    .asFlow()
    .collect((change) => void told.push(change.list.size));
  await new Promise((resolve) => setTimeout(resolve, 20));
  realm.writeBlocking((tx) => tx.findLatest(read)?.value?.asList().add(null));
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(told).toEqual([1, 2]);
  await Promise.race([job, Promise.resolve()]);
});
