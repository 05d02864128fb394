/**
 * Databases: `realm::db`.
 *
 * @module
 */

import {
  Binding,
  bindingKey,
  type ClassLayout,
  createObject,
  EmbeddedHandle,
  eraseEmbedded,
  findObject,
  handleKey,
  type RealmFile,
  type SnapshotId,
} from "@tidemark/engine";
// What objects and collections look like; each of them tells the bindings.
import "./data/map.js";
import "./data/set.js";
import "./data/vector.js";
import { type Binding as CppBinding, type BoundClass, inBinding, type Owner, wrappers } from "./binding.js";
import { bindClass, type managed, type managed_object } from "./data/managed.js";
import { allOf, type results } from "./data/results.js";
import { Importer } from "./data/values.js";
import type { db_config, Settings } from "./db-config.js";
import { engine } from "./engine.js";
import { guard, invalid_argument, logic_error } from "./errors.js";
import { syncOptionsOf } from "./open-options.js";
import { allSchemas, type any_class, type asymmetric, type class_of, model_key } from "./schema/model.js";
import { sync_session } from "./sync/sync-session.js";
import { sync_subscription_set } from "./sync/subscriptions.js";
import type { thread_safe_reference } from "./thread-safe-reference.js";

/** An object that says which class it is of. */
export type of_class<T> = {
  /** @internal */
  readonly [model_key]: class_of<T>;
};

/** Frozen copies that nobody can reach any more are closed, since those that objects make are nobody's to close. */
const abandoned = new FinalizationRegistry<RealmFile>((file) => file.close());

/**
 * A database: objects in a file, synced or not. Close it when it is no longer needed, or declare it with `using`: C++
 * does so when the last copy of the handle is gone.
 */
export class db implements Owner {
  readonly #settings: Settings;
  readonly #configuration: db_config;
  readonly #classes: ReadonlyMap<string, any_class>;
  readonly #file: RealmFile;
  readonly #binding: Binding<BoundClass>;
  /** Of a frozen one: the live one that it was made of, if there was one. */
  readonly #live: db | undefined;
  #frozen: { readonly version: number; readonly copy: WeakRef<db> } | undefined;
  #isClosed = false;

  /**
   * Opens a database at once, without waiting for downloads.
   *
   * @throws logic_error if the classes do not fit the file, or the file is open with another configuration.
   * @throws runtime_error if the file is damaged or open in another process.
   */
  constructor(config: db_config);
  /** @internal A database over a file that is open, or with other classes. */
  constructor(config: db_config, classes: readonly any_class[] | undefined, existing?: RealmFile, live?: db);
  constructor(config: db_config, classes?: readonly any_class[], existing?: RealmFile, live?: db) {
    const settings = config.settings();
    const wanted = classes ?? settings.schema ?? allSchemas();
    this.#settings = settings;
    this.#configuration = config;
    this.#classes = new Map(wanted.map((one) => [one.class_name, one]));
    this.#live = live;
    this.#file = existing ?? guard(() => this.#open(settings));
    const makeClass = (layout: ClassLayout): BoundClass => bindClass(layout);
    this.#binding = new Binding({ realm: this, file: this.#file, wrappers, makeClass });
  }

  /** All classes that were declared: what a database gets for which no classes are named. */
  static get schemas(): readonly any_class[] {
    return allSchemas();
  }

  #declarations(): any_class["declaration"][] {
    return [...this.#classes.values()].map(({ declaration }) => declaration);
  }

  #open(settings: Settings): RealmFile {
    const { decidesOnCompaction: decide } = settings;
    return engine().open({
      encryptionKey: settings.encryptionKey,
      shouldCompact: decide && ((totalBytes, usedBytes) => decide(totalBytes, totalBytes - usedBytes)),
      path: settings.path,
      isInMemory: false,
      isReadOnly: settings.isReadOnly,
      schemaVersion: settings.schemaVersion,
      schemaMode: settings.schemaMode,
      classes: this.#declarations(),
      sync: syncOptionsOf(settings, {
        frozen: (snapshot) => this.#withFile(this.#openFrozen(snapshot), undefined),
        live: () => this.#withFile(undefined, undefined),
      }),
    });
  }

  #openFrozen(snapshot: SnapshotId | undefined): RealmFile {
    return engine().openFrozen(this.#settings.path, this.#declarations(), snapshot);
  }

  #withFile(file: RealmFile | undefined, live: db | undefined): db {
    return new db(this.#configuration, [...this.#classes.values()], file, live);
  }

  #requireOpen(): RealmFile {
    if (this.#isClosed) throw new logic_error("ClosedRealm", "Cannot access realm that has been closed.");
    return this.#file;
  }

  #layout(className: string): ClassLayout {
    const layout = this.#requireOpen().database.layout(className);
    if (layout === undefined) throw new logic_error("NoSuchTable", `'${className}' is not a class of this database.`);
    return layout;
  }

  // --- writing ---------------------------------------------------------------------------------------------

  /** Begins a write transaction. {@link db.write} is safer. */
  begin_write(): void {
    guard(() => this.#requireOpen().database.beginWrite());
  }

  /** Ends the write transaction and makes it durable. */
  commit_write(): void {
    guard(() => this.#requireOpen().database.commitWrite());
  }

  /**
   * Runs a function in a write transaction. What it throws undoes the transaction and is thrown on; in realm-cpp 2.2
   * the transaction stays open then.
   */
  write<R>(work: () => R): R {
    this.begin_write();
    const { database } = this.#file;
    try {
      const result = work();
      if (database.isInWrite) this.commit_write();
      return result;
    } catch (error) {
      if (!database.isClosed && database.isInWrite) database.cancelWrite();
      throw error;
    }
  }

  /**
   * Adds an object and those that it leads to, or updates those whose primary keys are there.
   *
   * @throws logic_error outside of a write transaction, or if a value does not fit.
   * @throws runtime_error if the class is synced and not subscribed to.
   */
  add<T>(object: of_class<T>): managed<T>;
  /** Sends an object of an asymmetric class: it cannot be read afterwards. Throws as the other form. */
  add<T>(object: asymmetric<T>): void;
  add(object: of_class<unknown> | asymmetric<object>): unknown {
    return guard(() => {
      const described = (object as Partial<of_class<unknown>>)[model_key];
      if (described === undefined) {
        throw new invalid_argument("InvalidArgument", "Only objects that a class has made can be added.");
      }
      const layout = this.#layout(described.class_name);
      const { database } = this.#file;
      const handle = createObject(database, layout, new Importer(database).object(layout, object), "all");
      return layout.kind === "asymmetric" ? undefined : this.#binding.wrap(handle);
    });
  }

  /** Adds objects, as {@link db.add}. */
  insert(objects: readonly of_class<unknown>[]): void;
  insert<O extends readonly of_class<unknown>[]>(
    ...objects: O
  ): { [K in keyof O]: O[K] extends of_class<infer T> ? managed<T> : never };
  insert(first: of_class<unknown> | readonly of_class<unknown>[], ...rest: of_class<unknown>[]): unknown {
    if (!Array.isArray(first)) return [first as of_class<unknown>, ...rest].map((object) => this.add(object));
    for (const object of first as of_class<unknown>[]) this.add(object);
  }

  /**
   * Removes an object.
   *
   * @throws logic_error outside of a write transaction, or if the object is gone.
   * @throws invalid_argument if it is of another database.
   */
  remove<T>(object: managed_object<T>): void {
    guard(() => {
      const { database } = this.#requireOpen();
      database.requireWrite();
      const handle = object[handleKey];
      if (handle.database !== database) {
        throw new invalid_argument("InvalidArgument", "The object is of another database.");
      }
      if (handle instanceof EmbeddedHandle) eraseEmbedded(handle);
      else handle.erase();
    });
  }

  // --- reading ---------------------------------------------------------------------------------------------

  /**
   * All objects of a class.
   *
   * @throws logic_error if the class is not of this database, or has no objects of its own.
   */
  objects<T>(model: class_of<T>): results<T> {
    const layout = this.#layout(model.class_name);
    if (layout.kind !== "top") {
      throw new logic_error("InvalidArgument", `'${layout.name}' has no objects that can be asked for.`);
    }
    return this.#binding.results(allOf(this.#file.database, layout)) as results<T>;
  }

  /** The object with a primary key; `undefined` if there is none. An addition to what realm-cpp has. */
  find<T>(model: class_of<T>, primary_key: unknown): managed<T> | undefined {
    return guard(() => {
      const found = findObject(this.#file.database, this.#layout(model.class_name), primary_key);
      return found === undefined ? undefined : (this.#binding.wrap(found) as managed<T>);
    });
  }

  /**
   * Moves on to the newest version; answers whether there was one. Databases also move between turns of the event loop,
   * and before a wait of a session is over.
   */
  refresh(): boolean {
    return guard(() => {
      const { database } = this.#requireOpen();
      const hasMoved = database.advance();
      if (hasMoved) database.notifier.schedule();
      return hasMoved;
    });
  }

  // --- synchronisation -------------------------------------------------------------------------------------

  /**
   * The newest set of subscriptions.
   *
   * @throws logic_error if the database is not synced.
   */
  subscriptions(): sync_subscription_set {
    const { sync, database } = this.#requireOpen();
    if (sync === undefined) throw new logic_error("IllegalOperation", "The database is not synced.");
    return new sync_subscription_set({ database, sets: sync.subscriptions, layoutOf: (name) => this.#layout(name) });
  }

  /** A handle of the session; `undefined` if the database is not synced. */
  get_sync_session(): sync_session | undefined {
    const { sync } = this.#requireOpen();
    return sync === undefined ? undefined : new sync_session(sync.session);
  }

  // --- versions --------------------------------------------------------------------------------------------

  /** Whether it shows one version of the file for ever. */
  is_frozen(): boolean {
    return this.#file.database.isFrozen;
  }

  /**
   * The database as it is now, for ever; it is to be closed too.
   *
   * @throws logic_error in a write transaction.
   */
  freeze(): db {
    return guard(() => this.#withFile(engine().freeze(this.#requireOpen()), this.#live ?? this));
  }

  /** The live database of a frozen one; itself if it is live. One that was closed is opened again. */
  thaw(): db {
    if (!this.is_frozen()) return this;
    if (this.#live !== undefined && !this.#live.is_closed()) return this.#live;
    return this.#withFile(undefined, undefined);
  }

  /** @internal */
  frozenBinding(): CppBinding {
    const { database } = this.#requireOpen();
    if (database.isFrozen) return this.#binding;
    const known = this.#frozen?.version === database.version ? this.#frozen.copy.deref() : undefined;
    if (known !== undefined && !known.is_closed() && !database.isInWrite) return known.#binding;
    const copy = this.freeze();
    abandoned.register(copy, copy.#file, copy);
    this.#frozen = { version: database.version, copy: new WeakRef(copy) };
    return copy.#binding;
  }

  /** @internal */
  liveBinding(): CppBinding {
    return this.thaw().#binding;
  }

  /** @internal */
  classNamed(name: string): any_class | undefined {
    return this.#classes.get(name) ?? allSchemas().find(({ class_name }) => class_name === name);
  }

  /**
   * What a reference stands for in this database.
   *
   * @throws logic_error if it was resolved before, or is gone.
   */
  resolve<T>(reference: thread_safe_reference<T>): T {
    return guard(() => {
      this.#requireOpen();
      const subject = reference.take();
      const isHere = subject[bindingKey].realm === this;
      const found = isHere ? subject : inBinding(subject, this.#binding);
      if (found === undefined) throw new logic_error("StaleAccessor", "What the reference stood for is gone.");
      return found as T;
    });
  }

  /** Whether both are handles of one open file: `==`. */
  equals(other: db): boolean {
    return this.#file === other.#file;
  }

  /** Ends all listeners and closes the database. May be called again. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#binding.endListeners();
    abandoned.unregister(this);
    this.#file.close();
  }

  /** Whether {@link db.close} was called. */
  is_closed(): boolean {
    return this.#isClosed;
  }

  /** Closes it, for `using`. */
  [Symbol.dispose](): void {
    this.close();
  }
}

/** Opens a database with the classes that are named, as `realm::open<T…>`, or with all. Throws as the constructor. */
export function open(config: db_config, ...classes: readonly any_class[]): db {
  return new db(config, classes.length === 0 ? undefined : classes);
}
