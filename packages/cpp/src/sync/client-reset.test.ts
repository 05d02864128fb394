import type { SyncSession } from "@tidemark/engine";
import { expect, test } from "vitest";
import { type db, open } from "../db.js";
import type { db_config } from "../db-config.js";
import { Address, Dog, Person } from "../testing/models.js";
import { type Device, useServer } from "../testing/synced.js";
import { client_reset, type client_reset_handler, client_reset_mode, resetHandlers } from "./client-reset.js";
import type { sync_error } from "./sync-error.js";

const synced = useServer();
const testTimeoutMs = 30_000;

interface Prepared {
  readonly device: Device;
  readonly database: db;
  readonly errors: sync_error[];
}

function keys(database: db): unknown[] {
  return [...database.objects(Dog).sort("_id", true)].map(({ _id }) => _id);
}

/** A device with dog 1, of which the server has forgotten dog 2, and which has written dog 3 since. */
async function prepare(appId: string, handler?: client_reset_handler): Promise<Prepared> {
  const errors: sync_error[] = [];
  const device = await synced.device(appId);
  const database = await device.openSubscribed((config: db_config) => {
    config.sync_config().set_error_handler((_, error) => errors.push(error));
    if (handler !== undefined) config.set_client_reset_handler(handler);
  });
  const session = database.get_sync_session();
  database.write(() => database.add(Dog({ _id: 1 })));
  await session?.wait_for_upload_completion();
  await synced.forget(appId, async () => {
    database.write(() => database.add(Dog({ _id: 2 })));
    await session?.wait_for_upload_completion();
    session?.pause();
  });
  database.write(() => database.add(Dog({ _id: 3 })));
  session?.resume();
  return { device, database, errors };
}

test(
  "without a handler the file is left to the application",
  async () => {
    const { database, errors, device } = await prepare("manual");
    await expect.poll(() => errors.length, { timeout: 10_000 }).toBe(1);
    const [error] = errors;
    expect([error?.is_client_reset_requested(), error?.is_fatal()]).toEqual([true, true]);
    expect(error?.get_status().code_string()).toBe("SyncClientResetRequired");
    const path = device.user.flexible_sync_configuration().path();
    expect(error?.user_info().get("ORIGINAL_FILE_PATH")).toBe(path);
    expect(error?.user_info().get("RECOVERY_FILE_PATH")).toContain("recovered-realms");
    expect([database.get_sync_session()?.state(), keys(database)]).toEqual(["inactive", [1, 2, 3]]);
  },
  testTimeoutMs,
);

// As the tests of realm-cpp's own suite: what was is frozen, what is is live.
for (const [mode, left] of [
  ["discard_unsynced", [1]],
  ["recover", [1, 3]],
] as const) {
  test(
    `${mode}: the functions are called once, with frozen databases and a live one`,
    async () => {
      const calls: unknown[] = [];
      const before = (local: db): void => void calls.push(["before", local.is_frozen(), keys(local)]);
      const after = (local: db, remote: db): void => {
        calls.push(["after", local.is_frozen(), keys(local), remote.is_frozen(), keys(remote)]);
        remote.write(() => remote.add(Dog({ _id: 9 })));
      };
      const make = {
        discard_unsynced: client_reset.discard_unsynced_changes,
        recover: client_reset.recover_unsynced_changes,
      };
      const { database, errors } = await prepare(mode, make[mode](before, after));
      await expect.poll(() => calls.length, { timeout: 10_000 }).toBe(2);
      expect(calls).toEqual([
        ["before", true, [1, 2, 3]],
        ["after", true, [1, 2, 3], false, left],
      ]);
      await database.get_sync_session()?.wait_for_upload_completion();
      expect([keys(database), errors, database.get_sync_session()?.state()]).toEqual([[...left, 9], [], "active"]);
    },
    testTimeoutMs,
  );
}

test(
  "a function that throws before gives the reset up: the error handler is told",
  async () => {
    let calls = 0;
    const before = (): void => {
      calls += 1;
      throw new Error("not now");
    };
    const after = (): void => void (calls += 10);
    const { database, errors } = await prepare("throws", client_reset.recover_unsynced_changes(before, after));
    await expect.poll(() => errors.length, { timeout: 10_000 }).toBe(1);
    expect([errors[0]?.is_client_reset_requested(), calls, keys(database)]).toEqual([true, 1, [1, 2, 3]]);
    expect(errors[0]?.message()).toContain("not now");
  },
  testTimeoutMs,
);

test("a configuration says its mode", async () => {
  const config = (await synced.device("modes")).user.flexible_sync_configuration();
  const nothing = (): void => undefined;
  expect(config.get_client_reset_mode()).toBe(client_reset_mode.manual);
  config.set_client_reset_handler(client_reset.recover_or_discard_unsynced_changes(nothing, nothing));
  expect(config.get_client_reset_mode()).toBe(client_reset_mode.recover_or_discard);
  open(config, Dog, Person, Address).close();
});

test("functions that return promises are waited for, and what they reject with counts", async () => {
  const steps: string[] = [];
  const fake = (name: string): db => ({ close: () => steps.push(`${name} closed`) }) as unknown as db;
  const databases = { frozen: () => fake("local"), live: () => fake("remote") };
  const slowly = async (): Promise<void> => {
    await Promise.resolve();
    steps.push("told");
  };
  const { onBefore, onAfter } = resetHandlers(client_reset.recover_unsynced_changes(slowly, slowly), databases);
  const session = {} as SyncSession;
  await onBefore?.(session);
  await onAfter?.(session, 1, true);
  expect(steps).toEqual(["told", "local closed", "told", "remote closed", "local closed"]);
  const failing = client_reset.recover_unsynced_changes(async () => Promise.reject(new Error("not now")), slowly);
  await expect(resetHandlers(failing, databases).onBefore?.(session)).rejects.toThrow("not now");
});
