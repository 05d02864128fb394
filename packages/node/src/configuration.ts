/**
 * How a realm is opened, and the checks of that.
 *
 * @module
 */

import { describeType } from "@tidemark/engine";
import { assertBoolean, assertFunction, assertNumber, assertObject, assertString, typeError } from "./assert.js";
import { User } from "./app/user.js";
import type { ObjectId, UUID } from "./bson.js";
import {
  ClientResetMode,
  OpenRealmBehaviorType,
  OpenRealmTimeOutBehavior,
  type ProxyType,
  SessionStopPolicy,
} from "./enums.js";
import type { ClientResetError, SyncError } from "./errors.js";
import { AssertionError } from "./errors.js";
import type { RealmObjectClass } from "./schema/parse.js";
import type { ObjectSchema } from "./schema/types.js";
import type { MutableSubscriptionSet } from "./sync/subscriptions.js";
import type { ClientResetReport } from "./sync/client-reset.js";
import type { SyncSession } from "./sync/sync-session.js";
import type { Realm } from "./realm.js";

/** What happens with the data of the server when a realm is opened. */
export type OpenRealmBehaviorConfiguration = {
  /** What is waited for. Without a behaviour at all it is the data, for at most 30 seconds. */
  type: OpenRealmBehaviorType;
  /** Milliseconds; without an end if not given. Needs `timeOutBehavior`. */
  timeOut?: number;
  /** What happens when the time is over. */
  timeOutBehavior?: OpenRealmTimeOutBehavior;
};

/** Told what goes wrong in a session. What it throws is logged, and the session goes on. */
export type ErrorCallback = (session: SyncSession, error: SyncError | ClientResetError) => void;

/** Of every mode: an addition to what `realm` has. */
export type ClientResetReporting = {
  /**
   * Is told what a client reset recovered and, change by change, what it or downloads before it dropped. Reports are
   * kept in the file until this has been called with them.
   */
  onReport?: (session: SyncSession, report: ClientResetReport) => void;
};

/** The realms that a callback gets are closed when it has returned, or when the promise it returned is settled. */
export type ClientResetCallbacks = {
  /** Called before the file changes, with the file as it is, frozen. What it throws gives the reset up. */
  onBefore?: (local: Realm) => void | Promise<void>;
  /** Called afterwards, with the file as it was, frozen, and as it is now, open for writing. */
  onAfter?: (local: Realm, remote: Realm) => void | Promise<void>;
};

/** Leaves client resets to the application. `onManual` or `onError` must be given. */
export type ClientResetManualConfiguration = ClientResetReporting & {
  /** The file is left as it is, and its session ends. */
  mode: "manual";
  /** Told of a reset, with the path where the file will be set aside; `onError` if it is not given. */
  onManual?: (session: SyncSession, recoveryPath: string) => void | Promise<void>;
};

/** Makes the file what the server has. What was not uploaded is lost. */
export type ClientResetDiscardUnsyncedChangesConfiguration = ClientResetReporting &
  ClientResetCallbacks & {
    /** Discards. */
    mode: "discardUnsyncedChanges";
  };

/** Makes the file what the server has, and does again on top what was not uploaded. */
export type ClientResetRecoverUnsyncedChangesConfiguration = ClientResetReporting &
  ClientResetCallbacks & {
    /** What happens by default. */
    mode: "recoverUnsyncedChanges";
    /**
     * Told of a reset that could not be done or may not recover, with the path where the file will be set aside;
     * `onError` if it is not given.
     */
    onFallback?: (session: SyncSession, path: string) => void | Promise<void>;
  };

/** Recovers what was not uploaded, or discards it where that cannot be. */
export type ClientResetRecoverOrDiscardUnsyncedChangesConfiguration = ClientResetReporting &
  ClientResetCallbacks & {
    /** Recovers if that is possible and allowed, else discards. */
    mode: "recoverOrDiscardUnsyncedChanges";
    /**
     * Told that changes were discarded, with the path of the file, or that the reset failed, with the path where the
     * file will be set aside; `onError` if it is not given.
     */
    onFallback?: (session: SyncSession, path: string) => void | Promise<void>;
  };

/** What happens when the server demands that the file starts over; `recoverUnsyncedChanges` by default. */
export type ClientResetConfig =
  | ClientResetManualConfiguration
  | ClientResetDiscardUnsyncedChangesConfiguration
  | ClientResetRecoverUnsyncedChangesConfiguration
  | ClientResetRecoverOrDiscardUnsyncedChangesConfiguration;

/** How the server's certificate is checked. Of no effect: it is checked as Node.js does. */
export type SSLConfiguration = {
  /** Of no effect. */
  validate?: boolean;
  /** Of no effect. */
  certificatePath?: string;
};

/** A proxy for connections. Of no effect. */
export type ProxyConfiguration = {
  /** Host name. */
  address: string;
  /** Number of the port. */
  port: number;
  /** How it is reached. */
  type: ProxyType;
};

/** Common to both kinds of sync. */
export type BaseSyncConfiguration = {
  /** Who syncs: a user that is logged in. */
  user: User<never, never, never> | User;
  /** What `Realm.open` waits for when there is no file yet; see {@link OpenRealmBehaviorConfiguration.type}. */
  newRealmFileBehavior?: OpenRealmBehaviorConfiguration;
  /** The same when there is a file. */
  existingRealmFileBehavior?: OpenRealmBehaviorConfiguration;
  /** Told what goes wrong. Without it nobody is. */
  onError?: ErrorCallback;
  /** Headers that are sent when connecting. */
  customHttpHeaders?: Record<string, string>;
  /** Accepted, of no effect: certificates are checked as Node.js does. */
  ssl?: SSLConfiguration;
  /** What happens when the server cannot go on with the file; `recoverUnsyncedChanges` by default. */
  clientReset?: ClientResetConfig;
  /** Whether failures after which the session tries again end the waits for uploads and downloads; not by default. */
  cancelWaitsOnNonFatalError?: boolean;
  /** Accepted, of no effect. */
  proxyConfig?: ProxyConfiguration;
  /** @internal */
  _sessionStopPolicy?: SessionStopPolicy;
};

/** Subscriptions for a realm that is opened. */
export type InitialSubscriptions = {
  /** Called while the realm is being opened. Opening does not wait for their data, `Realm.open` does. */
  update: (subscriptions: MutableSubscriptionSet, realm: Realm) => void;
  /** Whether it is called at each opening, and not only at the first one of the file; not by default. */
  rerunOnOpen?: boolean;
};

/** Sync of what the realm subscribes to. */
export type FlexibleSyncConfiguration = BaseSyncConfiguration & {
  /** Says that this is meant. */
  flexible: true;
  /** Belongs to the other kind of sync. */
  partitionValue?: never;
  /** What is subscribed to at the first opening; nothing by default. */
  initialSubscriptions?: InitialSubscriptions;
};

/** Values of partition-based sync, which is refused. */
export type PartitionValue = string | number | ObjectId | UUID | null;

/** Partition-based sync. It is refused: the constructor of a realm throws an {@link AssertionError}. */
export type PartitionSyncConfiguration = BaseSyncConfiguration & {
  /** Belongs to the other kind of sync. */
  flexible?: never;
  /** What partition-based sync selects by; refused. */
  partitionValue: PartitionValue;
  /** Belong to the other kind of sync. */
  initialSubscriptions?: never;
};

/** How a realm is synced. */
export type SyncConfiguration = FlexibleSyncConfiguration | PartitionSyncConfiguration;

/** @internal The same for a realm that only joins another. */
export function withoutInitialSubscriptions(sync: SyncConfiguration): SyncConfiguration {
  const { initialSubscriptions: _, ...rest } = sync;
  return rest;
}

/** Brings the objects of a file to a new version of the schema. */
export type MigrationCallback = (oldRealm: Realm, newRealm: Realm) => void;

/** How classes are migrated. */
export type MigrationOptions = {
  /**
   * Of classes that become embedded: whether objects that nothing links to are removed, and those with several links
   * copied to each place. Else the migration fails for them.
   */
  resolveEmbeddedConstraints?: boolean;
};

/** How a realm is opened. */
export type Configuration = {
  /**
   * Where the file is; a relative path is one below the current directory. By default `Realm.defaultPath`, or for a
   * synced realm a file in the user's folder.
   */
  path?: string;
  /** The classes; by default those that the file has. */
  schema?: readonly (ObjectSchema | RealmObjectClass)[];
  /**
   * Version of the schema, 0 by default. A file keeps the highest it was opened with, and is migrated where it has a
   * lower one. A synced realm tells the server.
   */
  schemaVersion?: number;
  /** Whether the data is gone when the realm is closed; not by default. Not for synced realms. */
  inMemory?: boolean;
  /** Whether nothing may be written; not by default. The file must be there. */
  readOnly?: boolean;
  /** Accepted, of no effect: no pipes lie beside the files. */
  fifoFilesFallbackPath?: string;
  /** How the realm is synced; not at all if not given. */
  sync?: SyncConfiguration;
  /** Opens the file of a synced realm without a session. */
  openSyncedRealmLocally?: true;
  /** Asked when the file is opened and nobody in the process has it open: whether to give its unused space back. */
  shouldCompact?: (totalBytes: number, usedBytes: number) => boolean;
  /**
   * Whether a file that would have to be migrated, or has another version, is deleted first, with all its data. Not by
   * default. Not for synced realms.
   */
  deleteRealmIfMigrationNeeded?: boolean;
  /** Accepted, of no effect: there is one format. */
  disableFormatUpgrade?: boolean;
  /**
   * 64 bytes: encrypts a file that is made, and opens one that is encrypted with it. Another key, none for an encrypted
   * file, or one for a file that is not encrypted makes opening throw and leaves the file as it is.
   */
  encryptionKey?: ArrayBuffer | ArrayBufferView | Int8Array;
  /**
   * Called when the file has a lower version, in one write transaction with the change of its classes: what it throws
   * undoes all of it and is thrown by the opening. Properties that come or have changed are there before it; those that
   * go are still in the old realm, which shows the file as it was and cannot be changed. Neither realm is good for
   * anything afterwards. Not for synced realms.
   */
  onMigration?: MigrationCallback;
  /** Called when this opening has made the file. */
  onFirstOpen?: (realm: Realm) => void;
  /** How classes are migrated. Not for synced realms. */
  migrationOptions?: MigrationOptions;
  /** Accepted, of no effect. */
  excludeFromIcloudBackup?: boolean;
};

const flags = [
  "inMemory",
  "readOnly",
  "deleteRealmIfMigrationNeeded",
  "disableFormatUpgrade",
  "openSyncedRealmLocally",
  "excludeFromIcloudBackup",
] as const;
const notWithSync = ["onMigration", "migrationOptions", "inMemory", "deleteRealmIfMigrationNeeded"] as const;

const keyBytes = 64;

/** @internal The bytes of an encryption key. @throws if it is none. */
export function keyOf(key: NonNullable<Configuration["encryptionKey"]>): Uint8Array {
  if (!(key instanceof ArrayBuffer) && !ArrayBuffer.isView(key)) {
    throw typeError("an array buffer", key, "encryptionKey");
  }
  const bytes = key instanceof ArrayBuffer ? new Uint8Array(key) : bytesOf(key);
  if (bytes.length !== keyBytes) {
    throw new AssertionError(
      `Expected 'encryptionKey' on realm configuration to have ${keyBytes} bytes, got ${bytes.length}`,
    );
  }
  return bytes.slice();
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** @internal Checks a configuration. */
export function checkConfiguration(configuration: unknown): asserts configuration is Configuration {
  assertObject(configuration, "realm configuration");
  const given = configuration as Configuration;
  const { path, schemaVersion, encryptionKey, sync } = given;
  if (path !== undefined) {
    assertString(path, "path");
    if (path.length === 0) throw new AssertionError("The path cannot be empty.");
  }
  if (given.schema !== undefined && !Array.isArray(given.schema)) throw typeError("an array", given.schema, "schema");
  if (schemaVersion !== undefined) {
    assertNumber(schemaVersion, "schemaVersion");
    if (schemaVersion < 0 || !Number.isInteger(schemaVersion)) {
      throw new AssertionError("'schemaVersion' on realm configuration must be 0 or a positive integer.");
    }
  }
  for (const name of ["onMigration", "onFirstOpen", "shouldCompact"] as const) {
    if (given[name] !== undefined) assertFunction(given[name], name);
  }
  if (given.fifoFilesFallbackPath !== undefined) assertString(given.fifoFilesFallbackPath, "fifoFilesFallbackPath");
  for (const name of flags) {
    if (given[name] !== undefined) assertBoolean(given[name], name);
  }
  if (encryptionKey !== undefined) keyOf(encryptionKey);
  if (sync === undefined) return;
  for (const name of notWithSync) {
    if (given[name] !== undefined) {
      throw new AssertionError(`The realm configuration options '${name}' and 'sync' cannot both be defined.`);
    }
  }
  checkSyncConfiguration(sync);
}

function checkSyncConfiguration(sync: SyncConfiguration): void {
  assertObject(sync, "'sync' on realm configuration");
  const { user, flexible, newRealmFileBehavior, existingRealmFileBehavior, clientReset, onError } = sync;
  if (!(user instanceof User)) {
    throw new AssertionError(
      `Expected 'user' on realm sync configuration to be an instance of User, got ${describeType(user)}`,
    );
  }
  checkKind(sync, flexible);
  if (onError !== undefined) assertFunction(onError, "'onError' on realm sync configuration");
  checkConnection(sync);
  checkBehavior(newRealmFileBehavior, "newRealmFileBehavior");
  checkBehavior(existingRealmFileBehavior, "existingRealmFileBehavior");
  if (clientReset !== undefined) checkClientReset(clientReset, onError);
}

function checkConnection(sync: SyncConfiguration): void {
  const { customHttpHeaders, ssl, proxyConfig, cancelWaitsOnNonFatalError, _sessionStopPolicy: policy } = sync;
  const place = "on realm sync configuration";
  if (customHttpHeaders !== undefined) {
    assertObject(customHttpHeaders, `'customHttpHeaders' ${place}`);
    for (const [name, value] of Object.entries(customHttpHeaders)) {
      assertString(value, `'customHttpHeaders.${name}' ${place}`);
    }
  }
  if (ssl !== undefined) {
    assertObject(ssl, `'ssl' ${place}`);
    if (ssl.validate !== undefined) assertBoolean(ssl.validate, `'ssl.validate' ${place}`);
    if (ssl.certificatePath !== undefined) assertString(ssl.certificatePath, `'ssl.certificatePath' ${place}`);
  }
  if (proxyConfig !== undefined) assertObject(proxyConfig, `'proxyConfig' ${place}`);
  if (cancelWaitsOnNonFatalError !== undefined) {
    assertBoolean(cancelWaitsOnNonFatalError, `'cancelWaitsOnNonFatalError' ${place}`);
  }
  const policies: readonly string[] = Object.values(SessionStopPolicy);
  if (policy !== undefined && !policies.includes(policy)) {
    const names = policies.map((one) => `'${one}'`).join(", ");
    throw new AssertionError(`'_sessionStopPolicy' ${place} must be one of the following: ${names}`);
  }
}

const resetCallbacks = ["onManual", "onBefore", "onAfter", "onFallback", "onReport"] as const;

function checkClientReset(clientReset: ClientResetConfig, onError: unknown): void {
  assertObject(clientReset, "'clientReset' on realm sync configuration");
  const modes: readonly string[] = Object.values(ClientResetMode);
  if (!modes.includes(clientReset.mode)) {
    throw new AssertionError(
      `'clientReset' on realm sync configuration must be one of the following: ${modes.map((mode) => `'${mode}'`).join(", ")}`,
    );
  }
  const callbacks: Partial<Record<(typeof resetCallbacks)[number], unknown>> = clientReset;
  for (const name of resetCallbacks) {
    const callback = callbacks[name];
    if (callback !== undefined) assertFunction(callback, `'clientReset.${name}' on realm sync configuration`);
  }
  if (clientReset.mode === "manual" && onError === undefined && clientReset.onManual === undefined) {
    throw new AssertionError(
      "For clientReset: { mode: 'manual' }, it is need to set either onError or onManual or both",
    );
  }
}

function checkKind(sync: SyncConfiguration, flexible: unknown): void {
  const { partitionValue, initialSubscriptions } = sync;
  if (flexible !== undefined && flexible !== true) {
    throw new AssertionError(
      "'flexible' must always be true for realms using flexible sync. To enable partition-based sync, remove 'flexible' and specify 'partitionValue'.",
    );
  }
  if (flexible === true && partitionValue !== undefined) {
    throw new AssertionError(
      "'partitionValue' cannot be specified when flexible sync is enabled. To enable partition-based sync, remove 'flexible' and specify 'partitionValue'.",
    );
  }
  if (flexible === undefined && initialSubscriptions !== undefined) {
    throw new AssertionError("'initialSubscriptions' can only be specified when flexible sync is enabled.");
  }
  if (flexible === undefined) {
    throw new AssertionError("Partition-based sync is not supported. Set 'flexible: true' to use flexible sync.");
  }
  if (initialSubscriptions === undefined) return;
  assertObject(initialSubscriptions, "'initialSubscriptions' on realm sync configuration");
  assertFunction(initialSubscriptions.update, "'initialSubscriptions.update' on realm sync configuration");
  const { rerunOnOpen } = initialSubscriptions;
  if (rerunOnOpen !== undefined) {
    assertBoolean(rerunOnOpen, "'initialSubscriptions.rerunOnOpen' on realm sync configuration");
  }
}

function checkBehavior(behavior: OpenRealmBehaviorConfiguration | undefined, name: string): void {
  if (behavior === undefined) return;
  assertObject(behavior, `'${name}' on realm sync configuration`);
  const { type, timeOut, timeOutBehavior } = behavior;
  if (type !== OpenRealmBehaviorType.DownloadBeforeOpen && type !== OpenRealmBehaviorType.OpenImmediately) {
    throw new AssertionError(
      `'${name}.type' on realm sync configuration must be either 'downloadBeforeOpen' or 'openImmediately'.`,
    );
  }
  if (timeOut !== undefined) assertNumber(timeOut, `'${name}.timeOut' on realm sync configuration`);
  if (
    timeOutBehavior !== undefined &&
    timeOutBehavior !== OpenRealmTimeOutBehavior.OpenLocalRealm &&
    timeOutBehavior !== OpenRealmTimeOutBehavior.ThrowException
  ) {
    throw new AssertionError(
      `'${name}.timeOutBehavior' on realm sync configuration must be either 'openLocalRealm' or 'throwException'.`,
    );
  }
}
