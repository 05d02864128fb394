/**
 * The engine: apps, open files and the session loop of one process.
 *
 * @module
 */

import { App, type AppConfiguration } from "./app/app.js";
import type { Core, SnapshotId } from "./core.js";
import { Database, type DatabaseOptions } from "./data/database.js";
import type { ClassDeclaration } from "./data/schema.js";
import type { SchemaMode } from "./data/schema-changes.js";
import type { SubscriptionDraft } from "./data/subscriptions.js";
import { EngineError, messageOf } from "./errors.js";
import type { Host } from "./host.js";
import type { LogSink } from "./log.js";
import { RealmFile } from "./realm-file.js";
import { copyPathOf } from "./sync/client-reset.js";
import { SyncManager, type TransportFactory } from "./sync/sync-manager.js";
import type { SyncOptions } from "./sync/sync-options.js";
import type { WriteTurns } from "./sync/write-turns.js";
import type { Conventions } from "./values/conventions.js";

/** What an engine is made of. */
export interface EngineParts {
  /** The core. */
  readonly core: Core;
  /** The surroundings. */
  readonly host: Host;
  /** How values look to the application. */
  readonly conventions: Conventions;
  /** Starts the session loop. */
  readonly startTransport: TransportFactory;
  /**
   * Where the application and the session loop share a thread: keeps a file's session still while a write transaction
   * is open on it.
   */
  readonly writeTurns?: WriteTurns;
}

/** How often it is looked whether the loop has closed a file. */
const endedPollMs = 10;

/** How to open a synced realm. */
export interface OpenSyncOptions extends SyncOptions {
  /** What is subscribed to meanwhile. */
  readonly initialSubscriptions?: InitialSubscriptions | undefined;
}

/** How to open a realm. */
export interface OpenOptions {
  /** Absolute. */
  readonly path: string;
  /** Keeps the data in memory; the path is only its name. */
  readonly isInMemory: boolean;
  /** Whether nothing may be written. */
  readonly isReadOnly: boolean;
  /** The classes; those of the file if not given. */
  readonly classes?: readonly ClassDeclaration[] | undefined;
  /** How the file is synced; not at all if not given. */
  readonly sync?: OpenSyncOptions | undefined;
  /** Opens a file of a synced realm without a session. */
  readonly isSyncedFile?: boolean;
  /** 64 bytes, if the file is encrypted or is to be made so. */
  readonly encryptionKey?: Uint8Array | undefined;
  /** Asked when nobody in the process has the file open: whether to compact it. */
  readonly shouldCompact?: ((totalBytes: number, usedBytes: number) => boolean) | undefined;
  /** Version of the classes, 0 to 2^53 − 1; that of the file if not given. */
  readonly schemaVersion?: number | undefined;
  /** What may happen to the classes of the file; by default `automatic`, `additive` if it is synced. */
  readonly schemaMode?: SchemaMode | undefined;
  /** Called when the file has a lower version, in one write transaction with the change of its classes. */
  readonly onMigration?: ((migration: MigrationFiles) => void) | undefined;
  /** Of classes that become embedded: removes objects that nothing links to, and copies those with several links. */
  readonly resolvesEmbedded?: boolean | undefined;
}

/** What a migration works with. Both files are only good until the callback returns; closing them does nothing. */
export interface MigrationFiles {
  /** The file as it was, with its classes: it can only be read. */
  readonly before: RealmFile;
  /** The file that is being opened, in the write transaction. */
  readonly after: RealmFile;
  /** The version that the file had. */
  readonly oldVersion: number;
}

/** What a copy is to be. */
export interface CopyOptions {
  /** Absolute; nothing may be there. */
  readonly path: string;
  /** Whether it is for a synchronised realm. */
  readonly isSynced: boolean;
  /** 64 bytes, if the copy is to be encrypted. */
  readonly encryptionKey?: Uint8Array | undefined;
}

/** Subscriptions made when a file is opened for the first time. */
export interface InitialSubscriptions {
  /** Changes the set while the file is being opened. */
  update(draft: SubscriptionDraft, file: RealmFile): void;
  /** Whether to run on every open. */
  readonly rerunsOnOpen: boolean;
}

/** The engine. One per process and core. */
export class Engine {
  /** The core. */
  readonly core: Core;
  /** The surroundings. */
  readonly host: Host;
  /** How values look to the application. */
  readonly conventions: Conventions;
  /** The sessions. */
  readonly sync: SyncManager;
  /** Gets what the engine logs; nobody does until a facade says so. */
  onLog: LogSink = () => undefined;
  readonly #files = new Map<string, RealmFile>();
  readonly #writeTurns: WriteTurns | undefined;

  constructor(parts: EngineParts) {
    this.core = parts.core;
    this.host = parts.host;
    this.conventions = parts.conventions;
    this.#writeTurns = parts.writeTurns;
    const { host, startTransport } = parts;
    const start: TransportFactory = (onEvents) => {
      // Nobody is to be reconnected before there is a session.
      host.onOnline?.(() => this.sync.onOnline());
      return startTransport(onEvents);
    };
    this.sync = new SyncManager(host, start, (...line) => this.onLog(...line));
  }

  /**
   * Makes an app, and does what was to be done with its files at its next start.
   *
   * @param host the engine's own, or one with another way to fetch.
   */
  createApp(configuration: AppConfiguration, host: Host = this.host): App {
    const app = new App(configuration, host);
    app.fileActions.runAll(this.core);
    return app;
  }

  /** Opens a file, or joins those who have it open on this thread. */
  open(options: OpenOptions): RealmFile {
    this.#forgetClosedPaths();
    const key = options.isInMemory ? `memory ${options.path}` : options.path;
    const known = this.#files.get(key);
    if (known !== undefined) return this.#join(known, options);
    if (options.schemaMode === "hard-reset" && options.classes !== undefined) return this.#openAnew(key, options);
    try {
      return this.#openNew(key, options);
    } catch (error) {
      const isOther =
        error instanceof EngineError && (error.code === "schema-mismatch" || error.code === "schema-version");
      if (!isOther || options.schemaMode !== "soft-reset") throw error;
      return this.#openAnew(key, options);
    }
  }

  /** Opens a file without what is in it. */
  #openAnew(key: string, options: OpenOptions): RealmFile {
    const { isInMemory, path } = options;
    const isThere = !isInMemory && this.host.files.exists(path);
    if (isThere) this.deleteFile(path);
    const file = this.#openNew(key, options);
    if (isThere) file.noteReset();
    return file;
  }

  #openNew(key: string, options: OpenOptions): RealmFile {
    if (!options.isInMemory) this.host.files.makeDirectory(this.host.files.directoryOf(options.path));
    // What could not be read without its key is set aside now.
    if (options.encryptionKey !== undefined)
      options.sync?.user.app.fileActions.run(this.core, options.path, options.encryptionKey);
    const isSynced = options.sync !== undefined || options.isSyncedFile === true;
    const database = new Database({
      core: this.core,
      clock: this.host,
      conventions: this.conventions,
      path: options.isInMemory ? null : options.path,
      isSynced,
      isReadOnly: options.isReadOnly,
      classes: options.classes,
      encryptionKey: options.encryptionKey,
      shouldCompact: options.shouldCompact,
      schemaVersion: options.schemaVersion ?? options.sync?.schemaVersion,
      schemaMode: options.schemaMode,
      migration: migrationOf(options),
      writeTurns: this.#writeTurns,
    });
    const sync = options.sync && { ...options.sync, encryptionKey: options.encryptionKey };
    const synced = sync && { session: this.sync.session(options.path, sync), options: sync };
    const file = new RealmFile(options.path, database, synced, () => this.#files.delete(key));
    this.#files.set(key, file);
    try {
      this.#subscribeInitially(file, options);
    } catch (error) {
      file.close();
      throw error;
    }
    return file;
  }

  #join(file: RealmFile, options: OpenOptions): RealmFile {
    const isSynced = options.sync !== undefined || options.isSyncedFile === true;
    if (file.database.isSynced !== isSynced || file.database.isReadOnly !== options.isReadOnly) {
      throw new EngineError(
        "incompatible-configuration",
        `Realm at path '${file.path}' already opened with different ${isSynced ? "sync" : "read permissions"} settings.`,
      );
    }
    if (options.sync !== undefined && file.sync !== undefined && options.sync.user !== file.sync.session.user) {
      throw new EngineError(
        "incompatible-configuration",
        `Realm at path '${file.path}' already opened with different sync user.`,
      );
    }
    if (!isSameKey(file.database.encryptionKey, options.encryptionKey)) {
      throw new EngineError(
        "incompatible-configuration",
        `Realm at path '${file.path}' already opened with a different encryption key.`,
      );
    }
    const { declaredVersion } = file.database;
    const { schemaVersion = declaredVersion } = options;
    const isOther = declaredVersion >= 0 && schemaVersion !== declaredVersion;
    if (!isSynced && options.classes !== undefined && isOther) {
      throw new EngineError(
        "incompatible-configuration",
        `Realm at path '${file.path}' already opened with different schema version.`,
      );
    }
    if (options.classes !== undefined) file.database.declare(options.classes, options.schemaVersion);
    file.join(options.sync && { ...options.sync, encryptionKey: options.encryptionKey });
    if (options.sync?.initialSubscriptions?.rerunsOnOpen === true) this.#subscribeInitially(file, options);
    return file;
  }

  #subscribeInitially(file: RealmFile, options: OpenOptions): void {
    const initial = options.sync?.initialSubscriptions;
    if (initial === undefined || file.sync === undefined) return;
    const { subscriptions } = file.sync;
    if (subscriptions.latest().version > 0 && !initial.rerunsOnOpen) return;
    subscriptions.update((draft) => initial.update(draft, file));
  }

  /**
   * Opens a version of a synced file that never moves: the newest, or that of a snapshot somebody keeps. It is not
   * counted among the open files; whoever opens it closes it.
   */
  openFrozen(path: string, classes: OpenOptions["classes"], snapshot?: SnapshotId): RealmFile {
    const database = new Database({
      core: this.core,
      clock: this.host,
      conventions: this.conventions,
      path,
      isSynced: true,
      isReadOnly: true,
      classes,
      frozenAt: snapshot ?? "now",
      encryptionKey: this.#files.get(path)?.database.encryptionKey,
    });
    return new RealmFile(path, database, undefined, () => undefined);
  }

  /**
   * Opens what a file shows now as a version that never moves. It is not counted among the open files; whoever opens
   * it closes it.
   *
   * @param seen `committed` leaves out what a write transaction that is open has done.
   * @throws in a write transaction, unless only what is committed is wanted.
   */
  freeze(file: RealmFile, seen: "now" | "committed" = "now"): RealmFile {
    const database = file.database.freeze(seen);
    return new RealmFile(file.path, database, undefined, () => undefined);
  }

  /**
   * Moves a file that cannot be synced any more to its recovery path, so that the next open downloads everything.
   *
   * @throws if no client reset has been left to the application for the file, or the file is open.
   */
  initiateClientReset(app: App, path: string): void {
    if (app.fileActions.run(this.core, path)) return;
    throw new EngineError(
      "invalid-argument",
      `Realm was not configured correctly. Client Reset could not be run for Realm at: ${path}`,
    );
  }

  /**
   * Resolves when no session of an app is left and the files of those that ended are closed, so that they can be
   * deleted. Sessions of open realms are waited for too.
   */
  async waitForSessionsToEnd(app: App): Promise<void> {
    for (;;) {
      this.#forgetClosedPaths();
      if (this.sync.endedPaths.size === 0 && this.sync.sessionsOfApp(app).length === 0) return;
      await new Promise<void>((resolve) => this.host.setTimer(endedPollMs, resolve));
    }
  }

  /** Those of ended sessions that the loop has let go of, or that are open again. */
  #forgetClosedPaths(): void {
    const { endedPaths } = this.sync;
    for (const path of Array.from(endedPaths)) {
      if (!this.core.isOpen(path) || this.isOpen(path)) endedPaths.delete(path);
    }
  }

  /**
   * Version that the application has given the classes of a file: −1 if there is no file, or it has no classes.
   *
   * @param encryptionKey that of the file, if it is encrypted.
   * @throws {@link EngineError} if the file cannot be read.
   */
  schemaVersion(path: string, encryptionKey?: Uint8Array): number {
    const open = this.#files.get(path);
    if (open !== undefined) return open.database.declaredVersion;
    if (!this.host.files.exists(path)) return -1;
    const { core, host, conventions } = this;
    const options = { core, clock: host, conventions, path, isSynced: false, isReadOnly: true, encryptionKey };
    const database = new Database(options);
    try {
      return database.declaredVersion;
    } finally {
      database.close();
    }
  }

  /** Whether somebody on this thread has the file open. */
  isOpen(path: string): boolean {
    return this.#files.has(path);
  }

  /**
   * Writes a copy of what a file holds. One for a synchronised realm gets an ident of its own from the server when it
   * is first opened, and is sent what its subscriptions see.
   *
   * @throws in a write transaction; if there is something at the path; for a synchronised copy of a local file, or of
   * one with changes that the server does not have.
   */
  writeCopy(file: RealmFile, options: CopyOptions): void {
    if (options.isSynced && !file.database.isSynced) {
      throw new EngineError(
        "incompatible-configuration",
        "Realm cannot be converted to a flexible sync realm unless flexible sync is already enabled",
      );
    }
    this.host.files.makeDirectory(this.host.files.directoryOf(options.path));
    file.database.writeCopy(options.path, options.isSynced ? "synced" : "local", options.encryptionKey);
  }

  /**
   * Compacts a file that nobody in the process has open.
   *
   * @returns whether it was done: not while it is open, and not where there is no file.
   */
  compactFile(path: string, isSynced: boolean, encryptionKey?: Uint8Array): boolean {
    if (!this.host.files.exists(path) || this.core.isOpen(path)) return false;
    const database = new Database({
      core: this.core,
      clock: this.host,
      conventions: this.conventions,
      path,
      isSynced,
      isReadOnly: false,
      encryptionKey,
    });
    try {
      return database.compact();
    } finally {
      database.close();
    }
  }

  /** Removes a file and what lies beside it. */
  deleteFile(path: string): void {
    if (this.core.isOpen(path)) {
      throw new EngineError("file-in-use", `Cannot delete files of an open Realm: '${path}' is still in use.`);
    }
    try {
      this.core.deleteStore(path);
      // What a client reset was downloading when the process ended.
      this.core.deleteStore(copyPathOf(path));
    } catch (error) {
      throw new EngineError("file-in-use", messageOf(error), { cause: error });
    }
  }

  /** Closes all files and ends the loop. */
  shutdown(): void {
    for (const file of Array.from(this.#files.values())) {
      while (!file.database.isClosed) file.close();
    }
    this.sync.stop();
  }
}

function isSameKey(one: Uint8Array | undefined, other: Uint8Array | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}

function migrationOf({ path, onMigration, resolvesEmbedded }: OpenOptions): DatabaseOptions["migration"] {
  if (onMigration === undefined) return { resolvesEmbedded };
  const lend = (database: Database): RealmFile => {
    const file = new RealmFile(path, database, undefined, () => undefined);
    // The callback may close what it is given; it is not its to close.
    file.join(undefined);
    return file;
  };
  return {
    run: (before, after, oldVersion) => onMigration({ before: lend(before), after: lend(after), oldVersion }),
    resolvesEmbedded,
  };
}
