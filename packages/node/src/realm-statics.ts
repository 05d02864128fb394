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
  /** {@link App} as a member, as the SDK has it. */
  static App: typeof App = App;
  /** {@link RealmObject} as a member, as the SDK has it. */
  static Object: typeof RealmObject = RealmObject;
  /** {@link OrderedCollection} by its older name. */
  static Collection: typeof OrderedCollection = OrderedCollection;
  /** {@link OrderedCollection} as a member, as the SDK has it. */
  static OrderedCollection: typeof OrderedCollection = OrderedCollection;
  /** {@link Results} as a member, as the SDK has it. */
  static Results: typeof Results = Results;
  /** {@link List} as a member, as the SDK has it. */
  static List: typeof List = List;
  /** {@link RealmSet} as a member, as the SDK has it. */
  static Set: typeof RealmSet = RealmSet;
  /** {@link Dictionary} as a member, as the SDK has it. */
  static Dictionary: typeof Dictionary = Dictionary;
  /** {@link Counter} as a member, as the SDK has it. */
  static Counter: typeof Counter = Counter;
  /** {@link User} as a member, as the SDK has it. */
  static User: typeof User = User;
  /** {@link Credentials} as a member, as the SDK has it. */
  static Credentials: typeof Credentials = Credentials;
  /** {@link EmailPasswordAuth} as a member, as the SDK has it. */
  static EmailPasswordAuth: typeof EmailPasswordAuth = EmailPasswordAuth;
  /** {@link Sync} as a member, as the SDK has it. */
  static Sync: typeof Sync = Sync;
  /** {@link SyncSession} as a member, as the SDK has it. */
  static SyncSession: typeof SyncSession = SyncSession;
  /** {@link Subscription} as a member, as the SDK has it. */
  static Subscription: typeof Subscription = Subscription;
  /** {@link BaseSubscriptionSet} as a member, as the SDK has it. */
  static BaseSubscriptionSet: typeof BaseSubscriptionSet = BaseSubscriptionSet;
  /** {@link SubscriptionSet} as a member, as the SDK has it. */
  static SubscriptionSet: typeof SubscriptionSet = SubscriptionSet;
  /** {@link MutableSubscriptionSet} as a member, as the SDK has it. */
  static MutableSubscriptionSet: typeof MutableSubscriptionSet = MutableSubscriptionSet;
  /** The value types of BSON, as the SDK has them. */
  static BSON: typeof BSON = BSON;
  /** {@link errors.SyncError} as a member, as the SDK has it. */
  static SyncError: typeof errors.SyncError = errors.SyncError;
  /** {@link errors.ClientResetError} as a member, as the SDK has it. */
  static ClientResetError: typeof errors.ClientResetError = errors.ClientResetError;
  /** {@link errors.CompensatingWriteError} as a member, as the SDK has it. */
  static CompensatingWriteError: typeof errors.CompensatingWriteError = errors.CompensatingWriteError;
  /** {@link errors.TimeoutError} as a member, as the SDK has it. */
  static TimeoutError: typeof errors.TimeoutError = errors.TimeoutError;
  /** {@link errors.AssertionError} as a member, as the SDK has it. */
  static AssertionError: typeof errors.AssertionError = errors.AssertionError;
  /** {@link errors.TypeAssertionError} as a member, as the SDK has it. */
  static TypeAssertionError: typeof errors.TypeAssertionError = errors.TypeAssertionError;
  /** {@link errors.SchemaParseError} as a member, as the SDK has it. */
  static SchemaParseError: typeof errors.SchemaParseError = errors.SchemaParseError;
  /** {@link errors.ObjectSchemaParseError} as a member, as the SDK has it. */
  static ObjectSchemaParseError: typeof errors.ObjectSchemaParseError = errors.ObjectSchemaParseError;
  /** {@link errors.PropertySchemaParseError} as a member, as the SDK has it. */
  static PropertySchemaParseError: typeof errors.PropertySchemaParseError = errors.PropertySchemaParseError;
  /** {@link errors.IllegalConstructorError} as a member, as the SDK has it. */
  static IllegalConstructorError: typeof errors.IllegalConstructorError = errors.IllegalConstructorError;
  /** {@link enums.UpdateMode} as a member, as the SDK has it. */
  static UpdateMode: typeof enums.UpdateMode = enums.UpdateMode;
  /** {@link enums.ProviderType} as a member, as the SDK has it. */
  static ProviderType: typeof enums.ProviderType = enums.ProviderType;
  /** {@link enums.UserState} as a member, as the SDK has it. */
  static UserState: typeof enums.UserState = enums.UserState;
  /** {@link enums.MetadataMode} as a member, as the SDK has it. */
  static MetadataMode: typeof enums.MetadataMode = enums.MetadataMode;
  /** {@link enums.OpenRealmBehaviorType} as a member, as the SDK has it. */
  static OpenRealmBehaviorType: typeof enums.OpenRealmBehaviorType = enums.OpenRealmBehaviorType;
  /** {@link enums.OpenRealmTimeOutBehavior} as a member, as the SDK has it. */
  static OpenRealmTimeOutBehavior: typeof enums.OpenRealmTimeOutBehavior = enums.OpenRealmTimeOutBehavior;
  /** {@link enums.ClientResetMode} as a member, as the SDK has it. */
  static ClientResetMode: typeof enums.ClientResetMode = enums.ClientResetMode;
  /** {@link enums.SessionStopPolicy} as a member, as the SDK has it. */
  static SessionStopPolicy: typeof enums.SessionStopPolicy = enums.SessionStopPolicy;
  /** {@link enums.ProxyType} as a member, as the SDK has it. */
  static ProxyType: typeof enums.ProxyType = enums.ProxyType;
  /** {@link enums.SessionState} as a member, as the SDK has it. */
  static SessionState: typeof enums.SessionState = enums.SessionState;
  /** {@link enums.ConnectionState} as a member, as the SDK has it. */
  static ConnectionState: typeof enums.ConnectionState = enums.ConnectionState;
  /** {@link enums.ProgressDirection} as a member, as the SDK has it. */
  static ProgressDirection: typeof enums.ProgressDirection = enums.ProgressDirection;
  /** {@link enums.ProgressMode} as a member, as the SDK has it. */
  static ProgressMode: typeof enums.ProgressMode = enums.ProgressMode;
  /** {@link enums.SubscriptionSetState} as a member, as the SDK has it. */
  static SubscriptionSetState: typeof enums.SubscriptionSetState = enums.SubscriptionSetState;
  /** {@link enums.WaitForSync} as a member, as the SDK has it. */
  static WaitForSync: typeof enums.WaitForSync = enums.WaitForSync;
  /** {@link enums.NumericLogLevel} as a member, as the SDK has it. */
  static NumericLogLevel: typeof enums.NumericLogLevel = enums.NumericLogLevel;
  /** {@link ProgressRealmPromise} as a member, as the SDK has it. */
  static ProgressRealmPromise: typeof ProgressRealmPromise = ProgressRealmPromise;
  /** Switches for tests. */
  static flags: {
    /** Of no effect. */
    THROW_ON_GLOBAL_REALM: boolean;
    /** Whether tests may have all realms closed. */
    ALLOW_CLEAR_TEST_STATE: boolean;
  } = {
    THROW_ON_GLOBAL_REALM: false,
    ALLOW_CLEAR_TEST_STATE: false,
  };
  static #defaultPath: string | undefined;

  /** The file of local realms that are given no path: `default.realm` in the current directory unless it is set. */
  static get defaultPath(): string {
    return RealmStatics.#defaultPath ?? engine().host.files.resolve("default.realm");
  }

  /** @throws {@link TypeAssertionError} for anything but a text. */
  static set defaultPath(path: string) {
    assertString(path, "path");
    RealmStatics.#defaultPath = path;
  }

  /** Of React Native: here it throws always. */
  static copyBundledRealmFiles(): void {
    throw new Error("Realm.copyBundledRealmFiles is not available on Node.js.");
  }

  /**
   * Sets from which level on a category logs, and those below it: all of them by default, from `warn` on.
   *
   * @throws for a level or a category that there is not.
   */
  static setLogLevel(level: enums.LogLevel, category: string = "Realm"): void {
    setLogLevel(level, category);
  }

  /**
   * Sets who gets the lines of the log: at first they are printed, as `[category - level] message`. See
   * {@link LoggerCallback}.
   */
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
