/**
 * What the Realm class offers beside realms: the other classes and the constants of the SDK.
 *
 * @module
 */

import { App } from "./app/app.js";
import { Credentials } from "./app/credentials.js";
import { User } from "./app/user.js";
import { assertFunction } from "./assert.js";
import { BSON } from "./bson.js";
import { OrderedCollection } from "./data/collection.js";
import { Counter } from "./data/counter.js";
import { Dictionary } from "./data/dictionary.js";
import { List } from "./data/list.js";
import { RealmObject } from "./data/object.js";
import { Results } from "./data/results.js";
import { RealmSet } from "./data/set.js";
import * as enums from "./enums.js";
import { type LoggerCallback, setLogger, setLogLevel } from "./logging.js";
import { ProgressRealmPromise } from "./open.js";

/** The static side of the Realm class. */
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
  /** The value types of BSON, as the SDK has them. */
  static BSON: typeof BSON = BSON;
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

  /** Sets who gets the lines of the log; nobody at first. See {@link LoggerCallback}. */
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
