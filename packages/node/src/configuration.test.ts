import { expect, test } from "vitest";
import { App, type AppConfiguration } from "./app/app.js";
import type { Credentials } from "./app/credentials.js";
import { User } from "./app/user.js";
import { checkConfiguration } from "./configuration.js";
import { TypeAssertionError } from "./errors.js";
import { Realm } from "./realm.js";

// Construction contacts nobody.
const app = new App({ id: "checks", baseUrl: "http://127.0.0.1:9", metadata: { mode: "inMemory" } });
const stored = {
  id: "u",
  accessToken: "",
  refreshToken: "",
  deviceId: "",
  identities: [],
  profile: {},
  isLoggedIn: false,
};
const { User: EngineUser } = await import("@tidemark/engine");
const user = User.of(app, new EngineUser(app.internal, stored));
const sync = { user, flexible: true } as const;

test.each([
  [{ path: "" }, "The path cannot be empty."],
  [{ path: 5 }, "Expected 'path' to be a string, got a number"],
  [{ schema: {} }, "Expected 'schema' to be an array, got an object"],
  [{ schemaVersion: "1" }, "Expected 'schemaVersion' to be a number, got a string"],
  [{ schemaVersion: -1 }, "'schemaVersion' on realm configuration must be 0 or a positive integer."],
  [{ inMemory: "yes" }, "Expected 'inMemory' to be a boolean, got a string"],
  [{ onMigration: 1 }, "Expected 'onMigration' to be a function, got a number"],
  [{ sync, inMemory: true }, "The realm configuration options 'inMemory' and 'sync' cannot both be defined."],
  [
    { sync, onMigration: () => undefined },
    "The realm configuration options 'onMigration' and 'sync' cannot both be defined.",
  ],
  [
    { sync, deleteRealmIfMigrationNeeded: true },
    "The realm configuration options 'deleteRealmIfMigrationNeeded' and 'sync' cannot both be defined.",
  ],
  [
    { sync: { user: {}, flexible: true } },
    "Expected 'user' on realm sync configuration to be an instance of User, got an object",
  ],
  [{ fifoFilesFallbackPath: 1 }, "Expected 'fifoFilesFallbackPath' to be a string, got a number"],
  [{ sync, openSyncedRealmLocally: "yes" }, "Expected 'openSyncedRealmLocally' to be a boolean, got a string"],
  [{ sync: { ...sync, onError: 1 } }, "Expected 'onError' on realm sync configuration to be a function, got a number"],
  [
    { sync: { ...sync, _sessionStopPolicy: "later" } },
    "'_sessionStopPolicy' on realm sync configuration must be one of the following: 'after-upload', 'immediately', 'never'",
  ],
  [
    { sync: { ...sync, cancelWaitsOnNonFatalError: 1 } },
    "Expected 'cancelWaitsOnNonFatalError' on realm sync configuration to be a boolean, got a number",
  ],
  [
    { sync: { ...sync, customHttpHeaders: "x" } },
    "Expected 'customHttpHeaders' on realm sync configuration to be an object, got a string",
  ],
  [
    { sync: { ...sync, customHttpHeaders: { a: 1 } } },
    "Expected 'customHttpHeaders.a' on realm sync configuration to be a string, got a number",
  ],
  [{ sync: { ...sync, ssl: true } }, "Expected 'ssl' on realm sync configuration to be an object, got a boolean"],
  [
    { sync: { ...sync, proxyConfig: "x" } },
    "Expected 'proxyConfig' on realm sync configuration to be an object, got a string",
  ],
  [{ sync: { user, flexible: false } }, "'flexible' must always be true for realms using flexible sync."],
  [{ sync: { ...sync, partitionValue: "x" } }, "'partitionValue' cannot be specified when flexible sync is enabled."],
  [
    { sync: { user, partitionValue: "x", initialSubscriptions: { update: () => undefined } } },
    "'initialSubscriptions' can only be specified when flexible sync is enabled.",
  ],
  [
    { sync: { ...sync, newRealmFileBehavior: { type: "x" } } },
    "'newRealmFileBehavior.type' on realm sync configuration must be either 'downloadBeforeOpen' or 'openImmediately'.",
  ],
  [
    { sync: { ...sync, existingRealmFileBehavior: { type: "openImmediately", timeOutBehavior: "x" } } },
    "'existingRealmFileBehavior.timeOutBehavior' on realm sync configuration must be either 'openLocalRealm' or 'throwException'.",
  ],
  [
    { sync: { ...sync, clientReset: { mode: "x" } } },
    "'clientReset' on realm sync configuration must be one of the following:",
  ],
  [{ sync: { ...sync, clientReset: { mode: "manual" } } }, "need to set either onError or onManual or both"],
  [{ sync: { ...sync, clientReset: "manual" } }, "Expected 'clientReset' on realm sync configuration to be an object"],
  ...["onManual", "onBefore", "onAfter", "onFallback", "onReport"].map((name): [object, string] => [
    { sync: { ...sync, clientReset: { mode: "recoverUnsyncedChanges", [name]: 1 } } },
    `Expected 'clientReset.${name}' on realm sync configuration to be a function, got a number`,
  ]),
])("%o is refused", (configuration, message) => {
  expect(() => checkConfiguration(configuration)).toThrow(message);
});

test("open rejects for what the constructor throws for", async () => {
  const configuration = { sync, inMemory: true } as const;
  const message = "The realm configuration options 'inMemory' and 'sync' cannot both be defined.";
  expect(() => new Realm(configuration)).toThrow(message);
  await expect(Realm.open(configuration)).rejects.toThrow(message);
  const opening = Realm.open({ path: "" });
  opening.cancel();
  await expect(opening.progress(() => undefined)).rejects.toThrow("The path cannot be empty.");
});

test.each([
  [{ id: 5 }, "Expected 'id' to be a string, got a number"],
  [{ id: "x", timeout: "5" }, "Expected 'timeout' to be a number, got a string"],
  [{ id: "x", multiplexSessions: "no" }, "Expected 'multiplexSessions' to be a boolean, got a string"],
  [{ id: "x", baseFilePath: 5 }, "Expected 'baseFilePath' to be a string, got a number"],
  [{ id: "x", metadata: "none" }, "Expected 'metadata' to be an object, got a string"],
  [{ id: "x", metadata: { mode: "none" } }, "Invalid 'metadata.mode': 'none'"],
])("an app of %o is refused", (configuration, message) => {
  expect(() => new App(configuration as unknown as AppConfiguration)).toThrow(message);
});

test("only credentials log in", async () => {
  const message = "Expected 'credentials' to be an instance of Credentials, got an object";
  await expect(app.logIn({} as Credentials)).rejects.toThrow(new TypeAssertionError(message));
});

test("what is right is accepted", () => {
  checkConfiguration({});
  checkConfiguration({ path: "a.realm", schema: [], schemaVersion: 3 });
  checkConfiguration({ sync: { ...sync, clientReset: { mode: "manual", onManual: () => undefined } } });
});
