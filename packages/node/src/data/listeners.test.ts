import { beforeEach, expect, test } from "vitest";
import type { Realm } from "../realm.js";
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
    for (let id = 0; id < 5; id += 1) realm.create("Item", { _id: id, name: `n${id}` });
  });
});

const nothing: CollectionChangeSet = { insertions: [], deletions: [], newModifications: [], oldModifications: [] };

function object(id: number): DefaultObject {
  const found = realm.objectForPrimaryKey("Item", id);
  if (found === null) throw new Error(`no item ${id}`);
  return found;
}

/** Collects the changes of a collection. */
function watch(results: {
  addListener(callback: (c: unknown, changes: CollectionChangeSet) => void): void;
}): CollectionChangeSet[] {
  const seen: CollectionChangeSet[] = [];
  results.addListener((_, changes) => seen.push(changes));
  return seen;
}

test("the first call has no changes and comes after registration", async () => {
  const seen = watch(realm.objects("Item"));
  expect(seen).toEqual([]);
  await turn();
  expect(seen).toEqual([nothing]);
});

test("insertions, deletions and modifications are told by index", async () => {
  const seen = watch(realm.objects("Item"));
  await turn();
  realm.write(() => {
    realm.delete(object(1));
    object(3)["name"] = "changed";
    realm.create("Item", { _id: 9, name: "new" });
  });
  await turn();
  expect(seen[1]).toEqual({ insertions: [4], deletions: [1], newModifications: [2], oldModifications: [3] });
});

test("what no longer passes the filter counts as deleted, what passes now as inserted", async () => {
  const seen = watch(realm.objects("Item").filtered("name BEGINSWITH 'n'"));
  await turn();
  realm.write(() => {
    object(0)["name"] = "x";
    object(2)["name"] = "n again";
  });
  await turn();
  expect(seen[1]).toEqual({ insertions: [], deletions: [0], newModifications: [1], oldModifications: [2] });
  realm.write(() => {
    object(0)["name"] = "n0";
  });
  await turn();
  expect(seen[2]).toEqual({ ...nothing, insertions: [0] });
});

test("what moves in a sorted result is deleted and inserted", async () => {
  const seen = watch(realm.objects("Item").sorted("name"));
  await turn();
  realm.write(() => {
    object(0)["name"] = "z";
  });
  await turn();
  expect(seen[1]).toEqual({ ...nothing, deletions: [0], insertions: [4] });
});

test("changes that a listener makes are told in the next turn, never within", async () => {
  const seen: number[] = [];
  const results = realm.objects("Item");
  results.addListener((collection) => {
    seen.push(collection.length);
    if (collection.length < 8) realm.write(() => realm.create("Item", { _id: 100 + collection.length, name: "m" }));
  });
  await expect.poll(() => seen.length).toBe(4);
  await turn();
  expect(seen).toEqual([5, 6, 7, 8]);
});

test("nothing is told while a transaction is open across turns", async () => {
  const seen = watch(realm.objects("Item"));
  await turn();
  realm.beginTransaction();
  object(0)["name"] = "x";
  await turn(30);
  expect(seen).toHaveLength(1);
  realm.commitTransaction();
  await turn();
  expect(seen).toHaveLength(2);
});

test("an undone transaction is not told", async () => {
  const seen = watch(realm.objects("Item"));
  await turn();
  realm.beginTransaction();
  realm.delete(object(0));
  realm.cancelTransaction();
  await turn();
  expect(seen).toHaveLength(1);
});

test("several transactions of one turn are told together", async () => {
  const seen = watch(realm.objects("Item"));
  await turn();
  for (let id = 10; id < 13; id += 1) realm.write(() => realm.create("Item", { _id: id, name: "n" }));
  await turn();
  expect(seen.slice(1)).toEqual([{ ...nothing, insertions: [5, 6, 7] }]);
});

test("a listener that throws does not keep the others from being called", async () => {
  const problems: unknown[] = [];
  const onProblem = (error: unknown): void => {
    problems.push(error);
  };
  const before = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException");
  process.on("uncaughtException", onProblem);
  try {
    realm.objects("Item").addListener(() => {
      throw new Error("mine");
    });
    const seen = watch(realm.objects("Item"));
    await expect.poll(() => problems.length).toBe(1);
    expect(seen).toHaveLength(1);
    expect(problems).toMatchObject([{ message: "mine" }]);
  } finally {
    process.off("uncaughtException", onProblem);
    for (const listener of before) process.on("uncaughtException", listener);
  }
});

test("a callback is registered once; a removed one is silent", async () => {
  const results = realm.objects("Item");
  let calls = 0;
  const callback = (): void => {
    calls += 1;
  };
  results.addListener(callback);
  expect(() => results.addListener(callback)).toThrow("Remove callback before adding it again");
  await turn();
  results.removeListener(callback);
  realm.write(() => realm.delete(object(0)));
  await turn();
  expect(calls).toBe(1);
  results.addListener(callback);
  results.removeAllListeners();
  await turn();
  expect(calls).toBe(1);
});

test("objects tell which properties changed, and that they are gone", async () => {
  const seen: unknown[] = [];
  const watched = realm.objectForPrimaryKey("Item", 2);
  watched?.addListener((_, changes) => seen.push(changes));
  await turn();
  realm.write(() => {
    object(2)["name"] = "x";
    object(2)["tags"].push("t");
  });
  realm.write(() => {
    object(1)["name"] = "y";
  });
  await turn();
  realm.write(() => realm.delete(object(2)));
  await turn();
  expect(seen).toEqual([
    { deleted: false, changedProperties: [] },
    { deleted: false, changedProperties: ["name", "tags"] },
    { deleted: true, changedProperties: [] },
  ]);
});

test("lists, sets and dictionaries tell their changes", async () => {
  const owner = object(0);
  realm.write(() => owner["tags"].push("a", "b", "c"));
  const tags = watch(owner["tags"]);
  const links = watch(owner["links"]);
  const scores = watch(owner["scores"]);
  const extra: unknown[] = [];
  owner["extra"].addListener((_: unknown, changes: unknown) => extra.push(changes));
  await turn();
  realm.write(() => {
    owner["tags"].splice(1, 1);
    owner["links"].push(object(1));
    owner["scores"].add(7);
    owner["extra"].set({ k: 1 });
  });
  await turn();
  realm.write(() => {
    owner["tags"][0] = "z";
    object(1)["name"] = "changed";
    owner["extra"].set("k", 2);
  });
  await turn();
  realm.write(() => realm.delete(object(1)));
  await turn();
  expect(tags.slice(1)).toEqual([
    { ...nothing, deletions: [1] },
    { ...nothing, newModifications: [0], oldModifications: [0] },
  ]);
  expect(links.slice(1)).toEqual([
    { ...nothing, insertions: [0] },
    { ...nothing, newModifications: [0], oldModifications: [0] },
    { ...nothing, deletions: [0] },
  ]);
  expect(scores.slice(1)).toEqual([{ ...nothing, insertions: [0] }]);
  expect(extra.slice(1)).toEqual([
    { deletions: [], insertions: ["k"], modifications: [] },
    { deletions: [], insertions: [], modifications: ["k"] },
  ]);
});

test("after any changes, what a listener was told turns the old objects into the new ones", async () => {
  let state = 42;
  const roll = (sides: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * sides);
  };
  const watched = [
    realm.objects("Item"),
    realm.objects("Item").filtered("name == 'even'"),
    realm.objects("Item").sorted("name"),
  ].map((results) => {
    const known: number[] = [];
    results.addListener((collection, { deletions, insertions }) => {
      for (const index of deletions.toReversed()) known.splice(index, 1);
      for (const index of insertions) known.splice(index, 0, collection[index]?.["_id"] as number);
      // The first call brings no changes but stands for all that is there.
      if (known.length === 0) known.push(...collection.map((one) => one["_id"] as number));
    });
    return { results, known };
  });
  await turn();
  for (let round = 0; round < 150; round += 1) {
    realm.write(() => {
      for (let step = roll(6); step >= 0; step -= 1) {
        const id = roll(30);
        const found = realm.objectForPrimaryKey("Item", id);
        if (found === null) realm.create("Item", { _id: id, name: roll(2) === 0 ? "even" : "odd" });
        else if (roll(2) === 0) realm.delete(found);
        else found["name"] = roll(2) === 0 ? "even" : "odd";
      }
    });
    if (roll(3) > 0) await turn(0);
  }
  await turn();
  for (const { results, known } of watched) expect(known).toEqual(results.map((one) => one["_id"]));
});

test("realms tell that something changed; registering twice is ignored", async () => {
  const seen: string[] = [];
  const callback = (_: Realm, name: string): void => {
    seen.push(name);
  };
  realm.addListener("change", callback);
  realm.addListener("change", callback);
  realm.addListener("beforenotify", callback);
  await turn();
  expect(seen).toEqual([]);
  realm.write(() => realm.delete(object(0)));
  await turn();
  expect(seen).toEqual(["beforenotify", "change"]);
  realm.removeAllListeners();
  realm.write(() => realm.delete(object(1)));
  await turn();
  expect(seen).toHaveLength(2);
  expect(() => realm.addListener("other" as "change", callback)).toThrow("Unknown event name 'other'");
});

test("a closed realm tells nothing, also when another one keeps the file open", async () => {
  const other = folder.keep(new (realm.constructor as typeof Realm)({ path: realm.path, schema: [item] }));
  const seen = watch(realm.objects("Item"));
  const others = watch(other.objects("Item"));
  await turn();
  realm.close();
  other.write(() => other.create("Item", { _id: 50, name: "n" }));
  await turn();
  expect(seen).toHaveLength(1);
  expect(others).toHaveLength(2);
});

function watchObject(of: DefaultObject, tell: (names: string[]) => void, keyPaths?: string[]): void {
  const observed = of as unknown as RealmObject;
  observed.addListener((_, { changedProperties }) => tell(changedProperties.map(String)), keyPaths);
}

test("key paths: only changes of what they name are modifications", async () => {
  const results = realm.objects("Item");
  const told: CollectionChangeSet[] = [];
  results.addListener((_, changes) => told.push(changes), ["links.name"]);
  await turn();
  realm.write(() => (object(0)["links"] as DefaultObject[]).push(object(1)));
  await turn();
  realm.write(() => (object(0)["name"] = "not told"));
  await turn();
  realm.write(() => (object(1)["name"] = "told"));
  await turn();
  expect(told.slice(1)).toEqual([
    { ...nothing, newModifications: [0], oldModifications: [0] },
    { ...nothing, newModifications: [0], oldModifications: [0] },
  ]);
});

test("without key paths a change is one of all objects that link to its own, over four links", async () => {
  realm.write(() => {
    for (let id = 5; id < 7; id += 1) realm.create("Item", { _id: id, name: `n${id}` });
    for (let id = 0; id < 6; id += 1) (object(id)["links"] as DefaultObject[]).push(object(id + 1));
  });
  const seen = watch(realm.objects("Item"));
  const shallow: CollectionChangeSet[] = [];
  realm.objects("Item").addListener((_, changes) => shallow.push(changes), "*");
  const object0: string[][] = [];
  watchObject(object(0), (names) => object0.push(names));
  await turn();
  realm.write(() => (object(6)["name"] = "deep"));
  await turn();
  expect(seen[1]?.newModifications).toEqual([2, 3, 4, 5, 6]);
  expect(shallow[1]?.newModifications).toEqual([6]);
  expect(object0).toEqual([[]]);
});

test("key paths of objects name their first property; those of dictionaries are taken", async () => {
  realm.write(() => (object(0)["links"] as DefaultObject[]).push(object(1)));
  const told: string[][] = [];
  watchObject(object(0), (names) => told.push(names), ["links.name", "tags"]);
  await turn();
  realm.write(() => {
    object(0)["name"] = "not told";
    object(1)["name"] = "told";
  });
  await turn();
  expect(told).toEqual([[], ["links"]]);
});

test("key paths must name what is there", () => {
  const callback = (): void => undefined;
  const refused = "Property 'none' in KeyPath 'none' is not a valid property in Item.";
  expect(() => realm.objects("Item").addListener(callback, ["none"])).toThrow(refused);
  expect(() => object(0).addListener(callback, "none")).toThrow(refused);
  expect(() => realm.objects("Item").addListener(callback, "name.none")).toThrow(
    "Property 'name' in KeyPath 'name.none' is not a collection of objects or an object reference, so it cannot be used " +
      "as an intermediate key path element.",
  );
  // A refused listener is not registered.
  expect(() => realm.objects("Item").addListener(callback)).not.toThrow();
});
