/**
 * Tidemark in the shape of the Realm SDK for Flutter and Dart.
 *
 * @module
 */

export { App, AppConfiguration, type AppConfigurationOptions, type SyncTimeoutOptions } from "./app/app.js";
export { Credentials } from "./app/credentials.js";
export { EmailPasswordAuthProvider } from "./app/email-password.js";
export { FunctionsClient, User, type UserChanges, type UserIdentity, type UserProfile } from "./app/user.js";
export { Decimal128, ObjectId, Uuid } from "./bson.js";
export { type Cancellation, CancellationToken, TimeoutCancellationToken } from "./cancellation.js";
export {
  type CommonOptions,
  Configuration,
  DisconnectedSyncConfiguration,
  FlexibleSyncConfiguration,
  type FlexibleSyncOptions,
  InMemoryConfiguration,
  LocalConfiguration,
  type LocalOptions,
} from "./configuration.js";
export type * from "./data/changes.js";
export { RealmCollection } from "./data/collection.js";
export { RealmList } from "./data/list.js";
export { RealmMap } from "./data/map.js";
export { AsymmetricObject, EmbeddedObject, type ModelBase, RealmObject } from "./data/object.js";
export { type DynamicObject, RealmObjectBase } from "./data/object-base.js";
export { RealmValue, type RealmValueContent, RealmValueType } from "./data/realm-value.js";
export { RealmResults } from "./data/results.js";
export { RealmSet } from "./data/set.js";
export type { Migration, MigrationRealm } from "./migration.js";
export type { Duration } from "./duration.js";
export * from "./enums.js";
export {
  AppException,
  CancelledException,
  type ErrorDetails,
  RealmClosedError,
  RealmError,
  RealmException,
  RealmStateError,
  RealmUnsupportedSetError,
  StateError,
  TimeoutException,
  UserCallbackException,
} from "./errors.js";
export { LogCategory, LogLevel, type LogRecord, RealmLogger } from "./logging.js";
export { type AccessorDecorator, type ClassDecorator, Persisted, RealmModel } from "./model/decorators.js";
export * from "./model/property.js";
export {
  type ModelClass,
  type ModelObject,
  type ModelReference,
  ObjectType,
  type PrimaryKeyOf,
  RealmSchema,
  type SchemaEntry,
  SchemaObject,
  type SchemaOptions,
  type SchemaProperty,
} from "./model/schema.js";
export { type DynamicRealm, type OpenRealmOptions, Realm } from "./realm.js";
export { type ListenOptions, Stream, StreamSubscription } from "./stream.js";
export {
  type AfterResetCallback,
  type AutomaticResetOptions,
  type BeforeResetCallback,
  type ClientResetCallback,
  ClientResetHandler,
  type ClientResetReport,
  DiscardUnsyncedChangesHandler,
  ManualRecoveryHandler,
  type RecoverOrDiscardOptions,
  RecoverOrDiscardUnsyncedChangesHandler,
  RecoverUnsyncedChangesHandler,
  type SyncErrorHandler,
} from "./sync/client-reset.js";
export { type ConnectionStateChange, Session, Session as SyncSession, type SyncProgress } from "./sync/session.js";
export type { SubscribeOptions } from "./sync/subscribe.js";
export { type AddOptions, MutableSubscriptionSet, Subscription, SubscriptionSet } from "./sync/subscriptions.js";
export {
  ClientResetError,
  CompensatingWriteError,
  type CompensatingWriteInfo,
  SyncError,
  SyncErrorCode,
} from "./sync/sync-error.js";
export { Transaction } from "./transaction.js";
