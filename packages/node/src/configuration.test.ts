import { expect, test } from "vitest";
import { App } from "./app/app.js";
import { User } from "./app/user.js";
import { checkConfiguration } from "./configuration.js";

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

test("what is right is accepted", () => {
  checkConfiguration({});
  checkConfiguration({ path: "a.realm", schema: [], schemaVersion: 3 });
  checkConfiguration({ sync: { ...sync, clientReset: { mode: "manual", onManual: () => undefined } } });
});
