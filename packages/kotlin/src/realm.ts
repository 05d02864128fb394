/**
 * Realms.
 *
 * @module
 */

import {
  Binding as EngineBinding,
  bindingKey,
  type ClassDeclaration,
  type Handle,
  handleKey,
  type OpenOptions,
  type RealmFile,
  resolveHandle,
  type Results,
  type SyncOptions,
  within,
} from "@tidemark/engine";
import { type Binding, type BoundModel, type Managed, type Owner, type Scope, scopeOf, wrappers } from "./binding.js";
import type { Configuration } from "./configuration/configuration.js";
import type { RealmConfiguration } from "./configuration/realm-configuration.js";
import { SyncConfiguration } from "./configuration/sync-configuration.js";
import { bindModel } from "./data/bind.js";
import { InitialRealm, type RealmChange, UpdatedRealm } from "./data/changes.js";
import type { RealmDictionary } from "./data/dictionary.js";
import { Exporter } from "./data/exporter.js";
import type { BaseRealmObject } from "./data/object.js";
import { newestOf, type RealmQuery } from "./data/query.js";
// What it gives the wrappers is needed by every query.
import "./data/results.js";
import { Versions } from "./data/versions.js";
import { timeoutMsOf } from "./duration.js";
import { engine } from "./engine.js";
import { call, DownloadingRealmTimeOutException, IllegalStateException, mapError, refuseAsync } from "./errors.js";
import type { FlowSource } from "./flow/channel.js";
import { Flow } from "./flow/flow.js";
import { schemaOptions } from "./migration.js";
import { MutableRealm } from "./mutable-realm.js";
import { declareModel } from "./schema/declare.js";
import type { ModelClass } from "./schema/model.js";
import { RealmSchema } from "./schema/realm-schema.js";
import { type ResetRealm, resetOptionsOf } from "./sync/client-reset.js";
import type { SubscribeOptions } from "./sync/subscribe.js";
import { MutableSubscriptionSet, SubscriptionSet } from "./sync/subscriptions.js";
import { SyncSession } from "./sync/sync-session.js";
import { FrozenRealm, queryOf, type TypedRealm } from "./typed-realm.js";

const overflowText =
  "Cannot deliver notifications: 64 wait for the collector of a flow already. Buffer the flow with buffer(...).";

/** Files whose first opening has been seen. */
const knownFiles = new WeakSet<RealmFile>();

/** Paths of files that are there though their first opening has failed: the next one still begins them. */
const unfinishedFiles = new Set<string>();

/** A realm: objects in a file, synchronised or not. What is read is frozen; what is changed is changed in `write`. */
export class Realm implements TypedRealm {
  /** What the realm was opened with. */
  readonly configuration: Configuration;
  readonly #declarations: readonly ClassDeclaration[];
  readonly #models: ReadonlyMap<string, ModelClass>;
  readonly #owner: Owner;
  /** What ends the flows that are collected. */
  readonly #ends = new Set<() => void>();
  #file: RealmFile | undefined;
  #versions: Versions | undefined;
  #session: SyncSession | undefined;
  #subscriptions: SubscriptionSet | undefined;
  #isClosed = false;

  private constructor(configuration: Configuration) {
    this.configuration = configuration;
    this.#declarations = configuration.schema.map(declareModel);
    this.#models = new Map(configuration.schema.map((model) => [model.schema.name, model]));
    this.#owner = this.#makeOwner();
  }

  /**
   * Opens a realm. Where the configuration waits for the server's data the realm comes with a promise; in realm-kotlin
   * the call blocks then.
   *
   * @throws {@link IllegalArgumentException} if the models contradict themselves; {@link IllegalStateException} if the
   * file has another schema, or if the server refuses; {@link DownloadingRealmTimeOutException} if the data does not
   * come in time.
   */
  static open(configuration: RealmConfiguration | SyncConfiguration<false>): Realm;
  /**
   * The same for a configuration that waits for the server's data.
   *
   * @throws {@link DownloadingRealmTimeOutException} if it does not come in time.
   */
  static open(configuration: SyncConfiguration<true>): Promise<Realm>;
  /** The same for a configuration of which the compiler does not know whether it waits. */
  static open(configuration: RealmConfiguration | SyncConfiguration): Realm | Promise<Realm>;
  static open(configuration: RealmConfiguration | SyncConfiguration): Realm | Promise<Realm> {
    const realm = new Realm(configuration);
    const isNew = realm.#open();
    const remoteData = configuration instanceof SyncConfiguration ? configuration.initialRemoteData : null;
    if (remoteData !== null) return realm.#download(timeoutMsOf(remoteData.timeout), String(remoteData.timeout), isNew);
    realm.#writeInitially(isNew);
    return realm;
  }

  /** Deletes the file of a realm that is closed. @throws {@link IllegalStateException} if it is open. */
  static deleteRealm(configuration: Configuration): void {
    call(() => engine().deleteFile(configuration.path));
  }

  /**
   * Gives unused space of a file back to the file system.
   *
   * @returns whether it was done: not while the realm is open, and not if there is no file.
   */
  static compactRealm(configuration: Configuration): boolean {
    const { path, encryptionKey, inMemory } = configuration;
    if (inMemory) return false;
    const isSynced = configuration instanceof SyncConfiguration;
    return call(() => engine().compactFile(path, isSynced, encryptionKey ?? undefined));
  }

  // --- opening ---------------------------------------------------------------------------------------------

  /** @returns whether the file is new. */
  #open(): boolean {
    const { configuration } = this;
    const { path, inMemory } = configuration;
    const isThere = !inMemory && engine().host.files.exists(path);
    const options: OpenOptions = {
      path,
      isInMemory: inMemory,
      isReadOnly: false,
      classes: this.#declarations,
      encryptionKey: configuration.encryptionKey ?? undefined,
      shouldCompact: configuration.compactOnLaunchCallback ?? undefined,
      sync: configuration instanceof SyncConfiguration ? this.#syncOptions(configuration) : undefined,
      ...schemaOptions(configuration),
    };
    const isUnfinished = unfinishedFiles.delete(path);
    try {
      const file = call(() => engine().open(options));
      this.#adopt(file);
      const isNew = file.takeReset() || isUnfinished || (!isThere && !knownFiles.has(file));
      knownFiles.add(file);
      return isNew;
    } catch (error) {
      if (!isThere || isUnfinished) this.#leaveUnfinished();
      throw error;
    }
  }

  /** The opening of a new file has failed, and the next one is to begin it as if this one had not been. */
  #leaveUnfinished(): void {
    const { configuration } = this;
    const { path, inMemory } = configuration;
    if (inMemory) return;
    // A file that is synchronised may be in use for a moment, and keeps what it has downloaded.
    if (configuration instanceof SyncConfiguration) unfinishedFiles.add(path);
    else engine().deleteFile(path);
  }

  /** Initial subscriptions need the realm before the engine has opened the file to the end. */
  #adopt(file: RealmFile): void {
    if (this.#file === file) return;
    this.#file = file;
    this.#versions = new Versions(file, (frozen) => this.#bind(frozen, "frozen"));
  }

  #syncOptions(configuration: SyncConfiguration): NonNullable<OpenOptions["sync"]> {
    const { user, schemaVersion, initialSubscriptions, syncClientResetStrategy, errorHandler } = configuration;
    const options: SyncOptions = {
      user: user.internal,
      schemaVersion,
      headers: user.app.configuration.customRequestHeaders,
      stopPolicy: "after-upload",
      cancelsWaitsOnNonFatalError: false,
      ...resetOptionsOf(syncClientResetStrategy, errorHandler, this.#resetRealm(configuration)),
    };
    if (initialSubscriptions === null) return options;
    const { callback, rerunOnOpen } = initialSubscriptions;
    return {
      ...options,
      initialSubscriptions: {
        rerunsOnOpen: rerunOnOpen,
        update: (draft, file) => {
          this.#adopt(file);
          const version = (file.sync?.subscriptions.latest().version ?? 0) + 1;
          const result: unknown = callback(new MutableSubscriptionSet(this, draft, version), this);
          refuseAsync(result, "The callback of initial subscriptions must not be async");
        },
      },
    };
  }

  #resetRealm(configuration: SyncConfiguration): ResetRealm {
    const { path, user } = configuration;
    return {
      path,
      readFrozen: (snapshot, read) => {
        const file = engine().openFrozen(path, this.#declarations, snapshot);
        const realm = new FrozenRealm(configuration, this.#bind(file, "frozen"));
        try {
          return read(realm);
        } finally {
          realm.end();
        }
      },
      write: (block) => this.#write(block),
      session: (session) =>
        new SyncSession({
          session,
          configuration,
          flow: (source) => this.#owner.flow(source),
          file: () => undefined,
          isOfErrorHandler: true,
        }),
      executeReset: () => {
        try {
          engine().initiateClientReset(user.internal.app, path);
          return true;
        } catch {
          return false;
        }
      },
    };
  }

  async #download(timeoutMs: number | undefined, timeout: string, isNew: boolean): Promise<Realm> {
    try {
      const done = await within(engine().host, this.#requireOpen().download(), { timeoutMs });
      if (done === undefined) throw new DownloadingRealmTimeOutException(this.configuration.path, timeout);
      this.#writeInitially(isNew);
      return this;
    } catch (error) {
      this.close();
      if (isNew) this.#leaveUnfinished();
      const mapped = mapError(error);
      if (mapped === error || !(mapped instanceof Error)) throw error;
      throw new IllegalStateException(mapped.message, { cause: mapped });
    }
  }

  #writeInitially(isNew: boolean): void {
    const { initialDataCallback } = this.configuration;
    if (!isNew || initialDataCallback === null) return;
    try {
      this.#write(initialDataCallback);
    } catch (error) {
      this.close();
      this.#leaveUnfinished();
      throw error;
    }
  }

  // --- bindings --------------------------------------------------------------------------------------------

  #makeOwner(): Owner {
    const fileOf = (): RealmFile => this.#requireOpen();
    return {
      path: this.configuration.path,
      get file() {
        return fileOf();
      },
      current: () => this.#current(),
      flow: (source) => this.#flow(source),
      subscribe: (results, options) => this.#subscribe(results, options),
    };
  }

  #bind(file: RealmFile, kind: Scope["kind"]): Binding {
    const scope: Scope = { owner: this.#owner, kind, isOver: false };
    const models = this.#models;
    return new EngineBinding<BoundModel>({
      realm: scope,
      file,
      wrappers,
      makeClass: (layout) => bindModel(layout, models.get(layout.name)),
    });
  }

  #current(): Binding {
    this.#requireOpen();
    if (this.#versions === undefined) throw new IllegalStateException("The realm is not open");
    return call(() => (this.#versions as Versions).current());
  }

  #requireOpen(): RealmFile {
    if (this.#isClosed || this.#file === undefined) {
      throw new IllegalStateException("Realm has been closed and is no longer accessible: " + this.configuration.path);
    }
    return this.#file;
  }

  #flow<T>(source: FlowSource<T>): Flow<T> {
    return Flow.from<T>(
      (emitter) => {
        this.#requireOpen();
        const complete = (): void => emitter.complete();
        const end = source(emitter);
        this.#ends.add(complete);
        return () => {
          this.#ends.delete(complete);
          end();
        };
      },
      { overflow: () => new IllegalStateException(overflowText) },
    );
  }

  async #subscribe(results: Results, options: SubscribeOptions): Promise<void> {
    await this.subscriptions.subscribe(results, options);
  }

  // --- reading ---------------------------------------------------------------------------------------------

  schema(): RealmSchema {
    return new RealmSchema(this.#requireOpen().database.visibleLayouts);
  }

  schemaVersion(): number {
    return this.configuration.schemaVersion;
  }

  /** The newest version. */
  version(): {
    /** Grows with every commit. */
    readonly version: number;
  } {
    return { version: this.#requireOpen().database.version };
  }

  /** How many versions are in use: by objects that were read and are kept, and the newest. */
  getNumberOfActiveVersions(): number {
    this.#requireOpen();
    return Math.max(1, this.#versions?.count ?? 0);
  }

  query<T extends BaseRealmObject>(
    type: ModelClass<T>,
    filter: string = "TRUEPREDICATE",
    ...args: readonly unknown[]
  ): RealmQuery<T> {
    return queryOf(newestOf(this.#owner), this.#owner, type, filter, args);
  }

  /** Follows the realm: an `InitialRealm` first, an `UpdatedRealm` after each change. */
  asFlow(): Flow<RealmChange> {
    this.#requireOpen();
    return this.#flow<RealmChange>((emitter) => {
      emitter.emit(new InitialRealm(this));
      return this.#requireOpen().database.notifier.onChange(() => emitter.emit(new UpdatedRealm(this)));
    });
  }

  /**
   * A copy that is not stored: of an object, or of all objects of a collection or dictionary.
   *
   * @param depth how many links deep; without end by default. Beyond it links are null and lists empty.
   */
  copyFromRealm<T extends BaseRealmObject>(object: T, depth?: number): T;
  /** The same of all objects of a dictionary. */
  copyFromRealm<T extends BaseRealmObject | null>(dictionary: RealmDictionary<T>, depth?: number): Map<string, T>;
  /** The same of all objects of a collection. */
  copyFromRealm<T extends BaseRealmObject>(collection: Iterable<T>, depth?: number): T[];
  copyFromRealm(
    given: BaseRealmObject | RealmDictionary<BaseRealmObject | null> | Iterable<BaseRealmObject>,
    depth: number = Number.POSITIVE_INFINITY,
  ): unknown {
    return new Exporter().copy(given, depth);
  }

  // --- writing ---------------------------------------------------------------------------------------------

  /**
   * Runs a block in a write transaction. What it throws undoes the transaction. Stored objects that it returns are
   * frozen, in the version that the transaction makes.
   *
   * @throws {@link IllegalStateException} inside of another one; {@link IllegalArgumentException} if the block returns
   * a promise: a transaction does not last over turns of the event loop.
   */
  async write<R>(block: (realm: MutableRealm) => R): Promise<R> {
    return this.#write(block);
  }

  /** Runs a block in a write transaction, as {@link Realm.write} does, without a promise. */
  writeBlocking<R>(block: (realm: MutableRealm) => R): R {
    return this.#write(block);
  }

  #write<R>(block: (realm: MutableRealm) => R): R {
    const file = this.#requireOpen();
    const { database } = file;
    if (database.isInWrite) {
      throw new IllegalStateException("Cannot initiate transaction when already in a write transaction");
    }
    this.#requireFewVersions();
    call(() => database.beginWrite());
    const binding = this.#bind(file, "live");
    const realm = new MutableRealm(this.configuration, binding);
    let result: R;
    try {
      result = block(realm);
      refuseAsync(result, "The block of a write transaction must not be async");
    } catch (error) {
      scopeOf(binding).isOver = true;
      if (database.isInWrite) database.cancelWrite();
      throw error;
    }
    if (!realm.isCancelled) call(() => database.commitWrite());
    scopeOf(binding).isOver = true;
    return this.#frozen(result, binding);
  }

  #requireFewVersions(): void {
    const count = this.getNumberOfActiveVersions();
    const { maxNumberOfActiveVersions } = this.configuration;
    if (count <= maxNumberOfActiveVersions) return;
    throw new IllegalStateException(
      `Number of active versions (${count}) in the Realm exceeded the limit of ${maxNumberOfActiveVersions}`,
    );
  }

  /** What a transaction returns, in the version that it made. */
  #frozen<R>(result: R, transaction: Binding): R {
    if (typeof result !== "object" || result === null) return result;
    const { [handleKey]: handle, [bindingKey]: binding } = result as R & Managed;
    if (handle === undefined || binding !== transaction) return result;
    const current = this.#current();
    const found = resolveHandle<Handle>(current.file.database, handle);
    if (found === undefined) {
      throw new IllegalStateException("A deleted Realm object cannot be returned from a write transaction.");
    }
    const isResults = "stages" in found;
    return (isResults ? current.results(found) : current.wrap(found)) as R;
  }

  // --- synchronisation -------------------------------------------------------------------------------------

  /**
   * The session: the same object each time.
   *
   * @throws {@link IllegalStateException} if the realm is not synchronised, or closed.
   */
  get syncSession(): SyncSession {
    const { file, configuration } = this.#requireSynced();
    const { sync } = file;
    if (sync === undefined) throw new IllegalStateException("The realm has no session");
    this.#session ??= new SyncSession({
      session: sync.session,
      configuration,
      flow: (source) => this.#owner.flow(source),
      file: () => (this.#isClosed ? undefined : this.#file),
      isOfErrorHandler: false,
    });
    return this.#session;
  }

  /**
   * The subscriptions: the same object each time, which shows the version of its last update, wait or refresh.
   *
   * @throws {@link IllegalStateException} if the realm is not synchronised, or closed.
   */
  get subscriptions(): SubscriptionSet {
    const { file } = this.#requireSynced();
    if (file.sync === undefined) throw new IllegalStateException("The realm has no subscriptions");
    this.#subscriptions ??= new SubscriptionSet(this, file, file.sync.subscriptions);
    return this.#subscriptions;
  }

  #requireSynced(): { readonly file: RealmFile; readonly configuration: SyncConfiguration } {
    const { configuration } = this;
    if (!(configuration instanceof SyncConfiguration)) {
      throw new IllegalStateException("This method is only available on synchronized realms.");
    }
    if (this.#isClosed || this.#file === undefined) {
      throw new IllegalStateException("This method is not available when the Realm has been closed.");
    }
    return { file: this.#file, configuration };
  }

  // --- the rest --------------------------------------------------------------------------------------------

  /**
   * Writes a copy of the realm to the path of a configuration, encrypted if that has a key. A copy for a
   * {@link SyncConfiguration} is for other devices: each of them gets an identity of its own from the server
   * when it first opens it, and is then sent what the subscriptions see.
   *
   * @throws {@link IllegalArgumentException} if there is a file at the path, or for a copy that is to be synchronised
   * of a realm that is not; {@link IllegalStateException} if the copy is to be synchronised and the realm has changes
   * which the server does not have yet.
   */
  writeCopyTo(configuration: Configuration): void {
    const file = this.#requireOpen();
    call(() =>
      engine().writeCopy(file, {
        path: configuration.path,
        isSynced: configuration instanceof SyncConfiguration,
        encryptionKey: configuration.encryptionKey ?? undefined,
      }),
    );
  }

  /** Whether {@link Realm.close} was called. */
  isClosed(): boolean {
    return this.#isClosed;
  }

  /**
   * Closes the realm: flows complete, objects that were read can be read no more. May be called again. What was not
   * uploaded yet still is, in the background.
   *
   * @throws {@link IllegalStateException} inside of a write transaction.
   */
  close(): void {
    if (this.#isClosed) return;
    if (this.#file?.database.isInWrite === true) {
      throw new IllegalStateException("Cannot close the Realm while inside a transaction block");
    }
    for (const end of Array.from(this.#ends)) end();
    this.#isClosed = true;
    this.#versions?.close();
    this.#file?.close();
  }
}
