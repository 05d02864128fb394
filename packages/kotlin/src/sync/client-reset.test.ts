import { existsSync } from "node:fs";
import { simpleFailure, syncStatusCode } from "@tidemark/engine";
import { expect, test } from "vitest";
import type { SyncConfiguration, SyncConfigurationBuilder } from "../configuration/sync-configuration.js";
import { engine } from "../engine.js";
import { IllegalArgumentException } from "../errors.js";
import { LogLevel, RealmLog, type RealmLogger } from "../log.js";
import type { Realm } from "../realm.js";
import { type Device, type Synced, Task, task, useServer } from "../testing/server.js";
import {
  DiscardUnsyncedChangesStrategy,
  ManuallyRecoverUnsyncedChangesStrategy,
  RecoverUnsyncedChangesStrategy,
} from "./client-reset.js";
import type { ClientResetRequiredException } from "./exceptions.js";

const synced: Synced = useServer();

/** A realm with task 1 on the server and task 2 written offline, whose server then demands a reset. */
async function reset(device: Device, builder: SyncConfigurationBuilder<false>): Promise<Realm> {
  const realm = await device.openSubscribed(builder);
  realm.writeBlocking((tx) => tx.copyToRealm(task(1)));
  await realm.syncSession.uploadAllLocalChanges();
  realm.syncSession.pause();
  realm.writeBlocking((tx) => tx.copyToRealm(task(2)));
  realm.syncSession.resume();
  const error = simpleFailure(syncStatusCode.syncClientResetRequired, "Simulate Client Reset", true);
  engine()
    .sync.existing(realm.configuration.path)
    ?.demandReset({ ...error, isClientReset: true }, 211);
  return realm;
}

function ids(realm: Pick<Realm, "query">): number[] {
  return realm
    .query(Task)
    .sort("_id")
    .find()
    .map(({ _id }) => _id);
}

test("discarding shows what was there; what is written meanwhile is committed and uploaded", async () => {
  const device = await synced.device("discard");
  const told: unknown[] = [];
  const strategy = new DiscardUnsyncedChangesStrategy({
    onBeforeReset: (before) => void told.push(["before", ids(before)]),
    onAfterReset: (before, after) => {
      told.push(["after", ids(before), ids(after), before.query(Task).find().first().isFrozen()]);
      for (const lost of before.query(Task, "_id == 2").find()) after.copyToRealm(task(20, `was ${lost.name}`));
    },
    onManualResetFallback: () => void told.push("fallback"),
  });
  const realm = await reset(device, device.configure().syncClientResetStrategy(strategy));
  await expect.poll(() => told.length).toBe(2);
  expect(told).toEqual([
    ["before", [1, 2]],
    ["after", [1, 2], [1], true],
  ]);
  expect(ids(realm)).toEqual([1, 20]);
  expect(await realm.syncSession.uploadAllLocalChanges()).toBe(true);
});

test("a callback before that throws gives the reset up: the fallback has the cause, and may execute it", async () => {
  const device = await synced.device("throws-before");
  const failure = new Error("not now");
  let realm: Realm | undefined;
  const result = await new Promise<{ exception: ClientResetRequiredException; isDone: boolean }>((resolve) => {
    const strategy = new RecoverUnsyncedChangesStrategy({
      onBeforeReset: () => {
        throw failure;
      },
      onAfterReset: () => resolve(expect.unreachable()),
      onManualResetFallback: (_, exception) => {
        realm?.close();
        resolve({ exception, isDone: exception.executeClientReset() });
      },
    });
    const errorHandler = (): void => expect.unreachable();
    const builder = device.configure().syncClientResetStrategy(strategy).errorHandler(errorHandler);
    void reset(device, builder).then((opened) => (realm = opened));
  });
  const { exception, isDone } = result;
  expect(exception.message).toMatch(/^\[Sync\]\[AutoClientResetFailed\(1028\)\] .*User-provided callback failed\.$/);
  expect([exception.cause, isDone]).toEqual([failure, true]);
  expect([existsSync(exception.originalFilePath), existsSync(exception.recoveryFilePath)]).toEqual([false, true]);
  expect(exception.executeClientReset()).toBe(false);
});

test.each(["onBeforeReset", "onAfterReset"])("%s must not be async: the fallback is told", async (name) => {
  const device = await synced.device(`async-${name}`);
  const exceptions: ClientResetRequiredException[] = [];
  const late = async (): Promise<void> => {
    await Promise.resolve();
    throw new Error("nobody waits for this");
  };
  const strategy = new RecoverUnsyncedChangesStrategy({
    onBeforeReset: () => undefined,
    onAfterReset: () => undefined,
    onManualResetFallback: (_, exception) => void exceptions.push(exception),
    [name]: late,
  });
  await reset(device, device.configure().syncClientResetStrategy(strategy));
  await expect.poll(() => exceptions.length).toBe(1);
  expect(exceptions[0]?.cause).toBeInstanceOf(IllegalArgumentException);
});

test("a callback afterwards that throws is undone, and the fallback has the cause", async () => {
  const device = await synced.device("throws-after");
  const failure = new Error("too late");
  const exceptions: ClientResetRequiredException[] = [];
  const strategy = new RecoverUnsyncedChangesStrategy({
    onBeforeReset: () => undefined,
    onAfterReset: (_, after) => {
      after.copyToRealm(task(99));
      throw failure;
    },
    onManualResetFallback: (_, exception) => void exceptions.push(exception),
  });
  const realm = await reset(device, device.configure().syncClientResetStrategy(strategy));
  await expect.poll(() => exceptions.length).toBe(1);
  expect(exceptions[0]?.message).toContain("User-provided callback failed");
  expect([exceptions[0]?.cause, ids(realm)]).toEqual([failure, [1, 2]]);
});

test("a reset that is left to the application is executed when the realm is closed", async () => {
  const device = await synced.device("manual");
  const exceptions: ClientResetRequiredException[] = [];
  const strategy = new ManuallyRecoverUnsyncedChangesStrategy({
    onClientReset: (_, exception) => void exceptions.push(exception),
  });
  const builder = device.configure().syncClientResetStrategy(strategy);
  const realm = await reset(device, builder);
  await expect.poll(() => exceptions.length).toBe(1);
  const [exception] = exceptions;
  expect(exception?.message).toBe("[Sync][ClientResetRequired(1032)] Simulate Client Reset.");
  expect([exception?.originalFilePath, exception?.executeClientReset()]).toEqual([realm.configuration.path, false]);
  realm.close();
  expect(exception?.executeClientReset()).toBe(true);
  expect(existsSync(exception?.recoveryFilePath ?? "")).toBe(true);
  expect(ids(await device.openSubscribed(device.configure()))).toEqual([1]);
});

test("without a strategy what was not uploaded is recovered, and that is logged", async () => {
  const device = await synced.device("default");
  const lines: string[] = [];
  const logger: RealmLogger = { log: (_, __, message) => void lines.push(message) };
  RealmLog.removeAll();
  RealmLog.add(logger);
  RealmLog.setLevel(LogLevel.INFO);
  const realm = await reset(device, device.configure());
  const { path } = realm.configuration;
  await expect.poll(() => lines.length).toBe(2);
  RealmLog.setLevel(LogLevel.WARN);
  RealmLog.remove(logger);
  RealmLog.addDefaultSystemLogger();
  expect(lines).toEqual([
    `Client reset: attempting to automatically recover unsynced changes in Realm: ${path}`,
    `Client reset: successfully recovered all unsynced changes in Realm: ${path}`,
  ]);
  expect(ids(realm)).toEqual([1, 2]);
  expect((realm.configuration as SyncConfiguration).syncClientResetStrategy.kind).toBe(
    "RecoverOrDiscardUnsyncedChangesStrategy",
  );
});
