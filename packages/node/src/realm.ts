/**
 * Realms.
 *
 * @module
 */

import {
  Binding,
  type ClassLayout,
  createObject,
  deleteClass,
  EmbeddedHandle,
  eraseAll,
  eraseEmbedded,
  findObject,
  type Handle,
  handleKey,
  ObjectHandle,
  type OpenOptions,
  type RealmFile,
  Results as EngineResults,
} from "@tidemark/engine";
import type { User } from "./app/user.js";
import { assertFunction, assertNumber, assertObject, assertString } from "./assert.js";
import { type BoundClass, wrappers } from "./binding.js";
import { checkConfiguration, type Configuration, keyOf, withoutInitialSubscriptions } from "./configuration.js";
import { bindClass, nameOf, type RealmObject } from "./data/object.js";
import type { Results, Subscribable, SubscriptionOptions } from "./data/results.js";
import type { ObjectType, Unmanaged } from "./data/unmanaged.js";
import { engine, existingEngine } from "./engine.js";
import { schemaOptions } from "./realm-files.js";
import { RealmStatics } from "./realm-statics.js";
import type * as enums from "./enums.js";
import * as errors from "./errors.js";
import { ProgressRealmPromise } from "./open.js";
import { canonicalOf } from "./schema/canonical.js";
import { type ParsedClass, parseSchema, type RealmObjectClass } from "./schema/parse.js";
import type { CanonicalObjectSchema, DefaultObject } from "./schema/types.js";
import { initialUpdate, SubscriptionSet } from "./sync/subscriptions.js";
import { resetOptionsOf } from "./sync/client-reset.js";
import { type NodeSyncOptions, SyncSession, within } from "./sync/sync-session.js";

/**
 * What a listener of a realm is told of: `change` of a new version, `beforenotify` before the listeners of collections
 * and objects are called, `schema` of new classes or properties.
 */
export type RealmEventName = "change" | "schema" | "beforenotify";
/** Told of an event of a realm. */
export type RealmListenerCallback = (realm: Realm, name: RealmEventName, schema?: CanonicalObjectSchema[]) => void;

const opened = new Set<WeakRef<Realm>>();

/** A realm: objects in a file, synced or not. Objects and collections of it are live. */
export class Realm extends RealmStatics {
  /** {@link Realm} as a member of itself, as the SDK has it. */
  static Realm: typeof Realm;
  /** {@link Realm} once more, for modules that are asked for their default. */
  static default: typeof Realm;

  readonly #configuration: Configuration;
  readonly #file: RealmFile;
  readonly #binding: Binding<BoundClass>;
  readonly #parsed: ReadonlyMap<string, ParsedClass>;
  readonly #listeners: Record<RealmEventName, Map<RealmListenerCallback, () => void>> = {
    change: new Map(),
    schema: new Map(),
    beforenotify: new Map(),
  };
  #syncSession: SyncSession | undefined;
  #isClosed = false;

  /**
   * Opens a realm at once, without waiting for downloads. A synced one begins its session.
   *
   * @param given the path stands for a local realm; `Realm.defaultPath` if nothing is given.
   * @throws {@link AssertionError} if the configuration is wrong, an error if the file cannot be opened as it says.
   */
  constructor(given?: Configuration | string);
  /** @internal A realm over a file that is open. */
  constructor(given: Configuration | string | undefined, existing: RealmFile | undefined);
  constructor(given?: Configuration | string, existing?: RealmFile) {
    super();
    const configuration = normalize(given);
    this.#configuration = configuration;
    const classes = configuration.schema === undefined ? undefined : parseSchema(configuration.schema);
    this.#parsed = new Map((classes ?? []).map((parsed) => [parsed.declaration.name, parsed]));
    let binding: Binding<BoundClass> | undefined;
    const bind = (file: RealmFile): Binding<BoundClass> =>
      (binding ??= new Binding({ realm: this, file, wrappers, makeClass: (layout) => this.#makeClass(layout) }));
    const path = Realm.#pathOf(configuration);
    const isNew = existing === undefined && !engine().host.files.exists(path);
    const options: OpenOptions = {
      path,
      isInMemory: configuration.inMemory === true,
      isReadOnly: configuration.readOnly === true,
      classes: classes?.map(({ declaration }) => declaration),
      sync: this.#syncOptions(path, bind),
      isSyncedFile: configuration.openSyncedRealmLocally === true,
      encryptionKey: configuration.encryptionKey && keyOf(configuration.encryptionKey),
      shouldCompact: configuration.shouldCompact,
      ...schemaOptions(configuration, path, (settings, file) => new Realm(settings, file)),
    };
    this.#file = existing ?? errors.call(() => engine().open(options));
    this.#binding = bind(this.#file);
    opened.add(new WeakRef(this));
    if (isNew || this.#file.takeReset()) configuration.onFirstOpen?.(this);
  }

  #syncOptions(path: string, bind: (file: RealmFile) => Binding<BoundClass>): OpenOptions["sync"] {
    const { sync, schemaVersion } = this.#configuration;
    if (sync === undefined || this.#configuration.openSyncedRealmLocally === true) return undefined;
    const options: NodeSyncOptions = {
      user: (sync.user as User).internal,
      ssl: sync.ssl,
      schemaVersion: schemaVersion ?? 0,
      headers: sync.customHttpHeaders ?? {},
      stopPolicy: sync._sessionStopPolicy ?? "after-upload",
      cancelsWaitsOnNonFatalError:
        sync.cancelWaitsOnNonFatalError ??
        (sync as { cancelWaitOnNonFatalError?: boolean }).cancelWaitOnNonFatalError ??
        false,
      ...resetOptionsOf(sync, path, {
        frozen: (snapshot) => new Realm(this.#configuration, this.#openFrozen(path, snapshot)),
        live: () => new Realm({ ...this.#configuration, sync: withoutInitialSubscriptions(sync) }),
      }),
    };
    const initial = sync.initialSubscriptions;
    if (initial === undefined) return options;
    const realmOf = (file: RealmFile): Realm => {
      // The callback may look at classes while the constructor is not through.
      this.#early = { file, binding: bind(file) };
      return this;
    };
    const update = initialUpdate(realmOf, initial.update);
    return { ...options, initialSubscriptions: { update, rerunsOnOpen: initial.rerunOnOpen === true } };
  }

  #openFrozen(path: string, snapshot: number | undefined): RealmFile {
    const classes = [...this.#parsed.values()].map(({ declaration }) => declaration);
    return engine().openFrozen(path, classes.length === 0 ? undefined : classes, snapshot);
  }

  #early: { readonly file: RealmFile; readonly binding: Binding<BoundClass> } | undefined;

  /** @internal */
  get internal(): RealmFile {
    return this.#early?.file ?? this.#file;
  }

  get #bound(): Binding<BoundClass> {
    return this.#early?.binding ?? this.#binding;
  }

  #requireOpen(): RealmFile {
    if (this.#isClosed) throw new Error("Cannot access realm that has been closed.");
    return this.internal;
  }

  #makeClass(layout: ClassLayout): BoundClass {
    const parsed = this.#parsed.get(layout.name);
    return bindClass(layout, parsed?.canonical ?? canonicalOf(layout.declaration), parsed?.ctor);
  }

  #layout(type: string | RealmObjectClass): ClassLayout {
    const file = this.#requireOpen();
    const name = nameOf(type);
    assertString(name, "type");
    const layout = file.database.layout(name);
    if (layout === undefined) throw new Error(`Object type '${name}' not found in schema.`);
    return layout;
  }

  // --- opening ---------------------------------------------------------------------------------------------

  /**
   * Opens a realm; a synced one when the data of its subscriptions is here, unless the configuration says otherwise. By
   * default that may take 30 seconds.
   *
   * @throws {@link TimeoutError} when the time is over; {@link SyncError} if synchronisation fails meanwhile;
   * {@link AssertionError} if the configuration is wrong: all of them reject the promise.
   */
  static open(given?: Configuration | string): ProgressRealmPromise {
    return new ProgressRealmPromise(
      {
        check: normalize,
        open: (settings) => new Realm(settings),
        exists: (settings) => Realm.exists(settings),
        pathOf: (settings) => Realm.#pathOf(settings),
      },
      given,
    );
  }

  static #pathOf(configuration: Configuration): string {
    const { files } = engine().host;
    const { path, sync } = configuration;
    if (path !== undefined) return files.resolve(path);
    if (sync === undefined) return files.resolve(Realm.defaultPath);
    const { internal } = sync.user as User;
    return files.join(internal.app.directory, internal.id, "flx_sync_default.realm");
  }

  /** Whether there is a file. */
  static exists(given?: Configuration | string): boolean {
    return engine().host.files.exists(Realm.#pathOf(normalize(given)));
  }

  /** Deletes the file of a realm. @throws if it is open. */
  static deleteFile(given: Configuration): void {
    const path = Realm.#pathOf(normalize(given));
    errors.call(() => engine().deleteFile(path));
  }

  /** Version of the schema of a file, which may be encrypted; −1 if there is none, or it has no classes. */
  static schemaVersion(path: string, encryptionKey?: ArrayBuffer): number {
    const key = encryptionKey && keyOf(encryptionKey);
    return errors.call(() => engine().schemaVersion(engine().host.files.resolve(path), key));
  }

  /** Closes all realms and ends synchronisation. */
  static shutdown(): void {
    closeAll();
    existingEngine()?.shutdown();
  }

  /** @internal */
  static clearTestState(): void {
    if (!Realm.flags.ALLOW_CLEAR_TEST_STATE) {
      throw new Error("Set the flags.ALLOW_CLEAR_TEST_STATE = true before calling this.");
    }
    closeAll();
  }

  // --- what it is ------------------------------------------------------------------------------------------

  /** Whether it has no objects. */
  get isEmpty(): boolean {
    const { database } = this.#requireOpen();
    return database.layouts.every(
      (layout) => layout.kind !== "top" || new EngineResults(database, layout, { kind: "class" }, []).length === 0,
    );
  }

  /** Where the file is: absolute. */
  get path(): string {
    return this.internal.path;
  }

  /** Whether nothing may be written. */
  get isReadOnly(): boolean {
    return this.internal.database.isReadOnly;
  }

  /** Whether the data is gone when the realm is closed. */
  get isInMemory(): boolean {
    return this.#configuration.inMemory === true;
  }

  /** The classes, with everything spelled out. */
  get schema(): CanonicalObjectSchema[] {
    const { database } = this.#requireOpen();
    return database.visibleLayouts.map((layout) => this.#bound.classOf(layout).schema);
  }

  /** Version of the schema: of a synced realm what the configuration says, of others what the file has. */
  get schemaVersion(): number {
    const { schemaVersion, sync } = this.#configuration;
    return sync === undefined ? Math.max(0, this.internal.database.declaredVersion) : (schemaVersion ?? 0);
  }

  /** Whether a write transaction is open. */
  get isInTransaction(): boolean {
    return this.#requireOpen().database.isInWrite;
  }

  /** Whether it is what a migration is given to change. */
  get isInMigration(): boolean {
    return this.internal.database.isInMigration;
  }

  /** Whether {@link Realm.close} was called. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** The session; `null` if the realm is not synced. The same object each time. @throws if the realm is closed. */
  get syncSession(): SyncSession | null {
    const { sync } = this.#requireOpen();
    if (sync === undefined) return null;
    this.#syncSession ??= new SyncSession(sync.session);
    return this.#syncSession;
  }

  /**
   * The newest set of subscriptions, as it is now: a new object each time.
   *
   * @throws if the realm is not synced, or closed.
   */
  get subscriptions(): SubscriptionSet {
    const { sync } = this.#requireOpen();
    if (sync === undefined) {
      throw new Error(
        "`subscriptions` can only be accessed if flexible sync is enabled, but sync is currently disabled for your app. Add a flexible sync config when opening the Realm, for example: { sync: { user, flexible: true } }.",
      );
    }
    return errors.call(() => new SubscriptionSet(this, sync.subscriptions, sync.subscriptions.latest()));
  }

  // --- writing ---------------------------------------------------------------------------------------------

  /** Runs a callback in a write transaction; what it throws undoes the transaction. */
  write<T>(callback: () => T): T {
    assertFunction(callback, "callback");
    this.beginTransaction();
    let result: T;
    try {
      result = callback();
    } catch (error) {
      if (!this.#isClosed && this.isInTransaction) this.cancelTransaction();
      throw error;
    }
    if (!this.#isClosed && this.isInTransaction) this.commitTransaction();
    return result;
  }

  /** Begins a write transaction. {@link Realm.write} is safer. @throws if one is open. */
  beginTransaction(): void {
    const { database } = this.#requireOpen();
    errors.call(() => database.beginWrite());
  }

  /** Ends the transaction and makes it durable. A session uploads it soon. */
  commitTransaction(): void {
    const { database } = this.#requireOpen();
    errors.call(() => database.commitWrite());
  }

  /** Undoes the transaction. */
  cancelTransaction(): void {
    const { database } = this.#requireOpen();
    errors.call(() => database.cancelWrite());
  }

  /**
   * Creates an object in a write transaction, or updates the one with its primary key as the mode says.
   *
   * @param mode `never` by default; `true` stands for `all`.
   * @returns the object; `undefined` for an asymmetric one, which is only sent.
   * @throws if there is one with the key that is not to be updated, if a value does not fit, or if the class is synced
   * and not subscribed to.
   */
  create<T = DefaultObject>(type: string, values: Unmanaged<T>, mode?: enums.UpdateMode | boolean): RealmObject<T> & T;
  /** The same for a class of the application's own. */
  create<T extends object>(type: ObjectType<T>, values: Unmanaged<T>, mode?: enums.UpdateMode | boolean): T;
  create(type: string | RealmObjectClass, values: object, mode: enums.UpdateMode | boolean = "never"): unknown {
    const layout = this.#layout(type);
    if (values === undefined) throw new errors.TypeAssertionError("Expected 'values' to be an object, got undefined");
    if (Array.isArray(values)) throw new Error("Array values on object creation is not supported");
    assertObject(values, "values");
    const updateMode = typeof mode === "boolean" ? (mode ? "all" : "never") : mode;
    if (updateMode !== "never" && updateMode !== "modified" && updateMode !== "all") {
      throw new Error(`Unsupported 'updateMode'. Only 'never', 'modified' or 'all' is supported.`);
    }
    if (updateMode !== "never" && layout.primaryKey === undefined) {
      throw new Error(`'updateMode' can only be used with objects that have a primary key: '${layout.name}' has none`);
    }
    const handle = errors.call(() => createObject(this.internal.database, layout, values, updateMode));
    return layout.kind === "asymmetric" ? undefined : this.#bound.wrap(handle);
  }

  /** Deletes an object, or all objects of results, a list or an array, in a write transaction. */
  delete(subject: object): void {
    this.#requireOpen();
    errors.call(() => this.#delete(subject));
  }

  #delete(subject: object): void {
    const handle = (subject as { [handleKey]?: Handle })[handleKey];
    const { database } = this.internal;
    database.requireWrite();
    if (handle instanceof EmbeddedHandle) return eraseEmbedded(handle);
    if (handle instanceof ObjectHandle) {
      if (handle.database !== database) throw new Error("Can't delete an object from another Realm");
      return handle.erase();
    }
    if (handle instanceof EngineResults) return handle.eraseAll();
    if (Array.isArray(subject) || Symbol.iterator in subject) {
      for (const object of Array.from(subject as Iterable<object>)) this.#delete(object);
      return;
    }
    throw new Error("Can only delete objects, lists of objects and results");
  }

  /**
   * Removes a class and its objects, in a write transaction; in a migration when its callback has returned. Nothing
   * happens if there is none of that name.
   *
   * @throws for a class of the configuration, outside of a migration; for classes of synced realms, and those that
   * properties of others are for.
   */
  deleteModel(name: string): void {
    assertString(name, "name");
    const { database } = this.#requireOpen();
    errors.call(() => deleteClass(database, name));
  }

  /** Deletes all objects, in a write transaction. */
  deleteAll(): void {
    const { database } = this.#requireOpen();
    errors.call(() => {
      database.requireWrite();
      for (const layout of database.visibleLayouts) if (layout.kind === "top") eraseAll(database, layout);
    });
  }

  // --- reading ---------------------------------------------------------------------------------------------

  /** The object with a primary key; `null` if there is none. */
  objectForPrimaryKey<T = DefaultObject>(type: string, primaryKey: unknown): (RealmObject<T> & T) | null;
  /** The same for a class of the application's own. */
  objectForPrimaryKey<T extends object>(type: ObjectType<T>, primaryKey: unknown): T | null;
  objectForPrimaryKey(type: string | RealmObjectClass, primaryKey: unknown): unknown {
    const layout = this.#layout(type);
    const found = errors.call(() => findObject(this.internal.database, layout, primaryKey));
    return found === undefined ? null : this.#bound.wrap(found);
  }

  /**
   * All objects of a class, live.
   *
   * @throws for a class that is not the realm's, or whose objects are embedded or asymmetric.
   */
  objects<T = DefaultObject>(type: string): Results<RealmObject<T> & T>;
  /** The same for a class of the application's own. */
  objects<T extends object>(type: ObjectType<T>): Results<T>;
  objects(type: string | RealmObjectClass): unknown {
    const layout = this.#layout(type);
    if (layout.kind === "embedded") throw new Error("You cannot query an embedded object.");
    if (layout.kind === "asymmetric") throw new Error("You cannot query an asymmetric object.");
    const results = new EngineResults(this.internal.database, layout, { kind: "class" }, []);
    return this.#bound.results(results);
  }

  // --- listeners -------------------------------------------------------------------------------------------

  /**
   * Has a callback told of events, in turns of the event loop of their own. One that is registered already stays so
   * once.
   */
  addListener(eventName: RealmEventName, callback: RealmListenerCallback): void {
    assertFunction(callback, "callback");
    const { notifier } = this.#requireOpen().database;
    const known = this.#listenersOf(eventName);
    if (known.has(callback)) return;
    switch (eventName) {
      case "change":
        known.set(
          callback,
          notifier.onChange(() => callback(this, "change")),
        );
        return;
      case "beforenotify":
        known.set(
          callback,
          notifier.onBeforeNotify(() => callback(this, "beforenotify")),
        );
        return;
      case "schema":
        known.set(
          callback,
          notifier.onSchemaChange(() => callback(this, "schema", this.schema)),
        );
        return;
    }
  }

  #listenersOf(eventName: RealmEventName): Map<RealmListenerCallback, () => void> {
    const known = this.#listeners[eventName];
    if (known === undefined) {
      throw new Error(
        `Unknown event name '${eventName as string}': only 'change', 'schema' and 'beforenotify' are supported.`,
      );
    }
    return known;
  }

  /** Ends calling back. A callback that is not registered is no error. */
  removeListener(eventName: RealmEventName, callback: RealmListenerCallback): void {
    const known = this.#listenersOf(eventName);
    known.get(callback)?.();
    known.delete(callback);
  }

  /** Ends calling back whomever, about one event or all. */
  removeAllListeners(eventName?: RealmEventName): void {
    const names = eventName === undefined ? (["change", "schema", "beforenotify"] as const) : [eventName];
    for (const name of names) {
      const known = this.#listenersOf(name);
      for (const end of known.values()) end();
      known.clear();
    }
  }

  // --- subscriptions of results ----------------------------------------------------------------------------

  /** @internal Subscribes at once. @returns what waits for the data as the options say. */
  subscribeTo(results: Subscribable, options: SubscriptionOptions): () => Promise<void> {
    const { behavior = "first-time", timeout, name } = options;
    if (timeout !== undefined) assertNumber(timeout, "timeout");
    const set = this.subscriptions;
    // One of the name with another query has other data.
    const isKnown = name === undefined ? set.findByQuery(results) !== null : set.isSame(name, results);
    set.updateNoWait((mutable) => {
      mutable.add(results, options);
    });
    return async () => {
      if (behavior === "never" || (behavior === "first-time" && isKnown)) return;
      try {
        await within(set.waitForSynchronization(), timeout, "");
      } catch (error) {
        if (!(error instanceof errors.TimeoutError)) throw error;
      }
    };
  }

  /** @internal */
  unsubscribeFrom(results: Subscribable, name: string | undefined): void {
    this.subscriptions.updateNoWait((mutable) => {
      if (name === undefined) mutable.remove(results);
      else mutable.removeByName(name);
    });
  }

  // --- the rest --------------------------------------------------------------------------------------------

  /**
   * Gives the file's unused space back to the file system.
   *
   * @returns whether it was done: not while somebody else reads or writes it, nor in memory.
   * @throws in a write transaction, and if the realm is read-only.
   */
  compact(): boolean {
    const { database } = this.#requireOpen();
    return errors.call(() => database.compact());
  }

  /**
   * Writes a copy of the realm to the path of a configuration, encrypted if that has a key. With `sync` in it the copy
   * is for other devices: each of them gets an identity of its own from the server when it first opens it, and is then
   * sent what the subscriptions see.
   *
   * @throws in a write transaction; if there is a file at the path; with `sync` for a realm that is not synced, or that
   * has changes which the server does not have yet.
   */
  writeCopyTo(configuration: Configuration): void {
    const file = this.#requireOpen();
    const given = normalize(configuration);
    errors.call(() =>
      engine().writeCopy(file, {
        path: Realm.#pathOf(given),
        isSynced: given.sync !== undefined || given.openSyncedRealmLocally === true,
        encryptionKey: given.encryptionKey && keyOf(given.encryptionKey),
      }),
    );
  }

  /**
   * Closes the realm; its listeners end. May be called again. What was not uploaded yet still is, in the background.
   */
  close(): void {
    if (this.#isClosed) return;
    this.removeAllListeners();
    this.#isClosed = true;
    this.#binding.endListeners();
    this.#file.close();
    for (const reference of opened) {
      const realm = reference.deref();
      if (realm === this || realm === undefined) opened.delete(reference);
    }
  }
}

// After the class: what it is compiled to does not know itself while its static properties are made.
Realm.Realm = Realm;
Realm.default = Realm;

function closeAll(): void {
  for (const reference of Array.from(opened)) reference.deref()?.close();
}

function normalize(given: Configuration | string | undefined): Configuration {
  const configuration = typeof given === "string" ? { path: given } : (given ?? {});
  checkConfiguration(configuration);
  return configuration;
}
