import { beforeEach, expect, test } from "vitest";
import type { Subscribable } from "../data/results.js";
import { TypeAssertionError } from "../errors.js";
import type { Realm } from "../realm.js";
import { type Device, type Task, useServer } from "../testing/synced.js";
import type { MutableSubscriptionSet, Subscription } from "./subscriptions.js";

const synced = useServer();
let device: Device;
let realm: Realm;
let count = 0;
beforeEach(async () => {
  count += 1;
  device = await synced.device(`subscriptions-${count}`);
  realm = device.open();
});

function high(): ReturnType<typeof realm.objects<Task>> {
  return realm.objects<Task>("Task").filtered("priority > $0", 5);
}

test("a set is of its moment; update changes the receiver and gives the next version", async () => {
  const before = realm.subscriptions;
  expect([before.version, before.length, before.isEmpty]).toEqual([0, 0, true]);
  const mine = realm.subscriptions;
  const done = mine.update((set, given) => {
    expect(given).toBe(realm);
    set.add(high(), { name: "high" });
    expect("update" in set).toBe(false);
  });
  expect([mine.version, mine.length, before.length]).toEqual([1, 1, 0]);
  expect(mine.state).toBe("pending");
  await done;
  expect(mine.state).toBe("complete");
  const [subscription] = realm.subscriptions;
  expect(subscription).toMatchObject({ name: "high", objectType: "Task", queryString: "priority > 5" });
  expect(subscription?.createdAt).toBeInstanceOf(Date);
  expect(realm.subscriptions.findByName("high")?.id).toEqual(subscription?.id);
  expect(realm.subscriptions.findByQuery(high())?.name).toBe("high");
  expect(realm.subscriptions.findByName("other")).toBeNull();
  expect("add" in realm.subscriptions).toBe(false);
});

test("names and queries: what is the same, what replaces, what is refused", async () => {
  await realm.subscriptions.update((set) => {
    set.add(high());
    set.add(high());
    set.add(high(), { name: "a" });
    set.add(high(), { name: "b" });
    set.add(realm.objects("Task"), { name: "" });
  });
  expect(realm.subscriptions.length).toBe(4);
  const before = realm.subscriptions.findByName("a");
  await new Promise((resolve) => setTimeout(resolve, 5));
  await realm.subscriptions.update((set) => {
    set.add(realm.objects("Person"), { name: "a" });
  });
  const after = realm.subscriptions.findByName("a");
  expect(after?.objectType).toBe("Person");
  expect(after?.id).toEqual(before?.id);
  expect(after?.createdAt).toEqual(before?.createdAt);
  expect(after?.updatedAt.getTime()).toBeGreaterThan(before?.updatedAt.getTime() ?? Infinity);
  const { version } = realm.subscriptions;
  await expect(
    realm.subscriptions.update((set) => {
      set.removeByName("b");
      set.add(high(), { name: "a", throwOnUpdate: true });
    }),
  ).rejects.toThrow("A subscription with the name 'a' already exists but has a different query.");
  expect([realm.subscriptions.version, realm.subscriptions.length]).toEqual([version, 4]);
});

test("removing answers what was there", async () => {
  await realm.subscriptions.update((set) => {
    set.add(high());
    set.add(high(), { name: "a" });
    set.add(realm.objects("Person"), { name: "p" });
    set.add(realm.objects("Person"));
  });
  await realm.subscriptions.update((set) => {
    expect(set.removeByName("none")).toBe(false);
    expect(set.removeByName("a")).toBe(true);
    expect(set.remove(high())).toBe(true);
    expect(set.remove(high())).toBe(false);
    expect(set.removeUnnamed()).toBe(1);
    const [last] = set;
    expect(last === undefined ? false : set.removeSubscription(last)).toBe(true);
    expect(set.removeByObjectType("Person")).toBe(0);
    expect(set.removeAll()).toBe(0);
  });
  expect(realm.subscriptions.isEmpty).toBe(true);
});

test("a query that the server refuses rejects with its text; a better one recovers", async () => {
  const bad = realm.subscriptions;
  await expect(
    bad.update((set) => {
      set.add(realm.objects("Task").filtered("tags.@count > 1 AND owner.name == 'x'"), { name: "bad" });
    }),
  ).rejects.toMatchObject({ code: 1016 });
  expect(bad.state).toBe("error");
  expect(bad.error).toMatch(/query/i);
  await realm.subscriptions.update((set) => {
    set.removeAll();
    set.add(high());
  });
  expect(realm.subscriptions.state).toBe("complete");
  expect(bad.state).toBe("superseded");
});

test("a set that another has taken the place of counts as synchronized", async () => {
  realm.syncSession?.pause();
  const first = realm.subscriptions;
  first.updateNoWait((set) => {
    set.add(high());
  });
  const second = realm.subscriptions;
  second.updateNoWait((set) => {
    set.add(realm.objects("Person"));
  });
  realm.syncSession?.resume();
  await Promise.all([first.waitForSynchronization(), second.waitForSynchronization()]);
  expect(first.state).toBe("superseded");
});

test("waiting while paused rejects with the abort, not with a bad query", async () => {
  realm.syncSession?.pause();
  const done = realm.subscriptions.update((set) => {
    set.add(high());
  });
  await expect(done).rejects.toMatchObject({ code: 1027 });
});

test("waiting while the realm is closed rejects", async () => {
  realm.syncSession?.pause();
  realm.subscriptions.updateNoWait((set) => {
    set.add(high());
  });
  realm.syncSession?.resume();
  const done = realm.subscriptions.waitForSynchronization().catch((error: unknown) => error);
  realm.close();
  expect(await done).toMatchObject({ code: 1027 });
});

test("results subscribe: the first time waits, the second does not; unsubscribe removes", async () => {
  const writer = await (await synced.device(`subscriptions-${count}`)).openSubscribed();
  writer.write(() => writer.create("Task", { _id: 1, name: "n", priority: 9 }));
  await writer.syncSession?.uploadAllLocalChanges();
  const results = high();
  expect(await results.subscribe({ name: "mine" })).toBe(results);
  expect(results.length).toBe(1);
  expect(realm.subscriptions.length).toBe(1);
  realm.syncSession?.pause();
  await high().subscribe({ name: "mine" });
  await realm.objects("Person").subscribe({ behavior: "never" });
  expect(
    await realm
      .objects("Task")
      .subscribe({ behavior: "always", timeout: 30 })
      .catch(() => "rejected"),
  ).toBe("rejected");
  realm.syncSession?.resume();
  await realm.subscriptions.waitForSynchronization();
  results.unsubscribe();
  expect(realm.subscriptions.findByName("mine")).toBeNull();
});

test("a local realm has no subscriptions", async () => {
  const { Realm: RealmClass } = await import("../realm.js");
  const local = synced.keep(new RealmClass({ path: `${device.directory}/local.realm`, schema: [] }));
  expect(local.syncSession).toBeNull();
  expect(() => local.subscriptions).toThrow(
    "`subscriptions` can only be accessed if flexible sync is enabled, but sync is currently disabled for your app",
  );
});

test("subscribing anew under a known name waits for the data of the new query", async () => {
  await high().subscribe({ name: "mine" });
  realm.syncSession?.pause();
  // What waits while the session is paused rejects.
  await expect(realm.objects("Person").subscribe({ name: "mine" })).rejects.toMatchObject({ code: 1027 });
  await realm.objects("Person").subscribe({ name: "mine" });
});

test("results that could not subscribe under a name do not unsubscribe it", async () => {
  await high().subscribe({ name: "mine" });
  const people = realm.objects("Person");
  await expect(people.subscribe({ name: "mine", throwOnUpdate: true })).rejects.toThrow(
    "A subscription with the name 'mine' already exists",
  );
  people.unsubscribe();
  expect(realm.subscriptions.findByName("mine")?.objectType).toBe("Task");
});

test("what is not results, and what is not a subscription, is refused by name", () => {
  const list: unknown = [];
  const refused = (run: (set: MutableSubscriptionSet) => void): unknown => {
    try {
      realm.subscriptions.updateNoWait(run);
      return undefined;
    } catch (error) {
      return error;
    }
  };
  expect(refused((set) => set.add(list as Subscribable))).toEqual(
    new TypeAssertionError("Expected 'query' to be an instance of Results, got an array"),
  );
  expect(refused((set) => set.remove(list as Subscribable))).toEqual(
    new TypeAssertionError("Expected 'query' to be an instance of Results, got an array"),
  );
  expect(refused((set) => set.removeSubscription({} as Subscription))).toEqual(
    new TypeAssertionError("Expected 'subscription' to be an instance of Subscription, got an object"),
  );
  expect(() => realm.subscriptions.findByQuery(list as Subscribable)).toThrow("to be an instance of Results");
});
