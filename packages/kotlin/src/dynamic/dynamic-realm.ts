/**
 * Realms whose models are named by text: those of a file that is being migrated.
 *
 * @module
 */

import { createObject, type Database, Results } from "@tidemark/engine";
import { type Binding, requireUsable } from "../binding.js";
import type { Configuration } from "../configuration/configuration.js";
import { UpdatePolicy } from "../data/importer.js";
import { originOf, RealmQuery } from "../data/query.js";
import { call, IllegalArgumentException } from "../errors.js";
import { type Deleteable, MutableRealm } from "../mutable-realm.js";
import { RealmSchema } from "../schema/realm-schema.js";
import { DynamicImporter, type DynamicMutableRealmObject, type DynamicRealmObject } from "./dynamic-object.js";

/** A realm that can only be read, with the models that its file has. */
export class DynamicRealm<T extends DynamicRealmObject = DynamicRealmObject> {
  /** What the realm is opened with. */
  readonly configuration: Configuration;
  /** @internal */
  protected readonly binding: Binding;

  /** @internal */
  constructor(configuration: Configuration, binding: Binding) {
    this.configuration = configuration;
    this.binding = binding;
  }

  /** @internal */
  protected get database(): Database {
    requireUsable(this.binding);
    return this.binding.file.database;
  }

  /** The models of the file. */
  schema(): RealmSchema {
    return new RealmSchema(this.database.visibleLayouts);
  }

  /** Version of the schema that the file has. */
  schemaVersion(): number {
    return Math.max(0, this.database.declaredVersion);
  }

  /**
   * Queries the objects of a model.
   *
   * @param filter in Realm Query Language, with `$0`, `$1`, … for the arguments; all objects by default.
   * @throws {@link IllegalArgumentException} if it cannot be understood, or there is no such model.
   */
  query(className: string, filter: string = "TRUEPREDICATE", ...args: readonly unknown[]): RealmQuery<T> {
    const { database } = this;
    const layout = database.layout(className);
    if (layout === undefined) {
      throw new IllegalArgumentException(`Schema does not contain a class named '${className}'`);
    }
    if (layout.kind !== "top") {
      throw new IllegalArgumentException(`Objects of ${layout.kind} classes cannot be queried: '${className}'`);
    }
    const all = call(() => new Results(database, layout, { kind: "class" }, []));
    return RealmQuery.over<T>(originOf(this.binding), all).query(filter, ...args);
  }
}

/** A realm that is being migrated, in its write transaction. */
export class DynamicMutableRealm extends DynamicRealm<DynamicMutableRealmObject> {
  readonly #realm: MutableRealm;

  /** @internal */
  constructor(configuration: Configuration, binding: Binding) {
    super(configuration, binding);
    this.#realm = new MutableRealm(configuration, binding);
  }

  /** Version of the schema that the file gets. */
  override schemaVersion(): number {
    return this.configuration.schemaVersion;
  }

  /**
   * Stores an object with all that it links to.
   *
   * @param updatePolicy what happens if an object with the same primary key exists.
   * @returns the stored object.
   */
  copyToRealm(object: DynamicRealmObject, updatePolicy: UpdatePolicy = UpdatePolicy.ERROR): DynamicMutableRealmObject {
    const { database } = this;
    const mode = updatePolicy === UpdatePolicy.ALL ? "all" : "never";
    const importer = new DynamicImporter(this.binding, (type, values) => {
      const layout = database.layout(type);
      if (layout === undefined) throw new IllegalArgumentException(`Schema does not contain a class named '${type}'`);
      return createObject(database, layout, values, mode);
    });
    return this.binding.wrap(call(() => importer.object(object))) as DynamicMutableRealmObject;
  }

  /** What an object of the old realm is in this one; null if it is not there. */
  findLatest(object: DynamicRealmObject): DynamicMutableRealmObject | null {
    return this.#realm.findLatest(object) as DynamicMutableRealmObject | null;
  }

  /** Deletes an object, all objects of a collection or query, or all of a model. */
  delete(given: Deleteable | string): void {
    if (typeof given !== "string") return this.#realm.delete(given);
    this.#realm.delete(this.query(given));
  }

  /** Deletes all objects of all models. */
  deleteAll(): void {
    this.#realm.deleteAll();
  }
}
