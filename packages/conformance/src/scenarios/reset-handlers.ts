/**
 * X: client resets that do not go by themselves: left to the application, forbidden, or failing in its handlers.
 *
 * @module
 */

import { existsSync } from "node:fs";
import type { ErrorInformation, ResetOptions, TestRealm } from "../adapter.js";
import { allDogs, dog, type Stage, type ReadyDevice } from "../harness/stage.js";
import type { Scenario } from "../scenario.js";
import { forgottenDevice } from "./forgotten.js";
import { freshKeys } from "./reset.js";

/** A device whose file has to start over, and what its application is told. */
interface Told {
  readonly device: ReadyDevice;
  readonly calls: string[];
  readonly causes: unknown[];
  readonly errors: ErrorInformation[];
}

/** @param handlers replaces some of those that only note that they were called. */
async function prepareTold(
  stage: Stage,
  mode: ResetOptions["mode"],
  handlers: Partial<ResetOptions> = {},
): Promise<Told> {
  const [calls, causes, errors]: [string[], unknown[], ErrorInformation[]] = [[], [], []];
  const keys = (realm: TestRealm): string => JSON.stringify(realm.keys("Dog"));
  const device = await forgottenDevice(stage, {
    reset: {
      mode,
      onBefore: (local) => void calls.push(`before ${keys(local)}`),
      onAfter: (local, remote, how) => void calls.push(`after ${keys(local)} ${keys(remote)} ${how ?? ""}`.trimEnd()),
      onFallback: (_, cause) => {
        calls.push("fallback");
        causes.push(cause);
      },
      ...handlers,
    },
    onError: (error) => {
      calls.push("error");
      errors.push(error);
    },
  });
  return { device, calls, causes, errors };
}

/** What a handler has thrown says. */
function textOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

/** An exception in the handler before the reset: the file stays as it is and is left to the application. */
async function throwBefore(stage: Stage, told: Told, last: "error" | "fallback"): Promise<void> {
  const { device, calls } = told;
  device.session.resume();
  await stage.eventually(() => calls.length > 0, "the application is told");
  await stage.sleep(200);
  stage.equal(calls, [last], "calls");
  stage.equal(device.realm.keys("Dog"), [1, 2, 3], "dogs");
  stage.equal(device.session.state(), "inactive", "state");
}

const isDiscarded = "after [1,2,3] [1] discarded";

/** The Node SDK calls its handler of what did not go as wanted, the C++ SDK does not say what was done. */
const whenForbidden = {
  node: "fallback",
  kotlin: isDiscarded,
  flutter: isDiscarded,
  cpp: "after [1,2,3] [1]",
} as const;

/** Who is told of a reset that is left to the application: the C++ SDK has no handler of its own for it. */
const leftToApplication = { node: "fallback", kotlin: "fallback", flutter: "fallback", cpp: "error" };

const failingBefore: Partial<ResetOptions> = {
  onBefore: () => {
    throw new Error("not now");
  },
};

export const resetHandlerScenarios: readonly Scenario[] = [
  {
    id: "X-03",
    title: "a reset that is executed while the realm is open moves nothing, and can be executed when it is closed",
    facades: ["kotlin", "flutter"],
    run: async (stage) => {
      let recovery = "";
      const device = await forgottenDevice(stage, {
        reset: { mode: "manual", onManual: (path) => void (recovery = path) },
      });
      const { realm, session, app } = device;
      session.resume();
      await stage.eventually(() => recovery !== "", "the handler is called");
      const path = realm.path();
      await stage.rejection(
        Promise.resolve().then(() => app.executeReset(path)),
        "execution while the realm is open",
      );
      stage.equal([existsSync(path), existsSync(recovery)], [true, false], "files");
      stage.equal(realm.keys("Dog"), [1, 2, 3], "dogs");
      realm.close();
      app.executeReset(path);
      stage.equal([existsSync(path), existsSync(recovery)], [false, true], "files after closing");
      const again = await device.open({ subscriptions: allDogs });
      await again.subscriptions().waitSync();
      stage.equal(again.keys("Dog"), [1], "dogs of the next opening");
    },
  },
  {
    id: "X-06",
    title: "recover or discard, where the server forbids recovery: discarded, and told so",
    run: async (stage) => {
      await stage.setUpApp({ isRecoveryDisabled: true });
      const { device, calls } = await prepareTold(stage, "recoverOrDiscard");
      device.session.resume();
      await stage.eventually(() => calls.length === 2, "the application is told");
      stage.equal(calls[0], "before [1,2,3]", "first call");
      stage.oneOf<string | undefined>(calls[1], whenForbidden, "last call");
      await device.session.waitDown();
      stage.equal(device.realm.keys("Dog"), [1], "dogs");
      stage.equal(device.session.state(), "active", "state");
      stage.equal(await freshKeys(stage), [1], "dogs of somebody new");
    },
  },
  {
    id: "X-07",
    title: "recover, where the server forbids it: left to the application, no other handler is called",
    run: async (stage) => {
      await stage.setUpApp({ isRecoveryDisabled: true });
      const { device, calls, errors } = await prepareTold(stage, "recover");
      device.session.resume();
      await stage.eventually(() => calls.length > 0, "the application is told");
      await stage.sleep(200);
      stage.oneOf(calls.join(" "), leftToApplication, "calls");
      if (calls[0] === "error") stage.check(errors[0]?.reset !== undefined, "it is a client reset");
      stage.equal(device.session.state(), "inactive", "state");
      stage.equal(device.realm.keys("Dog"), [1, 2, 3], "dogs");
      stage.equal(await freshKeys(stage), [1], "dogs of somebody new");
    },
  },
  {
    id: "X-08",
    title: "a handler that throws before the reset: left to the application with the cause",
    facades: ["kotlin", "flutter"],
    elsewhere: "X-08b is the others'",
    run: async (stage) => {
      const told = await prepareTold(stage, "discard", failingBefore);
      await throwBefore(stage, told, "fallback");
      stage.equal(told.causes.map(textOf), ["not now"], "cause");
    },
  },
  {
    id: "X-08b",
    title: "a handler that throws before the reset: told to the handler there is, and nothing is uncaught",
    facades: ["node", "cpp"],
    elsewhere: "X-08 is the others'",
    run: async (stage) => {
      const told = await prepareTold(stage, "discard", failingBefore);
      await throwBefore(stage, told, "error");
      stage.check(told.errors[0]?.reset !== undefined, "it is a client reset");
    },
  },
  {
    id: "X-09",
    title: "a handler that throws after the reset: told with the cause, and what it was writing is undone",
    facades: ["kotlin", "flutter"],
    run: async (stage) => {
      const { device, calls, causes } = await prepareTold(stage, "discard", {
        onAfter: (_, remote) => {
          remote.write(() => {
            remote.create("Dog", dog(50));
            throw new Error("not so");
          });
        },
      });
      device.session.resume();
      await stage.eventually(() => calls.includes("fallback"), "the application is told");
      stage.equal(calls, ["before [1,2,3]", "fallback"], "calls");
      stage.equal(causes.map(textOf), ["not so"], "cause");
      stage.equal(device.realm.keys("Dog"), [1], "dogs");
      stage.equal(await freshKeys(stage), [1], "dogs of somebody new");
    },
  },
  {
    id: "X-11",
    title: "the reset waits for a handler that takes its time",
    facades: ["flutter"],
    elsewhere: "handlers of the other SDKs cannot be waited for",
    run: async (stage) => {
      const { device, calls } = await prepareTold(stage, "discard", {
        onBefore: async () => {
          calls.push("begins");
          await stage.sleep(300);
          calls.push(`ends ${JSON.stringify(device.realm.keys("Dog"))}`);
        },
      });
      device.session.resume();
      await stage.eventually(() => calls.length === 3, "the application is told");
      stage.equal(calls, ["begins", "ends [1,2,3]", "after [1,2,3] [1]"], "calls");
    },
  },
];
