/**
 * T: tokens that expire, and are refused.
 *
 * @module
 */

import type { ErrorInformation } from "../adapter.js";
import { dog } from "../harness/stage.js";
import type { FacadeName, Scenario } from "../scenario.js";

/** Code of a user whom the server does not let in any more. */
const authError = 4346;

/** Longer than an access token lasts. */
const tokenLifetimeMs = 40 * 60_000;

/** How each facade shows a session that waits for a token: two have no word of their own for it. */
const waiting: Readonly<Record<FacadeName, string>> = {
  node: "active",
  kotlin: "waiting_for_access_token",
  flutter: "inactive",
  cpp: "waiting_for_access_token",
};

export const tokenScenarios: readonly Scenario[] = [
  {
    id: "T-01",
    title: "an access token that expires is refreshed, and the session goes on",
    run: async (stage) => {
      const errors: ErrorInformation[] = [];
      const onError = (error: ErrorInformation): void => void errors.push(error);
      const [reader, device] = [await stage.readyDevice(), await stage.readyDevice({ onError })];
      const { app, realm, session, proxy, user } = device;
      const token = user.accessToken();
      await stage.passTime(tokenLifetimeMs);
      proxy.cut();
      await stage.eventually(() => session.connection() !== "connected", "the cut is noticed");
      proxy.restore();
      app.reconnectAll();
      realm.write(() => realm.create("Dog", dog(1)));
      stage.equal(await session.waitUp(), "done", "upload");
      reader.realm.write(() => reader.realm.create("Dog", dog(2)));
      await stage.settle(reader.session, session);
      stage.equal(realm.keys("Dog"), [1, 2], "dogs");
      stage.check(user.accessToken() !== "" && user.accessToken() !== token, "the token is another one");
      stage.equal([session.state(), session.connection()], ["active", "connected"], "session");
      stage.equal(errors, [], "errors");
    },
  },
  {
    id: "T-02",
    title: "a refused refresh logs the user out, tells the handler and ends the waits",
    run: async (stage) => {
      const admin = await stage.setUpApp();
      const errors: ErrorInformation[] = [];
      const onError = (error: ErrorInformation): void => void errors.push(error);
      const { app, realm, session, proxy, user } = await stage.readyDevice({ onError });
      proxy.cut();
      await stage.eventually(() => session.connection() !== "connected", "the cut is noticed");
      realm.write(() => realm.create("Dog", dog(1)));
      const waits = [session.waitUp(), session.waitDown()].map((wait) => stage.rejection(wait, "wait"));
      await admin.logOutUser(user.id);
      await stage.passTime(tokenLifetimeMs);
      proxy.restore();
      app.reconnectAll();
      for (const { code } of await Promise.all(waits)) stage.equal(code, authError, "code that waits end with");
      await stage.eventually(() => errors.length > 0, "the handler is told");
      const [error] = errors;
      stage.equal(error?.code, authError, "code");
      const text = "Unable to refresh the user access token: ";
      stage.check(error?.message.includes(text) === true, `message "${error?.message}"`);
      stage.check(error?.isFatal !== false, "it is fatal");
      stage.check(!user.isLoggedIn(), "the user is logged out");
      stage.equal([session.state(), session.connection()], ["inactive", "disconnected"], "session");
      stage.equal(realm.keys("Dog"), [1], "dogs");
      stage.equal(errors.length, 1, "errors");
    },
  },
  {
    id: "T-04",
    title: "a realm opens offline though the access token has expired, and syncs when there is a network",
    run: async (stage) => {
      // A server whose clock is behind makes tokens that have expired when they arrive.
      await stage.passTime(-tokenLifetimeMs);
      const device = await stage.device();
      await stage.passTime(tokenLifetimeMs);
      const { app, proxy, user } = device;
      const token = user.accessToken();
      proxy.cut();
      const realm = await device.open();
      const session = stage.session(realm);
      const raw = session.rawState().toLowerCase();
      stage.oneOf(raw, waiting, "session after opening");
      stage.equal(session.connection(), "disconnected", "connection after opening");
      realm.write(() => realm.create("Dog", dog(1)));
      stage.equal(realm.keys("Dog"), [1], "dogs");
      const wait = session.waitUp();
      stage.check(await stage.staysOpen(wait, 500), "the wait ended offline");
      stage.check(user.isLoggedIn(), "the user stays logged in");
      proxy.restore();
      app.reconnectAll();
      stage.equal(await wait, "done", "upload");
      stage.check(user.accessToken() !== token, "the token is another one");
      stage.equal([session.state(), session.connection()], ["active", "connected"], "session in the end");
    },
  },
];
