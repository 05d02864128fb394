/**
 * The SDK-neutral client: everything about behaviour is here, facades only rename.
 *
 * Node's host, native core and worker are in `@tidemark/engine/node`.
 *
 * @module
 */

export { App, type AppConfiguration, type AppListener, type UserChange } from "./app/app.js";
export * as credentials from "./app/credentials.js";
export type { Credentials } from "./app/credentials.js";
export { type BoundObject, columnAccessor } from "./binding/accessor.js";
export {
  Binding,
  bindingKey,
  type BindingParts,
  type Bound,
  type Handle,
  handleKey,
  unwrap,
  type Wrappers,
} from "./binding/binding.js";
export { elementsAsResults, eraseEmbedded, holdsObjects, resultsOfCollection } from "./binding/collections.js";
export { type Counted, indexedForm, type IndexAccess, withIndexes } from "./binding/indexed.js";
export { logCategories, LogFilter, type LogLevel, logLevels } from "./binding/log-filter.js";
export { withFetch } from "./binding/own-fetch.js";
export { EmailPasswordCalls, type EmailToken } from "./app/email-password.js";
export { resolveHandle } from "./binding/resolve.js";
export type { ApiCall } from "./app/http.js";
export { type AnyCallback, Listeners } from "./app/listeners.js";
export {
  namedServiceError,
  type NamedServiceError,
  type ServiceErrorName,
  serviceErrorNumbers,
} from "./app/service-codes.js";
export { User, type UserIdentity, type UserState } from "./app/user.js";
export type * from "./core.js";
export type { CollectionChanges, DictionaryChanges } from "./data/changes.js";
export { createObject, eraseAll, findObject, primaryKeyOf, type UpdateMode } from "./data/create.js";
export { Database, type DatabaseOptions } from "./data/database.js";
export { Dictionary } from "./data/dictionary.js";
export { List } from "./data/list.js";
export { type DatabaseMigration, deleteClass, renameProperty } from "./data/migration.js";
export { type CollectionPlace, isNested, nestingMax, type Way } from "./data/nested.js";
export type { Notifier, Unsubscribe } from "./data/notifier.js";
export { EmbeddedHandle, type Holder, ObjectHandle } from "./data/object.js";
export type { KeyPaths, ObjectChanges } from "./data/observers.js";
export { isPlainPath, pathText } from "./data/path-text.js";
export {
  type Aggregate,
  aggregateOf,
  type Order,
  packParameters,
  Results,
  type ResultsSource,
  type Stage,
} from "./data/results.js";
export {
  type BacklinkDeclaration,
  type ClassDeclaration,
  ClassLayout,
  type CollectionKind,
  type Column,
  declarationOf,
  primaryKeyColumn,
  type PropertyDeclaration,
} from "./data/schema.js";
export { sortedByPaths, sortedByThemselves } from "./data/sort-paths.js";
export type { SchemaMode } from "./data/schema-changes.js";
export {
  type Subscription,
  SubscriptionDraft,
  type SubscriptionOptions,
  type SubscriptionSet,
  SubscriptionSets,
  type SubscriptionState,
} from "./data/subscriptions.js";
export { compareInOrder, type ValueOrder, ValueResults } from "./data/value-results.js";
export { ValueSet } from "./data/value-set.js";
export {
  Engine,
  type EngineParts,
  type InitialSubscriptions,
  type MigrationFiles,
  type CopyOptions,
  type OpenOptions,
  type OpenSyncOptions,
} from "./engine.js";
export { isPromiseLike, refuseAsync } from "./asynchronous.js";
export * from "./errors.js";
export type * from "./host.js";
export type { LogCategory, LogSink } from "./log.js";
export { type FileSync, RealmFile } from "./realm-file.js";
export { inlineTransport } from "./sync/inline-transport.js";
export {
  type ConnectionState,
  defaultSyncTimeouts,
  type ErrorConsequence,
  type Generation,
  type ProgressReport,
  type ResetDemand,
  type SessionId,
  type SessionSettings,
  type SyncCommand,
  type SyncEvent,
  type SyncTimeouts,
  type SyncTransport,
} from "./sync/messages.js";
export type { ProgressCall, ProgressDirection, ProgressMode } from "./sync/progress.js";
export type { SessionState } from "./sync/session-states.js";
export { SyncManager, type TransportFactory } from "./sync/sync-manager.js";
export type { ConnectionListener, StatusListener, StopPolicy, SyncOptions } from "./sync/sync-options.js";
export { SyncSession } from "./sync/sync-session.js";
export {
  type CollectionParts,
  type Conventions,
  dateParts,
  type MixedParts,
  plainConventions,
  type TimestampParts,
} from "./values/conventions.js";
export { columnOrder, type NamedColumn, rowParts } from "./values/row.js";
export { describeType, Linkable, typeMismatch, type ValueType } from "./values/pack.js";
export { simulateError } from "./sync/simulate-error.js";
export { type Waited, type WaitLimits, within } from "./sync/within.js";
export type { PendingTransfer, SyncStatus } from "./sync/sync-status.js";
export type { ResetHandlers } from "./sync/reset-handlers.js";
export type { DroppedChange, ResetReport } from "./sync/reset-report.js";
export { WriteTurns } from "./sync/write-turns.js";
