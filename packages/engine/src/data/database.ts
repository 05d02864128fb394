/**
 * An open file on the application's thread: its snapshot, its write transaction, its classes.
 *
 * **Invariant**: outside a write transaction every read sees the snapshot, which moves only between turns of the event
 * loop, when a transaction begins or ends, and before a wait for synchronisation resolves.
 *
 * @module
 */

import { syncEpochMs } from "@tidemark/protocol";
import type { Core, CoreStore, SnapshotId } from "../core.js";
import { EngineError, errorCodeOf, messageOf } from "../errors.js";
import type { Clock } from "../host.js";
import type { WriteTurns } from "../sync/write-turns.js";
import type { Conventions } from "../values/conventions.js";
import { MutationBatch } from "./batch.js";
import { Notifier } from "./notifier.js";
import { ObjectReader } from "./reader.js";
import {
  checkDeclarations,
  type ClassDeclaration,
  type ClassLayout,
  indexesDiffer,
  layOut,
  migrationError,
  needsUpdate,
  queryNamesOf,
  readSchema,
  schemaConflicts,
  toSchemaInformation,
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
  /** Hears of write transactions. */
  readonly writeTurns?: WriteTurns | undefined;
}

/** A second writer may hold the lock for some milliseconds at a time; longer means that something is wrong. */
const writeTimeoutMs = 60_000;

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
  readonly #options: DatabaseOptions;
  #isClosed = false;

  constructor(options: DatabaseOptions) {
    this.#options = options;
    this.core = options.core;
    this.clock = options.clock;
    this.conventions = options.conventions;
    this.isSynced = options.isSynced;
    this.isReadOnly = options.isReadOnly;
    this.isFrozen = options.frozenAt !== undefined;
    this.#declarations = options.classes;
    if (options.classes !== undefined) checkDeclarations(options.classes, options.isSynced);
    this.store = options.sharedStore ?? openStore(options);
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
  declare(classes: readonly ClassDeclaration[]): void {
    checkDeclarations(classes, this.isSynced);
    const names = new Set(classes.map(({ name }) => name));
    const before = this.#declarations;
    this.#declarations = [...(before ?? []).filter(({ name }) => !names.has(name)), ...classes];
    try {
      this.#updateSchema();
    } catch (error) {
      this.#declarations = before;
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
    if (this.#declarations !== undefined && !this.isFrozen) {
      const wanted = toSchemaInformation(this.#declarations);
      const stored = readSchema(this.store, this.#snapshot);
      const conflicts = schemaConflicts(stored, wanted);
      if (conflicts.length > 0) throw migrationError(conflicts, this.isSynced);
      const isIncomplete = needsUpdate(stored, wanted);
      if (isIncomplete || (!this.isReadOnly && indexesDiffer(stored, wanted))) {
        if (this.isReadOnly) {
          throw new EngineError("schema-mismatch", "Can't change schema of a read-only Realm.");
        }
        this.store.beginWrite(writeTimeoutMs);
        try {
          this.store.updateSchema(JSON.stringify(wanted));
          this.store.commitWrite(this.timestampMs());
        } catch (error) {
          this.store.abortWrite();
          throw error;
        }
        this.#moveSnapshot();
      }
    }
    this.#readLayouts();
  }

  #readLayouts(): void {
    const stored = readSchema(this.store, this.view);
    if (stored.version === this.#schemaVersion) return;
    this.#schemaVersion = stored.version;
    // Layouts that are still right keep their identity, since handles hold on to them.
    const layouts = layOut(stored, this.#declarations ?? []).map((layout, index) => {
      const before = this.#layouts[index];
      const isSame =
        before !== undefined && before.name === layout.name && before.columns.length === layout.columns.length;
      return isSame ? before : layout;
    });
    this.#layouts = layouts;
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
    const layout = this.#byName.get(name);
    if (layout === undefined || this.#declarations === undefined) return layout;
    return this.#declarations.some((declaration) => declaration.name === name) ? layout : undefined;
  }

  /** A class of the file, declared or not: where links may lead. */
  storedLayout(name: string): ClassLayout | undefined {
    return this.#byName.get(name);
  }

  /** What reads see: the write transaction's own view while there is one. */
  get view(): SnapshotId {
    return this.#writeView ?? this.#snapshot;
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
  }

  /** Makes the transaction's changes durable. */
  commitWrite(): void {
    this.requireOpen();
    if (this.#writeView === undefined) {
      throw new EngineError("not-in-write", "Can't commit a non-existing write transaction");
    }
    this.batch.flush();
    if (this.batch.isBroken) {
      this.cancelWrite();
      throw new EngineError("invalid-argument", "The transaction was undone because a change in it was refused.");
    }
    const hasMutations = this.batch.hasMutations;
    this.batch.reset();
    this.#endWrite();
    if (hasMutations) {
      this.store.commitWrite(this.timestampMs());
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
    this.#abort();
    this.#moveSnapshot();
    this.#everythingMayHaveChanged();
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

  #everythingMayHaveChanged(): void {
    this.dataEpoch += 1;
    for (const layout of this.#layouts) layout.touchAll(true);
    this.#readLayouts();
  }

  /** Sends gathered mutations to the core, before something is read that they may have changed. */
  flush(): void {
    if (!this.batch.isEmpty) this.batch.flush();
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
  const { core, path, isSynced, isReadOnly } = options;
  try {
    return core.openStore(path, JSON.stringify({ synced: isSynced, readOnly: isReadOnly }));
  } catch (error) {
    if (errorCodeOf(error) === "file-in-use") {
      throw new EngineError("file-in-use", `The file is open in another process: ${path ?? ""}`, { cause: error });
    }
    throw new EngineError("file-damaged", messageOf(error), { cause: error });
  }
}
