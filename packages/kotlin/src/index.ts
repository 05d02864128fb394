/**
 * Tidemark in the shape of the Realm Kotlin SDK, as of its last version with synchronisation (2.3).
 *
 * Suspending functions return promises, flows are {@link Flow}s, durations {@link Duration}s; receivers of lambdas are
 * parameters: `realm.write((tx) => tx.copyToRealm(task))`.
 *
 * @module
 */

export { App } from "./app/app.js";
export { type AuthenticationChange, LoggedIn, LoggedOut, Removed } from "./app/authentication.js";
export { AuthenticationProvider, Credentials, GoogleAuthType } from "./app/credentials.js";
export { EmailPasswordAuth } from "./app/email-password-auth.js";
export * from "./app/exceptions.js";
export { type BsonDocument, Functions, User, type UserIdentity, UserState } from "./app/user.js";
export { Decimal128, ObjectId, RealmUUID } from "./bson.js";
export {
  AppConfiguration,
  AppConfigurationBuilder,
  type SyncTimeoutOptions,
  SyncTimeoutOptionsBuilder,
} from "./configuration/app-configuration.js";
export {
  type CommonSettings,
  type CompactOnLaunchCallback,
  Configuration,
  type InitialDataCallback,
  SharedBuilder,
} from "./configuration/configuration.js";
export {
  RealmConfiguration,
  type RealmConfigurationBuilder,
  type RealmConfigurationBuilderClass,
} from "./configuration/realm-configuration.js";
export {
  type ErrorHandler,
  type InitialRemoteDataConfiguration,
  type InitialSubscriptionsCallback,
  type InitialSubscriptionsConfiguration,
  SyncConfiguration,
  type SyncConfigurationBuilder,
  type SyncConfigurationBuilderClass,
  SyncMode,
} from "./configuration/sync-configuration.js";
export { type AnyValue, RealmAny, RealmAnyType } from "./data/any.js";
export * from "./data/changes.js";
export { OrderedRealmCollection, RealmCollection } from "./data/collection.js";
export { MutableRealmInt } from "./data/counter.js";
export { realmAnyDictionaryOf, RealmDictionary, realmDictionaryOf } from "./data/dictionary.js";
export { UpdatePolicy } from "./data/importer.js";
export { RealmInstant } from "./data/instant.js";
export { realmAnyListOf, RealmList, realmListOf } from "./data/list.js";
export {
  AsymmetricRealmObject,
  asymmetricRealmObject,
  BaseRealmObject,
  EmbeddedRealmObject,
  embeddedRealmObject,
  RealmObject,
  realmObject,
} from "./data/object.js";
export { RealmQuery, RealmScalarQuery, RealmSingleQuery, Sort, type SumOf } from "./data/query.js";
export { RealmResults } from "./data/results.js";
export { RealmSet, realmSetOf } from "./data/set.js";
export { DynamicMutableRealmObject, DynamicRealmObject, type DynamicValues } from "./dynamic/dynamic-object.js";
export { DynamicMutableRealm, DynamicRealm } from "./dynamic/dynamic-realm.js";
export { days, Duration, hours, microseconds, milliseconds, minutes, nanoseconds, seconds } from "./duration.js";
export {
  DownloadingRealmTimeOutException,
  IllegalArgumentException,
  IllegalStateException,
  IndexOutOfBoundsException,
  NoSuchElementException,
  TimeoutCancellationException,
  UnsupportedOperationException,
} from "./errors.js";
export { Flow } from "./flow/flow.js";
export { LogCategory, LogLevel, RealmLog, type RealmLogger } from "./log.js";
export {
  AutomaticSchemaMigration,
  type MigrationBlock,
  type MigrationContext,
  type RealmMigration,
} from "./migration.js";
export { type Deleteable, MutableRealm } from "./mutable-realm.js";
export { Realm } from "./realm.js";
export { type CheckedModels, type ModelBase, type ModelClass, type ObjectSchema, realmSchema } from "./schema/model.js";
export {
  any,
  backlinks,
  binary,
  boolean,
  byte,
  decimal128,
  dictionary,
  double,
  float,
  fullText,
  ignore,
  index,
  instant,
  int,
  list,
  type Long,
  long,
  mutableInt,
  nullable,
  object,
  objectId,
  persistedName,
  primaryKey,
  type Properties,
  type PropertiesOf,
  type Property,
  type PropertyDefinition,
  set,
  short,
  string,
  type Target,
  uuid,
} from "./schema/property.js";
export { type RealmClass, type RealmProperty, RealmSchema, RealmStorageType } from "./schema/realm-schema.js";
export {
  type AfterReset,
  type BeforeReset,
  DiscardUnsyncedChangesStrategy,
  type ManualReset,
  ManuallyRecoverUnsyncedChangesStrategy,
  RecoverOrDiscardUnsyncedChangesStrategy,
  RecoverUnsyncedChangesStrategy,
  type ResetCallbacks,
  type SyncClientResetStrategy,
} from "./sync/client-reset.js";
export * from "./sync/exceptions.js";
export { WaitForSync } from "./sync/subscribe.js";
export {
  BaseSubscriptionSet,
  MutableSubscriptionSet,
  type Subscribable,
  Subscription,
  SubscriptionSet,
  SubscriptionSetState,
} from "./sync/subscriptions.js";
export {
  ConnectionState,
  type ConnectionStateChange,
  Direction,
  type Progress,
  ProgressMode,
  SessionState,
  SyncSession,
} from "./sync/sync-session.js";
export { Sync } from "./sync/sync.js";
export type { TypedRealm } from "./typed-realm.js";
