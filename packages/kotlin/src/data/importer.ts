/**
 * Bringing values of the application into a write transaction: objects that are not stored become stored ones.
 *
 * @module
 */

import { type ClassLayout, type Column, createObject, type EmbeddedHandle, type ObjectHandle } from "@tidemark/engine";
import { type Binding, scopeOf } from "../binding.js";
import { IllegalArgumentException } from "../errors.js";
import type { ModelClass } from "../schema/model.js";
import { RealmAny } from "./any.js";
import { MutableRealmInt } from "./counter.js";
import { RealmDictionary } from "./dictionary.js";
import { RealmList } from "./list.js";
import { AsymmetricRealmObject, BaseRealmObject, EmbeddedRealmObject, managedParts } from "./object.js";
import { RealmSet } from "./set.js";

/**
 * What happens if an object with the same primary key exists: `ERROR` refuses, `ALL` overwrites all its properties.
 *
 * @enum
 */
export const UpdatePolicy = {
  /** That is an error. */
  ERROR: "ERROR",
  /** The stored object takes all values. */
  ALL: "ALL",
} as const;
export type UpdatePolicy = (typeof UpdatePolicy)[keyof typeof UpdatePolicy];

/** Imports one graph of objects: what is met twice becomes one object. */
export class Importer {
  readonly #binding: Binding;
  readonly #policy: UpdatePolicy;
  readonly #known = new Map<object, ObjectHandle>();

  constructor(binding: Binding, policy: UpdatePolicy = UpdatePolicy.ERROR) {
    this.#binding = binding;
    this.#policy = policy;
  }

  /** Stores an object, with all that it links to. One that is stored already is itself. */
  object(object: BaseRealmObject): ObjectHandle {
    const managed = managedParts(object);
    if (managed !== undefined) return this.#own(managed.handle, managed.binding) as ObjectHandle;
    const known = this.#known.get(object);
    if (known !== undefined) return known;
    const layout = this.#layoutOf(object);
    const links: [Column, unknown][] = [];
    const values: Record<string, unknown> = {};
    for (const [column, value] of fieldsOf(layout, object)) {
      // Links are set once the object is there: they may lead back to it.
      if (isLink(column, value)) links.push([column, value]);
      else if (this.#isWorthWriting(value)) values[column.publicName] = this.value(column, value);
    }
    const { database } = this.#binding.file;
    const handle = createObject(database, layout, values, this.#policy === UpdatePolicy.ALL ? "all" : "never");
    this.#known.set(object, handle);
    for (const [column, value] of links) {
      if (this.#isWorthWriting(value)) handle.set(column, this.value(column, value));
    }
    return handle;
  }

  /** New objects have null and empty collections by themselves. */
  #isWorthWriting(value: unknown): boolean {
    if (this.#policy === UpdatePolicy.ALL) return true;
    if (value instanceof RealmList || value instanceof RealmSet || value instanceof RealmDictionary) {
      return value.size > 0;
    }
    return value !== null;
  }

  #layoutOf(object: BaseRealmObject): ClassLayout {
    const { name } = (object.constructor as unknown as ModelClass).schema;
    const layout = this.#binding.file.database.layout(name);
    if (layout === undefined) throw new IllegalArgumentException(`Schema does not contain a class named '${name}'`);
    return layout;
  }

  /** A stored object, which must be of this transaction. */
  #own(handle: ObjectHandle | EmbeddedHandle, binding: Binding): ObjectHandle | EmbeddedHandle {
    if (binding === this.#binding) return handle;
    if (scopeOf(binding).owner.path !== scopeOf(this.#binding).owner.path) {
      throw new IllegalArgumentException("Object is already managed by another Realm");
    }
    throw new IllegalArgumentException(
      "Cannot import an outdated object. Use findLatest(object) to find an up-to-date version of the object in the " +
        "given context before importing it.",
    );
  }

  /** A value for a column, or for an element of it, as the engine takes it. */
  value(column: Column, value: unknown): unknown {
    if (typeof value !== "object" || value === null) return value;
    if (value instanceof BaseRealmObject) return this.#linked(value);
    if (value instanceof RealmAny) return this.#any(column, value);
    if (value instanceof MutableRealmInt) return value.get();
    if (value instanceof RealmList || value instanceof RealmSet) {
      return value.toArray().map((element: unknown) => this.value(column, element));
    }
    if (value instanceof RealmDictionary) {
      const entries: [string, unknown][] = [...(value as RealmDictionary<unknown>).entries()];
      return Object.fromEntries(entries.map(([key, element]) => [key, this.value(column, element)]));
    }
    return value;
  }

  #any(column: Column, value: RealmAny): unknown {
    if (value.value instanceof EmbeddedRealmObject) {
      const { name } = (value.value.constructor as unknown as ModelClass).schema;
      throw new IllegalArgumentException(`Using an embedded object (${name}) as a Mixed value is not supported.`);
    }
    if (value.type === "OBJECT") return this.#linked(value.value as BaseRealmObject);
    const isCollection = value.type === "LIST" || value.type === "DICTIONARY";
    return isCollection ? this.value(column, value.value) : value;
  }

  #linked(object: BaseRealmObject): unknown {
    if (object instanceof AsymmetricRealmObject) {
      throw new IllegalArgumentException("Asymmetric objects cannot be linked to");
    }
    const isPlain = object instanceof EmbeddedRealmObject && !object.isManaged();
    return isPlain ? this.#embedded(object) : this.object(object);
  }

  /** The values of an embedded object, which the engine stores where it belongs. */
  #embedded(object: EmbeddedRealmObject): Record<string, unknown> {
    const values: Record<string, unknown> = {};
    for (const [column, value] of fieldsOf(this.#layoutOf(object), object)) {
      values[column.publicName] = this.value(column, value);
    }
    return values;
  }
}

function* fieldsOf(layout: ClassLayout, object: BaseRealmObject): Iterable<[Column, unknown]> {
  const values = object as unknown as Readonly<Record<string, unknown>>;
  const columns = layout.primaryKey === undefined ? layout.columns : [layout.primaryKey, ...layout.columns];
  for (const column of columns) yield [column, values[column.publicName] ?? null];
}

/** Whether a value may lead to other objects, and by them back to its own. */
function isLink(column: Column, value: unknown): boolean {
  return column.type === "link" || (column.type === "mixed" && value !== null);
}
