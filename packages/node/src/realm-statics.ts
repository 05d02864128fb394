/**
 * What the Realm class offers beside realms: the other classes and the constants of the SDK, and what needs no file.
 *
 * @module
 */

import { App } from "./app/app.js";
import { Credentials } from "./app/credentials.js";
import { EmailPasswordAuth } from "./app/email-password-auth.js";
import { User } from "./app/user.js";
import { assertFunction, assertString } from "./assert.js";
import { BSON } from "./bson.js";
import { OrderedCollection } from "./data/collection.js";
import { Counter } from "./data/counter.js";
import { Dictionary } from "./data/dictionary.js";
import { List } from "./data/list.js";
import { RealmObject } from "./data/object.js";
import { Results } from "./data/results.js";
import { RealmSet } from "./data/set.js";
import { engine } from "./engine.js";
import * as enums from "./enums.js";
import * as errors from "./errors.js";
import { type LoggerCallback, setLogger, setLogLevel } from "./logging.js";
import { ProgressRealmPromise } from "./open.js";
import { BaseSubscriptionSet, MutableSubscriptionSet, Subscription, SubscriptionSet } from "./sync/subscriptions.js";
import { Sync } from "./sync/sync.js";
import { SyncSession } from "./sync/sync-session.js";

/** The static side of the Realm class: every name that can be imported, since `require` gives the class alone. */
// oxlint-disable-next-line typescript/no-extraneous-class
export abstract class RealmStatics {
  static App: typeof App = App;
  static Object: typeof RealmObject = RealmObject;
  static Collection: typeof OrderedCollection = OrderedCollection;
  static OrderedCollection: typeof OrderedCollection = OrderedCollection;
  static Results: typeof Results = Results;
  static List: typeof List = List;
  static Set: typeof RealmSet = RealmSet;
  static Dictionary: typeof Dictionary = Dictionary;
  static Counter: typeof Counter = Counter;
  static User: typeof User = User;
  static Credentials: typeof Credentials = Credentials;
  static EmailPasswordAuth: typeof EmailPasswordAuth = EmailPasswordAuth;
  static Sync: typeof Sync = Sync;
  static SyncSession: typeof SyncSession = SyncSession;
  static Subscription: typeof Subscription = Subscription;
  static BaseSubscriptionSet: typeof BaseSubscriptionSet = BaseSubscriptionSet;
  static SubscriptionSet: typeof SubscriptionSet = SubscriptionSet;
  static MutableSubscriptionSet: typeof MutableSubscriptionSet = MutableSubscriptionSet;
  static BSON: typeof BSON = BSON;
  static SyncError: typeof errors.SyncError = errors.SyncError;
  static ClientResetError: typeof errors.ClientResetError = errors.ClientResetError;
  static CompensatingWriteError: typeof errors.CompensatingWriteError = errors.CompensatingWriteError;
  static TimeoutError: typeof errors.TimeoutError = errors.TimeoutError;
  static AssertionError: typeof errors.AssertionError = errors.AssertionError;
  static TypeAssertionError: typeof errors.TypeAssertionError = errors.TypeAssertionError;
  static SchemaParseError: typeof errors.SchemaParseError = errors.SchemaParseError;
  static ObjectSchemaParseError: typeof errors.ObjectSchemaParseError = errors.ObjectSchemaParseError;
  static PropertySchemaParseError: typeof errors.PropertySchemaParseError = errors.PropertySchemaParseError;
  static IllegalConstructorError: typeof errors.IllegalConstructorError = errors.IllegalConstructorError;
  static UpdateMode: typeof enums.UpdateMode = enums.UpdateMode;
  static ProviderType: typeof enums.ProviderType = enums.ProviderType;
  static UserState: typeof enums.UserState = enums.UserState;
  static MetadataMode: typeof enums.MetadataMode = enums.MetadataMode;
  static OpenRealmBehaviorType: typeof enums.OpenRealmBehaviorType = enums.OpenRealmBehaviorType;
  static OpenRealmTimeOutBehavior: typeof enums.OpenRealmTimeOutBehavior = enums.OpenRealmTimeOutBehavior;
  static ClientResetMode: typeof enums.ClientResetMode = enums.ClientResetMode;
  static SessionStopPolicy: typeof enums.SessionStopPolicy = enums.SessionStopPolicy;
  static ProxyType: typeof enums.ProxyType = enums.ProxyType;
  static SessionState: typeof enums.SessionState = enums.SessionState;
  static ConnectionState: typeof enums.ConnectionState = enums.ConnectionState;
  static ProgressDirection: typeof enums.ProgressDirection = enums.ProgressDirection;
  static ProgressMode: typeof enums.ProgressMode = enums.ProgressMode;
  static SubscriptionSetState: typeof enums.SubscriptionSetState = enums.SubscriptionSetState;
  static WaitForSync: typeof enums.WaitForSync = enums.WaitForSync;
  static NumericLogLevel: typeof enums.NumericLogLevel = enums.NumericLogLevel;
  static ProgressRealmPromise: typeof ProgressRealmPromise = ProgressRealmPromise;
  static flags: { THROW_ON_GLOBAL_REALM: boolean; ALLOW_CLEAR_TEST_STATE: boolean } = {
    THROW_ON_GLOBAL_REALM: false,
    ALLOW_CLEAR_TEST_STATE: false,
  };
  static #defaultPath: string | undefined;

  static get defaultPath(): string {
    return RealmStatics.#defaultPath ?? engine().host.files.resolve("default.realm");
  }

  static set defaultPath(path: string) {
    assertString(path, "path");
    RealmStatics.#defaultPath = path;
  }

  static copyBundledRealmFiles(): void {
    throw new Error("Realm.copyBundledRealmFiles is not available on Node.js.");
  }

  static setLogLevel(level: enums.LogLevel, category: string = "Realm"): void {
    setLogLevel(level, category);
  }

  static setLogger(callback: LoggerCallback): void {
    assertFunction(callback, "callback");
    setLogger(callback);
  }

  /** Default values of a class's properties. */
  static createTemplateObject<T extends Record<string, unknown>>(schema: {
    readonly properties: Readonly<Record<string, unknown>>;
  }): T {
    const values: Record<string, unknown> = {};
    for (const [name, property] of Object.entries(schema.properties)) {
      if (typeof property !== "object" || property === null || !("default" in property)) continue;
      values[name] = typeof property.default === "function" ? (property.default as () => unknown)() : property.default;
    }
    return values as T;
  }
}
