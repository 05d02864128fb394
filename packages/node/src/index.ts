/**
 * Tidemark for Node.js, with the names, types and behaviour of the `realm` package.
 *
 * @module
 */

import "./realm-namespace.js";
import { Realm } from "./realm.js";

export { App, type AppConfiguration } from "./app/app.js";
export { Credentials } from "./app/credentials.js";
export { EmailPasswordAuth } from "./app/email-password-auth.js";
export { type DefaultFunctionsFactory, User, type UserIdentity } from "./app/user.js";
export { BSON } from "./bson.js";
export type {
  BaseSyncConfiguration,
  ClientResetCallbacks,
  ClientResetConfig,
  ClientResetDiscardUnsyncedChangesConfiguration,
  ClientResetManualConfiguration,
  ClientResetRecoverOrDiscardUnsyncedChangesConfiguration,
  ClientResetRecoverUnsyncedChangesConfiguration,
  ClientResetReporting,
  Configuration,
  ErrorCallback,
  FlexibleSyncConfiguration,
  InitialSubscriptions,
  MigrationCallback,
  MigrationOptions,
  OpenRealmBehaviorConfiguration,
  PartitionSyncConfiguration,
  PartitionValue,
  ProxyConfiguration,
  SSLConfiguration,
  SyncConfiguration,
} from "./configuration.js";
export { Counter } from "./data/counter.js";
export {
  type CollectionChangeCallback,
  type CollectionChangeSet,
  OrderedCollection,
  type SortDescriptor,
} from "./data/collection.js";
export { Dictionary, type DictionaryChangeCallback, type DictionaryChangeSet } from "./data/dictionary.js";
export { List } from "./data/list.js";
export { type ObjectChangeCallback, type ObjectChangeSet, RealmObject as Object } from "./data/object.js";
export { Results, type Subscribable, type SubscriptionOptions } from "./data/results.js";
export { RealmSet as Set } from "./data/set.js";
export type { Unmanaged } from "./data/unmanaged.js";
export * from "./enums.js";
export {
  AssertionError,
  ClientResetError,
  CompensatingWriteError,
  type CompensatingWriteInfo,
  IllegalConstructorError,
  ObjectSchemaParseError,
  PropertySchemaParseError,
  SchemaParseError,
  SyncError,
  TimeoutError,
  TypeAssertionError,
} from "./errors.js";
export type { LogEntry, LoggerCallback } from "./logging.js";
export { ProgressRealmPromise } from "./open.js";
export type { RealmEventName, RealmListenerCallback } from "./realm.js";
export type { RealmObjectClass, RealmObjectConstructor } from "./schema/parse.js";
export type * from "./schema/types.js";
export type { ClientResetReport } from "./sync/client-reset.js";
export { BaseSubscriptionSet, MutableSubscriptionSet, Subscription, SubscriptionSet } from "./sync/subscriptions.js";
export { Sync } from "./sync/sync.js";
export {
  type ConnectionNotificationCallback,
  type ProgressNotificationCallback,
  SyncSession,
} from "./sync/sync-session.js";

export { Realm, Realm as "module.exports" };
export default Realm;
