/**
 * The types for `require`: this package is a module, and CommonJS in TypeScript may not take its types from one. Every
 * name is that of the module; `require` gives the class, which has them all.
 */

import type { Realm as Class } from "./dist/index.js" with { "resolution-mode": "import" };

declare const Base: typeof Class;
declare class Realm extends Base {}
import Itself = Realm;
declare namespace Realm {
  export import Realm = Itself;
  const App: typeof Class.App;
  const Object: typeof Class.Object;
  const Collection: typeof Class.Collection;
  const OrderedCollection: typeof Class.OrderedCollection;
  const Results: typeof Class.Results;
  const List: typeof Class.List;
  const Set: typeof Class.Set;
  const Dictionary: typeof Class.Dictionary;
  const Counter: typeof Class.Counter;
  const User: typeof Class.User;
  const Credentials: typeof Class.Credentials;
  const EmailPasswordAuth: typeof Class.EmailPasswordAuth;
  const Sync: typeof Class.Sync;
  const SyncSession: typeof Class.SyncSession;
  const Subscription: typeof Class.Subscription;
  const BaseSubscriptionSet: typeof Class.BaseSubscriptionSet;
  const SubscriptionSet: typeof Class.SubscriptionSet;
  const MutableSubscriptionSet: typeof Class.MutableSubscriptionSet;
  const BSON: typeof Class.BSON;
  const SyncError: typeof Class.SyncError;
  const ClientResetError: typeof Class.ClientResetError;
  const CompensatingWriteError: typeof Class.CompensatingWriteError;
  const TimeoutError: typeof Class.TimeoutError;
  const AssertionError: typeof Class.AssertionError;
  const TypeAssertionError: typeof Class.TypeAssertionError;
  const SchemaParseError: typeof Class.SchemaParseError;
  const ObjectSchemaParseError: typeof Class.ObjectSchemaParseError;
  const PropertySchemaParseError: typeof Class.PropertySchemaParseError;
  const IllegalConstructorError: typeof Class.IllegalConstructorError;
  const UpdateMode: typeof Class.UpdateMode;
  const ProviderType: typeof Class.ProviderType;
  const UserState: typeof Class.UserState;
  const MetadataMode: typeof Class.MetadataMode;
  const OpenRealmBehaviorType: typeof Class.OpenRealmBehaviorType;
  const OpenRealmTimeOutBehavior: typeof Class.OpenRealmTimeOutBehavior;
  const ClientResetMode: typeof Class.ClientResetMode;
  const SessionStopPolicy: typeof Class.SessionStopPolicy;
  const ProxyType: typeof Class.ProxyType;
  const SessionState: typeof Class.SessionState;
  const ConnectionState: typeof Class.ConnectionState;
  const ProgressDirection: typeof Class.ProgressDirection;
  const ProgressMode: typeof Class.ProgressMode;
  const SubscriptionSetState: typeof Class.SubscriptionSetState;
  const WaitForSync: typeof Class.WaitForSync;
  const NumericLogLevel: typeof Class.NumericLogLevel;
  const ProgressRealmPromise: typeof Class.ProgressRealmPromise;
  type App<F = DefaultFunctionsFactory, C extends Record<string, unknown> = DefaultObject> = Class.App<F, C>;
  type BaseSubscriptionSet = Class.BaseSubscriptionSet;
  type ClientResetError = Class.ClientResetError;
  type ClientResetMode = Class.ClientResetMode;
  type CompensatingWriteError = Class.CompensatingWriteError;
  type CompensatingWriteInfo = Class.CompensatingWriteInfo;
  type ConnectionNotificationCallback = Class.ConnectionNotificationCallback;
  type DictionaryChangeCallback<T = unknown> = Class.DictionaryChangeCallback<T>;
  type DictionaryChangeSet = Class.DictionaryChangeSet;
  type EmailPasswordAuth = Class.EmailPasswordAuth;
  type ErrorCallback = Class.ErrorCallback;
  type InitialSubscriptions = Class.InitialSubscriptions;
  type MigrationCallback = Class.MigrationCallback;
  type MigrationOptions = Class.MigrationOptions;
  type LogLevel = Class.LogLevel;
  type MetadataMode = Class.MetadataMode;
  type ObjectClass = Class.RealmObjectClass;
  type OpenRealmBehaviorType = Class.OpenRealmBehaviorType;
  type OpenRealmTimeOutBehavior = Class.OpenRealmTimeOutBehavior;
  type PartitionSyncConfiguration = Class.PartitionSyncConfiguration;
  type ProgressDirection = Class.ProgressDirection;
  type ProgressMode = Class.ProgressMode;
  type ProgressRealmPromise = Class.ProgressRealmPromise;
  type PropertiesTypes = Class.PropertiesTypes;
  type ProviderType = Class.ProviderType;
  type SessionState = Class.SessionState;
  type SessionStopPolicy = Class.SessionStopPolicy;
  type SubscriptionSetState = Class.SubscriptionSetState;
  type TimeoutError = Class.TimeoutError;
  type UserIdentity = Class.UserIdentity;
  type UserState = Class.UserState;
  type WaitForSync = Class.WaitForSync;
  type AppConfiguration = Class.AppConfiguration;
  type BaseSyncConfiguration = Class.BaseSyncConfiguration;
  type CanonicalObjectSchema = Class.CanonicalObjectSchema;
  type CanonicalPropertySchema = Class.CanonicalPropertySchema;
  type ClientResetConfig = Class.ClientResetConfig;
  type Collection<T = unknown> = Class.OrderedCollection<T>;
  type CollectionChangeCallback<T = unknown> = Class.CollectionChangeCallback<T>;
  type CollectionChangeSet = Class.CollectionChangeSet;
  type Configuration = Class.Configuration;
  type ConnectionState = Class.ConnectionState;
  type Counter = Class.Counter;
  type Credentials = Class.Credentials;
  type DefaultObject = Class.DefaultObject;
  type Dictionary<T = unknown> = Class.Dictionary<T>;
  type FlexibleSyncConfiguration = Class.FlexibleSyncConfiguration;
  type List<T = unknown> = Class.List<T>;
  type MutableSubscriptionSet = Class.MutableSubscriptionSet;
  type Object<T = DefaultObject, R extends keyof T = never> = Class.Object<T, R>;
  type ObjectChangeCallback<T> = Class.ObjectChangeCallback<T>;
  type ObjectChangeSet<T> = Class.ObjectChangeSet<T>;
  type ObjectSchema = Class.ObjectSchema;
  type OpenRealmBehaviorConfiguration = Class.OpenRealmBehaviorConfiguration;
  type OrderedCollection<T = unknown> = Class.OrderedCollection<T>;
  type ProgressNotificationCallback = Class.ProgressNotificationCallback;
  type PropertySchema = Class.PropertySchema;
  type Results<T = unknown> = Class.Results<T>;
  type Set<T = unknown> = Class.Set<T>;
  type Subscription = Class.Subscription;
  type SubscriptionOptions = Class.SubscriptionOptions;
  type SubscriptionSet = Class.SubscriptionSet;
  type SyncConfiguration = Class.SyncConfiguration;
  type SyncError = Class.SyncError;
  type SyncSession = Class.SyncSession;
  type Unmanaged<T, R extends keyof T = never> = Class.Unmanaged<T, R>;
  type UpdateMode = Class.UpdateMode;
  type User<F = DefaultFunctionsFactory, C = DefaultObject, P = DefaultObject> = Class.User<F, C, P>;
  type AssertionError = Class.AssertionError;
  type ClientResetCallbacks = Class.ClientResetCallbacks;
  type ClientResetDiscardUnsyncedChangesConfiguration = Class.ClientResetDiscardUnsyncedChangesConfiguration;
  type ClientResetManualConfiguration = Class.ClientResetManualConfiguration;
  type ClientResetRecoverOrDiscardUnsyncedChangesConfiguration =
    Class.ClientResetRecoverOrDiscardUnsyncedChangesConfiguration;
  type ClientResetRecoverUnsyncedChangesConfiguration = Class.ClientResetRecoverUnsyncedChangesConfiguration;
  type ClientResetReport = Class.ClientResetReport;
  type ClientResetReporting = Class.ClientResetReporting;
  type CollectionPropertyTypeName = Class.CollectionPropertyTypeName;
  type DefaultFunctionsFactory = Class.DefaultFunctionsFactory;
  type IllegalConstructorError = Class.IllegalConstructorError;
  type LogEntry = Class.LogEntry;
  type LoggerCallback = Class.LoggerCallback;
  type NumericLogLevel = Class.NumericLogLevel;
  type ObjectSchemaParseError = Class.ObjectSchemaParseError;
  type PartitionValue = Class.PartitionValue;
  type PrimitivePropertyTypeName = Class.PrimitivePropertyTypeName;
  type PropertySchemaParseError = Class.PropertySchemaParseError;
  type PropertyTypeName = Class.PropertyTypeName;
  type ProxyConfiguration = Class.ProxyConfiguration;
  type ProxyType = Class.ProxyType;
  type RealmEventName = Class.RealmEventName;
  type RealmListenerCallback = Class.RealmListenerCallback;
  type RealmObjectClass = Class.RealmObjectClass;
  type RealmObjectConstructor = Class.RealmObjectConstructor;
  type RelationshipPropertyTypeName = Class.RelationshipPropertyTypeName;
  type SSLConfiguration = Class.SSLConfiguration;
  type SchemaParseError = Class.SchemaParseError;
  type SortDescriptor = Class.SortDescriptor;
  type Subscribable = Class.Subscribable;
  type Sync = Class.Sync;
  type TypeAssertionError = Class.TypeAssertionError;
  namespace App {
    namespace Sync {
      type Session = Class.SyncSession;
      type ConnectionState = Class.ConnectionState;
      type Subscription = Class.Subscription;
      type SubscriptionSet = Class.SubscriptionSet;
      type MutableSubscriptionSet = Class.MutableSubscriptionSet;
      type BaseSubscriptionSet = Class.BaseSubscriptionSet;
      type SubscriptionSetState = Class.SubscriptionSetState;
      type SubscriptionsState = Class.SubscriptionSetState;
      type SubscriptionOptions = Class.SubscriptionOptions;
      type LogLevel = Class.LogLevel;
      type NumericLogLevel = Class.NumericLogLevel;
      type PartitionValue = Class.PartitionValue;
    }
    type Credentials = Class.Credentials;
  }
  namespace Sync {
    type Session = Class.SyncSession;
    type ConnectionState = Class.ConnectionState;
    type Subscription = Class.Subscription;
    type SubscriptionSet = Class.SubscriptionSet;
    type MutableSubscriptionSet = Class.MutableSubscriptionSet;
    type BaseSubscriptionSet = Class.BaseSubscriptionSet;
    type SubscriptionSetState = Class.SubscriptionSetState;
    type SubscriptionsState = Class.SubscriptionSetState;
    type SubscriptionOptions = Class.SubscriptionOptions;
    type LogLevel = Class.LogLevel;
    type NumericLogLevel = Class.NumericLogLevel;
    type PartitionValue = Class.PartitionValue;
  }
  namespace Types {
    type Bool = boolean;
    type String = string;
    type Int = number;
    type Float = number;
    type Double = number;
    type Decimal128 = Class.BSON.Decimal128;
    type ObjectId = Class.BSON.ObjectId;
    type UUID = Class.BSON.UUID;
    type Date = globalThis.Date;
    type Data = ArrayBuffer;
    type List<T> = Class.List<T>;
    type Set<T> = Class.Set<T>;
    type Dictionary<T> = Class.Dictionary<T>;
    type Mixed = unknown;
    type Counter = Class.Counter;
    type LinkingObjects<T, _Property extends string = string> = Class.Results<T>;
  }
  namespace BSON {
    type Decimal128 = Class.BSON.Decimal128;
    type ObjectId = Class.BSON.ObjectId;
    type UUID = Class.BSON.UUID;
  }
}

export = Realm;
