import { expect, test } from "vitest";
import { milliseconds, seconds } from "../duration.js";
import { IllegalArgumentException, IllegalStateException, TimeoutCancellationException } from "../errors.js";
import { realmObject } from "../data/object.js";
import { int, primaryKey } from "../schema/property.js";
import { type Synced, Task, task, useServer } from "../testing/server.js";
import { BadFlexibleSyncQueryException, SyncException } from "./exceptions.js";
import { WaitForSync } from "./subscribe.js";
import type { MutableSubscriptionSet } from "./subscriptions.js";

const synced: Synced = useServer();

test("one set for one realm, which an update changes without waiting", async () => {
  const realm = (await synced.device("one-set")).open();
  const set = realm.subscriptions;
  expect([realm.subscriptions === set, set.size, set.errorMessage]).toEqual([true, 0, null]);
  const updated = await set.update((mutable, given) => {
    expect([mutable.state, given === realm]).toEqual(["UNCOMMITTED", true]);
    const added = mutable.add(realm.query(Task, "name == $0", "x"), "mine");
    expect([added.name, added.objectType, added.queryDescription]).toEqual(["mine", "Task", 'name == "x"']);
  });
  expect([updated === set, set.size, set.state]).toEqual([true, 1, "PENDING"]);
  expect(await set.waitForSynchronization()).toBe(true);
  expect(set.state).toBe("COMPLETE");
  const found = set.findByName("mine");
  expect(found?.asQuery(Task).description()).toBe('name == "x"');
  expect(set.findByQuery(realm.query(Task, "name == 'x'"))?.id.equals(found?.id ?? "")).toBe(true);
  expect([set.findByName("yours"), set.findByQuery(realm.query(Task))]).toEqual([null, null]);
  class Other extends realmObject("Other", { _id: primaryKey(int()) }) {}
  expect(() => found?.asQuery(Other)).toThrow(IllegalArgumentException);
});

test("a name has one query, which changes only if that is wished", async () => {
  const realm = (await synced.device("names")).open();
  const add = (query: string, ...rest: [name?: string | null, updateExisting?: boolean]) =>
    realm.subscriptions.update((set) => void set.add(realm.query(Task, query), ...rest));
  await add("name == 'a'", "mine");
  const before = realm.subscriptions.findByName("mine");
  await expect(add("name == 'b'", "mine")).rejects.toThrow(
    "Existing query 'mine' was found and could not be updated as `updateExisting = false`",
  );
  await expect(add("name == 'b'", "mine")).rejects.toThrow(IllegalStateException);
  await add("name == 'b'", "mine", true);
  const after = realm.subscriptions.findByName("mine");
  expect([before?.queryDescription, after?.queryDescription]).toEqual(['name == "a"', 'name == "b"']);
  expect([
    after?.id.equals(before?.id ?? ""),
    after?.createdAt.equals(before?.createdAt),
    after?.equals(before),
  ]).toEqual([true, true, false]);
  await add("name == 'c'");
  await add("name == 'c'");
  expect(Array.from(realm.subscriptions, ({ name }) => name)).toEqual(["mine", null]);
});

test("subscriptions are removed one by one, by model, without a name, and all", async () => {
  const realm = (await synced.device("removing")).open();
  const all = ["a", "b", "c", null] as const;
  const left = async (change: (set: MutableSubscriptionSet) => boolean): Promise<readonly unknown[]> => {
    let result: boolean | undefined;
    await realm.subscriptions.update((set) => {
      set.removeAll();
      for (const name of all) set.add(realm.query(Task), name);
      result = change(set);
    });
    return [result, Array.from(realm.subscriptions, ({ name }) => name)];
  };
  expect(await left((set) => set.remove("a"))).toEqual([true, ["b", "c", null]]);
  expect(await left((set) => set.remove("x"))).toEqual([false, all]);
  expect(await left((set) => set.remove(set.findByName("b") ?? ""))).toEqual([true, ["a", "c", null]]);
  expect(await left((set) => set.removeAll(true))).toEqual([true, ["a", "b", "c"]]);
  expect(await left((set) => set.removeAll(Task))).toEqual([true, []]);
  expect(await left((set) => set.removeAll("Task") && set.removeAll())).toEqual([false, []]);
  const { path } = realm.configuration;
  await expect(left((set) => set.removeAll("X"))).rejects.toThrow(
    `'X' is not part of the schema for this Realm: ${path}`,
  );
});

test("what an update throws changes nothing", async () => {
  const realm = await (await synced.device("throwing")).openSubscribed();
  const update = realm.subscriptions.update((set) => {
    set.removeAll();
    throw new Error("changed my mind");
  });
  await expect(update).rejects.toThrow("changed my mind");
  expect([realm.subscriptions.refresh().size, realm.subscriptions.state]).toEqual([1, "COMPLETE"]);
});

test("a query that the server refuses is told in its words", async () => {
  const realm = await (await synced.device("refused")).openSubscribed();
  await realm.subscriptions.update((set) => void set.add(realm.query(Task).limit(1), "bad"));
  const error = await realm.subscriptions.waitForSynchronization().catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(BadFlexibleSyncQueryException);
  const { errorMessage } = realm.subscriptions;
  expect((error as Error).message).toBe(errorMessage);
  expect(errorMessage).toMatch(/^Invalid query: invalid RQL for table "Task": /);
  expect(realm.subscriptions.state).toBe("ERROR");
});

test("a wait has a time, and ends with a pause by the abort", async () => {
  const realm = await (await synced.device("waiting")).openSubscribed();
  const { subscriptions: set } = realm;
  await expect(set.waitForSynchronization(0)).rejects.toThrow("'timeout' must be > 0. It was: 0s");
  expect(await set.waitForSynchronization(seconds(30))).toBe(true);
  realm.syncSession.pause();
  await set.update((mutable) => void mutable.add(realm.query(Task), "again"));
  const aborted = await set.waitForSynchronization().catch((thrown: unknown) => thrown);
  expect(aborted).toBeInstanceOf(SyncException);
  expect(aborted).not.toBeInstanceOf(BadFlexibleSyncQueryException);
  realm.syncSession.resume();
  expect(await set.waitForSynchronization(milliseconds(0.001))).toBe(false);
  expect(await set.waitForSynchronization()).toBe(true);
});

test("after closing the set can be read and nothing else", async () => {
  const realm = await (await synced.device("closed")).openSubscribed();
  const { subscriptions: set } = realm;
  realm.close();
  expect([set.size, set.state, set.errorMessage, set.findByName("x"), [...set].length]).toEqual([
    1,
    "COMPLETE",
    null,
    null,
    1,
  ]);
  expect(() => set.refresh()).toThrow(IllegalStateException);
  await expect(set.update(() => undefined)).rejects.toThrow(IllegalStateException);
  await expect(set.waitForSynchronization()).rejects.toThrow(IllegalStateException);
  expect(() => realm.subscriptions).toThrow(IllegalStateException);
});

test("subscribing by a query waits the first time and gives the data", async () => {
  const [writer, reader] = [await synced.device("subscribing"), await synced.device("subscribing")];
  const source = await writer.openSubscribed();
  source.writeBlocking((tx) => [1, 2, 3].forEach((id) => tx.copyToRealm(task(id))));
  await source.syncSession.uploadAllLocalChanges();
  const realm = reader.open();
  const found = await realm.query(Task, "_id < 3").subscribe("some");
  expect(found.map(({ _id }) => _id)).toEqual([1, 2]);
  const { version } = realm.subscriptions;
  await realm.query(Task, "_id < 3").subscribe("some");
  expect(realm.subscriptions.version).toBe(version);
  await expect(realm.query(Task, "_id > 2").subscribe("some")).rejects.toThrow(IllegalStateException);
  const changed = await realm.query(Task, "_id > 2").subscribe("some", true);
  expect(changed.map(({ _id }) => _id)).toEqual([3]);
  await changed.query("_id > 0").subscribe();
  expect(realm.subscriptions.size).toBe(2);
});

test("subscribing again may wait for what is on the server now", async () => {
  const [writer, reader] = [await synced.device("always"), await synced.device("always")];
  const [source, realm] = [await writer.openSubscribed(), reader.open()];
  await realm.query(Task).subscribe();
  realm.syncSession.pause();
  source.writeBlocking((tx) => tx.copyToRealm(task(1)));
  await source.syncSession.uploadAllLocalChanges();
  const always = (timeout: number) => realm.query(Task).subscribe(null, false, WaitForSync.ALWAYS, timeout);
  await expect(always(20)).rejects.toThrow(TimeoutCancellationException);
  expect((await realm.query(Task).subscribe()).size).toBe(0);
  realm.syncSession.resume();
  expect((await always(30_000)).size).toBe(1);
  const never = await realm.query(Task, "_id == 5").subscribe("new", false, WaitForSync.NEVER);
  expect([never.size, realm.subscriptions.size]).toEqual([0, 2]);
});

test("nothing is subscribed to inside of a write transaction", async () => {
  const realm = await (await synced.device("inside")).openSubscribed();
  const inside = realm.writeBlocking((tx) => ({ attempt: tx.query(Task).subscribe() }));
  await expect(inside.attempt).rejects.toThrow(IllegalStateException);
});

test("a model without a subscription is not written", async () => {
  const realm = (await synced.device("unsubscribed")).open();
  const write = (): unknown => realm.writeBlocking((tx) => tx.copyToRealm(task(1)));
  expect(write).toThrow("Cannot write to class Task when no flexible sync subscription has been created.");
  expect(write).toThrow(IllegalArgumentException);
});

test("an update that is async is refused, and changes nothing", async () => {
  const realm = (await synced.device("async-update")).open();
  // oxlint-disable-next-line typescript/no-misused-promises
  const update = realm.subscriptions.update(async (set) => {
    set.add(realm.query(Task));
    await Promise.resolve();
    throw new Error("nobody waits for this");
  });
  await expect(update).rejects.toThrow(IllegalArgumentException);
  expect([realm.subscriptions.size, realm.subscriptions.refresh().size]).toEqual([0, 0]);
});

test("subscriptions do not change inside of a write transaction", async () => {
  const realm = (await synced.device("inside-write")).open();
  const tried: Promise<unknown>[] = [];
  realm.writeBlocking(() => {
    tried.push(realm.subscriptions.update((set) => void set.add(realm.query(Task))));
    tried.push(realm.query(Task).subscribe("mine"));
    void Promise.allSettled(tried);
  });
  for (const one of tried) await expect(one).rejects.toThrow(IllegalStateException);
  expect(realm.subscriptions.size).toBe(0);
});
