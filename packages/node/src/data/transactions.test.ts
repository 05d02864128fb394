import { beforeEach, describe, expect, test } from "vitest";
import { Realm } from "../realm.js";
import type { DefaultObject, ObjectSchema } from "../schema/types.js";
import { turn, useFolder } from "../testing/folder.js";
import type { CollectionChangeSet } from "./collection.js";
import type { RealmObject } from "./object.js";

const item: ObjectSchema = {
  name: "Item",
  primaryKey: "_id",
  properties: { _id: "int", name: "string", tags: "string[]", links: "Item[]", extra: "mixed{}", scores: "int<>" },
};

const folder = useFolder();
let realm: Realm;
beforeEach(() => {
  realm = folder.open([item]);
  realm.write(() => {
    for (let id = 0; id < 5; id += 1) {
      realm.create("Item", { _id: id, name: `n${id}`, tags: ["a", "b"], extra: { k: 1 }, scores: [1, 2] });
    }
  });
});

const nothing: CollectionChangeSet = { insertions: [], deletions: [], newModifications: [], oldModifications: [] };

function object(id: number, of: Realm = realm): DefaultObject {
  const found = of.objectForPrimaryKey("Item", id);
  if (found === null) throw new Error(`no item ${id}`);
  return found;
}

function create(id: number, of: Realm = realm): DefaultObject {
  return of.create("Item", { _id: id, name: "new" }) as DefaultObject;
}

function watch(of: Realm = realm): CollectionChangeSet[] {
  const seen: CollectionChangeSet[] = [];
  of.objects("Item").addListener((_, changes) => seen.push(changes));
  return seen;
}

describe("when listeners are called", () => {
  test("never inside the writing call, in the order in which they were added", async () => {
    const order: string[] = [];
    object(0).addListener(() => order.push("object"));
    realm.objects("Item").addListener(() => order.push("results"));
    (object(0)["tags"] as Realm.List).addListener(() => order.push("list"));
    realm.addListener("change", () => order.push("realm"));
    await turn();
    order.splice(0);
    realm.write(() => {
      object(0)["name"] = "x";
      (object(0)["tags"] as unknown as string[]).push("c");
      order.push("written");
    });
    order.push("returned");
    await turn();
    expect(order).toEqual(["written", "returned", "object", "results", "list", "realm"]);
  });

  test("one that is added inside a transaction hears of it with its first call", async () => {
    let seen: CollectionChangeSet[] = [];
    const lengths: number[] = [];
    realm.write(() => {
      create(10);
      seen = watch();
      realm.objects("Item").addListener((collection) => lengths.push(collection.length));
      create(11);
    });
    expect(seen).toEqual([]);
    await turn();
    expect([seen, lengths]).toEqual([[nothing], [7]]);
  });

  test("one that is removed while others are called is not called any more", async () => {
    const results = realm.objects("Item");
    const calls: string[] = [];
    const second = (): void => void calls.push("second");
    const first = (): void => {
      calls.push("first");
      results.removeListener(second);
      results.removeListener(first);
    };
    await turn();
    results.addListener(first);
    results.addListener(second);
    await turn();
    realm.write(() => create(10));
    await turn();
    expect(calls).toEqual(["first"]);
  });

  test("one that is added by another one is called with nothing first", async () => {
    const results = realm.objects("Item");
    const told: CollectionChangeSet[] = [];
    let isAdded = false;
    results.addListener(() => {
      if (!isAdded) realm.objects("Item").addListener((_, changes) => told.push(changes));
      isAdded = true;
    });
    await turn();
    await turn();
    expect(told).toEqual([nothing]);
  });

  test("what `beforenotify` writes is told in the same turn, once", async () => {
    const seen = watch();
    await turn();
    let isDone = false;
    realm.addListener("beforenotify", () => {
      if (isDone) return;
      isDone = true;
      realm.write(() => create(11));
    });
    realm.write(() => create(10));
    await turn();
    await turn();
    expect(seen.slice(1)).toEqual([{ ...nothing, insertions: [5, 6] }]);
  });
});

describe("transactions", () => {
  test("one at a time, and only inside something is written", () => {
    expect(realm.isInTransaction).toBe(false);
    expect(() => realm.commitTransaction()).toThrow("Can't commit a non-existing write transaction");
    expect(() => realm.cancelTransaction()).toThrow("Can't cancel a non-existing write transaction");
    expect(() => create(10)).toThrow("Cannot modify managed objects outside of a write transaction.");
    realm.beginTransaction();
    expect(realm.isInTransaction).toBe(true);
    expect(() => realm.beginTransaction()).toThrow("The Realm is already in a write transaction");
    expect(() => realm.write(() => undefined)).toThrow("The Realm is already in a write transaction");
    create(10);
    realm.commitTransaction();
    expect([realm.isInTransaction, realm.objects("Item").length]).toEqual([false, 6]);
  });

  test("an exception undoes everything, and nobody hears of it", async () => {
    const seen = watch();
    const told: unknown[] = [];
    const lists = {
      tags: object(0)["tags"] as Realm.List<string>,
      extra: object(0)["extra"] as Realm.Dictionary<number>,
      scores: object(0)["scores"] as Realm.Set<number>,
    };
    lists.tags.addListener((_, changes) => told.push(changes));
    lists.extra.addListener((_, changes) => told.push(changes));
    lists.scores.addListener((_, changes) => told.push(changes));
    (object(0) as unknown as RealmObject).addListener((_, changes) => told.push(changes));
    await turn();
    told.splice(0);
    let made: DefaultObject | undefined;
    const deleted = object(4);
    const run = (): void =>
      realm.write(() => {
        made = create(10);
        object(0)["name"] = "changed";
        lists.tags.push("c");
        lists.extra["l"] = 2;
        lists.scores.add(3);
        realm.delete(deleted);
        expect([lists.tags.length, realm.objects("Item").length]).toEqual([3, 5]);
        throw new Error("mine");
      });
    expect(run).toThrow("mine");
    expect(realm.isInTransaction).toBe(false);
    expect((made as unknown as Realm.Object).isValid()).toBe(false);
    expect([...lists.tags]).toEqual(["a", "b"]);
    expect([Object.keys(lists.extra), [...lists.scores]]).toEqual([["k"], [1, 2]]);
    expect([deleted["name"], object(0)["name"], realm.objects("Item").length]).toEqual(["n4", "n0", 5]);
    await turn();
    expect([seen, told]).toEqual([[nothing], []]);
    realm.write(() => create(10));
    await turn();
    expect(seen.slice(1)).toEqual([{ ...nothing, insertions: [5] }]);
  });
});

describe("another instance of the same file", () => {
  test("follows, also if it is the only one that listens", async () => {
    const other = folder.keep(new Realm({ path: realm.path, schema: [item] }));
    expect(other.path).toBe(realm.path);
    const seen = watch(other);
    await turn();
    const results = other.objects("Item");
    const held = object(0, other);
    realm.write(() => {
      create(10);
      object(0)["name"] = "x";
    });
    await turn();
    expect(seen.slice(1)).toEqual([{ ...nothing, insertions: [5], newModifications: [0], oldModifications: [0] }]);
    expect([results.length, held["name"]]).toEqual([6, "x"]);
    other.write(() => other.delete(object(10, other)));
    expect(other.objects("Item").length).toBe(5);
    await turn();
    expect(realm.objects("Item").length).toBe(5);
    other.close();
  });

  test("sees what was written once it writes itself", () => {
    const other = folder.keep(new Realm({ path: realm.path, schema: [item] }));
    realm.write(() => create(10));
    other.beginTransaction();
    expect(other.objects("Item").length).toBe(6);
    other.cancelTransaction();
    other.close();
  });
});
