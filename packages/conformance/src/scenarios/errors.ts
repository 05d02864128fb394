/**
 * E: errors. T: tokens and logging out.
 *
 * @module
 */

import type { ErrorInformation } from "../adapter.js";
import { dog } from "../harness/stage.js";
import type { Scenario } from "../scenario.js";

/** Code of writes that the server took back. */
const compensatingWrite = 1033;

/** A subscription to dogs called Rex. */
const rexes = { name: "some", className: "Dog", query: 'name == "Rex"' };

export const errorScenarios: readonly Scenario[] = [
  {
    id: "E-01",
    title: "a write outside the subscriptions is taken back and told, the session goes on",
    run: async (stage) => {
      const errors: ErrorInformation[] = [];
      const onError = (error: ErrorInformation): void => void errors.push(error);
      const { realm, session } = await stage.readyDevice({ subscriptions: [rexes], onError });
      realm.write(() => {
        realm.create("Dog", dog(1, "Bello"));
        realm.create("Dog", dog(2, "Rex"));
      });
      await session.waitUp();
      await stage.eventually(() => errors.length > 0, "the error is told");
      await stage.eventually(() => realm.count("Dog") === 1, "the dog outside is gone");
      stage.equal(realm.keys("Dog"), [2], "dogs");
      const [error] = errors;
      stage.equal(error?.code, compensatingWrite, "code");
      stage.equal(
        error?.writes?.map(({ className, key }) => [className, key]),
        [["Dog", 1]],
        "writes",
      );
      stage.check((error?.writes?.[0]?.reason ?? "") !== "", "there is a reason");
      realm.write(() => realm.create("Dog", dog(3, "Rex")));
      await session.waitUp();
      await session.waitDown();
      stage.equal(realm.keys("Dog"), [2, 3], "dogs after going on");
      stage.equal(errors.length, 1, "errors");
    },
  },
  {
    id: "E-05",
    title: "an error handler that throws does not stop the session",
    run: async (stage) => {
      let calls = 0;
      const onError = (): void => {
        calls += 1;
        throw new Error("the handler failed");
      };
      const { realm, session } = await stage.readyDevice({ subscriptions: [rexes], onError });
      realm.write(() => realm.create("Dog", dog(1, "Bello")));
      await session.waitUp();
      await stage.eventually(() => calls > 0, "the handler is called");
      realm.write(() => realm.create("Dog", dog(2, "Rex")));
      stage.equal(await session.waitUp(), "done", "upload afterwards");
      stage.equal(session.state(), "active", "state");
    },
  },
  {
    id: "T-03",
    title: "logging out makes the user's sessions inactive and disconnected",
    run: async (stage) => {
      const { app, user, session } = await stage.readyDevice();
      await app.logOut(user);
      stage.equal(session.state(), "inactive", "state");
      stage.equal(session.connection(), "disconnected", "connection");
    },
  },
  {
    id: "T-03b",
    title: "after logging in again the open realm syncs on, both ways",
    run: async (stage) => {
      const [reader, device] = [await stage.readyDevice(), await stage.device()];
      const user = await device.app.logIn("someone@example.com");
      const realm = await stage.openFor(user);
      await realm.subscriptions().waitSync();
      const session = stage.session(realm);
      await device.app.logOut(user);
      realm.write(() => realm.create("Dog", dog(1)));
      const wait = session.waitUp();
      stage.check(await stage.staysOpen(wait, 300), "the wait ended while logged out");
      stage.equal(reader.realm.count("Dog"), 0, "dogs at the reader while logged out");
      await device.app.logIn("someone@example.com");
      stage.equal(await wait, "done", "the wait that began while logged out");
      await stage.eventually(() => reader.realm.count("Dog") === 1, "the dog arrives");
      reader.realm.write(() => reader.realm.create("Dog", dog(2)));
      await stage.settle(reader.session, session);
      stage.equal(realm.keys("Dog"), [1, 2], "dogs at the one that logged in again");
    },
  },
];
