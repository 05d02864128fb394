/**
 * X: client resets.
 *
 * @module
 */

import { existsSync } from "node:fs";
import type { ErrorInformation, ResetOptions, TestRealm } from "../adapter.js";
import { allDogs, dog, type Stage } from "../harness/stage.js";
import type { Scenario } from "../scenario.js";
import { forgottenDevice } from "./forgotten.js";

/** What the application is told of a file that has to start over. */
const clientResetRequired = 1032;

/** Keys of dogs that somebody new gets. */
export async function freshKeys(stage: Stage): Promise<unknown> {
  const { realm, session } = await stage.readyDevice();
  await session.waitDown();
  return realm.keys("Dog");
}

/** A reset by itself: what is left, and how often the application was told. */
async function resetBySelf(stage: Stage, mode: ResetOptions["mode"], left: readonly number[]): Promise<void> {
  const calls: string[] = [];
  const keys = (realm: TestRealm): string => JSON.stringify(realm.keys("Dog"));
  const { realm, session } = await forgottenDevice(stage, {
    reset: {
      mode,
      onBefore: (local) => void calls.push(`before ${keys(local)}`),
      onAfter: (local, remote) => void calls.push(`after ${keys(local)} ${keys(remote)}`),
      onFallback: () => void calls.push("fallback"),
    },
    onError: (error) => void calls.push(`error ${error.message}`),
  });
  session.resume();
  await stage.eventually(() => calls.length === 2, "the application is told");
  stage.equal(calls, ["before [1,2,3]", `after [1,2,3] ${JSON.stringify(left)}`], "calls");
  await session.waitUp();
  await session.waitDown();
  stage.equal(realm.keys("Dog"), left, "dogs");
  stage.equal(session.state(), "active", "state");
  stage.equal(await freshKeys(stage), left, "dogs of somebody new");
  stage.equal(calls.length, 2, "calls in the end");
}

export const resetScenarios: readonly Scenario[] = [
  {
    id: "X-01",
    title: "manual: the handler is called once with both paths, the session has stopped",
    run: async (stage) => {
      const errors: ErrorInformation[] = [];
      const { realm, session } = await forgottenDevice(stage, {
        reset: { mode: "manual" },
        onError: (error) => void errors.push(error),
      });
      session.resume();
      await stage.eventually(() => errors.length > 0, "the error is told");
      const [error] = errors;
      stage.equal(error?.code, clientResetRequired, "code");
      stage.equal(error?.reset?.original, realm.path(), "path of the file");
      stage.check((error?.reset?.recovery ?? "") !== "", "there is a recovery path");
      stage.equal(session.state(), "inactive", "state");
      stage.equal(realm.keys("Dog"), [1, 2, 3], "dogs");
      await stage.sleep(200);
      stage.equal(errors.length, 1, "errors");
    },
  },
  {
    id: "X-02",
    title: "manual, executed: the file is at its recovery path, the next opening downloads everything",
    facades: ["node", "kotlin", "flutter"],
    elsewhere: "the C++ SDK has no call that executes a reset",
    run: async (stage) => {
      let recovery = "";
      const device = await forgottenDevice(stage, {
        reset: { mode: "manual", onManual: (path) => void (recovery = path) },
      });
      const { realm, session, app } = device;
      session.resume();
      await stage.eventually(() => recovery !== "", "the handler is called");
      const path = realm.path();
      realm.close();
      app.executeReset(path);
      stage.equal([existsSync(path), existsSync(recovery)], [false, true], "files");
      const again = await device.open({ subscriptions: allDogs });
      await again.subscriptions().waitSync();
      stage.equal(again.keys("Dog"), [1], "dogs");
      const refusal = await stage.rejection(
        Promise.resolve().then(() => app.executeReset(path)),
        "a second execution",
      );
      stage.check(refusal.message.includes(path), "the path is named");
    },
  },
  {
    id: "X-04",
    title: "discard: before, then after with the file as it was and as it is; what the server has remains",
    run: async (stage) => resetBySelf(stage, "discard", [1]),
  },
  {
    id: "X-05",
    title: "recover: what was not uploaded survives and is uploaded",
    run: async (stage) => resetBySelf(stage, "recover", [1, 3]),
  },
  {
    id: "X-05b",
    title: "recover or discard: where recovery is possible, it is recovered",
    run: async (stage) => resetBySelf(stage, "recoverOrDiscard", [1, 3]),
  },
  {
    id: "X-10",
    title: "the realm after the reset may be written to, and that is uploaded",
    run: async (stage) => {
      let isDone = false;
      const { session } = await forgottenDevice(stage, {
        reset: {
          mode: "discard",
          onAfter: (local, remote) => {
            const lost = local.keys("Dog").filter((key) => remote.find("Dog", Number(key)) === null);
            remote.write(() => {
              for (const key of lost) remote.create("Dog", dog(Number(key) + 100));
            });
            isDone = true;
          },
        },
      });
      session.resume();
      await stage.eventually(() => isDone, "the reset is done");
      await session.waitUp();
      stage.equal(await freshKeys(stage), [1, 102, 103], "dogs of somebody new");
    },
  },
  {
    id: "X-12",
    title: "listeners see what a discarding reset takes away",
    run: async (stage) => {
      const { realm, session } = await forgottenDevice(stage, { reset: { mode: "discard" } });
      const counts: number[] = [];
      const stop = realm.onResults("Dog", (count) => void counts.push(count));
      await stage.eventually(() => counts.length === 1, "the first call");
      session.resume();
      await stage.eventually(() => counts.length > 1, "the listener is called");
      stop();
      stage.equal(counts, [3, 1], "counts");
    },
  },
  {
    id: "X-13",
    title: "two users: one deletes and one inserts offline, both are reset, both end alike",
    run: async (stage) => {
      const reset = { mode: "recover" } as const;
      const [a, b] = [await stage.readyDevice({ reset }), await stage.readyDevice({ reset })];
      a.realm.write(() => {
        a.realm.create("Dog", dog(1));
        a.realm.create("Dog", dog(2));
      });
      await stage.settle(a.session, b.session);
      await stage.forget(async () => {
        a.realm.write(() => a.realm.create("Dog", dog(9)));
        await stage.settle(a.session, b.session);
        a.session.pause();
        b.session.pause();
      });
      a.realm.write(() => a.realm.delete("Dog", 1));
      b.realm.write(() => b.realm.create("Dog", dog(3)));
      a.session.resume();
      b.session.resume();
      await stage.settle(a.session, b.session);
      await stage.settle(a.session, b.session);
      stage.equal(a.realm.keys("Dog"), [2, 3], "dogs of the one that deleted");
      stage.equal(b.realm.keys("Dog"), [2, 3], "dogs of the one that inserted");
    },
  },
  {
    id: "X-14",
    title: "subscriptions are the same after a reset",
    run: async (stage) => {
      let isDone = false;
      const onAfter = (): void => void (isDone = true);
      const { realm, session } = await forgottenDevice(stage, { reset: { mode: "recover", onAfter } });
      const before = realm.subscriptions().list();
      const version = stage.adapter.capabilities.has("subscriptionState") ? realm.subscriptions().version() : undefined;
      session.resume();
      await stage.eventually(() => isDone, "the reset is done");
      await realm.subscriptions().waitSync();
      stage.equal(realm.subscriptions().list(), before, "subscriptions");
      if (version !== undefined) stage.equal(realm.subscriptions().version(), version, "version");
      const added = { name: "old", className: "Dog", query: "age > 15" };
      await realm.subscriptions().update((set) => set.add(added));
      stage.equal(realm.subscriptions().list().length, before.length + 1, "subscriptions after another");
    },
  },
  {
    id: "X-15",
    title: "without a configuration what was not uploaded is recovered",
    facades: ["node", "kotlin", "flutter"],
    elsewhere: "X-15b is C++'s",
    run: async (stage) => {
      const { realm, session } = await forgottenDevice(stage, {});
      session.resume();
      await session.waitUp();
      await session.waitDown();
      stage.equal(realm.keys("Dog"), [1, 3], "dogs");
      stage.equal(await freshKeys(stage), [1, 3], "dogs of somebody new");
    },
  },
  {
    id: "X-15b",
    title: "without a configuration the file is left to the application",
    facades: ["cpp"],
    elsewhere: "X-15 is the others'",
    run: async (stage) => {
      const errors: ErrorInformation[] = [];
      const { realm, session } = await forgottenDevice(stage, { onError: (error) => void errors.push(error) });
      session.resume();
      await stage.eventually(() => errors.length > 0, "the error is told");
      stage.equal([errors[0]?.code, errors[0]?.reset?.original], [clientResetRequired, realm.path()], "error");
      stage.equal([session.state(), realm.keys("Dog")], ["inactive", [1, 2, 3]], "session and dogs");
    },
  },
  {
    id: "X-16",
    title: "a simulated error of diverging histories is a client reset",
    facades: ["node"],
    needs: ["simulatedErrors"],
    run: async (stage) => {
      const errors: ErrorInformation[] = [];
      const onError = (error: ErrorInformation): void => void errors.push(error);
      const { session } = await stage.readyDevice({ reset: { mode: "manual" }, onError });
      session.simulateError(211, "diverged");
      await stage.eventually(() => errors.length > 0, "the error is told");
      stage.equal([errors[0]?.code, errors[0]?.message], [clientResetRequired, "diverged"], "error");
      stage.check(errors[0]?.reset !== undefined, "it is a client reset");
    },
  },
  {
    id: "X-17",
    title: "waits that began offline, before the reset, end well after it",
    run: async (stage) => {
      const { realm, session } = await forgottenDevice(stage, { reset: { mode: "recover" } });
      const waits = [session.waitUp(), session.waitDown()];
      stage.check(await stage.staysOpen(Promise.race(waits), 200), "a wait ended while paused");
      session.resume();
      stage.equal(await Promise.all(waits), ["done", "done"], "waits");
      stage.equal(realm.keys("Dog"), [1, 3], "dogs");
      stage.equal(await freshKeys(stage), [1, 3], "dogs of somebody new");
    },
  },
];
