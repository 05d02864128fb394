import { expect, test } from "vitest";
import { AuthProviderType, MetadataPersistenceMode, UserState } from "../enums.js";
import { AppException, RealmError, RealmException } from "../errors.js";
import { turn } from "../testing/folder.js";
import { useServer } from "../testing/synced.js";
import { App, AppConfiguration } from "./app.js";
import { Credentials } from "./credentials.js";

const synced = useServer();

test("configurations are checked", () => {
  expect(() => new AppConfiguration("")).toThrow(new RealmException("Supplied appId must be a non-empty value"));
  const encrypted = { metadataPersistenceMode: MetadataPersistenceMode.encrypted };
  expect(() => new AppConfiguration("x", encrypted)).toThrow("metadataEncryptionKey is needed");
  expect(() => new AppConfiguration("x", { metadataEncryptionKey: [1] })).toThrow("Wrong encryption key size");
  const configuration = new AppConfiguration("x", { baseUrl: "http://127.0.0.1:1", maxConnectionTimeout: 5 });
  expect(configuration.baseUrl.href).toBe("http://127.0.0.1:1/");
  expect([configuration.maxConnectionTimeout, configuration.syncTimeoutOptions]).toEqual([
    5,
    {
      connectTimeout: 5,
      connectionLingerTime: { seconds: 30 },
      pingKeepAlivePeriod: { minutes: 1 },
      pongKeepAliveTimeout: { minutes: 2 },
      fastReconnectLimit: { minutes: 1 },
    },
  ]);
  const { maxConnectionTimeout, syncTimeoutOptions } = new AppConfiguration("x", {
    syncTimeoutOptions: { fastReconnectLimit: 7 },
  });
  expect([maxConnectionTimeout, syncTimeoutOptions.connectTimeout]).toEqual([{ minutes: 2 }, { minutes: 2 }]);
  expect(syncTimeoutOptions.fastReconnectLimit).toBe(7);
});

test("an app is found by its id", async () => {
  const app = synced.makeApp("found-by-id");
  expect(App.getById("found-by-id")).toBe(app);
  expect(App.getById("found-by-id", { baseUrl: synced.server.url })).toBe(app);
  expect(App.getById("found-by-id", { baseUrl: "http://elsewhere" })).toBe(null);
  expect(App.getById("never-made")).toBe(null);
  await expect(app.updateBaseUrl("http://elsewhere")).rejects.toThrow(RealmException);
});

test("users: log in, switch, log out, remove, delete", async () => {
  const app = synced.makeApp("users");
  await app.emailPasswordAuthProvider.registerUser("a@b.c", "a long password");
  const named = await app.logIn(Credentials.emailPassword("a@b.c", "a long password"));
  const anonymous = await app.logIn(Credentials.anonymous());
  expect(await app.logIn(Credentials.anonymous())).toBe(anonymous);
  expect([app.currentUser, app.users.length]).toEqual([anonymous, 2]);
  expect([named.state, named.profile.email, named.profile.name, named.identities[0]?.provider]).toEqual([
    UserState.loggedIn,
    "a@b.c",
    null,
    AuthProviderType.emailPassword,
  ]);
  expect([named.app === app, named.equals(named), named.equals(anonymous)]).toEqual([true, true, false]);
  app.switchUser(named);
  expect(app.currentUser).toBe(named);
  await named.logOut();
  expect([named.state, named.accessToken, named.refreshToken]).toEqual([UserState.loggedOut, "", ""]);
  expect(() => named.functions).toThrow(new RealmError("User must be logged in to call functions"));
  expect(() => named.apiKeys).toThrow("User must be logged in to access API keys");
  expect(() => anonymous.apiKeys).toThrow("API keys of users are not supported");
  expect(() => app.switchUser(named)).toThrow(RealmException);
  await app.removeUser(named);
  await app.deleteUser(anonymous);
  expect([named.state, app.users, app.currentUser]).toEqual([UserState.removed, [], null]);
});

test("what the server refuses says its status", async () => {
  const app = synced.makeApp("refusals");
  const error: unknown = await app
    .logIn(Credentials.emailPassword("no@b.c", "none"))
    .catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(AppException);
  const { message, statusCode } = error as AppException;
  expect(statusCode).toBe(401);
  expect(String(error)).toContain(`AppException: ${message}, status code: 401`);
  const linked = new AppException("M", 400, "http://log");
  expect(String(linked)).toBe("AppException: M, status code: 400, link to server logs: http://log");
  const user = await app.logIn(Credentials.anonymous());
  await expect(user.functions.call("none", [1])).rejects.toThrow(AppException);
});

test("own ways to send requests are used", async () => {
  const urls: string[] = [];
  const httpClient: typeof fetch = (input, options) => {
    urls.push(input as string);
    return fetch(input, options);
  };
  await synced.makeApp("own-client", { httpClient }).logIn(Credentials.anonymous());
  expect(urls.some((url) => url.endsWith("/login"))).toBe(true);
});

test("changes of a user", async () => {
  const { user, app } = await synced.device("user-changes");
  const states: string[] = [];
  const subscription = user.changes.listen(({ user: changed }) => states.push(changed.state));
  await user.logOut();
  await turn();
  await subscription.cancel();
  expect(states).toEqual([UserState.removed]);
  expect(app.currentUser).toBe(null);
});

test("credentials know their provider", () => {
  const all = [
    Credentials.anonymous(),
    Credentials.emailPassword("a", "b"),
    Credentials.apiKey("k"),
    Credentials.jwt("t"),
    Credentials.function('{"who": "me"}'),
    Credentials.googleAuthCode("c"),
    Credentials.googleIdToken("t"),
    Credentials.facebook("t"),
    Credentials.apple("t"),
  ];
  expect(all.map(({ provider }) => provider)).toEqual([
    "anonymous",
    "emailPassword",
    "apiKey",
    "jwt",
    "function",
    "google",
    "google",
    "facebook",
    "apple",
  ]);
  expect(() => Credentials.function("not json")).toThrow(RealmException);
  expect(() => Credentials.function("[1]")).toThrow("must be a JSON object");
});
