/**
 * That realms which are opened and closed, and listeners which are added and removed, leave nothing behind: in the
 * heaps of both threads, in the core, in open files.
 */

import { rmSync } from "node:fs";
import { join } from "node:path";
import { describeGrowth, type Growth, type Load, measureGrowth, ThreadHeaps } from "@tidemark/testing";
import { describe, expect, test, vi } from "vitest";
import { Credentials } from "./app/credentials.js";
import type { Configuration } from "./configuration.js";
import { engine } from "./engine.js";
import { Realm } from "./realm.js";
import type { DefaultObject, ObjectSchema } from "./schema/types.js";
import { type Device, useServer } from "./testing/synced.js";

const isSlow = process.env["TIDEMARK_SLOW"] === "1";
/** Opens and closes, and rounds of listeners. */
const cycles = Number(process.env["TIDEMARK_LEAK_CYCLES"] ?? 10_000);
const windows = 5;

/** In a heap: the smallest leak, one listener that stays, leaves 285. */
const heapBytesMax = 40;
/**
 * Of the process beside the heap, in all cycles together: looking at heaps takes memory that the allocator gives back
 * or not, some 30 MiB. A realm that stays open leaves more in each cycle.
 */
const residentBytesMax = 40 * 2 ** 20;

vi.setConfig({ testTimeout: 3_600_000 });

// Before the first session, whose thread it is to see.
const threads = isSlow ? new ThreadHeaps() : undefined;

const item: ObjectSchema = {
  name: "Item",
  primaryKey: "_id",
  properties: { _id: "int", count: "int", list: "string[]", set: "int<>", entries: "mixed{}", links: "Item[]" },
};

function pause(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

async function measure(title: string, load: Pick<Load, "cycle" | "settle">, count = cycles): Promise<Growth> {
  const growth = await measureGrowth({
    warmUpCycles: Math.ceil(count / 5),
    windows,
    windowCycles: Math.ceil(count / windows),
    ...(threads === undefined ? {} : { threadBytes: () => threads.bytes() }),
    ...load,
  });
  process.stdout.write(describeGrowth(`${title} (${count} cycles in ${windows} windows)`, growth));
  return growth;
}

function expectFlat({ perCycle }: Growth, count = cycles): void {
  expect(perCycle.heap, "bytes of the application's heap").toBeLessThan(heapBytesMax);
  expect(perCycle.external, "bytes of buffers").toBeLessThan(heapBytesMax);
  expect(perCycle.threads, "bytes of the loop's heap").toBeLessThan(heapBytesMax);
  expect(perCycle.resident * count, "bytes of the process").toBeLessThan(residentBytesMax);
  expect(perCycle.descriptors, "open files").toBeLessThanOrEqual(0);
}

describe.runIf(isSlow)("memory stays flat", () => {
  const synced = useServer();

  function change(realm: Realm, id: number): void {
    realm.write(() => realm.create("Item", { _id: id, count: id, list: ["a"] }, "modified"));
  }

  /** Opens a local realm, works with it, and closes it. */
  function useLocal(index: number): void {
    const configuration: Configuration =
      index % 3 === 0
        ? { path: `memory-${index}`, inMemory: true, schema: [item] }
        : { path: join(synced.server.directory, `local-${index % 50}.realm`), schema: [item] };
    const realm = new Realm(configuration);
    if (index % 10 < 2) change(realm, index % 7);
    const items = realm.objects("Item");
    for (const [name, listener] of [
      ["change", () => undefined],
      ["beforenotify", () => undefined],
    ] as const) {
      realm.addListener(name, listener);
    }
    items.addListener(() => undefined);
    items[0]?.addListener(() => undefined);
    realm.close();
    if (index % 50 === 49 && index % 3 !== 0) Realm.deleteFile(configuration);
  }

  test("over local realms that are opened and closed", async () => {
    const cycle = async (index: number): Promise<void> => {
      useLocal(index);
      if (index % 20 === 0) await pause();
    };
    expectFlat(await measure("Local realms, opened and closed", { cycle }));
  });

  /** Opens a synced realm, brings it up to date, and closes it; its session ends as often as it is taken up again. */
  async function useSynced(device: Device, index: number): Promise<void> {
    const realm = new Realm({
      schema: [item],
      path: join(device.directory, `synced-${index % 4}.realm`),
      sync: {
        user: device.user,
        flexible: true,
        initialSubscriptions: { update: (set, given) => void set.add(given.objects("Item")) },
      },
    });
    const session = realm.syncSession;
    session?.addConnectionNotification(() => undefined);
    session?.addProgressNotification("upload", "reportIndefinitely", () => undefined);
    realm.objects("Item").addListener(() => undefined);
    if (index % 10 === 0) change(realm, index % 70);
    if (index % 5 === 0) await realm.subscriptions.waitForSynchronization();
    await session?.downloadAllServerChanges();
    realm.close();
    if (index % 2 === 0) await engine().waitForSessionsToEnd(device.app.internal);
  }

  test("over synced realms that are opened and closed", async () => {
    const device = await synced.device("leaks");
    const settle = (): Promise<void> => engine().waitForSessionsToEnd(device.app.internal);
    const cycle = (index: number): Promise<void> => useSynced(device, index);
    expectFlat(await measure("Synced realms, opened and closed", { cycle, settle }));
    expect(engine().sync.endedPaths.size).toBe(0);
  });

  test("over synced realms that are opened once each", async () => {
    const device = await synced.device("leaks-once");
    const settle = (): Promise<void> => engine().waitForSessionsToEnd(device.app.internal);
    const cycle = async (index: number): Promise<void> => {
      const path = join(device.directory, `once-${index}.realm`);
      const realm = new Realm({ schema: [item], path, sync: { user: device.user, flexible: true } });
      await realm.syncSession?.downloadAllServerChanges();
      realm.close();
      if (index % 10 !== 9) return;
      await settle();
      for (let old = index - 9; old <= index; old += 1) rmSync(join(device.directory, `once-${old}.realm`));
    };
    const count = Math.ceil(cycles / 10);
    expectFlat(await measure("Synced realms, each opened once", { cycle, settle }, count), count);
  });

  test("over users who log in and out", async () => {
    const { app, directory } = await synced.device("leaks-users");
    const settle = (): Promise<void> => engine().waitForSessionsToEnd(app.internal);
    const cycle = async (index: number): Promise<void> => {
      const user = await app.logIn(Credentials.anonymous(false));
      const path = join(directory, `user-${index % 10}.realm`);
      const realm = new Realm({ schema: [item], path, sync: { user, flexible: true } });
      await realm.syncSession?.downloadAllServerChanges();
      if (index % 2 === 0) realm.close();
      await user.logOut();
      realm.close();
      if (index % 10 !== 9) return;
      await settle();
      for (let old = 0; old < 10; old += 1) rmSync(join(directory, `user-${old}.realm`));
    };
    const count = Math.ceil(cycles / 10);
    expectFlat(await measure("Users who log in, sync and log out", { cycle, settle }, count), count);
  });

  /** A realm with objects, and everything that listeners can be added to. */
  async function openForListeners(appId: string): Promise<{ readonly device: Device; readonly realm: Realm }> {
    const device = await synced.device(appId);
    const realm = synced.keep(
      new Realm({
        schema: [item],
        sync: {
          user: device.user,
          flexible: true,
          initialSubscriptions: { update: (set, given) => void set.add(given.objects("Item")) },
        },
      }),
    );
    realm.write(() => {
      for (let id = 0; id < 10; id += 1) realm.create("Item", { _id: id, count: 0, list: ["x"], set: [1] });
    });
    await realm.subscriptions.waitForSynchronization();
    return { device, realm };
  }

  /** Adds one listener of each kind; the answer is what removes each of them. */
  function listen({ app, user }: Device, realm: Realm): (() => void)[] {
    const session = realm.syncSession;
    const first = realm.objectForPrimaryKey("Item", 0) as DefaultObject;
    const onData = (): void => undefined;
    const collections = [
      realm.objects("Item").filtered("count >= 0"),
      first["list"],
      first["set"],
      first["entries"],
      first,
    ];
    for (const collection of collections) collection.addListener(onData);
    for (const name of ["change", "beforenotify", "schema"] as const) realm.addListener(name, onData);
    session?.addConnectionNotification(onData);
    const [indefinite, outstanding] = [(): void => undefined, (estimate: number): void => void estimate];
    session?.addProgressNotification("download", "reportIndefinitely", indefinite);
    session?.addProgressNotification("upload", "forCurrentlyOutstandingWork", outstanding);
    app.addListener(onData);
    user.addListener(onData);
    return [
      ...collections.map((collection) => () => collection.removeListener(onData) as unknown),
      ...(["change", "beforenotify", "schema"] as const).map((name) => () => realm.removeListener(name, onData)),
      () => session?.removeConnectionNotification(onData),
      () => session?.removeProgressNotification(indefinite),
      () => session?.removeProgressNotification(outstanding),
      () => app.removeListener(onData),
      () => user.removeListener(onData),
    ];
  }

  /** @param isForgotten whether a listener is left where it is. */
  function cycleOfListeners(
    { device, realm }: { readonly device: Device; readonly realm: Realm },
    isForgotten: (number: number) => boolean,
  ): Load["cycle"] {
    return async (index) => {
      const ends = listen(device, realm);
      // With first calls, with calls for changes, and removed before any call.
      if (index % 3 > 0) await pause();
      if (index % 50 === 1) {
        change(realm, 0);
        await pause();
      }
      ends.forEach((end, number) => {
        if (!isForgotten(number)) end();
      });
      // A wait for subscriptions is a listener too.
      await realm.subscriptions.waitForSynchronization();
    };
  }

  test("over listeners of every kind that are added and removed", async () => {
    const opened = await openForListeners("leaks-listeners");
    const cycle = cycleOfListeners(opened, () => false);
    const settle = async (): Promise<void> => opened.realm.syncSession?.uploadAllLocalChanges();
    expectFlat(await measure("13 kinds of listeners and a wait, added and removed", { cycle, settle }));
  });

  // Of results, of an object, of the realm, of the connection, of progress.
  test.each([0, 4, 5, 8, 9])("would not, if listeners of kind %i were forgotten", async (forgotten) => {
    const opened = await openForListeners(`leaks-forgotten-${forgotten}`);
    const cycle = cycleOfListeners(opened, (number) => number === forgotten);
    const growth = await measure(`The same with listener ${forgotten} forgotten`, { cycle }, 500);
    expect(growth.perCycle.heap).toBeGreaterThan(heapBytesMax);
  });

  test("would not, if realms were left open", async () => {
    const kept: Realm[] = [];
    const cycle = (index: number): void => {
      const realm = new Realm({ path: join(synced.server.directory, `open-${index}.realm`), schema: [item] });
      change(realm, index);
      kept.push(realm);
    };
    const { perCycle } = await measure("Local realms that are left open", { cycle }, 500);
    for (const realm of kept) realm.close();
    expect(perCycle.heap).toBeGreaterThan(heapBytesMax);
    expect(perCycle.resident).toBeGreaterThan(residentBytesMax / 10_000);
    expect(perCycle.descriptors).toBeGreaterThan(0);
  });
});
