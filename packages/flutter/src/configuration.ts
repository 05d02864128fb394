/**
 * How realms are opened.
 *
 * @module
 */

import type { User } from "./app/user.js";
import { keyOf } from "./encryption-key.js";
import { engine } from "./engine.js";
import type { SchemaEntry } from "./model/schema.js";
import { RealmSchema, schemaOf } from "./model/schema.js";
import type { Migration } from "./migration.js";
import type { Realm } from "./realm.js";
import {
  type ClientResetHandler,
  logSyncError,
  RecoverOrDiscardUnsyncedChangesHandler,
  type SyncErrorHandler,
} from "./sync/client-reset.js";

/** What all realms can be given. */
export interface CommonOptions {
  /** Accepted, of no effect: no pipes lie beside the files. */
  readonly fifoFilesFallbackPath?: string | undefined;
  /** Where the file is; a relative path is one below {@link Configuration.defaultStoragePath}. */
  readonly path?: string | undefined;
  /** 64 bytes that the file is encrypted with when it is made, and opened with. */
  readonly encryptionKey?: readonly number[] | Uint8Array | undefined;
  /** Accepted, of no effect: old versions go when nobody reads them. */
  readonly maxNumberOfActiveVersions?: number | undefined;
}

/** What local realms can be given. */
export interface LocalOptions extends CommonOptions {
  /** Fills a file that is made by this opening; runs in a write transaction. */
  readonly initialDataCallback?: ((realm: Realm) => void) | undefined;
  /**
   * Version of the classes, 0 by default. A file keeps the highest it was opened with, and is migrated where it has a
   * lower one.
   */
  readonly schemaVersion?: number | undefined;
  /** Accepted, of no effect: there is one format. */
  readonly disableFormatUpgrade?: boolean | undefined;
  /** Whether nothing may be written; the file must be there and have the classes. */
  readonly isReadOnly?: boolean | undefined;
  /** Asked when a file is opened that nobody has open: whether to give its unused space back. */
  readonly shouldCompactCallback?: ((totalBytes: number, usedBytes: number) => boolean) | undefined;
  /**
   * Called when the file has a lower version, in one write transaction with the change of its classes. What it throws
   * undoes all of it; the opening throws it as a `UserCallbackException`.
   */
  readonly migrationCallback?: ((migration: Migration, oldSchemaVersion: number) => void) | undefined;
  /** Whether a file that would have to be migrated, or has another version, is deleted and made anew. */
  readonly shouldDeleteIfMigrationNeeded?: boolean | undefined;
}

/** What synced realms can be given. */
export interface FlexibleSyncOptions extends CommonOptions {
  /** Told of errors; logs them by default. */
  readonly syncErrorHandler?: SyncErrorHandler | undefined;
  /** `RecoverOrDiscardUnsyncedChangesHandler` by default. */
  readonly clientResetHandler?: ClientResetHandler | undefined;
  /** Asked when a file is opened that nobody has open: whether to give its unused space back. */
  readonly shouldCompactCallback?: ((totalBytes: number, usedBytes: number) => boolean) | undefined;
  /** The version of the app's schema that this device knows. 0 by default. */
  readonly schemaVersion?: number | undefined;
  /** Whether failures that are tried again end waits and openings; not by default. */
  readonly cancelAsyncOperationsOnNonFatalErrors?: boolean | undefined;
}

const inMemoryName = "in-memory.realm";

/** How a realm is opened. Made by the static methods. */
export abstract class Configuration {
  static #defaultRealmName = "default.realm";
  static #defaultStoragePath: string | undefined;

  /** Name of the file of realms that are given no path. */
  static get defaultRealmName(): string {
    return Configuration.#defaultRealmName;
  }

  /** In force for configurations that are made from then on. */
  static set defaultRealmName(name: string) {
    Configuration.#defaultRealmName = name;
  }

  /** Where files are that are given no absolute path; the current directory unless it is set. */
  static get defaultStoragePath(): string {
    return Configuration.#defaultStoragePath ?? engine().host.files.resolve(".");
  }

  /** In force for configurations that are made from then on. */
  static set defaultStoragePath(path: string) {
    Configuration.#defaultStoragePath = engine().host.files.resolve(path);
  }

  /** The file of realms that are given no path. */
  static get defaultRealmPath(): string {
    return engine().host.files.join(Configuration.defaultStoragePath, Configuration.defaultRealmName);
  }

  /** In force for configurations that are made from then on. */
  static set defaultRealmPath(path: string) {
    const { files } = engine().host;
    const directory = files.directoryOf(files.resolve(path));
    Configuration.defaultStoragePath = directory;
    Configuration.#defaultRealmName = files.resolve(path).slice(directory.length + 1);
  }

  /** A realm in a file of this device. */
  static local(schemaObjects: readonly SchemaEntry[], options: LocalOptions = {}): LocalConfiguration {
    return new LocalConfiguration(schemaObjects, options);
  }

  /** A realm that is gone when it is closed; those of one path share it. */
  static inMemory(
    schemaObjects: readonly SchemaEntry[],
    options: Omit<CommonOptions, "encryptionKey"> = {},
  ): InMemoryConfiguration {
    return new InMemoryConfiguration(schemaObjects, options);
  }

  /** A realm that is synced for a user, by what it subscribes to. */
  static flexibleSync(
    user: User,
    schemaObjects: readonly SchemaEntry[],
    options: FlexibleSyncOptions = {},
  ): FlexibleSyncConfiguration {
    return new FlexibleSyncConfiguration(user, schemaObjects, options);
  }

  /** The file of a synced realm without its session: what is written is synced when it is opened with one. */
  static disconnectedSync(
    schemaObjects: readonly SchemaEntry[],
    options: CommonOptions & { readonly path: string },
  ): DisconnectedSyncConfiguration {
    return new DisconnectedSyncConfiguration(schemaObjects, options);
  }

  /** The classes of the realm. */
  readonly schema: RealmSchema;
  /** Where the file is, absolute. */
  readonly path: string;
  /** The 64 bytes that the file is encrypted with, if it is. */
  readonly encryptionKey: Uint8Array | undefined;
  /** As it was given; of no effect. */
  readonly fifoFilesFallbackPath: string | undefined;
  /** As it was given; of no effect. */
  readonly maxNumberOfActiveVersions: number | undefined;

  /** @internal */
  constructor(schemaObjects: readonly SchemaEntry[], options: CommonOptions, defaultPath: () => string) {
    const { path, encryptionKey } = options;
    this.encryptionKey = encryptionKey === undefined ? undefined : keyOf(encryptionKey);
    this.schema = new RealmSchema(schemaObjects.map(schemaOf));
    this.path = path === undefined ? defaultPath() : absolutePath(path);
    this.fifoFilesFallbackPath = options.fifoFilesFallbackPath;
    this.maxNumberOfActiveVersions = options.maxNumberOfActiveVersions;
  }
}

/** A path as configurations understand it. */
export function absolutePath(path: string): string {
  const { files } = engine().host;
  const resolved = files.resolve(path);
  return resolved === path ? path : files.join(Configuration.defaultStoragePath, path);
}

/** How a local realm is opened. */
export class LocalConfiguration extends Configuration {
  /** Fills a file that is made by this opening. */
  readonly initialDataCallback: ((realm: Realm) => void) | undefined;
  /** Version of the classes. */
  readonly schemaVersion: number;
  /** Whether nothing may be written. */
  readonly isReadOnly: boolean;
  /** As it was given; of no effect. */
  readonly disableFormatUpgrade: boolean;
  /** Says at opening whether to give unused space back. */
  readonly shouldCompactCallback: LocalOptions["shouldCompactCallback"];
  /** Called when the file has a lower version. */
  readonly migrationCallback: LocalOptions["migrationCallback"];
  /** Whether a file that would have to be migrated, or has another version, is deleted and made anew. */
  readonly shouldDeleteIfMigrationNeeded: boolean;

  /** @internal */
  constructor(schemaObjects: readonly SchemaEntry[], options: LocalOptions) {
    super(schemaObjects, options, () => Configuration.defaultRealmPath);
    this.initialDataCallback = options.initialDataCallback;
    this.schemaVersion = options.schemaVersion ?? 0;
    this.isReadOnly = options.isReadOnly ?? false;
    this.disableFormatUpgrade = options.disableFormatUpgrade ?? false;
    this.shouldCompactCallback = options.shouldCompactCallback;
    this.migrationCallback = options.migrationCallback;
    this.shouldDeleteIfMigrationNeeded = options.shouldDeleteIfMigrationNeeded ?? false;
  }
}

/** How a realm in memory is opened. */
export class InMemoryConfiguration extends Configuration {
  /** @internal */
  constructor(schemaObjects: readonly SchemaEntry[], options: CommonOptions) {
    super(schemaObjects, options, () => absolutePath(inMemoryName));
  }
}

/** How a synced realm is opened. */
export class FlexibleSyncConfiguration extends Configuration {
  /** Who syncs. */
  readonly user: User;
  /** Told of errors. */
  readonly syncErrorHandler: SyncErrorHandler;
  /** What happens when the server cannot go on with the file. */
  readonly clientResetHandler: ClientResetHandler;
  /** The version of the app's schema that this device knows. */
  readonly schemaVersion: number;
  /** Says at opening whether to give unused space back. */
  readonly shouldCompactCallback: FlexibleSyncOptions["shouldCompactCallback"];
  /** Whether failures that are tried again end waits and openings. */
  readonly cancelAsyncOperationsOnNonFatalErrors: boolean;

  /** @internal */
  constructor(user: User, schemaObjects: readonly SchemaEntry[], options: FlexibleSyncOptions) {
    const { app, id } = user.internal;
    super(schemaObjects, options, () => engine().host.files.join(app.directory, id, "flx_sync_default.realm"));
    this.user = user;
    this.syncErrorHandler = options.syncErrorHandler ?? logSyncError;
    this.clientResetHandler =
      options.clientResetHandler ?? new RecoverOrDiscardUnsyncedChangesHandler({ onManualResetFallback: logSyncError });
    this.schemaVersion = options.schemaVersion ?? 0;
    this.shouldCompactCallback = options.shouldCompactCallback;
    this.cancelAsyncOperationsOnNonFatalErrors = options.cancelAsyncOperationsOnNonFatalErrors ?? false;
  }
}

/** How the file of a synced realm is opened without its session. */
export class DisconnectedSyncConfiguration extends Configuration {
  /** @internal */
  constructor(schemaObjects: readonly SchemaEntry[], options: CommonOptions & { readonly path: string }) {
    super(schemaObjects, options, () => Configuration.defaultRealmPath);
  }
}
