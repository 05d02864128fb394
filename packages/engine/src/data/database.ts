/**
 * An open file on the application's thread: its snapshot, its write transaction, its classes.
 *
 * **Invariant**: outside a write transaction every read sees the snapshot, which moves only between turns of the event
 * loop, when a transaction begins or ends, and before a wait for synchronisation resolves.
 *
 * @module
 */

import { syncEpochMs } from "@tidemark/protocol";
import type { Core, CoreStore, SchemaInformation, SnapshotId } from "../core.js";
import { EngineError, type EngineErrorCode, errorCodeOf, messageOf, must } from "../errors.js";
import type { Clock } from "../host.js";
import type { WriteTurns } from "../sync/write-turns.js";
import type { Conventions } from "../values/conventions.js";
import { MutationBatch } from "./batch.js";
import {
  completeMigration,
  type DatabaseMigration,
  type Migration,
  migrationRuns,
  prepareMigration,
} from "./migration.js";
import { Notifier } from "./notifier.js";
import { ObjectReader } from "./reader.js";
import { addMissing, schemaAction, schemaChanges, type SchemaMode } from "./schema-changes.js";
import { secretOf } from "./secret.js";
import {
  checkDeclarations,
  type ClassDeclaration,
  type ClassLayout,
  isSameLayout,
  layOut,
  queryNamesOf,
  readSchema,
  toSchemaInformation,
  writeTimeoutMs,
} from "./schema.js";

/** How to open a file. */
export interface DatabaseOptions {
  /** The core. */
  readonly core: Core;
  /** Time and turns. */
  readonly clock: Clock;
  /** How values look to the application. */
  readonly conventions: Conventions;
  /** `null` keeps the data in memory. */
  readonly path: string | null;
  /** Whether instructions are recorded. */
  readonly isSynced: boolean;
  /** Whether nothing may be written. */
  readonly isReadOnly: boolean;
  /** Classes the application wants; without them it sees those of the file. */
  readonly classes?: readonly ClassDeclaration[] | undefined;
  /** Stays at the newest version, or at that of a snapshot that another handle has open. */
  readonly frozenAt?: SnapshotId | "now" | undefined;
  /** For a database in memory: the handle of the one that it is frozen from, which cannot be opened a second time. */
  readonly sharedStore?: CoreStore | undefined;
  /** 64 bytes, if the file is encrypted or is to be made so. */
  readonly encryptionKey?: Uint8Array | undefined;
  /** Asked when the file was not open before: whether to compact it. */
  readonly shouldCompact?: ((totalBytes: number, usedBytes: number) => boolean) | undefined;
  /** Hears of write transactions. */
  readonly writeTurns?: WriteTurns | undefined;
  /** Version of the classes, 0 to 2^53 − 1; that of the file if not given. */
  readonly schemaVersion?: number | undefined;
  /** What may happen to the classes of the file; by default `automatic`, `additive` if it is synced. */
  readonly schemaMode?: SchemaMode | undefined;
  /** What the application does when the file gets a higher version. */
  readonly migration?: DatabaseMigration | undefined;
}

/** An open file. */
export class Database {
  /** The core. */
  readonly core: Core;
  /** The core's handle. */
  readonly store: CoreStore;
  /** Time and turns. */
  readonly clock: Clock;
  /** How values look to the application. */
  readonly conventions: Conventions;
  /** Whether instructions are recorded. */
  readonly isSynced: boolean;
  /** Whether nothing may be written. */
  readonly isReadOnly: boolean;
  /** The key that the file was opened with. */
  readonly encryptionKey: Uint8Array | undefined;
  /** Whether it shows one version for ever. */
  readonly isFrozen: boolean;
  /** Tells listeners of changes. */
  readonly notifier: Notifier;
  /** @internal Mutations that the core has not been given yet. */
  readonly batch: MutationBatch;
  /** @internal Reads single objects. */
  readonly reader: ObjectReader;
  /** Grows with every change of any object that a read could see. */
  dataEpoch = 1;
  /** Called after each commit of the application. */
  onCommit: () => void = () => undefined;
  /** Says why a class may not be written, or nothing. */
  checkWrite: (layout: ClassLayout) => void = () => undefined;
  #snapshot: SnapshotId;
  #version: number;
  #writeView: SnapshotId | undefined;
  #writeBase = 0;
  #schemaVersion = -1;
  #layouts: readonly ClassLayout[] = [];
  readonly #byName = new Map<string, ClassLayout>();
  #declarations: readonly ClassDeclaration[] | undefined;
  /** Classes that the application may see, by name; every creation and every look-up asks. */
  #visible: Map<string, ClassLayout> | undefined;
  readonly #options: DatabaseOptions;
  /** Whether somebody else in the process had the file open. */
  readonly #wasOpen: boolean;
  #wantedVersion: number | undefined;
  #declaredVersion = -1;
  #migration: Migration | undefined;
  #isClosed = false;

  constructor(options: DatabaseOptions) {
    this.#options = options;
    this.core = options.core;
    this.clock = options.clock;
    this.conventions = options.conventions;
    this.isSynced = options.isSynced;
    this.isReadOnly = options.isReadOnly;
    // The application may fill its own with zeros.
    this.encryptionKey = options.encryptionKey?.slice();
    this.isFrozen = options.frozenAt !== undefined;
    this.#declarations = options.classes;
    this.#wantedVersion = options.schemaVersion;
    if (options.classes !== undefined) checkDeclarations(options.classes, options.isSynced);
    this.#wasOpen = options.path !== null && options.core.isOpen(options.path);
    this.store = options.sharedStore ?? openStore(options);
    if (options.path !== null && !this.#wasOpen) compactOnOpening(this.store, options);
    this.batch = new MutationBatch(this.store);
    this.reader = new ObjectReader(this.store);
    this.notifier = new Notifier(this);
    this.#snapshot = this.#beginRead(options.frozenAt);
    this.#version = this.store.snapshotVersion(this.#snapshot);
    try {
      this.#updateSchema();
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /**
   * The same file as it is seen now, for ever. In memory it lives as long as this one.
   *
   * @param seen `committed` leaves out what a write transaction that is open has done.
   * @throws in a write transaction, unless only what is committed is wanted.
   */
  freeze(seen: "now" | "committed" = "now"): Database {
    this.requireOpen();
    if (this.isInWrite && seen === "now") {
      throw new EngineError("already-in-write", "Cannot freeze a Realm while it is in a write transaction.");
    }
    const sharedStore = this.#options.path === null ? this.store : undefined;
    return new Database({
      ...this.#options,
      classes: this.#declarations,
      isReadOnly: true,
      frozenAt: this.#snapshot,
      sharedStore,
    });
  }

  /** Another handle on the same file declares classes too: it gets those it wants beside the known ones. */
  declare(classes: readonly ClassDeclaration[], schemaVersion?: number): void {
    checkDeclarations(classes, this.isSynced);
    this.#wantedVersion ??= schemaVersion;
    const names = new Set(classes.map(({ name }) => name));
    const before = this.#declarations;
    this.#visible = undefined;
    this.#declarations = [...(before ?? []).filter(({ name }) => !names.has(name)), ...classes];
    try {
      this.#updateSchema();
    } catch (error) {
      this.#declarations = before;
      this.#visible = undefined;
      throw error;
    }
  }

  #beginRead(frozenAt: DatabaseOptions["frozenAt"]): SnapshotId {
    if (frozenAt === undefined || frozenAt === "now") return this.store.beginRead();
    this.store.shareRead(frozenAt);
    return frozenAt;
  }

  #updateSchema(): void {
    const names = queryNamesOf(this.#declarations ?? []);
    if (names !== undefined) this.store.setQueryNames(names);
    const stored = readSchema(this.store, this.#snapshot);
    const declaredVersion = this.store.declaredVersion(this.#snapshot);
    // Files had no version once.
    this.#declaredVersion = declaredVersion < 0 && stored.classes.length > 0 ? 0 : declaredVersion;
    if (this.#declarations !== undefined && !this.isFrozen) {
      const wanted = toSchemaInformation(this.#declarations);
      const version = this.#wantedVersion;
      const question = { mode: this.#schemaMode, stored, storedVersion: this.#declaredVersion, wanted, version };
      const action = schemaAction(question);
      if (action === "migrate") this.#migrate(stored, wanted);
      else if (action === "add" && addMissing(this.store, question, this.timestampMs())) {
        this.#declaredVersion = Math.max(version ?? -1, this.#declaredVersion);
        this.#moveSnapshot();
      }
    }
    this.#readLayouts();
  }

  get #schemaMode(): SchemaMode {
    if (this.isSynced) return this.isReadOnly ? "read-only" : "additive";
    const { schemaMode } = this.#options;
    if (!this.isReadOnly) return schemaMode ?? "automatic";
    return schemaMode === "immutable" ? schemaMode : "read-only";
  }

  // --- migrations ------------------------------------------------------------------------------------------

  #migrate(stored: SchemaInformation, wanted: SchemaInformation["classes"]): void {
    // Handles elsewhere hold on to columns by their places.
    if (this.#wasOpen && schemaChanges(stored, wanted).length > 0) {
      throw new EngineError(
        "file-in-use",
        `The file cannot be migrated while it is open elsewhere: ${this.#options.path ?? ""}`,
      );
    }
    const { migration, schemaMode } = this.#options;
    const version = must(this.#wantedVersion, "a migration leads to a version");
    const isManual = schemaMode === "manual";
    this.beginWrite();
    this.#migration = { wanted, removed: new Set() };
    try {
      if (!isManual) prepareMigration(this.store, stored, wanted);
      this.#readLayouts(true);
      this.#callMigration(migration);
      this.batch.flush();
      if (this.batch.isBroken) {
        throw new EngineError("invalid-argument", "The migration was undone because a change in it was refused.");
      }
      const resolves = migration?.resolvesEmbedded === true;
      completeMigration(this.store, this.view, { ...this.#migration, isManual, resolves });
      this.store.setDeclaredVersion(version);
    } catch (error) {
      this.#migration = undefined;
      this.#abort();
      this.#moveSnapshot();
      throw error;
    }
    this.#migration = undefined;
    this.batch.reset();
    this.#endWrite();
    this.store.commitWrite(this.timestampMs());
    this.#declaredVersion = version;
    this.#moveSnapshot();
    this.#everythingMayHaveChanged();
  }

  #callMigration(migration: DatabaseMigration | undefined): void {
    if (migration?.run === undefined) return;
    const before = new Database({
      ...this.#options,
      classes: undefined,
      isReadOnly: true,
      frozenAt: this.#snapshot,
      sharedStore: this.store,
    });
    try {
      migration.run(before, this, this.#declaredVersion);
    } finally {
      before.close();
    }
  }

  /** Whether the application's migration runs. */
  get isInMigration(): boolean {
    return this.#migration !== undefined;
  }

  /** Version that the application has given the classes of the file; −1 if it never did, 0 if that was not kept yet. */
  get declaredVersion(): number {
    return this.#declaredVersion;
  }

  /** @internal Whether the application has declared a class. */
  isDeclared(name: string): boolean {
    return this.#declarations?.some((declaration) => declaration.name === name) ?? false;
  }

  /** @internal What goes on while the application's migration runs. */
  get migration(): Migration | undefined {
    return this.#migration;
  }

  /** @internal The open write transaction has changed classes. */
  onSchemaChanged(): void {
    this.#everythingMayHaveChanged(true);
  }

  // --- classes ---------------------------------------------------------------------------------------------

  /** @param isForced classes may differ though the version is the same: inside a write transaction. */
  #readLayouts(isForced: boolean = false): void {
    const stored = readSchema(this.store, this.view);
    if (stored.version === this.#schemaVersion && !isForced) return;
    this.#schemaVersion = stored.version;
    // Layouts that are still right keep their identity, since handles hold on to them.
    const layouts = layOut(stored, this.#declarations ?? [], this.#layouts).map((layout, index) => {
      const before = this.#layouts[index];
      return before !== undefined && isSameLayout(before, layout) ? before : layout;
    });
    this.#layouts = layouts;
    this.#visible = undefined;
    this.#byName.clear();
    for (const layout of layouts) this.#byName.set(layout.name, layout);
  }

  /** Classes of the file, in the core's order. */
  get layouts(): readonly ClassLayout[] {
    return this.#layouts;
  }

  /** Classes that the application declared, or all of the file if it declared none. */
  get visibleLayouts(): readonly ClassLayout[] {
    if (this.#declarations === undefined) return this.#layouts;
    return this.#declarations.flatMap((declaration) => this.#byName.get(declaration.name) ?? []);
  }

  /** A class by its name. */
  layout(name: string): ClassLayout | undefined {
    this.#visible ??= new Map(this.visibleLayouts.map((layout) => [layout.name, layout]));
    return this.#visible.get(name);
  }

  /** A class of the file, declared or not: where links may lead. */
  storedLayout(name: string): ClassLayout | undefined {
    return this.#byName.get(name);
  }

  /** What reads see: the write transaction's own view while there is one. */
  get view(): SnapshotId {
    return this.#writeView ?? this.#snapshot;
  }

  /** @internal What reads see outside of write transactions. */
  get snapshot(): SnapshotId {
    return this.#snapshot;
  }

  /** Version of the snapshot. */
  get version(): number {
    return this.#version;
  }

  /** Whether a write transaction is open. */
  get isInWrite(): boolean {
    return this.#writeView !== undefined;
  }

  /** Whether it was closed. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Now, as the origin timestamp of a changeset. */
  timestampMs(): number {
    return Math.max(0, Math.floor(this.clock.nowMs() - syncEpochMs));
  }

  /** @throws {@link EngineError} `closed`. */
  requireOpen(): void {
    if (this.#isClosed) throw new EngineError("closed", "Cannot access realm that has been closed.");
  }

  /** @throws unless a write transaction is open. */
  requireWrite(): void {
    this.requireOpen();
    if (this.#writeView === undefined) {
      throw new EngineError("not-in-write", "Cannot modify managed objects outside of a write transaction.");
    }
  }

  /** Opens a write transaction over the newest version. */
  beginWrite(): void {
    this.requireOpen();
    if (this.isReadOnly) {
      throw new EngineError("read-only", "Can't perform transactions on read-only Realms.");
    }
    if (this.#writeView !== undefined) {
      throw new EngineError("already-in-write", "The Realm is already in a write transaction");
    }
    this.#writeView = this.store.beginWrite(writeTimeoutMs);
    if (this.#options.path !== null) this.#options.writeTurns?.begin(this.#options.path);
    this.#writeBase = this.store.snapshotVersion(this.#writeView);
    if (this.#writeBase !== this.#version) this.#everythingMayHaveChanged();
    for (const layout of this.#layouts) layout.beginWrite();
  }

  /** Makes the transaction's changes durable. */
  commitWrite(): void {
    this.requireOpen();
    if (this.#writeView === undefined) {
      throw new EngineError("not-in-write", "Can't commit a non-existing write transaction");
    }
    if (this.#migration !== undefined) throw migrationRuns();
    this.batch.flush();
    if (this.batch.isBroken) {
      this.cancelWrite();
      throw new EngineError("invalid-argument", "The transaction was undone because a change in it was refused.");
    }
    const hasMutations = this.batch.hasMutations;
    this.batch.reset();
    this.#endWrite();
    if (hasMutations) {
      try {
        this.store.commitWrite(this.timestampMs());
      } catch (error) {
        // Nothing of it is kept, and what the handles show has to follow.
        this.#moveSnapshot();
        this.#everythingMayHaveChanged();
        this.notifier.schedule();
        throw fileError(error, this.#options.path);
      }
    } else {
      // An empty commit would cost a sync to disk and tell nobody anything.
      this.store.abortWrite();
    }
    const expected = hasMutations ? undefined : this.#writeBase;
    this.#moveSnapshot(expected);
    this.notifier.schedule();
    if (hasMutations) this.onCommit();
  }

  /** Undoes the transaction. */
  cancelWrite(): void {
    this.requireOpen();
    if (this.#writeView === undefined) {
      throw new EngineError("not-in-write", "Can't cancel a non-existing write transaction");
    }
    if (this.#migration !== undefined) throw migrationRuns();
    this.#abort();
    this.#moveSnapshot();
    this.#everythingMayHaveChanged(true);
    this.notifier.schedule();
  }

  #endWrite(): void {
    this.#writeView = undefined;
    if (this.#options.path !== null) this.#options.writeTurns?.end(this.#options.path);
  }

  #abort(): void {
    this.#endWrite();
    this.batch.reset();
    this.store.abortWrite();
  }

  /** Moves the snapshot to the newest version, unless a write transaction is open. Returns whether it moved. */
  advance(): boolean {
    if (this.#isClosed || this.isFrozen || this.#writeView !== undefined) return false;
    if (this.store.version() === this.#version) return false;
    this.#moveSnapshot();
    this.#everythingMayHaveChanged();
    return true;
  }

  /** @param known a version whose changes the handles have already taken in. */
  #moveSnapshot(known?: number): void {
    const before = this.#snapshot;
    const ownVersion = known ?? this.#writeBase + 1;
    this.#snapshot = this.store.beginRead();
    this.store.endRead(before);
    this.#version = this.store.snapshotVersion(this.#snapshot);
    // Versions beyond our own were made by the session in between.
    if (this.#version !== ownVersion) this.#everythingMayHaveChanged();
  }

  #everythingMayHaveChanged(isSchemaForced: boolean = false): void {
    this.dataEpoch += 1;
    for (const layout of this.#layouts) layout.touchAll(true);
    this.#readLayouts(isSchemaForced);
  }

  /** Sends gathered mutations to the core, before something is read that they may have changed. */
  flush(): void {
    if (!this.batch.isEmpty) this.batch.flush();
  }

  /**
   * Gives unused space back to the file system.
   *
   * @returns whether it was done: not while others read or write.
   * @throws in a write transaction.
   */
  compact(): boolean {
    this.requireOpen();
    if (this.isFrozen || this.#options.path === null) return false;
    if (this.isReadOnly) throw new EngineError("read-only", "Can't compact a read-only Realm");
    if (this.isInWrite) throw new EngineError("already-in-write", "Cannot compact a Realm within a transaction");
    this.store.endRead(this.#snapshot);
    try {
      return this.store.compact();
    } catch (error) {
      throw fileError(error, this.#options.path);
    } finally {
      this.#snapshot = this.store.beginRead();
      this.#version = this.store.snapshotVersion(this.#snapshot);
      this.#everythingMayHaveChanged();
    }
  }

  /**
   * Writes a copy of the newest version to another path.
   *
   * @param form `synced` is for a synchronised realm of another device.
   * @param encryptionKey encrypts the copy.
   * @throws in a write transaction; if the file exists; a synced copy if something was not uploaded.
   */
  writeCopy(path: string, form: "local" | "synced", encryptionKey: Uint8Array | undefined): void {
    this.requireOpen();
    if (this.isInWrite) throw new EngineError("already-in-write", "Cannot write a copy within a transaction");
    try {
      this.store.writeCopy(path, form, ...secretOf(encryptionKey, this.clock));
    } catch (error) {
      throw fileError(error, path);
    }
  }

  /** Gives everything back; an open transaction is undone. */
  close(): void {
    if (this.#isClosed) return;
    if (this.#writeView !== undefined) this.#abort();
    this.#isClosed = true;
    this.notifier.close();
    this.store.endRead(this.#snapshot);
    if (this.#options.sharedStore === undefined) this.store.close();
  }
}

function openStore(options: DatabaseOptions): CoreStore {
  const { core, path, isSynced, isReadOnly, encryptionKey, clock } = options;
  try {
    const settings = JSON.stringify({ synced: isSynced, readOnly: isReadOnly });
    return core.openStore(path, settings, ...secretOf(encryptionKey, clock));
  } catch (error) {
    throw fileError(error, path, "file-damaged");
  }
}

function compactOnOpening(store: CoreStore, { isReadOnly, shouldCompact }: DatabaseOptions): void {
  if (isReadOnly || shouldCompact === undefined) return;
  try {
    const { totalBytes, usedBytes } = JSON.parse(store.sizes()) as { totalBytes: number; usedBytes: number };
    if (shouldCompact(totalBytes, usedBytes)) store.compact();
  } catch (error) {
    store.close();
    throw error;
  }
}

/** Codes that the engine takes over from the core. */
const fileCodes: ReadonlySet<string> = new Set<EngineErrorCode>([
  "file-damaged",
  "file-key-needed",
  "file-key-wrong",
  "file-not-encrypted",
  "invalid-key",
  "file-exists",
  "disk-full",
  "file-device",
  "unsynced-changes",
]);

/** @param otherwise what any other error is; it is thrown on as it is if not given. */
function fileError(error: unknown, path: string | null, otherwise?: EngineErrorCode): unknown {
  const code = errorCodeOf(error);
  if (code === "file-in-use") {
    return new EngineError("file-in-use", `The file is open in another process: ${path ?? ""}`, { cause: error });
  }
  const known = code !== undefined && fileCodes.has(code) ? (code as EngineErrorCode) : otherwise;
  return known === undefined ? error : new EngineError(known, messageOf(error), { cause: error });
}
