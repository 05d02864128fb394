/**
 * A: the app and its users.
 *
 * @module
 */

import { dog, type Stage } from "../harness/stage.js";
import { type FacadeName, isFacadeName, pending, type Scenario } from "../scenario.js";
import type { TestApp, TestUser } from "../adapter.js";

const password = "a long password";

const noSuchLogIn = "the server has no log-in by API key, JWT or custom function";

/** Registers an address and logs it in. */
async function join(app: TestApp, email: string): Promise<TestUser> {
  await app.register(email, password);
  return app.logInWith(email, password);
}

/** A verb that a facade with the capability must have. */
function offered<T>(verb: T | undefined, what: string): T {
  if (verb === undefined) throw new Error(`the adapter does not offer ${what}`);
  return verb;
}

/** How each facade says that a password is wrong: code and message. */
const wrongPassword: Readonly<Record<FacadeName, readonly [code: unknown, message: string]>> = {
  node: [4349, "unauthorized"],
  kotlin: [4349, "[Service][InvalidEmailPassword(4349)] unauthorized."],
  flutter: ["InvalidPassword", "unauthorized"],
  cpp: ["InvalidPassword", "unauthorized"],
};

async function countsOfUser(stage: Stage): Promise<void> {
  const { app } = await stage.device();
  const user = await join(app, "a@example.com");
  let calls = 0;
  const stop = offered(user.onChange?.bind(user), "changes of users")(() => (calls += 1));
  await app.logOut(user);
  await stage.eventually(() => calls === 1, "the log-out is told");
  await app.logInWith("a@example.com", password);
  await stage.eventually(() => calls === 2, "the log-in is told");
  stop();
  await app.logOut(user);
  await stage.sleep(200);
  stage.equal(calls, 2, "calls");
}

export const userScenarios: readonly Scenario[] = [
  {
    id: "A-01",
    title: "an anonymous user is taken again where that is wanted, and else is a new one",
    facades: ["node", "kotlin", "flutter"],
    elsewhere: "A-01b is C++'s",
    needs: ["anonymousReuse"],
    run: async (stage) => {
      const { app } = await stage.device();
      const logIn = offered(app.logInAnonymously?.bind(app), "anonymous users");
      const first = await logIn(true);
      stage.equal((await logIn(true)).id, first.id, "user that is taken again");
      stage.check((await logIn(false)).id !== first.id, "a new user is another one");
    },
  },
  {
    id: "A-01b",
    title: "an anonymous user who is logged in is taken again: the SDK has no choice",
    facades: ["cpp"],
    elsewhere: "A-01 is the others'",
    run: async (stage) => {
      const { app } = await stage.device();
      const logIn = offered(app.logInAnonymously?.bind(app), "anonymous users");
      stage.equal((await logIn(true)).id, (await logIn(true)).id, "users");
    },
  },
  {
    id: "A-02",
    title: "registering an address, logging in with it, and the error for a wrong password",
    run: async (stage) => {
      const { app } = await stage.device();
      const user = await join(app, "a@example.com");
      stage.check(user.isLoggedIn() && user.id !== "", "the user is logged in");
      const { code, message } = await stage.rejection(app.logInWith("a@example.com", "a wrong one"), "log-in");
      const { facade } = stage.adapter;
      // How a client with a shape of its own says it is its own business.
      if (isFacadeName(facade)) {
        const [wantedCode, start] = wrongPassword[facade];
        stage.equal(code, wantedCode, "code");
        stage.check(message.startsWith(start), `message "${message}"`);
      }
      const again = await stage.rejection(app.register("a@example.com", password), "a second registration");
      stage.check(again.message.includes("name already in use"), `message "${again.message}"`);
    },
  },
  pending("A-03", "an API key is made, logs in and is disabled", noSuchLogIn, {
    facades: ["node", "kotlin", "flutter"],
  }),
  pending("A-04", "JWT and custom functions log in", noSuchLogIn),
  {
    id: "A-05",
    title: "the current user, all users, switching, removing, deleting",
    facades: ["node", "kotlin", "flutter"],
    elsewhere: "A-05b is C++'s",
    needs: ["manyUsers"],
    run: async (stage) => {
      const { app, user } = await stage.device();
      await offered(app.remove?.bind(app), "removing")(user);
      stage.equal([app.currentUserId(), app.userIds?.()], [null, []], "nobody");
      const [a, b] = [await join(app, "a@example.com"), await join(app, "b@example.com")];
      stage.equal(app.currentUserId(), b.id, "current user");
      stage.equal([...(app.userIds?.() ?? [])].sort(), [a.id, b.id].sort(), "users");
      app.switchTo?.(a);
      stage.equal(app.currentUserId(), a.id, "current user after switching");
      await app.remove?.(a);
      stage.check(!a.isLoggedIn(), "who is removed is logged out");
      stage.equal([app.currentUserId(), app.userIds?.()], [b.id, [b.id]], "after removing");
      await app.deleteAccount?.(b);
      stage.equal([app.currentUserId(), app.userIds?.()], [null, []], "after deleting");
      stage.equal((await app.logInWith("a@example.com", password)).id, a.id, "who was removed can log in");
      await stage.rejection(app.logInWith("b@example.com", password), "log-in of who was deleted");
    },
  },
  {
    id: "A-05b",
    title: "the current user is who logged in last and is logged in",
    facades: ["cpp"],
    elsewhere: "A-05 is the others'",
    run: async (stage) => {
      const { app, user } = await stage.device();
      stage.equal(app.currentUserId(), user.id, "current user");
      const a = await join(app, "a@example.com");
      stage.equal(app.currentUserId(), a.id, "current user after another log-in");
      await app.logOut(a);
      stage.equal(app.currentUserId(), user.id, "current user after the log-out");
      await app.logOut(user);
      stage.equal(app.currentUserId(), null, "current user without any");
    },
  },
  {
    id: "A-06",
    title: "the app's listeners hear once of each log-in and log-out",
    facades: ["node", "kotlin"],
    elsewhere: "A-06b has Flutter's, whose users tell it",
    run: async (stage) => {
      const { app } = await stage.device();
      await app.register("a@example.com", password);
      await app.register("b@example.com", password);
      let calls = 0;
      const stop = offered(app.onUsers?.bind(app), "listeners of users")(() => (calls += 1));
      const a = await app.logInWith("a@example.com", password);
      await stage.eventually(() => calls === 1, "the first log-in is told");
      await app.logInWith("b@example.com", password);
      await stage.eventually(() => calls === 2, "the second log-in is told");
      await app.logOut(a);
      await stage.eventually(() => calls === 3, "the log-out is told");
      stop();
      await app.logInWith("a@example.com", password);
      await stage.sleep(200);
      stage.equal(calls, 3, "calls");
    },
  },
  {
    id: "A-06b",
    title: "a user's listeners hear once of each log-out and log-in",
    facades: ["node", "flutter"],
    elsewhere: "A-06 has Kotlin's, whose app tells it",
    run: countsOfUser,
  },
  {
    id: "A-07",
    title: "an app that is not there is named in the error",
    facades: ["node"],
    run: async (stage) => {
      // No app can be called so.
      const { message } = await stage.rejection(stage.device({ appId: "_smurf" }), "log-in");
      stage.check(message.includes("cannot find app using Client App ID '_smurf'"), `message "${message}"`);
    },
  },
  pending(
    "A-08",
    "functions are called, custom data is refreshed",
    "the server runs no functions, and reads no collection of custom user data",
  ),
  {
    id: "A-09",
    title: "times of the connection that are set reach the client, and are those of their app alone",
    facades: ["kotlin", "flutter"],
    needs: ["timeouts"],
    run: async (stage) => {
      const lines = stage.captureLog("debug");
      const told = (): string[] =>
        lines.flatMap(({ message }) => /^Config param: connect_timeout = (\d+) ms$/.exec(message)?.[1] ?? []);
      const device = await stage.device({ connectTimeoutMs: 7_000 });
      const realm = await device.open();
      await stage.eventually(() => told().length === 1, "the client says its times");
      realm.write(() => realm.create("Dog", dog(1)));
      stage.equal(await stage.session(realm).waitUp(), "done", "upload");
      await (await stage.device()).open();
      await stage.eventually(() => told().length === 2, "the client says the times of another app");
      stage.equal(told().join(" "), "7000 120000", "connect timeouts");
    },
  },
];
