/**
 * The types of the SDK as members of the class `Realm`; nothing of it is left when the program runs.
 *
 * @module
 */

import type * as types from "./types.js";

// Members of the namespace are called as everything else is called.
/* oxlint-disable no-shadow */
declare module "./realm.js" {
  /** Types by the names that they have in the SDK. */
  // oxlint-disable-next-line typescript/no-namespace
  namespace Realm {
    /** {@link types.App} as a member, as the SDK has it. */
    type App<F = DefaultFunctionsFactory, C extends Record<string, unknown> = DefaultObject> = types.App<F, C>;
    /** {@link types.BaseSubscriptionSet} as a member, as the SDK has it. */
    type BaseSubscriptionSet = types.BaseSubscriptionSet;
    /** {@link types.ClientResetError} as a member, as the SDK has it. */
    type ClientResetError = types.ClientResetError;
    /** {@link types.ClientResetMode} as a member, as the SDK has it. */
    type ClientResetMode = types.ClientResetMode;
    /** {@link types.CompensatingWriteError} as a member, as the SDK has it. */
    type CompensatingWriteError = types.CompensatingWriteError;
    /** {@link types.CompensatingWriteInfo} as a member, as the SDK has it. */
    type CompensatingWriteInfo = types.CompensatingWriteInfo;
    /** {@link types.ConnectionNotificationCallback} as a member, as the SDK has it. */
    type ConnectionNotificationCallback = types.ConnectionNotificationCallback;
    /** {@link types.DictionaryChangeCallback} as a member, as the SDK has it. */
    type DictionaryChangeCallback<T = unknown> = types.DictionaryChangeCallback<T>;
    /** {@link types.DictionaryChangeSet} as a member, as the SDK has it. */
    type DictionaryChangeSet = types.DictionaryChangeSet;
    /** {@link types.EmailPasswordAuth} as a member, as the SDK has it. */
    type EmailPasswordAuth = types.EmailPasswordAuth;
    /** {@link types.ErrorCallback} as a member, as the SDK has it. */
    type ErrorCallback = types.ErrorCallback;
    /** {@link types.InitialSubscriptions} as a member, as the SDK has it. */
    type InitialSubscriptions = types.InitialSubscriptions;
    /** {@link types.MigrationCallback} as a member, as the SDK has it. */
    type MigrationCallback = types.MigrationCallback;
    /** {@link types.MigrationOptions} as a member, as the SDK has it. */
    type MigrationOptions = types.MigrationOptions;
    /** {@link types.LogLevel} as a member, as the SDK has it. */
    type LogLevel = types.LogLevel;
    /** {@link types.MetadataMode} as a member, as the SDK has it. */
    type MetadataMode = types.MetadataMode;
    /** {@link types.RealmObjectClass} as a member, as the SDK has it. */
    type ObjectClass = types.RealmObjectClass;
    /** {@link types.OpenRealmBehaviorType} as a member, as the SDK has it. */
    type OpenRealmBehaviorType = types.OpenRealmBehaviorType;
    /** {@link types.OpenRealmTimeOutBehavior} as a member, as the SDK has it. */
    type OpenRealmTimeOutBehavior = types.OpenRealmTimeOutBehavior;
    /** {@link types.PartitionSyncConfiguration} as a member, as the SDK has it. */
    type PartitionSyncConfiguration = types.PartitionSyncConfiguration;
    /** {@link types.ProgressDirection} as a member, as the SDK has it. */
    type ProgressDirection = types.ProgressDirection;
    /** {@link types.ProgressMode} as a member, as the SDK has it. */
    type ProgressMode = types.ProgressMode;
    /** {@link types.ProgressRealmPromise} as a member, as the SDK has it. */
    type ProgressRealmPromise = types.ProgressRealmPromise;
    /** {@link types.PropertiesTypes} as a member, as the SDK has it. */
    type PropertiesTypes = types.PropertiesTypes;
    /** {@link types.ProviderType} as a member, as the SDK has it. */
    type ProviderType = types.ProviderType;
    /** {@link types.SessionState} as a member, as the SDK has it. */
    type SessionState = types.SessionState;
    /** {@link types.SessionStopPolicy} as a member, as the SDK has it. */
    type SessionStopPolicy = types.SessionStopPolicy;
    /** {@link types.SubscriptionSetState} as a member, as the SDK has it. */
    type SubscriptionSetState = types.SubscriptionSetState;
    /** {@link types.TimeoutError} as a member, as the SDK has it. */
    type TimeoutError = types.TimeoutError;
    /** {@link types.UserIdentity} as a member, as the SDK has it. */
    type UserIdentity = types.UserIdentity;
    /** {@link types.UserState} as a member, as the SDK has it. */
    type UserState = types.UserState;
    /** {@link types.WaitForSync} as a member, as the SDK has it. */
    type WaitForSync = types.WaitForSync;
    /** {@link types.AppConfiguration} as a member, as the SDK has it. */
    type AppConfiguration = types.AppConfiguration;
    /** {@link types.BaseSyncConfiguration} as a member, as the SDK has it. */
    type BaseSyncConfiguration = types.BaseSyncConfiguration;
    /** {@link types.CanonicalObjectSchema} as a member, as the SDK has it. */
    type CanonicalObjectSchema = types.CanonicalObjectSchema;
    /** {@link types.CanonicalPropertySchema} as a member, as the SDK has it. */
    type CanonicalPropertySchema = types.CanonicalPropertySchema;
    /** {@link types.ClientResetConfig} as a member, as the SDK has it. */
    type ClientResetConfig = types.ClientResetConfig;
    /** {@link types.OrderedCollection} as a member, as the SDK has it. */
    type Collection<T = unknown> = types.OrderedCollection<T>;
    /** {@link types.CollectionChangeCallback} as a member, as the SDK has it. */
    type CollectionChangeCallback<T = unknown> = types.CollectionChangeCallback<T>;
    /** {@link types.CollectionChangeSet} as a member, as the SDK has it. */
    type CollectionChangeSet = types.CollectionChangeSet;
    /** {@link types.Configuration} as a member, as the SDK has it. */
    type Configuration = types.Configuration;
    /** {@link types.ConnectionState} as a member, as the SDK has it. */
    type ConnectionState = types.ConnectionState;
    /** {@link types.Counter} as a member, as the SDK has it. */
    type Counter = types.Counter;
    /** {@link types.Credentials} as a member, as the SDK has it. */
    type Credentials = types.Credentials;
    /** {@link types.DefaultObject} as a member, as the SDK has it. */
    type DefaultObject = types.DefaultObject;
    /** {@link types.Dictionary} as a member, as the SDK has it. */
    type Dictionary<T = unknown> = types.Dictionary<T>;
    /** {@link types.FlexibleSyncConfiguration} as a member, as the SDK has it. */
    type FlexibleSyncConfiguration = types.FlexibleSyncConfiguration;
    /** {@link types.List} as a member, as the SDK has it. */
    type List<T = unknown> = types.List<T>;
    /** {@link types.MutableSubscriptionSet} as a member, as the SDK has it. */
    type MutableSubscriptionSet = types.MutableSubscriptionSet;
    /** {@link types.Object} as a member, as the SDK has it. */
    type Object<T = DefaultObject, R extends keyof T = never> = types.Object<T, R>;
    /** {@link types.ObjectChangeCallback} as a member, as the SDK has it. */
    type ObjectChangeCallback<T> = types.ObjectChangeCallback<T>;
    /** {@link types.ObjectChangeSet} as a member, as the SDK has it. */
    type ObjectChangeSet<T> = types.ObjectChangeSet<T>;
    /** {@link types.ObjectSchema} as a member, as the SDK has it. */
    type ObjectSchema = types.ObjectSchema;
    /** {@link types.OpenRealmBehaviorConfiguration} as a member, as the SDK has it. */
    type OpenRealmBehaviorConfiguration = types.OpenRealmBehaviorConfiguration;
    /** {@link types.OrderedCollection} as a member, as the SDK has it. */
    type OrderedCollection<T = unknown> = types.OrderedCollection<T>;
    /** {@link types.ProgressNotificationCallback} as a member, as the SDK has it. */
    type ProgressNotificationCallback = types.ProgressNotificationCallback;
    /** {@link types.PropertySchema} as a member, as the SDK has it. */
    type PropertySchema = types.PropertySchema;
    /** {@link types.Results} as a member, as the SDK has it. */
    type Results<T = unknown> = types.Results<T>;
    /** {@link types.Set} as a member, as the SDK has it. */
    type Set<T = unknown> = types.Set<T>;
    /** {@link types.Subscription} as a member, as the SDK has it. */
    type Subscription = types.Subscription;
    /** {@link types.SubscriptionOptions} as a member, as the SDK has it. */
    type SubscriptionOptions = types.SubscriptionOptions;
    /** {@link types.SubscriptionSet} as a member, as the SDK has it. */
    type SubscriptionSet = types.SubscriptionSet;
    /** {@link types.SyncConfiguration} as a member, as the SDK has it. */
    type SyncConfiguration = types.SyncConfiguration;
    /** {@link types.SyncError} as a member, as the SDK has it. */
    type SyncError = types.SyncError;
    /** {@link types.SyncSession} as a member, as the SDK has it. */
    type SyncSession = types.SyncSession;
    /** {@link types.Unmanaged} as a member, as the SDK has it. */
    type Unmanaged<T, R extends keyof T = never> = types.Unmanaged<T, R>;
    /** {@link types.UpdateMode} as a member, as the SDK has it. */
    type UpdateMode = types.UpdateMode;
    /** {@link types.User} as a member, as the SDK has it. */
    type User<F = DefaultFunctionsFactory, C = DefaultObject, P = DefaultObject> = types.User<F, C, P>;
    /** {@link types.AssertionError} as a member, as the SDK has it. */
    type AssertionError = types.AssertionError;
    /** {@link types.ClientResetCallbacks} as a member, as the SDK has it. */
    type ClientResetCallbacks = types.ClientResetCallbacks;
    /** {@link types.ClientResetDiscardUnsyncedChangesConfiguration} as a member, as the SDK has it. */
    type ClientResetDiscardUnsyncedChangesConfiguration = types.ClientResetDiscardUnsyncedChangesConfiguration;
    /** {@link types.ClientResetManualConfiguration} as a member, as the SDK has it. */
    type ClientResetManualConfiguration = types.ClientResetManualConfiguration;
    /** {@link types.ClientResetRecoverOrDiscardUnsyncedChangesConfiguration} as a member, as the SDK has it. */
    type ClientResetRecoverOrDiscardUnsyncedChangesConfiguration =
      types.ClientResetRecoverOrDiscardUnsyncedChangesConfiguration;
    /** {@link types.ClientResetRecoverUnsyncedChangesConfiguration} as a member, as the SDK has it. */
    type ClientResetRecoverUnsyncedChangesConfiguration = types.ClientResetRecoverUnsyncedChangesConfiguration;
    /** {@link types.ClientResetReport} as a member, as the SDK has it. */
    type ClientResetReport = types.ClientResetReport;
    /** {@link types.ClientResetReporting} as a member, as the SDK has it. */
    type ClientResetReporting = types.ClientResetReporting;
    /** {@link types.CollectionPropertyTypeName} as a member, as the SDK has it. */
    type CollectionPropertyTypeName = types.CollectionPropertyTypeName;
    /** {@link types.DefaultFunctionsFactory} as a member, as the SDK has it. */
    type DefaultFunctionsFactory = types.DefaultFunctionsFactory;
    /** {@link types.IllegalConstructorError} as a member, as the SDK has it. */
    type IllegalConstructorError = types.IllegalConstructorError;
    /** {@link types.LogEntry} as a member, as the SDK has it. */
    type LogEntry = types.LogEntry;
    /** {@link types.LoggerCallback} as a member, as the SDK has it. */
    type LoggerCallback = types.LoggerCallback;
    /** {@link types.NumericLogLevel} as a member, as the SDK has it. */
    type NumericLogLevel = types.NumericLogLevel;
    /** {@link types.ObjectSchemaParseError} as a member, as the SDK has it. */
    type ObjectSchemaParseError = types.ObjectSchemaParseError;
    /** {@link types.PartitionValue} as a member, as the SDK has it. */
    type PartitionValue = types.PartitionValue;
    /** {@link types.PrimitivePropertyTypeName} as a member, as the SDK has it. */
    type PrimitivePropertyTypeName = types.PrimitivePropertyTypeName;
    /** {@link types.PropertySchemaParseError} as a member, as the SDK has it. */
    type PropertySchemaParseError = types.PropertySchemaParseError;
    /** {@link types.PropertyTypeName} as a member, as the SDK has it. */
    type PropertyTypeName = types.PropertyTypeName;
    /** {@link types.ProxyConfiguration} as a member, as the SDK has it. */
    type ProxyConfiguration = types.ProxyConfiguration;
    /** {@link types.ProxyType} as a member, as the SDK has it. */
    type ProxyType = types.ProxyType;
    /** {@link types.RealmEventName} as a member, as the SDK has it. */
    type RealmEventName = types.RealmEventName;
    /** {@link types.RealmListenerCallback} as a member, as the SDK has it. */
    type RealmListenerCallback = types.RealmListenerCallback;
    /** {@link types.RealmObjectClass} as a member, as the SDK has it. */
    type RealmObjectClass = types.RealmObjectClass;
    /** {@link types.RealmObjectConstructor} as a member, as the SDK has it. */
    type RealmObjectConstructor = types.RealmObjectConstructor;
    /** {@link types.RelationshipPropertyTypeName} as a member, as the SDK has it. */
    type RelationshipPropertyTypeName = types.RelationshipPropertyTypeName;
    /** {@link types.SSLConfiguration} as a member, as the SDK has it. */
    type SSLConfiguration = types.SSLConfiguration;
    /** {@link types.SchemaParseError} as a member, as the SDK has it. */
    type SchemaParseError = types.SchemaParseError;
    /** {@link types.SortDescriptor} as a member, as the SDK has it. */
    type SortDescriptor = types.SortDescriptor;
    /** {@link types.Subscribable} as a member, as the SDK has it. */
    type Subscribable = types.Subscribable;
    /** {@link types.Sync} as a member, as the SDK has it. */
    type Sync = types.Sync;
    /** {@link types.TypeAssertionError} as a member, as the SDK has it. */
    type TypeAssertionError = types.TypeAssertionError;
    /** Types of {@link types.App}, by the names that they have there. */
    namespace App {
      /** Types of {@link types.Sync}, by the names that they have there. */
      namespace Sync {
        /** {@link types.SyncSession} as a member, as the SDK has it. */
        type Session = types.SyncSession;
        /** {@link types.ConnectionState} as a member, as the SDK has it. */
        type ConnectionState = types.ConnectionState;
        /** {@link types.Subscription} as a member, as the SDK has it. */
        type Subscription = types.Subscription;
        /** {@link types.SubscriptionSet} as a member, as the SDK has it. */
        type SubscriptionSet = types.SubscriptionSet;
        /** {@link types.MutableSubscriptionSet} as a member, as the SDK has it. */
        type MutableSubscriptionSet = types.MutableSubscriptionSet;
        /** {@link types.BaseSubscriptionSet} as a member, as the SDK has it. */
        type BaseSubscriptionSet = types.BaseSubscriptionSet;
        /** {@link types.SubscriptionSetState} as a member, as the SDK has it. */
        type SubscriptionSetState = types.SubscriptionSetState;
        /** {@link types.SubscriptionSetState} as a member, as the SDK has it. */
        type SubscriptionsState = types.SubscriptionSetState;
        /** {@link types.SubscriptionOptions} as a member, as the SDK has it. */
        type SubscriptionOptions = types.SubscriptionOptions;
        /** {@link types.LogLevel} as a member, as the SDK has it. */
        type LogLevel = types.LogLevel;
        /** {@link types.NumericLogLevel} as a member, as the SDK has it. */
        type NumericLogLevel = types.NumericLogLevel;
        /** {@link types.PartitionValue} as a member, as the SDK has it. */
        type PartitionValue = types.PartitionValue;
      }
      /** {@link types.Credentials} as a member, as the SDK has it. */
      type Credentials = types.Credentials;
    }
    /** Types of {@link types.Sync}, by the names that they have there. */
    namespace Sync {
      /** {@link types.SyncSession} as a member, as the SDK has it. */
      type Session = types.SyncSession;
      /** {@link types.ConnectionState} as a member, as the SDK has it. */
      type ConnectionState = types.ConnectionState;
      /** {@link types.Subscription} as a member, as the SDK has it. */
      type Subscription = types.Subscription;
      /** {@link types.SubscriptionSet} as a member, as the SDK has it. */
      type SubscriptionSet = types.SubscriptionSet;
      /** {@link types.MutableSubscriptionSet} as a member, as the SDK has it. */
      type MutableSubscriptionSet = types.MutableSubscriptionSet;
      /** {@link types.BaseSubscriptionSet} as a member, as the SDK has it. */
      type BaseSubscriptionSet = types.BaseSubscriptionSet;
      /** {@link types.SubscriptionSetState} as a member, as the SDK has it. */
      type SubscriptionSetState = types.SubscriptionSetState;
      /** {@link types.SubscriptionSetState} as a member, as the SDK has it. */
      type SubscriptionsState = types.SubscriptionSetState;
      /** {@link types.SubscriptionOptions} as a member, as the SDK has it. */
      type SubscriptionOptions = types.SubscriptionOptions;
      /** {@link types.LogLevel} as a member, as the SDK has it. */
      type LogLevel = types.LogLevel;
      /** {@link types.NumericLogLevel} as a member, as the SDK has it. */
      type NumericLogLevel = types.NumericLogLevel;
      /** {@link types.PartitionValue} as a member, as the SDK has it. */
      type PartitionValue = types.PartitionValue;
    }
    /** Names of property types in TypeScript. */
    namespace Types {
      /** A boolean. */
      type Bool = boolean;
      /** A text. */
      type String = string;
      /** An integer. */
      type Int = number;
      /** A number of single precision. */
      type Float = number;
      /** A number. */
      type Double = number;
      /** {@link types.BSON.Decimal128} as a member, as the SDK has it. */
      type Decimal128 = types.BSON.Decimal128;
      /** {@link types.BSON.ObjectId} as a member, as the SDK has it. */
      type ObjectId = types.BSON.ObjectId;
      /** {@link types.BSON.UUID} as a member, as the SDK has it. */
      type UUID = types.BSON.UUID;
      /** A point in time, in milliseconds. */
      type Date = globalThis.Date;
      /** Bytes. */
      type Data = ArrayBuffer;
      /** {@link types.List} as a member, as the SDK has it. */
      type List<T> = types.List<T>;
      /** {@link types.Set} as a member, as the SDK has it. */
      type Set<T> = types.Set<T>;
      /** {@link types.Dictionary} as a member, as the SDK has it. */
      type Dictionary<T> = types.Dictionary<T>;
      /** A value of any type. */
      type Mixed = unknown;
      /** {@link types.Counter} as a member, as the SDK has it. */
      type Counter = types.Counter;
      /** The objects that link to one. */
      type LinkingObjects<T, _Property extends string = string> = types.Results<T>;
    }
    /** The value types of BSON. */
    namespace BSON {
      /** {@link types.BSON.Decimal128} as a member, as the SDK has it. */
      type Decimal128 = types.BSON.Decimal128;
      /** {@link types.BSON.ObjectId} as a member, as the SDK has it. */
      type ObjectId = types.BSON.ObjectId;
      /** {@link types.BSON.UUID} as a member, as the SDK has it. */
      type UUID = types.BSON.UUID;
    }
  }
}

declare module "./app/app.js" {
  /** Types by the names that they have in the SDK. */
  // oxlint-disable-next-line typescript/no-namespace
  namespace App {
    /** Types of {@link types.Sync}, by the names that they have there. */
    namespace Sync {
      /** {@link types.SyncSession} as a member, as the SDK has it. */
      type Session = types.SyncSession;
      /** {@link types.ConnectionState} as a member, as the SDK has it. */
      type ConnectionState = types.ConnectionState;
      /** {@link types.Subscription} as a member, as the SDK has it. */
      type Subscription = types.Subscription;
      /** {@link types.SubscriptionSet} as a member, as the SDK has it. */
      type SubscriptionSet = types.SubscriptionSet;
      /** {@link types.MutableSubscriptionSet} as a member, as the SDK has it. */
      type MutableSubscriptionSet = types.MutableSubscriptionSet;
      /** {@link types.BaseSubscriptionSet} as a member, as the SDK has it. */
      type BaseSubscriptionSet = types.BaseSubscriptionSet;
      /** {@link types.SubscriptionSetState} as a member, as the SDK has it. */
      type SubscriptionSetState = types.SubscriptionSetState;
      /** {@link types.SubscriptionSetState} as a member, as the SDK has it. */
      type SubscriptionsState = types.SubscriptionSetState;
      /** {@link types.SubscriptionOptions} as a member, as the SDK has it. */
      type SubscriptionOptions = types.SubscriptionOptions;
      /** {@link types.LogLevel} as a member, as the SDK has it. */
      type LogLevel = types.LogLevel;
      /** {@link types.NumericLogLevel} as a member, as the SDK has it. */
      type NumericLogLevel = types.NumericLogLevel;
      /** {@link types.PartitionValue} as a member, as the SDK has it. */
      type PartitionValue = types.PartitionValue;
    }
    /** {@link types.Credentials} as a member, as the SDK has it. */
    type Credentials = types.Credentials;
  }
}

declare module "./sync/sync.js" {
  /** Types by the names that they have in the SDK. */
  // oxlint-disable-next-line typescript/no-namespace
  namespace Sync {
    /** {@link types.SyncSession} as a member, as the SDK has it. */
    type Session = types.SyncSession;
    /** {@link types.ConnectionState} as a member, as the SDK has it. */
    type ConnectionState = types.ConnectionState;
    /** {@link types.Subscription} as a member, as the SDK has it. */
    type Subscription = types.Subscription;
    /** {@link types.SubscriptionSet} as a member, as the SDK has it. */
    type SubscriptionSet = types.SubscriptionSet;
    /** {@link types.MutableSubscriptionSet} as a member, as the SDK has it. */
    type MutableSubscriptionSet = types.MutableSubscriptionSet;
    /** {@link types.BaseSubscriptionSet} as a member, as the SDK has it. */
    type BaseSubscriptionSet = types.BaseSubscriptionSet;
    /** {@link types.SubscriptionSetState} as a member, as the SDK has it. */
    type SubscriptionSetState = types.SubscriptionSetState;
    /** {@link types.SubscriptionSetState} as a member, as the SDK has it. */
    type SubscriptionsState = types.SubscriptionSetState;
    /** {@link types.SubscriptionOptions} as a member, as the SDK has it. */
    type SubscriptionOptions = types.SubscriptionOptions;
    /** {@link types.LogLevel} as a member, as the SDK has it. */
    type LogLevel = types.LogLevel;
    /** {@link types.NumericLogLevel} as a member, as the SDK has it. */
    type NumericLogLevel = types.NumericLogLevel;
    /** {@link types.PartitionValue} as a member, as the SDK has it. */
    type PartitionValue = types.PartitionValue;
  }
}
