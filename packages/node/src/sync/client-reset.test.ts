import { existsSync } from "node:fs";
import { beforeEach, expect, test } from "vitest";
import type { ClientResetConfig } from "../configuration.js";
import type { ClientResetError, SyncError } from "../errors.js";
import type { Realm } from "../realm.js";
import { type Device, syncBoth, useServer } from "../testing/synced.js";
import { Sync } from "./sync.js";
import type { SyncSession } from "./sync-session.js";

const synced = useServer();
let device: Device;
let count = 0;
let calls: string[];
let errors: unknown[];
/** The realm of {@link prepare}. */
let current: Realm | undefined;

beforeEach(async () => {
  count += 1;
  device = await synced.device(`reset-${count}`);
  calls = [];
  errors = [];
  current = undefined;
});

function sessionOf(realm: Realm): SyncSession {
  if (realm.syncSession === null) throw new Error("the realm is not synced");
  return realm.syncSession;
}

function add(realm: Realm, key: number): void {
  realm.write(() => realm.create("Task", { _id: key, name: `task ${key}` }));
}

const keys = (realm: Realm): unknown[] => [...realm.objects("Task").sorted("_id")].map((task) => task["_id"]);

function onError(_: SyncSession, error: unknown): void {
  calls.push("error");
  errors.push(error);
}

/** Opens with a configuration, uploads one task and writes another offline. */
async function prepare(clientReset: ClientResetConfig | undefined, handler: typeof onError | undefined = onError) {
  const realm = await device.openSubscribed({
    ...(clientReset === undefined ? {} : { clientReset }),
    ...(handler === undefined ? {} : { onError: handler }),
  });
  current = realm;
  if (realm.objectForPrimaryKey("Task", 1) === null) add(realm, 1);
  const session = sessionOf(realm);
  await session.uploadAllLocalChanges();
  return { realm, session };
}

/** The session says nothing from the demand on: what is written when `onBefore` is called is not uploaded before. */
function writing(key: number, config: Exclude<ClientResetConfig, { mode: "manual" }>): ClientResetConfig {
  const { onBefore } = config;
  return {
    ...config,
    onBefore: async (local) => {
      await onBefore?.(local);
      if (current !== undefined) add(current, key);
    },
  };
}

/** The server demands a reset, as far as the client can tell. */
function simulate(session: SyncSession): void {
  session._simulateError(211, "diverged", "realm::sync::ProtocolError", true);
}

const recording = (
  mode: "recoverUnsyncedChanges" | "discardUnsyncedChanges",
): Exclude<ClientResetConfig, { mode: "manual" }> => ({
  mode,
  onBefore: (local) => {
    calls.push(`before ${String(keys(local))} ${local.isReadOnly}`);
  },
  onAfter: (local, remote) => {
    calls.push(`after ${String(keys(local))} then ${String(keys(remote))} ${remote.schema.length}`);
  },
});

test.each([
  ["recoverUnsyncedChanges", "1,2"],
  ["discardUnsyncedChanges", "1"],
] as const)("%s: a simulated reset downloads and calls back once", async (mode, left) => {
  const { realm, session } = await prepare(writing(2, recording(mode)));
  simulate(session);
  // What is written after `onBefore` has looked is there before the reset, too.
  await expect.poll(() => calls).toEqual(["before 1 true", `after 1,2 then ${left} 2`]);
  await session.uploadAllLocalChanges();
  expect(String(keys(realm))).toBe(left);
  expect([session.state, errors]).toEqual(["active", []]);
});

test("without a configuration unsynced changes are recovered, and other devices get them", async () => {
  const { realm, session } = await prepare(undefined);
  const other = await synced.device(`reset-${count}`);
  const peer = await other.openSubscribed();
  simulate(session);
  add(realm, 2);
  await syncBoth(realm, peer);
  expect([keys(realm), keys(peer)]).toEqual([
    [1, 2],
    [1, 2],
  ]);
});

test("waits that began before and during a reset end after it", async () => {
  const { realm, session } = await prepare({ mode: "recoverUnsyncedChanges" });
  simulate(session);
  add(realm, 2);
  const waits = [session.uploadAllLocalChanges(), session.downloadAllServerChanges()];
  await Promise.all(waits);
  const other = await synced.device(`reset-${count}`);
  expect(keys(await other.openSubscribed())).toEqual([1, 2]);
  // Also those whose transactions were discarded.
  const discarding = await synced.device(`reset-${count}`);
  let upload: Promise<void> | undefined;
  const second = await discarding.openSubscribed({
    clientReset: {
      mode: "discardUnsyncedChanges",
      onBefore: () => {
        add(second, 3);
        upload = sessionOf(second).uploadAllLocalChanges();
      },
    },
  });
  simulate(sessionOf(second));
  await sessionOf(second).downloadAllServerChanges();
  await upload;
  expect(keys(second)).toEqual([1, 2]);
});

test("a pause during a reset gives it up, and everything is as before", async () => {
  const { realm, session } = await prepare({
    mode: "discardUnsyncedChanges",
    onBefore: () => {
      calls.push("before");
      session.pause();
    },
    onAfter: () => {
      calls.push("after");
    },
  });
  simulate(session);
  add(realm, 2);
  await expect.poll(() => calls).toEqual(["before"]);
  expect(session.state).toBe("inactive");
  session.resume();
  await session.uploadAllLocalChanges();
  expect([calls, keys(realm)]).toEqual([["before"], [1, 2]]);
  expect(existsSync(`${realm.path}.fresh`)).toBe(false);
});

test("closing the realm during a reset gives it up; the file opens again with everything", async () => {
  const { realm, session } = await prepare({ mode: "discardUnsyncedChanges", onBefore: () => realm.close() });
  simulate(session);
  add(realm, 2);
  await expect.poll(() => realm.isClosed).toBe(true);
  const again = device.open();
  await sessionOf(again).uploadAllLocalChanges();
  expect(keys(again)).toEqual([1, 2]);
});

test("the realm of onAfter may be written to, and that is uploaded", async () => {
  const config = writing(2, {
    mode: "discardUnsyncedChanges",
    onAfter: (local, remote) => {
      for (const task of local.objects<{ _id: number; name: string }>("Task").filtered("_id >= 2")) {
        remote.write(() => remote.create("Task", { _id: task._id + 100, name: task.name }));
      }
      calls.push("after");
    },
  });
  const { session } = await prepare(config);
  simulate(session);
  await expect.poll(() => calls).toEqual(["after"]);
  await session.uploadAllLocalChanges();
  const other = await synced.device(`reset-${count}`);
  expect(keys(await other.openSubscribed())).toEqual([1, 102]);
});

test("callbacks may be asynchronous: the reset waits, and the realms stay open for them", async () => {
  const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 50));
  let realms: Realm[] = [];
  const config = writing(2, {
    mode: "discardUnsyncedChanges",
    onBefore: async (local) => {
      await pause();
      calls.push(`before ${String(keys(local))}`);
    },
    onAfter: async (local, remote) => {
      realms = [local, remote];
      await pause();
      calls.push(`after ${String(keys(local))} then ${String(keys(remote))}`);
    },
  });
  const { session } = await prepare(config);
  simulate(session);
  await expect.poll(() => calls).toEqual(["before 1", "after 1,2 then 1"]);
  await expect.poll(() => realms.map(({ isClosed }) => isClosed)).toEqual([true, true]);
});

test("listeners see what a discarding reset takes away", async () => {
  const { realm, session } = await prepare(writing(2, { mode: "discardUnsyncedChanges" }));
  const seen: string[] = [];
  const results = realm.objects("Task");
  results.addListener((tasks, changes) => {
    seen.push(`${tasks.length} ${String(changes.insertions)}|${String(changes.deletions)}`);
  });
  await expect.poll(() => seen).toEqual(["1 |"]);
  simulate(session);
  await expect.poll(() => seen).toEqual(["1 |", "2 1|", "1 |1"]);
});

test("a discarding reset takes pending subscriptions away, a recovering one keeps them", async () => {
  for (const [mode, left] of [
    ["discardUnsyncedChanges", 2],
    ["recoverUnsyncedChanges", 3],
  ] as const) {
    let update: Promise<void> | undefined;
    const { realm, session } = await prepare({
      mode,
      onBefore: () => {
        update = current?.subscriptions.update((set) => {
          if (current !== undefined) set.add(current.objects("Task").filtered("_id == 77"));
        });
      },
    });
    simulate(session);
    await session.downloadAllServerChanges();
    await update;
    await expect.poll(() => realm.subscriptions.state).toBe("complete");
    expect(realm.subscriptions.length).toBe(left);
    realm.close();
    device = await synced.device(`reset-${count}`);
  }
});

test("an onBefore that throws gives the reset up: onError is told, and the file is as it was", async () => {
  const { realm, session } = await prepare({
    mode: "discardUnsyncedChanges",
    onBefore: () => {
      throw new Error("not now");
    },
  });
  simulate(session);
  add(realm, 2);
  await expect.poll(() => errors).toMatchObject([{ name: "ClientReset", code: 1028, isFatal: true }]);
  expect((errors[0] as SyncError).message).toBe("Automatic client reset failed: not now");
  expect([session.state, keys(realm)]).toEqual(["inactive", [1, 2]]);
});

test("an onAfter that throws is told to onError, and the session goes on", async () => {
  const { realm, session } = await prepare({
    mode: "recoverUnsyncedChanges",
    onAfter: () => Promise.reject(new Error("mine")),
  });
  simulate(session);
  add(realm, 2);
  await expect.poll(() => errors).toMatchObject([{ name: "ClientReset", code: 1028, isFatal: false }]);
  await session.uploadAllLocalChanges();
  expect([session.state, keys(realm)]).toEqual(["active", [1, 2]]);
});

test("a reset that failed is told to onFallback, else to onError; before and after are not called", async () => {
  const fail = (session: SyncSession): void => session._simulateError(132, "failed", "realm::sync::ClientError", true);
  const first = await prepare(recording("discardUnsyncedChanges"));
  fail(first.session);
  await expect.poll(() => calls).toEqual(["error"]);
  expect(errors).toMatchObject([{ name: "ClientReset", code: 1028, message: "failed" }]);
  expect(first.session.state).toBe("inactive");
  device = await synced.device(`reset-${count}`);
  const second = await prepare({
    mode: "recoverUnsyncedChanges",
    onFallback: (session, path) => {
      calls.push("fallback");
      expect([session.state, path.includes("recovered_realm-")]).toEqual(["inactive", true]);
    },
  });
  fail(second.session);
  await expect.poll(() => calls).toEqual(["error", "fallback"]);
});

test("an onFallback that throws leaves the matter to onError", async () => {
  const { session } = await prepare({
    mode: "recoverOrDiscardUnsyncedChanges",
    onFallback: () => {
      throw new Error("mine");
    },
  });
  session._simulateError(132, "failed", "realm::sync::ClientError", true);
  await expect.poll(() => errors).toMatchObject([{ name: "ClientReset", code: 1028 }]);
});

test("manual: paths, a stopped session, and the file set aside by initiateClientReset, in the callback itself", async () => {
  let recoveryPath = "";
  const { realm, session } = await prepare({
    mode: "manual",
    onManual: (_, path) => {
      calls.push("manual");
      recoveryPath = path;
      const original = realm.path;
      expect(() => Sync.initiateClientReset(device.app, original)).toThrow(
        `Realm was not configured correctly. Client Reset could not be run for Realm at: ${original}`,
      );
      realm.close();
      Sync.initiateClientReset(device.app, original);
      calls.push(`${existsSync(original)} ${existsSync(path)}`);
    },
  });
  simulate(session);
  expect(session.state).toBe("inactive");
  await expect.poll(() => calls).toEqual(["manual", "false true"]);
  expect(existsSync(recoveryPath)).toBe(true);
  const again = await device.openSubscribed();
  await sessionOf(again).downloadAllServerChanges();
  expect(keys(again)).toEqual([1]);
});

test("manual without onManual is told to onError, with both paths", async () => {
  const { realm, session } = await prepare({ mode: "manual" });
  simulate(session);
  await expect.poll(() => errors).toMatchObject([{ name: "ClientReset", code: 1032, message: "diverged" }]);
  const { config, userInfo } = errors[0] as ClientResetError;
  expect(userInfo).toEqual({ ORIGINAL_FILE_PATH: realm.path, RECOVERY_FILE_PATH: config.path });
  expect(config.readOnly).toBe(true);
});

test("what the application did not set aside is set aside by the next start, if it is still the same file", async () => {
  const { App } = await import("../app/app.js");
  const restart = (): unknown =>
    new App({ id: device.app.id, baseUrl: synced.server.url, baseFilePath: device.directory });
  const { realm, session } = await prepare({ mode: "manual" });
  simulate(session);
  await expect.poll(() => errors.length).toBe(1);
  const { path } = realm;
  const recovery = (errors[0] as ClientResetError).config.path;
  restart();
  expect(existsSync(path), "it is open").toBe(true);
  realm.close();
  restart();
  expect([existsSync(path), existsSync(recovery)]).toEqual([false, true]);
  // A file that came after it stays.
  const again = await device.openSubscribed({ clientReset: { mode: "manual" }, onError });
  simulate(sessionOf(again));
  await expect.poll(() => errors.length).toBe(2);
  again.close();
  const { Realm: RealmClass } = await import("../realm.js");
  RealmClass.deleteFile({ path });
  const third = await device.openSubscribed();
  third.close();
  await expect.poll(() => RealmClass.exists(path)).toBe(true);
  restart();
  expect(existsSync(path)).toBe(true);
});

test("without any handler nothing is thrown anywhere", async () => {
  const { session } = await prepare({ mode: "discardUnsyncedChanges" }, undefined);
  session._simulateError(132, "failed", "realm::sync::ClientError", true);
  expect(session.state).toBe("inactive");
  await new Promise((resolve) => setTimeout(resolve, 50));
});
