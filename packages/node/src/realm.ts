/**
 * Realms.
 *
 * @module
 */

import {
  type ClassLayout,
  createObject,
  EmbeddedHandle,
  EngineError,
  eraseAll,
  findObject,
  type OpenOptions,
  type RealmFile,
  Results as EngineResults,
  type SyncOptions,
} from "@tidemark/engine";
import { App } from "./app/app.js";
import { Credentials } from "./app/credentials.js";
import { User } from "./app/user.js";
import { assertFunction, assertObject, assertString } from "./assert.js";
import { Binding, type BoundClass, bindingKey, type Handle, handleKey, wrappers } from "./binding.js";
import { BSON } from "./bson.js";
import { checkConfiguration, type Configuration } from "./configuration.js";
import { Counter } from "./data/counter.js";
import { OrderedCollection } from "./data/collection.js";
import { Dictionary } from "./data/dictionary.js";
import { List } from "./data/list.js";
import { bindClass, nameOf, RealmObject } from "./data/object.js";
import { Results, type Subscribable, type SubscriptionOptions } from "./data/results.js";
import { RealmSet } from "./data/set.js";
import { engine, existingEngine } from "./engine.js";
import * as enums from "./enums.js";
import * as errors from "./errors.js";
import { type LoggerCallback, setLogger, setLogLevel } from "./logging.js";
import { ProgressRealmPromise } from "./open.js";
import { canonicalOf } from "./schema/canonical.js";
import { type ParsedClass, parseSchema, type RealmObjectClass } from "./schema/parse.js";
import type { CanonicalObjectSchema, DefaultObject } from "./schema/types.js";

import { initialUpdate, SubscriptionSet } from "./sync/subscriptions.js";
import { errorHandlerOf, SyncSession, within } from "./sync/sync-session.js";

export type RealmEventName = "change" | "schema" | "beforenotify";
export type RealmListenerCallback = (realm: Realm, name: RealmEventName, schema?: CanonicalObjectSchema[]) => void;

const opened = new Set<WeakRef<Realm>>();

/** A realm: objects in a file, synced or not. */
export class Realm {
  static App: typeof App = App;
  static Object: typeof RealmObject = RealmObject;
  static Collection: typeof OrderedCollection = OrderedCollection;
  static OrderedCollection: typeof OrderedCollection = OrderedCollection;
  static Results: typeof Results = Results;
  static List: typeof List = List;
  static Set: typeof RealmSet = RealmSet;
  static Dictionary: typeof Dictionary = Dictionary;
  static Counter: typeof Counter = Counter;
  static User: typeof User = User;
  static Credentials: typeof Credentials = Credentials;
  static BSON: typeof BSON = BSON;
  static UpdateMode: typeof enums.UpdateMode = enums.UpdateMode;
  static ProviderType: typeof enums.ProviderType = enums.ProviderType;
  static UserState: typeof enums.UserState = enums.UserState;
  static MetadataMode: typeof enums.MetadataMode = enums.MetadataMode;
  static OpenRealmBehaviorType: typeof enums.OpenRealmBehaviorType = enums.OpenRealmBehaviorType;
  static OpenRealmTimeOutBehavior: typeof enums.OpenRealmTimeOutBehavior = enums.OpenRealmTimeOutBehavior;
  static ClientResetMode: typeof enums.ClientResetMode = enums.ClientResetMode;
  static SessionStopPolicy: typeof enums.SessionStopPolicy = enums.SessionStopPolicy;
  static SessionState: typeof enums.SessionState = enums.SessionState;
  static ConnectionState: typeof enums.ConnectionState = enums.ConnectionState;
  static ProgressDirection: typeof enums.ProgressDirection = enums.ProgressDirection;
  static ProgressMode: typeof enums.ProgressMode = enums.ProgressMode;
  static SubscriptionSetState: typeof enums.SubscriptionSetState = enums.SubscriptionSetState;
  static WaitForSync: typeof enums.WaitForSync = enums.WaitForSync;
  static NumericLogLevel: typeof enums.NumericLogLevel = enums.NumericLogLevel;
  static ProgressRealmPromise: typeof ProgressRealmPromise = ProgressRealmPromise;
  static Realm: typeof Realm = Realm;
  static flags: { THROW_ON_GLOBAL_REALM: boolean; ALLOW_CLEAR_TEST_STATE: boolean } = {
    THROW_ON_GLOBAL_REALM: false,
    ALLOW_CLEAR_TEST_STATE: false,
  };
  static #defaultPath: string | undefined;

  readonly #configuration: Configuration;
  readonly #file: RealmFile;
  readonly #binding: Binding;
  readonly #parsed: ReadonlyMap<string, ParsedClass>;
  readonly #listeners: Record<RealmEventName, Map<RealmListenerCallback, () => void>> = {
    change: new Map(),
    schema: new Map(),
    beforenotify: new Map(),
  };
  #syncSession: SyncSession | undefined;
  #isClosed = false;

  /** Opens a realm at once, without waiting for downloads. */
  constructor(given?: Configuration | string) {
    const configuration = normalize(given);
    this.#configuration = configuration;
    const classes = configuration.schema === undefined ? undefined : parseSchema(configuration.schema);
    this.#parsed = new Map((classes ?? []).map((parsed) => [parsed.declaration.name, parsed]));
    let binding: Binding | undefined;
    const bind = (file: RealmFile): Binding =>
      (binding ??= new Binding(this, file, (layout) => this.#makeClass(layout)));
    const path = Realm.#pathOf(configuration);
    const isNew = !engine().host.files.exists(path);
    const options: OpenOptions = {
      path,
      isInMemory: configuration.inMemory === true,
      isReadOnly: configuration.readOnly === true,
      classes: classes?.map(({ declaration }) => declaration),
      sync: this.#syncOptions(path, bind),
      isSyncedFile: configuration.openSyncedRealmLocally === true,
    };
    this.#file = errors.call(() => openFile(options, configuration));
    this.#binding = bind(this.#file);
    opened.add(new WeakRef(this));
    if (isNew) configuration.onFirstOpen?.(this);
  }

  #syncOptions(path: string, bind: (file: RealmFile) => Binding): OpenOptions["sync"] {
    const { sync, schemaVersion } = this.#configuration;
    if (sync === undefined || this.#configuration.openSyncedRealmLocally === true) return undefined;
    const options: SyncOptions = {
      user: (sync.user as User).internal,
      schemaVersion: schemaVersion ?? 0,
      headers: sync.customHttpHeaders ?? {},
      stopPolicy: sync._sessionStopPolicy ?? "after-upload",
      cancelsWaitsOnNonFatalError:
        sync.cancelWaitsOnNonFatalError ??
        (sync as { cancelWaitOnNonFatalError?: boolean }).cancelWaitOnNonFatalError ??
        false,
      onError: errorHandlerOf(sync, path),
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

  #early: { readonly file: RealmFile; readonly binding: Binding } | undefined;

  /** @internal */
  get internal(): RealmFile {
    return this.#early?.file ?? this.#file;
  }

  get #bound(): Binding {
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

  /** Opens a realm; a synced one after its data has been downloaded, unless the configuration says otherwise. */
  static open(given?: Configuration | string): ProgressRealmPromise {
    const configuration = normalize(given);
    return new ProgressRealmPromise(
      {
        open: (settings) => new Realm(settings),
        exists: (settings) => Realm.exists(settings),
        pathOf: (settings) => Realm.#pathOf(settings),
      },
      configuration,
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

  static exists(given?: Configuration | string): boolean {
    return engine().host.files.exists(Realm.#pathOf(normalize(given)));
  }

  static deleteFile(given: Configuration): void {
    const path = Realm.#pathOf(normalize(given));
    errors.call(() => engine().deleteFile(path));
  }

  /** −1 if there is no file. */
  static schemaVersion(path: string, _encryptionKey?: ArrayBuffer): number {
    return Realm.exists(path) ? 0 : -1;
  }

  static get defaultPath(): string {
    return Realm.#defaultPath ?? engine().host.files.resolve("default.realm");
  }

  static set defaultPath(path: string) {
    assertString(path, "path");
    Realm.#defaultPath = path;
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

  static copyBundledRealmFiles(): void {
    throw new Error("Realm.copyBundledRealmFiles is not available on Node.js.");
  }

  static setLogLevel(level: enums.LogLevel, category: string = "Realm"): void {
    setLogLevel(level, category);
  }

  static setLogger(callback: LoggerCallback): void {
    assertFunction(callback, "callback");
    setLogger(callback);
  }

  /** Default values of a class's properties. */
  static createTemplateObject<T extends Record<string, unknown>>(schema: {
    readonly properties: Readonly<Record<string, unknown>>;
  }): T {
    const values: Record<string, unknown> = {};
    for (const [name, property] of Object.entries(schema.properties)) {
      if (typeof property !== "object" || property === null || !("default" in property)) continue;
      values[name] = typeof property.default === "function" ? (property.default as () => unknown)() : property.default;
    }
    return values as T;
  }

  // --- what it is ------------------------------------------------------------------------------------------

  get isEmpty(): boolean {
    const { database } = this.#requireOpen();
    return database.layouts.every(
      (layout) => layout.kind !== "top" || new EngineResults(database, layout, { kind: "class" }, []).length === 0,
    );
  }

  get path(): string {
    return this.internal.path;
  }

  get isReadOnly(): boolean {
    return this.internal.database.isReadOnly;
  }

  get isInMemory(): boolean {
    return this.#configuration.inMemory === true;
  }

  get schema(): CanonicalObjectSchema[] {
    const { database } = this.#requireOpen();
    return database.visibleLayouts.map((layout) => this.#bound.classOf(layout).schema);
  }

  get schemaVersion(): number {
    return this.#configuration.schemaVersion ?? 0;
  }

  get isInTransaction(): boolean {
    return this.#requireOpen().database.isInWrite;
  }

  get isInMigration(): boolean {
    return false;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** The session, or null if the realm is not synced. */
  get syncSession(): SyncSession | null {
    const { sync } = this.#requireOpen();
    if (sync === undefined) return null;
    this.#syncSession ??= new SyncSession(sync.session);
    return this.#syncSession;
  }

  /** The newest set of subscriptions, as it is now. */
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

  beginTransaction(): void {
    const { database } = this.#requireOpen();
    errors.call(() => database.beginWrite());
  }

  commitTransaction(): void {
    const { database } = this.#requireOpen();
    errors.call(() => database.commitWrite());
  }

  cancelTransaction(): void {
    const { database } = this.#requireOpen();
    errors.call(() => database.cancelWrite());
  }

  /** Creates an object, or updates the one with its primary key as the mode says. */
  create<T = DefaultObject>(type: string, values: object, mode?: enums.UpdateMode | boolean): RealmObject<T> & T;
  create<T extends object>(type: new (...values: never[]) => T, values: object, mode?: enums.UpdateMode | boolean): T;
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

  /** Deletes objects. */
  delete(subject: object): void {
    this.#requireOpen();
    errors.call(() => this.#delete(subject));
  }

  #delete(subject: object): void {
    const handle = (subject as { [handleKey]?: Handle })[handleKey];
    const { database } = this.internal;
    database.requireWrite();
    if (handle instanceof EmbeddedHandle) return eraseEmbedded(handle);
    if (subject instanceof RealmObject) {
      if (subject[bindingKey].file.database !== database) {
        throw new Error("Can't delete an object from another Realm");
      }
      return (handle as { erase(): void }).erase();
    }
    if (handle instanceof EngineResults) return handle.eraseAll();
    if (Array.isArray(subject) || Symbol.iterator in subject) {
      for (const object of Array.from(subject as Iterable<object>)) this.#delete(object);
      return;
    }
    throw new Error("Can only delete objects, lists of objects and results");
  }

  /** Removes a class; only for local realms, and not offered. */
  deleteModel(name: string): void {
    assertString(name, "name");
    throw new EngineError("invalid-argument", "Removing classes is not supported");
  }

  deleteAll(): void {
    const { database } = this.#requireOpen();
    errors.call(() => {
      database.requireWrite();
      for (const layout of database.visibleLayouts) if (layout.kind === "top") eraseAll(database, layout);
    });
  }

  // --- reading ---------------------------------------------------------------------------------------------

  objectForPrimaryKey<T = DefaultObject>(type: string, primaryKey: unknown): (RealmObject<T> & T) | null;
  objectForPrimaryKey<T extends object>(type: new (...values: never[]) => T, primaryKey: unknown): T | null;
  objectForPrimaryKey(type: string | RealmObjectClass, primaryKey: unknown): unknown {
    const layout = this.#layout(type);
    const found = errors.call(() => findObject(this.internal.database, layout, primaryKey));
    return found === undefined ? null : this.#bound.wrap(found);
  }

  objects<T = DefaultObject>(type: string): Results<RealmObject<T> & T>;
  objects<T extends object>(type: new (...values: never[]) => T): Results<T>;
  objects(type: string | RealmObjectClass): unknown {
    const layout = this.#layout(type);
    if (layout.kind === "embedded") throw new Error("You cannot query an embedded object.");
    if (layout.kind === "asymmetric") throw new Error("You cannot query an asymmetric object.");
    const results = new EngineResults(this.internal.database, layout, { kind: "class" }, []);
    return wrappers.results?.(this.#bound, results);
  }

  // --- listeners -------------------------------------------------------------------------------------------

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

  removeListener(eventName: RealmEventName, callback: RealmListenerCallback): void {
    const known = this.#listenersOf(eventName);
    known.get(callback)?.();
    known.delete(callback);
  }

  removeAllListeners(eventName?: RealmEventName): void {
    const names = eventName === undefined ? (["change", "schema", "beforenotify"] as const) : [eventName];
    for (const name of names) {
      const known = this.#listenersOf(name);
      for (const end of known.values()) end();
      known.clear();
    }
  }

  // --- subscriptions of results ----------------------------------------------------------------------------

  /** @internal */
  async subscribeTo(results: Subscribable, options: SubscriptionOptions): Promise<void> {
    const { behavior = "first-time", timeout } = options;
    const set = this.subscriptions;
    const existing = options.name === undefined ? set.findByQuery(results) : set.findByName(options.name);
    set.updateNoWait((mutable) => {
      mutable.add(results, options);
    });
    if (behavior === "never" || (behavior === "first-time" && existing !== null)) return;
    try {
      await within(set.waitForSynchronization(), timeout, "");
    } catch (error) {
      if (!(error instanceof errors.TimeoutError)) throw error;
    }
  }

  /** @internal */
  unsubscribeFrom(results: Subscribable, name: string | undefined): void {
    this.subscriptions.updateNoWait((mutable) => {
      if (name === undefined) mutable.remove(results);
      else mutable.removeByName(name);
    });
  }

  // --- the rest --------------------------------------------------------------------------------------------

  compact(): boolean {
    this.#requireOpen();
    return false;
  }

  writeCopyTo(_configuration: Configuration): void {
    throw new EngineError("invalid-argument", "Copying realms is not supported");
  }

  /** Closes the realm. May be called again. */
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

function closeAll(): void {
  for (const reference of Array.from(opened)) reference.deref()?.close();
}

function normalize(given: Configuration | string | undefined): Configuration {
  const configuration = typeof given === "string" ? { path: given } : (given ?? {});
  checkConfiguration(configuration);
  return configuration;
}

/** Opens the file; one that another schema made is deleted first if the configuration says so. */
function openFile(options: OpenOptions, configuration: Configuration): RealmFile {
  try {
    return engine().open(options);
  } catch (error) {
    const isMismatch = error instanceof EngineError && error.code === "schema-mismatch";
    if (!isMismatch || configuration.deleteRealmIfMigrationNeeded !== true) throw error;
    engine().deleteFile(options.path);
    return engine().open(options);
  }
}

function eraseEmbedded(handle: EmbeddedHandle): void {
  const { parent, column, element } = handle;
  const layout = parent.layout;
  if (element === undefined) {
    (parent as EmbeddedHandle).set(column, null);
    return;
  }
  const collection = (parent as EmbeddedHandle).get(column) as { erase(element: number | string): void };
  if (layout.columns.includes(column)) collection.erase(element);
}
