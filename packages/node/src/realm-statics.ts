/**
 * What the Realm class offers beside realms: the other classes and the constants of the SDK.
 *
 * @module
 */

import { App } from "./app/app.js";
import { Credentials } from "./app/credentials.js";
import { User } from "./app/user.js";
import { BSON } from "./bson.js";
import { OrderedCollection } from "./data/collection.js";
import { Counter } from "./data/counter.js";
import { Dictionary } from "./data/dictionary.js";
import { List } from "./data/list.js";
import { RealmObject } from "./data/object.js";
import { Results } from "./data/results.js";
import { RealmSet } from "./data/set.js";
import * as enums from "./enums.js";
import { ProgressRealmPromise } from "./open.js";

/** The static side of the Realm class. */
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
  static BSON: typeof BSON = BSON;
  static UpdateMode: typeof enums.UpdateMode = enums.UpdateMode;
  static ProviderType: typeof enums.ProviderType = enums.ProviderType;
  static UserState: typeof enums.UserState = enums.UserState;
  static MetadataMode: typeof enums.MetadataMode = enums.MetadataMode;
  static OpenRealmBehaviorType: typeof enums.OpenRealmBehaviorType = enums.OpenRealmBehaviorType;
  static OpenRealmTimeOutBehavior: typeof enums.OpenRealmTimeOutBehavior = enums.OpenRealmTimeOutBehavior;
  static ClientResetMode: typeof enums.ClientResetMode = enums.ClientResetMode;
  static SessionStopPolicy: typeof enums.SessionStopPolicy = enums.SessionStopPolicy;
  static SessionState: typeof enums.SessionState = enums.SessionState;
  static ConnectionState: typeof enums.ConnectionState = enums.ConnectionState;
  static ProgressDirection: typeof enums.ProgressDirection = enums.ProgressDirection;
  static ProgressMode: typeof enums.ProgressMode = enums.ProgressMode;
  static SubscriptionSetState: typeof enums.SubscriptionSetState = enums.SubscriptionSetState;
  static WaitForSync: typeof enums.WaitForSync = enums.WaitForSync;
  static NumericLogLevel: typeof enums.NumericLogLevel = enums.NumericLogLevel;
  static ProgressRealmPromise: typeof ProgressRealmPromise = ProgressRealmPromise;
}
