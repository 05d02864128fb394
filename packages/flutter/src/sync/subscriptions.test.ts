import { beforeEach, describe, expect, test } from "vitest";
import { CancellationToken, TimeoutCancellationToken } from "../cancellation.js";
import { SubscriptionSetState, WaitForSyncMode } from "../enums.js";
import { CancelledException, RealmClosedError, RealmError, RealmException, TimeoutException } from "../errors.js";
import type { Realm } from "../realm.js";
import { addTasks, type Device, Person, Task, taskIds, useServer } from "../testing/synced.js";

const synced = useServer();
let count = 0;
let appId: string;
let device: Device;
let realm: Realm;

beforeEach(async () => {
  count += 1;
  appId = `subscriptions-${count}`;
  device = await synced.device(appId);
  realm = device.open();
});

describe("the set", () => {
  test("is one object that shows the newest", async () => {
    const { subscriptions } = realm;
    expect([subscriptions.length, subscriptions.version, subscriptions.isEmpty]).toEqual([0, 0, true]);
    const other = device.open();
    other.subscriptions.update((set) => void set.add(other.all(Task), { name: "all" }));
    expect(realm.subscriptions).toBe(subscriptions);
    expect([subscriptions.version, subscriptions.state]).toEqual([1, SubscriptionSetState.pending]);
    await subscriptions.waitForSynchronization();
    expect([subscriptions.state, subscriptions.error]).toEqual([SubscriptionSetState.complete, null]);
    subscriptions.update((set) => void set.removeByName("all"));
    expect([subscriptions.version, subscriptions.length]).toEqual([2, 0]);
  });

  test("finds, names and compares its members", () => {
    const { subscriptions } = realm;
    const query = realm.query(Task, "priority > $0", [3]);
    subscriptions.update((set) => {
      set.add(realm.all(Person));
      set.add(query, { name: "urgent" });
    });
    const found = subscriptions.find(query);
    expect(found?.equals(subscriptions.findByName("urgent"))).toBe(true);
    expect([found?.name, found?.objectClassName, found?.queryString]).toEqual(["urgent", "Task", "priority > 3"]);
    expect(found?.createdAt.getTime()).toBe(found?.updatedAt.getTime());
    expect(found?.id.toHexString()).toHaveLength(24);
    expect([subscriptions.elementAt(0).queryString, subscriptions.elementAt(0).name]).toEqual(["TRUEPREDICATE", null]);
    expect(subscriptions[1]?.name).toBe("urgent");
    expect(() => subscriptions.elementAt(2)).toThrow(RangeError);
    expect([subscriptions.find(realm.all(Task)), subscriptions.findByName("none")]).toEqual([null, null]);
  });

  test("a name stands for one query, unless it is given to another", () => {
    const { subscriptions } = realm;
    subscriptions.update((set) => void set.add(realm.all(Task), { name: "tasks" }));
    const before = subscriptions.elementAt(0);
    const other = realm.query(Task, "priority > 3");
    const rename = (): void => subscriptions.update((set) => void set.add(other, { name: "tasks" }));
    expect(rename).toThrow(RealmException);
    expect(rename).toThrow("Duplicate subscription with name: tasks");
    expect(subscriptions.version).toBe(1);
    subscriptions.update((set) => void set.add(other, { name: "tasks", update: true }));
    expect([subscriptions.length, subscriptions.elementAt(0).equals(before)]).toEqual([1, true]);
    subscriptions.update((set) => {
      set.add(other);
      set.add(other);
    });
    expect(subscriptions.length).toBe(2);
  });

  test("removes by each way, and says whether there was anything", () => {
    const { subscriptions } = realm;
    const urgent = realm.query(Task, "priority > 3");
    subscriptions.update((set) => {
      for (const name of ["a", "b", undefined]) set.add(realm.all(Task), { name });
      set.add(urgent);
      set.add(realm.all(Person));
    });
    subscriptions.update((set) => {
      expect([set.removeByName("a"), set.removeByName("a")]).toEqual([true, false]);
      expect([set.removeByQuery(urgent), set.removeByQuery(urgent)]).toEqual([true, false]);
      expect([set.removeByType(Person), set.removeByType("Person")]).toEqual([true, false]);
      const named = set.findByName("b");
      expect([named !== null && set.remove(named), named !== null && set.remove(named)]).toEqual([true, false]);
      expect(set.length).toBe(1);
      set.add(realm.all(Person), { name: "stays" });
      set.clear({ unnamedOnly: true });
      expect(set.length).toBe(1);
      set.clear();
    });
    expect(subscriptions.isEmpty).toBe(true);
  });

  test("a query that cannot be subscribed to is refused by the server", async () => {
    const { subscriptions } = realm;
    subscriptions.update((set) => void set.add(realm.query(Task, "priority > 1 LIMIT(2)"), { name: "bad" }));
    await expect(subscriptions.waitForSynchronization()).rejects.toThrow(/invalid RQL/);
    expect([subscriptions.state, subscriptions.error?.message]).toEqual([
      SubscriptionSetState.error,
      expect.stringContaining("invalid RQL"),
    ]);
    expect(subscriptions.error).toBeInstanceOf(RealmException);
    subscriptions.update((set) => set.clear());
    await subscriptions.waitForSynchronization();
    expect(subscriptions.error).toBe(null);
  });

  test("a wait ends with its token, and with a pause", async () => {
    const { subscriptions } = realm;
    await subscriptions.waitForSynchronization();
    const token = new CancellationToken();
    realm.syncSession.pause();
    subscriptions.update((set) => void set.add(realm.all(Task)));
    await expect(subscriptions.waitForSynchronization()).rejects.toThrow("Sync session became inactive");
    token.cancel();
    await expect(subscriptions.waitForSynchronization(token)).rejects.toThrow(CancelledException);
  });

  test("of a closed realm is refused", async () => {
    const { subscriptions } = realm;
    realm.close();
    for (const use of [
      () => subscriptions.state,
      () => subscriptions.version,
      () => subscriptions.length,
      () => subscriptions.update(() => undefined),
    ]) {
      expect(use).toThrow(RealmClosedError);
    }
    await expect(subscriptions.waitForSynchronization()).rejects.toThrow(RealmClosedError);
  });
});

describe("subscribing to results", () => {
  test("waits for the data the first time, by default", async () => {
    const writer = await (await synced.device(appId)).openSubscribed();
    addTasks(writer, 1, 2);
    await writer.syncSession.waitForUpload();
    const results = await realm.query(Task, "_id > 1").subscribe({ name: "some" });
    expect(results.map(({ id }) => id)).toEqual([2]);
    realm.syncSession.pause();
    await realm.query(Task, "_id > 1").subscribe({ name: "some" });
    await realm.query(Task, "_id > 0").subscribe({ name: "more", waitForSyncMode: WaitForSyncMode.never });
    const waiting = results.subscribe({ name: "some", waitForSyncMode: WaitForSyncMode.always });
    await expect(waiting).rejects.toThrow("Sync session became inactive");
    const other = realm.query(Task, "_id > 5").subscribe({ name: "some" });
    await expect(other).rejects.toThrow("Duplicate subscription with name: some");
  });

  test("a cancelled wait leaves the subscription", async () => {
    const token = new CancellationToken();
    token.cancel();
    await expect(realm.all(Task).subscribe({ cancellationToken: token })).rejects.toThrow(CancelledException);
    expect(realm.subscriptions.length).toBe(1);
    const timeout = { cancellationToken: new TimeoutCancellationToken(0) };
    await expect(realm.all(Person).subscribe(timeout)).rejects.toThrow(TimeoutException);
    expect(realm.subscriptions.length).toBe(2);
  });

  test("only the results that were returned know the name", async () => {
    const query = realm.query(Task, "_id > 1");
    const named = await query.subscribe({ name: "named" });
    expect([query.unsubscribe(), realm.subscriptions.length]).toEqual([false, 1]);
    expect([named.unsubscribe(), named.unsubscribe(), realm.subscriptions.length]).toEqual([true, false, 0]);
    await query.subscribe();
    expect([query.unsubscribe(), realm.subscriptions.length]).toEqual([true, 0]);
  });

  test("what is no longer subscribed to leaves the realm", async () => {
    const tasks = await realm.all(Task).subscribe();
    addTasks(realm, 1);
    await realm.syncSession.waitForUpload();
    tasks.unsubscribe();
    await realm.subscriptions.waitForSynchronization();
    await expect.poll(() => taskIds(realm)).toEqual([]);
  });
});

describe("a set that is being changed", () => {
  test("is pending, whatever the one before was", async () => {
    const { subscriptions } = realm;
    await subscriptions.waitForSynchronization();
    subscriptions.update((set) => expect([set.state, set.error]).toEqual([SubscriptionSetState.pending, null]));
  });

  test("is not changed later", () => {
    const { subscriptions } = realm;
    const change = (): void =>
      // oxlint-disable-next-line typescript/no-misused-promises
      subscriptions.update(async (set) => {
        set.add(realm.all(Task));
        await Promise.resolve();
        throw new Error("nobody waits for this");
      });
    expect(change).toThrow(new RealmError("The action of an update must not be asynchronous"));
    expect([subscriptions.length, subscriptions.version]).toEqual([0, 0]);
  });

  test("is not changed inside of a write transaction", () => {
    const change = (): void => realm.subscriptions.update((set) => void set.add(realm.all(Task)));
    expect(() => realm.write(change)).toThrow(RealmException);
  });

  test("belongs to its realm, and not to others of the file", async () => {
    const { subscriptions } = realm;
    device.open();
    realm.close();
    const uses = [
      () => subscriptions.length,
      () => subscriptions.state,
      () => subscriptions.version,
      () => subscriptions.error,
      () => subscriptions.findByName("x"),
      () => subscriptions.update(() => undefined),
    ];
    for (const use of uses) expect(use).toThrow(RealmClosedError);
    await expect(subscriptions.waitForSynchronization()).rejects.toThrow(RealmClosedError);
  });
});
