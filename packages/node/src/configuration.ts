/**
 * How a realm is opened, and the checks of that.
 *
 * @module
 */

import { describeType } from "@tidemark/engine";
import { assertBoolean, assertFunction, assertNumber, assertObject, assertString, typeError } from "./assert.js";
import { User } from "./app/user.js";
import { ClientResetMode, OpenRealmBehaviorType, OpenRealmTimeOutBehavior, type SessionStopPolicy } from "./enums.js";
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
  type: OpenRealmBehaviorType;
  /** Milliseconds. */
  timeOut?: number;
  timeOutBehavior?: OpenRealmTimeOutBehavior;
};

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
  onBefore?: (local: Realm) => void | Promise<void>;
  onAfter?: (local: Realm, remote: Realm) => void | Promise<void>;
};

export type ClientResetManualConfiguration = ClientResetReporting & {
  mode: "manual";
  onManual?: (session: SyncSession, recoveryPath: string) => void | Promise<void>;
};

export type ClientResetDiscardUnsyncedChangesConfiguration = ClientResetReporting &
  ClientResetCallbacks & { mode: "discardUnsyncedChanges" };

export type ClientResetRecoverUnsyncedChangesConfiguration = ClientResetReporting &
  ClientResetCallbacks & {
    mode: "recoverUnsyncedChanges";
    onFallback?: (session: SyncSession, path: string) => void | Promise<void>;
  };

export type ClientResetRecoverOrDiscardUnsyncedChangesConfiguration = ClientResetReporting &
  ClientResetCallbacks & {
    mode: "recoverOrDiscardUnsyncedChanges";
    onFallback?: (session: SyncSession, path: string) => void | Promise<void>;
  };

/** What happens when the server demands that the file starts over; `recoverUnsyncedChanges` by default. */
export type ClientResetConfig =
  | ClientResetManualConfiguration
  | ClientResetDiscardUnsyncedChangesConfiguration
  | ClientResetRecoverUnsyncedChangesConfiguration
  | ClientResetRecoverOrDiscardUnsyncedChangesConfiguration;

/** Common to both kinds of sync. */
export type BaseSyncConfiguration = {
  user: User<never, never, never> | User;
  newRealmFileBehavior?: OpenRealmBehaviorConfiguration;
  existingRealmFileBehavior?: OpenRealmBehaviorConfiguration;
  onError?: ErrorCallback;
  customHttpHeaders?: Record<string, string>;
  ssl?: { validate?: boolean; certificatePath?: string };
  clientReset?: ClientResetConfig;
  cancelWaitsOnNonFatalError?: boolean;
  proxyConfig?: { address: string; port: number; type: "http" | "https" };
  /** @internal */
  _sessionStopPolicy?: SessionStopPolicy;
};

export type InitialSubscriptions = {
  update: (subscriptions: MutableSubscriptionSet, realm: Realm) => void;
  rerunOnOpen?: boolean;
};

export type FlexibleSyncConfiguration = BaseSyncConfiguration & {
  flexible: true;
  partitionValue?: never;
  initialSubscriptions?: InitialSubscriptions;
};

export type PartitionSyncConfiguration = BaseSyncConfiguration & {
  flexible?: never;
  partitionValue: unknown;
  initialSubscriptions?: never;
};

export type SyncConfiguration = FlexibleSyncConfiguration | PartitionSyncConfiguration;

/** The same for a realm that only joins another. */
export function withoutInitialSubscriptions(sync: SyncConfiguration): SyncConfiguration {
  const { initialSubscriptions: _, ...rest } = sync;
  return rest;
}

/** How a realm is opened. */
export type Configuration = {
  path?: string;
  schema?: readonly (ObjectSchema | RealmObjectClass)[];
  schemaVersion?: number;
  inMemory?: boolean;
  readOnly?: boolean;
  fifoFilesFallbackPath?: string;
  sync?: SyncConfiguration;
  /** Opens the file of a synced realm without a session. */
  openSyncedRealmLocally?: true;
  shouldCompact?: (totalBytes: number, usedBytes: number) => boolean;
  deleteRealmIfMigrationNeeded?: boolean;
  disableFormatUpgrade?: boolean;
  encryptionKey?: ArrayBuffer | ArrayBufferView | Int8Array;
  onMigration?: (oldRealm: Realm, newRealm: Realm) => void;
  onFirstOpen?: (realm: Realm) => void;
  migrationOptions?: { resolveEmbeddedConstraints?: boolean };
  excludeFromIcloudBackup?: boolean;
};

const notWithSync = ["onMigration", "migrationOptions", "inMemory", "deleteRealmIfMigrationNeeded"] as const;

/** Checks a configuration. */
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
  for (const name of ["inMemory", "readOnly", "deleteRealmIfMigrationNeeded", "disableFormatUpgrade"] as const) {
    if (given[name] !== undefined) assertBoolean(given[name], name);
  }
  if (encryptionKey !== undefined) throw new Error("Encryption of realm files is not supported");
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
  if (onError !== undefined) assertFunction(onError, "onError");
  checkBehavior(newRealmFileBehavior, "newRealmFileBehavior");
  checkBehavior(existingRealmFileBehavior, "existingRealmFileBehavior");
  if (clientReset !== undefined) checkClientReset(clientReset, onError);
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
