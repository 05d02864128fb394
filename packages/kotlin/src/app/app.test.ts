import { createServer, type IncomingHttpHeaders } from "node:http";
import { expect, test } from "vitest";
import { AppConfiguration } from "../configuration/app-configuration.js";
import { SyncConfiguration } from "../configuration/sync-configuration.js";
import { seconds } from "../duration.js";
import {
  DownloadingRealmTimeOutException,
  IllegalArgumentException,
  IllegalStateException,
  UnsupportedOperationException,
} from "../errors.js";
import { Realm } from "../realm.js";
import { type Synced, Task, task, useServer } from "../testing/server.js";
import { App } from "./app.js";
import type { AuthenticationChange } from "./authentication.js";
import { Credentials, GoogleAuthType } from "./credentials.js";
import {
  AppException,
  ConnectionException,
  FunctionExecutionException,
  InvalidCredentialsException,
  UserAlreadyExistsException,
} from "./exceptions.js";

const synced: Synced = useServer();

test("users register, log in, and are refused with the exception that says why", async () => {
  const { app } = await synced.device("accounts");
  await app.emailPasswordAuth.registerUser("ada@example.com", "a long password");
  const user = await app.login(Credentials.emailPassword("ada@example.com", "a long password"));
  expect([user.loggedIn, user.state, user.identities[0]?.provider, app.currentUser]).toEqual([
    true,
    "LOGGED_IN",
    "EMAIL_PASSWORD",
    user,
  ]);
  expect(app.allUsers()).toHaveLength(2);
  expect(user.profileAsBsonDocument()).toEqual({ email: "ada@example.com" });
  expect(user.customDataAsBsonDocument()).toBeNull();
  const again = app.emailPasswordAuth.registerUser("ada@example.com", "another password");
  await expect(again).rejects.toThrow("[Service][AccountNameInUse(4348)] name already in use.");
  await expect(again).rejects.toBeInstanceOf(UserAlreadyExistsException);
  const wrong = app.login(Credentials.emailPassword("ada@example.com", "wrong"));
  await expect(wrong).rejects.toThrow("[Service][InvalidEmailPassword(4349)] ");
  await expect(wrong).rejects.toBeInstanceOf(InvalidCredentialsException);
  const called = user.functions.call("nothing");
  await expect(called).rejects.toBeInstanceOf(FunctionExecutionException);
  await expect(called).rejects.toBeInstanceOf(AppException);
});

test("no server is a connection that fails", async () => {
  const { directory } = synced;
  const builder = new AppConfiguration.Builder("nowhere").baseUrl("http://127.0.0.1:1").syncRootDirectory(directory);
  await expect(App.create(builder.build()).login(Credentials.anonymous())).rejects.toBeInstanceOf(ConnectionException);
});

test("credentials name their provider and need their texts", () => {
  expect(Credentials.anonymous().authenticationProvider).toBe("ANONYMOUS");
  expect(Credentials.google("token", GoogleAuthType.ID_TOKEN).authenticationProvider).toBe("GOOGLE");
  expect(Credentials.customFunction({ a: 1 }).authenticationProvider).toBe("CUSTOM_FUNCTION");
  expect(() => Credentials.emailPassword("", "x")).toThrow(IllegalArgumentException);
});

test("who comes and goes is told to all who collect", async () => {
  const { app, user } = await synced.device("changes");
  const told: AuthenticationChange[] = [];
  const all = app.authenticationChangeAsFlow().collect((change) => void told.push(change));
  await user.logOut();
  const other = await app.login(Credentials.anonymous());
  await app.login(Credentials.anonymous());
  await other.remove();
  expect(told.map(({ kind, user: who }) => [kind, who === user ? "first" : "other"])).toEqual([
    ["Removed", "first"],
    ["LoggedIn", "other"],
    ["LoggedIn", "other"],
    ["Removed", "other"],
  ]);
  app.close();
  await all;
});

test("a call fails that a blocked collector cannot be told of", async () => {
  const { app } = await synced.device("blocked");
  const iterator = app.authenticationChangeAsFlow()[Symbol.asyncIterator]();
  await Promise.all([iterator.next(), app.login(Credentials.anonymous(false))]);
  for (let waiting = 0; waiting < 8; waiting += 1) await app.login(Credentials.anonymous(false));
  await expect(app.login(Credentials.anonymous(false))).rejects.toThrow(IllegalStateException);
  // The collector has missed that one, and goes on.
  for (let waiting = 0; waiting < 8; waiting += 1) expect((await iterator.next()).done).toBe(false);
  const next = iterator.next();
  const user = await app.login(Credentials.anonymous(false));
  expect(await next).toMatchObject({ done: false, value: { kind: "LoggedIn", user } });
  await iterator.return?.();
});

test("a flow of an app that is closed is complete", async () => {
  const { app } = await synced.device("closed");
  app.close();
  expect(await app.authenticationChangeAsFlow().toArray()).toEqual([]);
});

test("another user is switched to, unless it is logged out", async () => {
  const { app, user: first } = await synced.device("switching");
  const second = await app.login(Credentials.anonymous(false));
  expect(app.currentUser).toBe(second);
  app.switchUser(first);
  expect(app.currentUser).toBe(first);
  await second.logOut();
  expect(() => app.switchUser(second)).toThrow(IllegalArgumentException);
});

test("what there is not says so", async () => {
  const { app, user } = await synced.device("unsupported");
  expect(() => user.apiKeyAuth).toThrow(UnsupportedOperationException);
  expect(() => user.mongoClient("mongodb-atlas")).toThrow(UnsupportedOperationException);
  await expect(app.updateBaseUrl("http://example.com")).rejects.toThrow(UnsupportedOperationException);
  expect(() => new SyncConfiguration.Builder(user, "partition", [Task])).toThrow(UnsupportedOperationException);
  expect(() => new SyncConfiguration.Builder(user, [Task]).inMemory()).toThrow(UnsupportedOperationException);
});

test("calls carry the application's headers", async () => {
  const seen: IncomingHttpHeaders[] = [];
  const server = createServer((request, response) => {
    seen.push(request.headers);
    response.writeHead(500).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const configuration = new AppConfiguration.Builder("headers")
    .baseUrl(`http://127.0.0.1:${port}`)
    .syncRootDirectory(synced.directory)
    .authorizationHeaderName("X-Token")
    .customRequestHeaders((headers) => headers.set("X-Mine", "yes"))
    .build();
  await expect(App.create(configuration).login(Credentials.anonymous())).rejects.toThrow(AppException);
  server.close();
  expect(seen[0]?.["x-mine"]).toBe("yes");
});

test("initial subscriptions are made with a new file, and again if that is wished", async () => {
  const device = await synced.device("initially");
  let calls = 0;
  const open = async (isRerun: boolean): Promise<void> => {
    const realm = device.open(
      device.configure().initialSubscriptions(isRerun, (set, opening) => {
        calls += 1;
        set.add(opening.query(Task), `call ${calls}`);
      }),
    );
    realm.close();
    await device.app.sync.waitForSessionsToTerminate();
  };
  await open(false);
  await open(false);
  expect(calls).toBe(1);
  await open(true);
  expect(calls).toBe(2);
});

test("a realm that waits for its data has it when it is open, and then what is written first", async () => {
  const [writer, reader] = [await synced.device("waits"), await synced.device("waits")];
  const source = await writer.openSubscribed();
  source.writeBlocking((tx) => tx.copyToRealm(task(1)));
  await source.syncSession.uploadAllLocalChanges();
  const builder = reader
    .configure()
    .initialSubscriptions((set, opening) => void set.add(opening.query(Task)))
    .initialData((tx) => void tx.copyToRealm(task(2, `after ${tx.query(Task).count().find()}`)))
    .waitForInitialRemoteData(seconds(30));
  const realm = synced.keep(await Realm.open(builder.build()));
  expect(
    realm
      .query(Task)
      .find()
      .map(({ name }) => name),
  ).toEqual(["task 1", "after 1"]);
});

test("initial subscriptions must not be made later", async () => {
  const device = await synced.device("async-initially");
  // oxlint-disable-next-line typescript/no-misused-promises
  const builder = device.configure().initialSubscriptions(async (set, opening) => {
    set.add(opening.query(Task));
    await Promise.resolve();
    throw new Error("nobody waits for this");
  });
  expect(() => Realm.open(builder.build())).toThrow(IllegalArgumentException);
});

test("initial data that could not be written is written by the next opening", async () => {
  const device = await synced.device("initial-again");
  const builder = device.configure().initialSubscriptions((set, opening) => void set.add(opening.query(Task)));
  const failing = builder.initialData(() => {
    throw new Error("not now");
  });
  expect(() => Realm.open(failing.build())).toThrow("not now");
  const realm = device.open(device.configure().initialData((tx) => void tx.copyToRealm(task(1))));
  expect(realm.query(Task).count().find()).toBe(1);
  realm.close();
  expect(device.open().query(Task).count().find()).toBe(1);
});

test("a realm that does not get its data in time is not opened", async () => {
  const device = await synced.device("late");
  const builder = device.configure().name("late.realm").waitForInitialRemoteData(1e-3);
  const { path } = builder.build();
  const opening = Realm.open(builder.build());
  await expect(opening).rejects.toBeInstanceOf(DownloadingRealmTimeOutException);
  await expect(opening).rejects.toThrow(
    `Realm did not manage to download all initial data in time: ${path}, timeout: 1us.`,
  );
  // What the new file was to begin with is not forgotten.
  const again = device
    .configure()
    .name("late.realm")
    .initialData((tx) => void tx.copyToRealm(task(1)));
  const realm = device.open(again.initialSubscriptions((set, given) => void set.add(given.query(Task))));
  expect(realm.query(Task).count().find()).toBe(1);
});
