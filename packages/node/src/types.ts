/**
 * All types that the SDK names, in one place for the namespace of the Realm class.
 *
 * @module
 */

export type { App, AppConfiguration } from "./app/app.js";
export type { Credentials } from "./app/credentials.js";
export type { EmailPasswordAuth } from "./app/email-password-auth.js";
export type { DefaultFunctionsFactory, User, UserIdentity } from "./app/user.js";
export type { BSON } from "./bson.js";
export type * from "./configuration.js";
export type {
  CollectionChangeCallback,
  CollectionChangeSet,
  OrderedCollection,
  SortDescriptor,
} from "./data/collection.js";
export type { Counter } from "./data/counter.js";
export type { Dictionary, DictionaryChangeCallback, DictionaryChangeSet } from "./data/dictionary.js";
export type { List } from "./data/list.js";
export type { ObjectChangeCallback, ObjectChangeSet, RealmObject as Object } from "./data/object.js";
export type { Results, Subscribable, SubscriptionOptions } from "./data/results.js";
export type { RealmSet as Set } from "./data/set.js";
export type { Unmanaged } from "./data/unmanaged.js";
export type * from "./enums.js";
export type * from "./errors.js";
export type { LogEntry, LoggerCallback } from "./logging.js";
export type { ProgressRealmPromise } from "./open.js";
export type { RealmEventName, RealmListenerCallback } from "./realm.js";
export type { RealmObjectClass, RealmObjectConstructor } from "./schema/parse.js";
export type * from "./schema/types.js";
export type { ClientResetReport } from "./sync/client-reset.js";
export type {
  BaseSubscriptionSet,
  MutableSubscriptionSet,
  Subscription,
  SubscriptionSet,
} from "./sync/subscriptions.js";
export type { Sync } from "./sync/sync.js";
export type { ConnectionNotificationCallback, ProgressNotificationCallback, SyncSession } from "./sync/sync-session.js";
