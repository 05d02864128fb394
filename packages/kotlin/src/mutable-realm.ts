/**
 * A realm inside of a write transaction.
 *
 * @module
 */

import {
  bindingKey,
  type ClassLayout,
  EmbeddedHandle,
  EngineError,
  eraseAll,
  eraseEmbedded,
  type Handle,
  handleKey,
  ObjectHandle,
  resolveHandle,
  Results,
} from "@tidemark/engine";
import { type Binding, type Managed, requireUsable, scopeOf } from "./binding.js";
import type { Configuration } from "./configuration/configuration.js";
import { Importer, UpdatePolicy } from "./data/importer.js";
import { type AsymmetricRealmObject, BaseRealmObject, EmbeddedRealmObject, managedParts } from "./data/object.js";
import { originOf, RealmQuery, RealmSingleQuery } from "./data/query.js";
import { call, IllegalArgumentException } from "./errors.js";
import type { ModelClass } from "./schema/model.js";
import { RealmSchema } from "./schema/realm-schema.js";
import { queryOf, type TypedRealm } from "./typed-realm.js";

/** What can be deleted: an object, or all objects of a collection, results or query. */
export type Deleteable =
  | BaseRealmObject
  | RealmQuery<unknown>
  | RealmSingleQuery<unknown>
  | (Iterable<unknown> & {
      /** How many there are. */
      readonly size: number;
    });

const frozenText =
  "Frozen objects cannot be deleted. They must be converted to live objects first by using " +
  "`MutableRealm/DynamicMutableRealm.findLatest(frozenObject)`.";

/** A realm inside of a write transaction: objects that it gives can be changed until the transaction is over. */
export class MutableRealm implements TypedRealm {
  /** What the realm was opened with. */
  readonly configuration: Configuration;
  readonly #binding: Binding;
  #isCancelled = false;

  /** @internal */
  constructor(configuration: Configuration, binding: Binding) {
    this.configuration = configuration;
    this.#binding = binding;
  }

  get #database(): Binding["file"]["database"] {
    requireUsable(this.#binding);
    return this.#binding.file.database;
  }

  schema(): RealmSchema {
    return new RealmSchema(this.#database.visibleLayouts);
  }

  schemaVersion(): number {
    return this.configuration.schemaVersion;
  }

  query<T extends BaseRealmObject>(
    type: ModelClass<T>,
    filter: string = "TRUEPREDICATE",
    ...args: readonly unknown[]
  ): RealmQuery<T> {
    requireUsable(this.#binding);
    return queryOf(originOf(this.#binding), this.#binding, type, filter, args);
  }

  /**
   * Stores an object with all that it links to; one that is stored in this transaction already is itself.
   *
   * @param updatePolicy what happens if an object with the same primary key exists.
   * @returns the stored object.
   * @throws {@link IllegalArgumentException} if there is one that is not to be updated, if something of it is frozen,
   * or if it is embedded; also if no subscription is for its model.
   */
  copyToRealm<T extends BaseRealmObject>(instance: T, updatePolicy: UpdatePolicy = UpdatePolicy.ERROR): T {
    requireUsable(this.#binding);
    if (instance instanceof EmbeddedRealmObject && !instance.isManaged()) {
      throw new IllegalArgumentException("Embedded objects are stored with the object that holds them");
    }
    const handle = call(() => new Importer(this.#binding, updatePolicy).object(instance));
    return this.#binding.wrap(handle) as T;
  }

  /** Sends an object to the server, without keeping it here. */
  insert(instance: AsymmetricRealmObject): void {
    requireUsable(this.#binding);
    call(() => new Importer(this.#binding).object(instance));
  }

  /**
   * The newest version of an object, to be changed; null if it is deleted.
   *
   * @throws {@link IllegalArgumentException} if it is not stored, or of another realm.
   */
  findLatest<T extends BaseRealmObject>(object: T): T | null {
    const { path } = scopeOf(this.#binding).owner;
    const database = this.#database;
    const parts = managedParts(object);
    if (parts === undefined) {
      throw new IllegalArgumentException(
        "Unmanaged objects must be part of the Realm, before they can be queried this way. Use " +
          "`MutableRealm.copyToRealm()` to turn it into a managed object.",
      );
    }
    if (scopeOf(parts.binding).owner.path !== path) {
      throw new IllegalArgumentException("Object is managed by another Realm");
    }
    const found = call(() => resolveHandle(database, parts.handle));
    return found === undefined || !found.isValid() ? null : (this.#binding.wrap(found) as T);
  }

  /**
   * Deletes an object, all objects of a collection or query, or all of a model.
   *
   * @throws {@link IllegalArgumentException} for what is frozen or not stored.
   */
  delete(given: Deleteable | ModelClass): void {
    requireUsable(this.#binding);
    if (typeof given === "function") return this.#deleteModel(given);
    call(() => this.#delete(given));
  }

  #deleteModel({ schema: { name } }: ModelClass): void {
    const layout = this.#database.layout(name);
    if (layout === undefined) throw new IllegalArgumentException(`Schema does not contain a class named '${name}'`);
    this.#eraseAll(layout);
  }

  #eraseAll(layout: ClassLayout): void {
    call(() => eraseAll(this.#database, layout));
  }

  #delete(given: Deleteable): void {
    if (given instanceof BaseRealmObject) return erase(this.#liveHandle(given));
    if (given instanceof RealmQuery) return this.#delete(given.find());
    if (given instanceof RealmSingleQuery) {
      const found = given.find() as BaseRealmObject | null;
      if (found !== null) this.#delete(found);
      return;
    }
    const handle = this.#liveHandle(given as Managed);
    if (handle instanceof Results) return handle.eraseAll();
    for (const element of Array.from(given)) if (element instanceof BaseRealmObject) this.#delete(element);
  }

  #liveHandle({ [handleKey]: handle, [bindingKey]: binding }: Managed): Handle {
    if (handle === undefined || binding === undefined) {
      throw new IllegalArgumentException("Cannot delete unmanaged object");
    }
    if (binding !== this.#binding) throw new IllegalArgumentException(frozenText);
    return handle;
  }

  /** Deletes all objects of all models. */
  deleteAll(): void {
    for (const layout of this.#database.visibleLayouts) if (layout.kind === "top") this.#eraseAll(layout);
  }

  /** Undoes the transaction. Nothing may be read or written in it then. */
  cancelWrite(): void {
    const database = this.#database;
    this.#isCancelled = true;
    scopeOf(this.#binding).isOver = true;
    call(() => database.cancelWrite());
  }

  /** @internal */
  get isCancelled(): boolean {
    return this.#isCancelled;
  }
}

function erase(handle: Handle): void {
  if (handle instanceof ObjectHandle) return handle.erase();
  if (!(handle instanceof EmbeddedHandle)) throw new EngineError("invalid-argument", "Not an object");
  eraseEmbedded(handle);
}
