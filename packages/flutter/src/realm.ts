/**
 * Realms.
 *
 * @module
 */

import {
  Binding as EngineBinding,
  bindingKey,
  type ClassLayout,
  EmbeddedHandle,
  eraseAll,
  eraseEmbedded,
  findObject,
  handleKey,
  ObjectHandle,
  type OpenOptions,
  type RealmFile,
  Results as EngineResults,
  type SnapshotId,
} from "@tidemark/engine";
import { type Cancellation, throwIfCancelled, untilCancelled } from "./cancellation.js";
import {
  absolutePath,
  type Configuration,
  DisconnectedSyncConfiguration,
  FlexibleSyncConfiguration,
  InMemoryConfiguration,
  LocalConfiguration,
} from "./configuration.js";
import { type Binding, type BoundClass, wrappers } from "./data/binding.js";
import { layoutOf, manage } from "./data/manage.js";
import { boundClassOf } from "./data/object.js";
import type { AsymmetricObject, RealmObject } from "./data/object.js";
import type { RealmObjectBase } from "./data/object-base.js";
import { RealmResults } from "./data/results.js";
import { RealmValue } from "./data/realm-value.js";
import { engine, existingEngine } from "./engine.js";
import { call, RealmClosedError, RealmError, refuseAsync, settle, UserCallbackException } from "./errors.js";
import { logger, type RealmLogger } from "./logging.js";
import { schemaOptions } from "./migration.js";
import {
  declarationOfSchema,
  type ModelClass,
  type ModelObject,
  type PrimaryKeyOf,
  RealmSchema,
  type SchemaObject,
  schemaOf,
  schemaOfDeclaration,
} from "./model/schema.js";
import { resetOptionsOf } from "./sync/client-reset.js";
import { progressOf, Session, type SyncProgress } from "./sync/session.js";
import { SubscriptionSet } from "./sync/subscriptions.js";
import { Transaction } from "./transaction.js";

/** How a realm is opened with its data. */
export interface OpenRealmOptions {
  /** Gives the opening up. Another opening of the same file goes on. */
  readonly cancellationToken?: Cancellation | undefined;
  /** Told how far the download is; not at all where there is nothing to download. */
  readonly onProgressCallback?: ((progress: SyncProgress) => void) | undefined;
}

/** Objects of classes that the program does not know, by the names of the classes. */
export interface DynamicRealm {
  /** All objects of a class. */
  all(className: string): RealmResults<RealmObject>;
  /** The object with a primary key; `null` if there is none. */
  find(className: string, primaryKey: unknown): RealmObject | null;
}

const opened = new Set<WeakRef<Realm>>();

/** A realm: objects in a file, synced or not. Objects and collections of it are live. */
export class Realm {
  readonly #configuration: Configuration;
  readonly #file: RealmFile;
  readonly #binding: Binding;
  readonly #schemas: ReadonlyMap<string, SchemaObject>;
  #session: Session | undefined;
  #subscriptions: SubscriptionSet | undefined;
  #transaction: Transaction | undefined;
  #isClosed = false;

  /**
   * Opens a realm at once, offline too: what is not here yet arrives later.
   *
   * @throws {@link RealmException} if the file cannot be opened as the configuration wants it.
   */
  constructor(configuration: Configuration);
  /** @internal A realm over a file that is open. */
  constructor(configuration: Configuration, existing: RealmFile | undefined);
  constructor(configuration: Configuration, existing?: RealmFile) {
    this.#configuration = configuration;
    this.#schemas = new Map([...configuration.schema].map((schema) => [schema.name, schema]));
    const isNew = existing === undefined && !engine().host.files.exists(configuration.path);
    this.#file = existing ?? call(() => this.#open(configuration));
    this.#binding = new EngineBinding<BoundClass>({
      realm: this,
      file: this.#file,
      wrappers,
      makeClass: (layout) => this.#makeClass(layout),
    });
    opened.add(new WeakRef(this));
    if (isNew || this.#file.takeReset()) this.#fill();
  }

  #open(configuration: Configuration): RealmFile {
    const options: OpenOptions = {
      path: configuration.path,
      isInMemory: configuration instanceof InMemoryConfiguration,
      isReadOnly: configuration instanceof LocalConfiguration && configuration.isReadOnly,
      classes: this.#declarations(),
      sync: this.#syncOptions(configuration),
      isSyncedFile: configuration instanceof DisconnectedSyncConfiguration,
      encryptionKey: configuration.encryptionKey,
      shouldCompact:
        configuration instanceof LocalConfiguration || configuration instanceof FlexibleSyncConfiguration
          ? configuration.shouldCompactCallback
          : undefined,
      ...schemaOptions(configuration, (settings, file) => new Realm(settings, file)),
    };
    return engine().open(options);
  }

  /** Without classes of its own a realm has those of its file. */
  #declarations(): OpenOptions["classes"] {
    const schemas = [...this.#schemas.values()];
    return schemas.length === 0 ? undefined : schemas.map(declarationOfSchema);
  }

  #syncOptions(configuration: Configuration): OpenOptions["sync"] {
    if (!(configuration instanceof FlexibleSyncConfiguration)) return undefined;
    const { path, user, schemaVersion, clientResetHandler, syncErrorHandler } = configuration;
    return {
      user: user.internal,
      schemaVersion,
      headers: {},
      stopPolicy: "after-upload",
      cancelsWaitsOnNonFatalError: configuration.cancelAsyncOperationsOnNonFatalErrors,
      ...resetOptionsOf(clientResetHandler, syncErrorHandler, path, {
        frozen: (snapshot) => new Realm(configuration, this.#openFrozen(path, snapshot)),
        live: () => new Realm(configuration),
      }),
    };
  }

  #openFrozen(path: string, snapshot: SnapshotId | undefined): RealmFile {
    return call(() => engine().openFrozen(path, this.#declarations(), snapshot));
  }

  #makeClass(layout: ClassLayout): BoundClass {
    return boundClassOf(layout, this.#schemas.get(layout.name) ?? schemaOfDeclaration(layout.declaration));
  }

  #fill(): void {
    const { initialDataCallback } =
      this.#configuration instanceof LocalConfiguration ? this.#configuration : { initialDataCallback: undefined };
    if (initialDataCallback === undefined) return;
    try {
      this.write(() => initialDataCallback(this));
    } catch (error) {
      // The next opening begins anew, as if this one had not been.
      this.close();
      engine().deleteFile(this.#configuration.path);
      throw new UserCallbackException(error);
    }
  }

  /**
   * Opens a realm; a synced one when its subscriptions' data is here. Without a connection that takes until there is
   * one, unless the token ends it.
   *
   * @throws what the token holds; `RealmException` if synchronisation fails meanwhile.
   */
  static async open(configuration: Configuration, options: OpenRealmOptions = {}): Promise<Realm> {
    const { cancellationToken, onProgressCallback } = options;
    throwIfCancelled(cancellationToken);
    const realm = new Realm(configuration);
    const { sync } = realm.#file;
    const removeProgress =
      onProgressCallback === undefined
        ? undefined
        : sync?.session.addProgressListener("download", "indefinite", (report) =>
            onProgressCallback(progressOf(report)),
          );
    try {
      await untilCancelled(
        engine().host,
        settle(() => realm.#file.download()),
        cancellationToken,
      );
      return realm;
    } catch (error) {
      realm.close();
      throw error;
    } finally {
      removeProgress?.();
    }
  }

  // --- files -----------------------------------------------------------------------------------------------

  /** Deletes a realm's file. @throws {@link RealmException} if it is open. */
  static deleteRealm(path: string): void {
    call(() => engine().deleteFile(absolutePath(path)));
  }

  /** Whether there is a file. */
  static existsSync(path: string): boolean {
    return engine().host.files.exists(absolutePath(path));
  }

  /** The same as a promise. */
  static exists(path: string): Promise<boolean> {
    return Promise.resolve(Realm.existsSync(path));
  }

  /**
   * Gives unused space of a file back to the file system.
   *
   * @returns whether it was done: not while the realm is open, not in memory, and not if there is no file.
   */
  static compact(configuration: Configuration): boolean {
    if (configuration instanceof InMemoryConfiguration) return false;
    const { path, encryptionKey } = configuration;
    return call(() => engine().compactFile(path, isOfSyncedFile(configuration), encryptionKey));
  }

  /** What is logged, and who is told. */
  static get logger(): RealmLogger {
    return logger;
  }

  /** Closes all realms and ends synchronisation. */
  static shutdown(): void {
    for (const reference of Array.from(opened)) reference.deref()?.close();
    existingEngine()?.shutdown();
  }

  // --- what it is ------------------------------------------------------------------------------------------

  /** @internal */
  get internal(): RealmFile {
    return this.#file;
  }

  /** @internal */
  get bound(): Binding {
    return this.#binding;
  }

  #requireOpen(): RealmFile {
    if (this.#isClosed) throw new RealmClosedError("Cannot access realm that has been closed");
    return this.#file;
  }

  /** What the realm was opened with. */
  get config(): Configuration {
    return this.#configuration;
  }

  /** The classes of the realm. */
  get schema(): RealmSchema {
    const { database } = this.#requireOpen();
    return new RealmSchema(database.visibleLayouts.map((layout) => this.#binding.classOf(layout).schema));
  }

  /** Whether the realm shows one version for ever. */
  get isFrozen(): boolean {
    return this.#file.database.isFrozen;
  }

  /** Whether a write transaction is open. */
  get isInTransaction(): boolean {
    return this.#requireOpen().database.isInWrite;
  }

  /** Whether {@link Realm.close} was called. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Whether both are realms of one open file: what `==` is in Dart. */
  equals(other: unknown): boolean {
    return other instanceof Realm && other.#file.database === this.#file.database;
  }

  /**
   * The session: one object.
   *
   * @throws {@link RealmError} if the realm is not synced, {@link RealmClosedError} if it is closed.
   */
  get syncSession(): Session {
    const { sync } = this.#requireOpen();
    if (sync === undefined) {
      throw new RealmError("session is only valid on synchronized Realms (i.e. opened with FlexibleSyncConfiguration)");
    }
    const isClosed = (): boolean => this.#isClosed;
    this.#session ??= new Session({
      get isClosed(): boolean {
        return isClosed();
      },
      session: sync.session,
      track: (end) => this.#binding.track(end),
    });
    return this.#session;
  }

  /** What is synced: one object, that shows the newest set. @throws {@link RealmError} if the realm is not synced. */
  get subscriptions(): SubscriptionSet {
    const { sync } = this.#requireOpen();
    if (sync === undefined) {
      throw new RealmError("subscriptions is only valid on Realms opened with a FlexibleSyncConfiguration");
    }
    this.#subscriptions ??= SubscriptionSet.of(sync.subscriptions, () => this.#isClosed);
    return this.#subscriptions.refresh();
  }

  // --- writing ---------------------------------------------------------------------------------------------

  /**
   * Runs a callback in a write transaction, and commits it. What it throws undoes the transaction.
   *
   * @throws {@link RealmError} if the callback returns a promise, {@link RealmException} if a transaction is open.
   */
  write<T>(writeCallback: () => T): T {
    const transaction = this.beginWrite();
    return this.#finish(transaction, writeCallback, () => transaction.commit());
  }

  #finish<T, C>(transaction: Transaction, writeCallback: () => T, commit: (result: T) => C): T {
    try {
      const result = writeCallback();
      refuseAsync(result, "The callback of a write must not be asynchronous");
      if (transaction.isOpen) commit(result);
      return result;
    } catch (error) {
      if (transaction.isOpen) transaction.rollback();
      throw error;
    }
  }

  /** The same when the transactions before are through; other code runs meanwhile. The callback itself runs at once. */
  async writeAsync<T>(writeCallback: () => T, cancellationToken?: Cancellation): Promise<T> {
    const transaction = await this.beginWriteAsync(cancellationToken);
    const result = this.#finish(transaction, writeCallback, () => undefined);
    try {
      if (transaction.isOpen) await transaction.commitAsync(cancellationToken);
      return result;
    } catch (error) {
      if (transaction.isOpen) transaction.rollback();
      throw error;
    }
  }

  /** Begins a write transaction over the newest version. Others wait until it is committed or rolled back. */
  beginWrite(): Transaction {
    const { database } = this.#requireOpen();
    this.#transaction = Transaction.begin(database);
    return this.#transaction;
  }

  /** Begins one when those before are through. */
  async beginWriteAsync(cancellationToken?: Cancellation): Promise<Transaction> {
    const { database } = this.#requireOpen();
    const transaction = await Transaction.beginAsync(database, cancellationToken);
    // The realm may have been closed meanwhile, and its file be open for the sake of another.
    if (this.#isClosed) transaction.abandon();
    this.#requireOpen();
    this.#transaction = transaction;
    return transaction;
  }

  /**
   * Adds an object, and those that it links to: they show rows of this realm from then on. With `update` an object
   * that has the key already takes the values; otherwise that is refused.
   *
   * @returns the same object.
   * @throws {@link RealmException} if there is an object with the key, or no transaction; {@link RealmError} if the
   * class is not one of the realm's, or the object another realm's.
   */
  add<T extends RealmObject>(object: T, { update = false }: { readonly update?: boolean } = {}): T {
    this.#requireOpen().database.requireOpen();
    call(() => {
      this.#file.database.requireWrite();
      manage(this.#binding, object, update);
    });
    return object;
  }

  /** Adds objects, as {@link Realm.add}. */
  addAll<T extends RealmObject>(objects: Iterable<T>, options: { readonly update?: boolean } = {}): void {
    for (const object of objects) this.add(object, options);
  }

  /** Sends an asymmetric object. It is not kept here. */
  ingest<T extends AsymmetricObject>(object: T): void {
    this.#requireOpen();
    call(() => {
      this.#file.database.requireWrite();
      manage(this.#binding, object, false);
    });
  }

  /** Deletes an object. @throws {@link RealmError} if it is not one of this realm. */
  delete(object: RealmObjectBase): void {
    const { database } = this.#requireOpen();
    call(() => {
      database.requireWrite();
      const handle = object[handleKey];
      if (object[bindingKey]?.file.database !== database || handle === undefined) {
        throw new RealmError("Cannot delete an object that is not managed by this realm");
      }
      if (handle instanceof EmbeddedHandle) eraseEmbedded(handle);
      else if (handle instanceof ObjectHandle) handle.erase();
    });
  }

  /** Deletes objects: those of results, of a list, or of any iterable. */
  deleteMany<T extends RealmObjectBase>(items: Iterable<T>): void {
    this.#requireOpen();
    if (items instanceof RealmResults) {
      call(() => (items as RealmResults<T>).internal.eraseAll());
      return;
    }
    for (const object of items) this.delete(object);
  }

  /** Deletes all objects of a class. */
  deleteAll<C extends ModelClass>(type: C): void {
    const layout = this.#layout(type);
    call(() => eraseAll(this.#file.database, layout));
  }

  // --- reading ---------------------------------------------------------------------------------------------

  #layout(type: ModelClass): ClassLayout {
    this.#requireOpen();
    return layoutOf(this.#binding, schemaOf(type).name);
  }

  /** The object with a primary key, `null` if there is none. */
  find<C extends ModelClass>(type: C, primaryKey: PrimaryKeyOf<C>): ModelObject<C> | null {
    return this.#find(this.#layout(type), primaryKey) as ModelObject<C> | null;
  }

  #find(layout: ClassLayout, primaryKey: unknown): unknown {
    const found = call(() => findObject(this.#file.database, layout, RealmValue.storedOf(primaryKey)));
    return found === undefined ? null : this.#binding.wrap(found);
  }

  /** All objects of a class. */
  all<C extends ModelClass>(type: C): RealmResults<ModelObject<C>> {
    return this.#all(this.#layout(type)) as RealmResults<ModelObject<C>>;
  }

  #all(layout: ClassLayout): unknown {
    if (layout.kind !== "top") throw new RealmError(`Objects of '${layout.name}' cannot be queried`);
    return this.#binding.results(new EngineResults(this.#file.database, layout, { kind: "class" }, []));
  }

  /** The objects of a class that pass a query: `realm.query(Car, "make == $0 SORT(year DESC)", ["Fiat"])`. */
  query<C extends ModelClass>(type: C, query: string, values: readonly unknown[] = []): RealmResults<ModelObject<C>> {
    return this.all(type).query(query, values);
  }

  /** Objects of classes that the program does not know. */
  get dynamic(): DynamicRealm {
    this.#requireOpen();
    return {
      all: (className) => this.#all(layoutOf(this.#binding, className)) as RealmResults<RealmObject>,
      find: (className, primaryKey) => this.#find(layoutOf(this.#binding, className), primaryKey) as RealmObject | null,
    };
  }

  // --- versions --------------------------------------------------------------------------------------------

  /** The realm as it is now, for ever: to be closed by itself. @throws {@link RealmException} in a transaction. */
  freeze(): Realm {
    const file = this.#requireOpen();
    return this.isFrozen
      ? this
      : new Realm(
          this.#configuration,
          call(() => engine().freeze(file)),
        );
  }

  /** Shows what others have committed; without it that happens soon by itself. Whether there was anything. */
  refresh(): boolean {
    const { database } = this.#requireOpen();
    const hasMoved = database.advance();
    if (hasMoved) database.notifier.schedule();
    return hasMoved;
  }

  /** The same in a later turn. */
  async refreshAsync(): Promise<boolean> {
    const { database } = this.#requireOpen();
    const { version } = database;
    await new Promise<void>((resolve) => engine().host.defer(resolve));
    if (this.#isClosed) return false;
    return this.refresh() || database.version !== version;
  }

  /**
   * Writes a copy of the realm to the path of a configuration, encrypted if that has a key. With a configuration of a
   * synced realm the copy is for other devices: each of them gets an identity of its own from the server when
   * it first opens it, and is then sent what the subscriptions see.
   *
   * @throws {@link RealmException} in a write transaction; if there is a file at the path; for a synced copy of a realm
   * that is not synced, or that has changes which the server does not have yet.
   */
  writeCopy(configuration: Configuration): void {
    const file = this.#requireOpen();
    const { path, encryptionKey } = configuration;
    call(() => engine().writeCopy(file, { path, isSynced: isOfSyncedFile(configuration), encryptionKey }));
  }

  /** Closes the realm; its streams end. May be called again. What was not uploaded yet still is, in the background. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#transaction?.abandon();
    // What closing itself brings about is told before the streams end.
    this.#file.close();
    this.#binding.endListeners();
    for (const reference of Array.from(opened)) {
      const realm = reference.deref();
      if (realm === this || realm === undefined) opened.delete(reference);
    }
  }
}

function isOfSyncedFile(configuration: Configuration): boolean {
  return configuration instanceof FlexibleSyncConfiguration || configuration instanceof DisconnectedSyncConfiguration;
}
