import { existsSync } from "node:fs";
import { beforeEach, describe, expect, test } from "vitest";
import type { FlexibleSyncOptions } from "../configuration.js";
import { RealmClosedError } from "../errors.js";
import type { Realm } from "../realm.js";
import { addTasks, type Device, taskIds, useServer } from "../testing/synced.js";
import {
  type ClientResetReport,
  DiscardUnsyncedChangesHandler,
  ManualRecoveryHandler,
  RecoverOrDiscardUnsyncedChangesHandler,
  RecoverUnsyncedChangesHandler,
} from "./client-reset.js";
import { ClientResetError, SyncErrorCode } from "./sync-error.js";

const synced = useServer();
/** Code of the protocol by which the server demands a reset. */
const divergingHistories = 211;
let count = 0;
let device: Device;
let calls: string[];
let errors: ClientResetError[];
/** The realm that is reset. */
let current: Realm | undefined;

beforeEach(async () => {
  count += 1;
  device = await synced.device(`reset-${count}`);
  calls = [];
  errors = [];
  current = undefined;
});

const before = (realm: Realm): void => {
  calls.push(`before ${taskIds(realm).join()} ${realm.isFrozen}`);
  // The session says nothing from the demand on: what is written now is not uploaded before the reset.
  if (current !== undefined) addTasks(current, 2);
};

const after =
  (name: string) =>
  (then: Realm, now: Realm): void => {
    calls.push(`${name} ${taskIds(then).join()} ${then.isFrozen} then ${taskIds(now).join()} ${now.isFrozen}`);
  };

const failed = (error: ClientResetError): void => {
  calls.push("fallback");
  errors.push(error);
};

/** Opens, uploads one task, and has the server demand a reset as far as the client can tell. */
async function reset(options: FlexibleSyncOptions): Promise<Realm> {
  const realm = await device.openSubscribed(options);
  current = realm;
  addTasks(realm, 1);
  await realm.syncSession.waitForUpload();
  realm.syncSession.simulateError(divergingHistories, "diverged");
  return realm;
}

test("recovering by default, which other devices see", async () => {
  const realm = await device.openSubscribed();
  addTasks(realm, 1);
  await realm.syncSession.waitForUpload();
  realm.syncSession.simulateError(divergingHistories, "diverged");
  addTasks(realm, 2);
  await realm.syncSession.waitForUpload();
  const other = await (await synced.device(`reset-${count}`)).openSubscribed();
  expect([taskIds(realm), taskIds(other)]).toEqual([
    [1, 2],
    [1, 2],
  ]);
});

describe("by itself", () => {
  test.each([
    ["discard", (options: object) => new DiscardUnsyncedChangesHandler(options), "1"],
    ["recover", (options: object) => new RecoverUnsyncedChangesHandler(options), "1,2"],
  ])("%s: both callbacks once, with the file as it was and as it is", async (_, make, left) => {
    const reports: ClientResetReport[] = [];
    const onReport = (report: ClientResetReport): void => void reports.push(report);
    const handler = make({
      onBeforeReset: before,
      onAfterReset: after("after"),
      onManualResetFallback: failed,
      onReport,
    });
    const realm = await reset({ clientResetHandler: handler });
    await expect.poll(() => calls).toEqual(["before 1 true", `after 1,2 true then ${left} false`]);
    expect(taskIds(realm).join()).toBe(left);
    await expect.poll(() => reports.length).toBe(1);
  });

  test("recovering where both are possible tells of the recovery", async () => {
    const clientResetHandler = new RecoverOrDiscardUnsyncedChangesHandler({
      onBeforeReset: before,
      onAfterRecovery: after("recovered"),
      onAfterDiscard: after("discarded"),
    });
    await reset({ clientResetHandler });
    await expect.poll(() => calls).toEqual(["before 1 true", "recovered 1,2 true then 1,2 false"]);
  });

  test("the reset waits for an asynchronous callback", async () => {
    let isThrough = false;
    const clientResetHandler = new DiscardUnsyncedChangesHandler({
      onBeforeReset: async () => {
        await new Promise((resolve) => {
          setTimeout(resolve, 50);
        });
        isThrough = true;
      },
      onAfterReset: () => void calls.push(`after ${isThrough}`),
    });
    await reset({ clientResetHandler });
    await expect.poll(() => calls).toEqual(["after true"]);
  });

  test("results tell of what a discarding reset takes away", async () => {
    const counts: number[] = [];
    const onBeforeReset = (realm: Realm): void => before(realm);
    const realm = await device.openSubscribed({
      clientResetHandler: new DiscardUnsyncedChangesHandler({ onBeforeReset }),
    });
    realm.dynamic.all("Task").changes.listen(({ results }) => counts.push(results.length));
    current = realm;
    addTasks(realm, 1);
    await realm.syncSession.waitForUpload();
    realm.syncSession.simulateError(divergingHistories, "diverged");
    await expect.poll(() => counts.slice(-2)).toEqual([2, 1]);
  });
});

describe("callbacks that throw", () => {
  test("before: the file is as it was, and the fallback has the exception", async () => {
    const thrown = new Error("not now");
    const clientResetHandler = new RecoverUnsyncedChangesHandler({
      onBeforeReset: () => {
        throw thrown;
      },
      onAfterReset: after("after"),
      onManualResetFallback: failed,
    });
    const realm = await reset({ clientResetHandler });
    await expect.poll(() => calls).toEqual(["fallback"]);
    const [error] = errors;
    expect([error?.code, error?.innerError]).toEqual([SyncErrorCode.autoClientResetFailed, thrown]);
    expect([error?.originalFilePath, taskIds(realm)]).toEqual([realm.config.path, [1]]);
    expect(error?.backupFilePath).toBeDefined();
  });

  test("after: the fallback has the exception", async () => {
    const thrown = new Error("too late");
    const clientResetHandler = new DiscardUnsyncedChangesHandler({
      onAfterReset: (_, now) =>
        now.write(() => {
          addOne(now);
          throw thrown;
        }),
      onManualResetFallback: failed,
    });
    const realm = await reset({ clientResetHandler });
    await expect.poll(() => calls).toEqual(["fallback"]);
    expect([errors[0]?.code, errors[0]?.innerError]).toEqual([SyncErrorCode.autoClientResetFailed, thrown]);
    expect(taskIds(realm)).toEqual([1]);
  });

  test("without a fallback the handler of errors is told; what it throws is not lost on the session", async () => {
    const realm = await reset({
      clientResetHandler: new DiscardUnsyncedChangesHandler({
        onBeforeReset: () => Promise.reject(new Error("not now")),
      }),
      syncErrorHandler: (error) => {
        calls.push(error.constructor.name);
        throw new Error("the handler failed");
      },
    });
    await expect.poll(() => calls).toEqual(["ClientResetError"]);
    expect(realm.syncSession.state).toBe("inactive");
  });
});

function addOne(realm: Realm): void {
  realm.dynamic.all("Task").first.dynamic.set("name", "changed");
}

describe("left to the application", () => {
  test("the handler is told once, and resets the file when it is closed", async () => {
    const realm = await reset({ clientResetHandler: new ManualRecoveryHandler(failed) });
    await expect.poll(() => calls).toEqual(["fallback"]);
    const [error] = errors;
    expect(error).toBeInstanceOf(ClientResetError);
    expect([error?.code, error?.message, error?.innerError]).toEqual([
      SyncErrorCode.clientReset,
      "diverged",
      undefined,
    ]);
    expect(error?.resetRealm()).toBe(false);
    const { path } = realm.config;
    realm.close();
    expect(error?.resetRealm()).toBe(true);
    expect([existsSync(path), existsSync(error?.backupFilePath ?? "")]).toEqual([false, true]);
    expect(error?.resetRealm()).toBe(false);
    expect(() => realm.syncSession).toThrow(RealmClosedError);
    const again = await device.openSubscribed();
    expect(taskIds(again)).toEqual([1]);
  });
});
