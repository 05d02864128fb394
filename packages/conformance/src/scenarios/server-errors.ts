/**
 * E: errors that the server says, and what becomes of them.
 *
 * @module
 */

import { errorCode } from "@tidemark/protocol";
import type { ErrorInformation } from "../adapter.js";
import { dog } from "../harness/stage.js";
import type { Scenario } from "../scenario.js";

/** Codes as applications see them. */
const status = {
  badChangeset: 1015,
  compensatingWrite: 1033,
  permissionDenied: 1037,
  wrongSyncType: 1043,
} as const;

/** A subscription to dogs called Rex. */
const rexes = { name: "some", className: "Dog", query: 'name == "Rex"' };

/** A handler that keeps what it is told. */
function collecting(): { readonly errors: ErrorInformation[]; readonly onError: (error: ErrorInformation) => void } {
  const errors: ErrorInformation[] = [];
  return { errors, onError: (error) => void errors.push(error) };
}

export const serverErrorScenarios: readonly Scenario[] = [
  {
    id: "E-02",
    title: "who may not sync is told so, and the session has stopped",
    run: async (stage) => {
      const { errors, onError } = collecting();
      const device = await stage.readyDevice({ onError });
      stage.serverSays(device, errorCode.permissionDenied, "the user may not sync");
      await stage.eventually(() => errors.length > 0, "the error is told");
      const [error] = errors;
      stage.equal(error?.code, status.permissionDenied, "code");
      stage.check(error?.message.includes("the user may not sync") === true, `message "${error?.message}"`);
      stage.check(error?.isFatal !== false, "it is fatal");
      stage.equal(device.session.state(), "inactive", "state");
      stage.equal(device.session.connection(), "disconnected", "connection");
      await stage.sleep(200);
      stage.equal(errors.length, 1, "errors");
    },
  },
  {
    id: "E-03",
    title: "an app with the other kind of synchronisation says so",
    run: async (stage) => {
      await stage.setUpApp({ syncType: "partition" });
      const { errors, onError } = collecting();
      const realm = await (await stage.device()).open({ onError });
      await stage.eventually(() => errors.length > 0, "the error is told");
      stage.equal(errors[0]?.code, status.wrongSyncType, "code");
      stage.check(errors[0]?.message.includes("partition-based sync") === true, `message "${errors[0]?.message}"`);
      stage.equal(stage.session(realm).state(), "inactive", "state");
    },
  },
  {
    id: "E-04",
    title: "an error that the session survives and one that it does not are told in order, each as what it is",
    facades: ["node", "kotlin"],
    elsewhere: "errors of the Flutter and C++ SDKs do not say whether they are fatal",
    run: async (stage) => {
      const { errors, onError } = collecting();
      const device = await stage.readyDevice({ subscriptions: [rexes], onError });
      device.realm.write(() => device.realm.create("Dog", dog(1, "Bello")));
      await device.session.waitUp();
      await stage.eventually(() => errors.length === 1, "the first error is told");
      await device.session.waitDown();
      stage.serverSays(device, errorCode.permissionDenied, "the user may not sync");
      await stage.eventually(() => errors.length === 2, "the second error is told");
      stage.equal(
        errors.map(({ code, isFatal }) => [code, isFatal]),
        [
          [status.compensatingWrite, false],
          [status.permissionDenied, true],
        ],
        "codes, and whether they are fatal",
      );
    },
  },
  {
    id: "E-06",
    title: "a session that is paused tells no errors",
    run: async (stage) => {
      const { errors, onError } = collecting();
      const { realm, session, proxy } = await stage.readyDevice({ subscriptions: [rexes], onError });
      proxy.holdAnswers();
      realm.write(() => realm.create("Dog", dog(1, "Bello")));
      await stage.eventually(() => proxy.heldAnswerBytes() > 0, "the upload has arrived, and the answer has not");
      session.pause();
      if (stage.adapter.capabilities.has("simulatedErrors")) session.simulateError(status.permissionDenied, "no");
      proxy.restore();
      await stage.sleep(400);
      stage.equal(errors, [], "errors while paused");
      stage.equal(session.state(), "inactive", "state");
      session.resume();
      await stage.eventually(() => errors.length > 0, "the error is told after resuming");
      await session.waitDown();
      stage.equal(
        errors.map(({ code }) => code),
        [status.compensatingWrite],
        "errors after resuming",
      );
    },
  },
  {
    id: "E-07",
    title: "without a handler errors are logged, and the session goes on",
    facades: ["kotlin", "flutter"],
    run: async (stage) => {
      const lines = stage.captureLog("warn");
      const { realm, session } = await stage.readyDevice({ subscriptions: [rexes] });
      realm.write(() => realm.create("Dog", dog(1, "Bello")));
      await session.waitUp();
      const isTold = (): boolean => lines.some(({ message }) => message.includes("Client attempted a write"));
      await stage.eventually(isTold, "the error is logged");
      realm.write(() => realm.create("Dog", dog(2, "Rex")));
      stage.equal(await session.waitUp(), "done", "upload afterwards");
      stage.equal(session.state(), "active", "state");
    },
  },
  {
    id: "E-08",
    title: "a changeset that the server cannot take is a fatal error of its own code",
    facades: ["kotlin"],
    run: async (stage) => {
      const { errors, onError } = collecting();
      const device = await stage.readyDevice({ onError });
      const text = "Failed to transform received changeset: Schema mismatch";
      stage.serverSays(device, errorCode.badChangeset, text, { action: "ApplicationBug", shouldClientReset: false });
      await stage.eventually(() => errors.length > 0, "the error is told");
      stage.equal([errors[0]?.code, errors[0]?.isFatal], [status.badChangeset, true], "code, and whether it is fatal");
      stage.check(errors[0]?.message.includes(text) === true, `message "${errors[0]?.message}"`);
      stage.equal(device.session.state(), "inactive", "state");
    },
  },
];
