/**
 * Objects whose properties are named by text: those of a file that is being migrated.
 *
 * @module
 */

import { bindingKey, type Column, type EmbeddedHandle, handleKey, type ObjectHandle } from "@tidemark/engine";
import { type Binding, requireUsable, requireWritable } from "../binding.js";
import { toPublic } from "../data/bind.js";
import { RealmDictionary } from "../data/dictionary.js";
import { Importer } from "../data/importer.js";
import { RealmList } from "../data/list.js";
import { BaseRealmObject } from "../data/object.js";
import type { RealmResults } from "../data/results.js";
import { RealmSet } from "../data/set.js";
import { call, IllegalArgumentException } from "../errors.js";

/** Under this key an object that is not stored keeps its class and values. */
const plainKey: unique symbol = Symbol("plain");

interface Plain {
  readonly type: string;
  readonly values: Map<string, unknown>;
}

/** Values by the names of properties, as pairs or as an object. */
export type DynamicValues = Iterable<readonly [string, unknown]> | Readonly<Record<string, unknown>>;

// Functions, since objects that show rows are not made by the constructor and have no private methods.

function partsOf(object: BaseRealmObject): { handle: ObjectHandle | EmbeddedHandle; binding: Binding } {
  const { [handleKey]: handle, [bindingKey]: binding } = object;
  if (handle === undefined || binding === undefined) throw new IllegalArgumentException("The object is not stored");
  requireUsable(binding);
  return { handle: handle as ObjectHandle | EmbeddedHandle, binding };
}

function columnOf(handle: ObjectHandle | EmbeddedHandle, name: string): Column {
  const column = handle.layout.columnByPublicName(name);
  if (column !== undefined) return column;
  throw new IllegalArgumentException(
    `Schema for type '${handle.layout.name}' doesn't contain a property named '${name}'`,
  );
}

function describe({ collection, type, target, isNullable }: Column): string {
  const element = `${target ?? type}${isNullable ? "?" : ""}`;
  return collection === "single" ? element : `${collection}<${element}>`;
}

type Wanted = {
  readonly collection: Column["collection"];
  readonly isObject: boolean;
  readonly isNullable?: boolean;
};

function read(object: BaseRealmObject, name: string, wanted: Wanted): unknown {
  const { handle, binding } = partsOf(object);
  const column = columnOf(handle, name);
  const isFitting =
    column.collection === wanted.collection &&
    (column.type === "link") === wanted.isObject &&
    (wanted.isObject || wanted.isNullable === undefined || column.isNullable === wanted.isNullable);
  if (!isFitting) {
    const what = `${wanted.isObject ? "object" : "value"}${wanted.isNullable === true ? "?" : ""}`;
    const expected = wanted.collection === "single" ? what : `${wanted.collection}<${what}>`;
    throw new IllegalArgumentException(
      `Trying to access property '${handle.layout.name}.${name}' as type: '${expected}' but actual schema type is ` +
        `'${describe(column)}'`,
    );
  }
  return toPublic(
    binding,
    column,
    call(() => handle.get(column)),
  );
}

/** An object that can only be read. */
export class DynamicRealmObject extends BaseRealmObject {
  /** @internal Made for what is stored. */
  protected constructor() {
    super();
  }

  /** Name of the class. */
  get type(): string {
    return plainOf(this)?.type ?? partsOf(this).handle.layout.name;
  }

  /** The value of a property that is never null. @throws {@link IllegalArgumentException} if it is not such a one. */
  getValue<T = unknown>(propertyName: string): T {
    return read(this, propertyName, { collection: "single", isObject: false, isNullable: false }) as T;
  }

  /** The value of a property that may be null. @throws {@link IllegalArgumentException} if it is not such a one. */
  getNullableValue<T = unknown>(propertyName: string): T | null {
    return read(this, propertyName, { collection: "single", isObject: false, isNullable: true }) as T | null;
  }

  /** The object that a property leads to. */
  getObject(propertyName: string): DynamicRealmObject | null {
    return read(this, propertyName, { collection: "single", isObject: true }) as DynamicRealmObject | null;
  }

  /** A list of values that are never null. */
  getValueList<T = unknown>(propertyName: string): RealmList<T> {
    return read(this, propertyName, { collection: "list", isObject: false, isNullable: false }) as RealmList<T>;
  }

  /** A list of values that may be null. */
  getNullableValueList<T = unknown>(propertyName: string): RealmList<T | null> {
    return read(this, propertyName, { collection: "list", isObject: false, isNullable: true }) as RealmList<T | null>;
  }

  /** A list of objects. */
  getObjectList(propertyName: string): RealmList<DynamicRealmObject> {
    return read(this, propertyName, { collection: "list", isObject: true }) as RealmList<DynamicRealmObject>;
  }

  /** A set of values that are never null. */
  getValueSet<T = unknown>(propertyName: string): RealmSet<T> {
    return read(this, propertyName, { collection: "set", isObject: false, isNullable: false }) as RealmSet<T>;
  }

  /** A set of values that may be null. */
  getNullableValueSet<T = unknown>(propertyName: string): RealmSet<T | null> {
    return read(this, propertyName, { collection: "set", isObject: false, isNullable: true }) as RealmSet<T | null>;
  }

  /** A set of objects. */
  getObjectSet(propertyName: string): RealmSet<DynamicRealmObject> {
    return read(this, propertyName, { collection: "set", isObject: true }) as RealmSet<DynamicRealmObject>;
  }

  /** A dictionary of values that are never null. */
  getValueDictionary<T = unknown>(propertyName: string): RealmDictionary<T> {
    const wanted = { collection: "dictionary", isObject: false, isNullable: false } as const;
    return read(this, propertyName, wanted) as RealmDictionary<T>;
  }

  /** A dictionary of values that may be null. */
  getNullableValueDictionary<T = unknown>(propertyName: string): RealmDictionary<T | null> {
    const wanted = { collection: "dictionary", isObject: false, isNullable: true } as const;
    return read(this, propertyName, wanted) as RealmDictionary<T | null>;
  }

  /** A dictionary of objects. */
  getObjectDictionary(propertyName: string): RealmDictionary<DynamicRealmObject | null> {
    const wanted = { collection: "dictionary", isObject: true } as const;
    return read(this, propertyName, wanted) as RealmDictionary<DynamicRealmObject | null>;
  }

  /** The objects that link to this one by a computed property. */
  getBacklinks(propertyName: string): RealmResults<DynamicRealmObject> {
    const { handle, binding } = partsOf(this);
    const { backlinks } = handle.layout.declaration;
    const found = backlinks.find(({ publicName }) => publicName === propertyName);
    const origin = found && binding.file.database.layout(found.originClass);
    const column = found && origin?.columnByPublicName(found.originProperty);
    if (origin === undefined || column === undefined) {
      throw new IllegalArgumentException(
        `Schema for type '${handle.layout.name}' doesn't contain a property named '${propertyName}'`,
      );
    }
    return call(() => binding.linking(origin, column, handle)) as RealmResults<DynamicRealmObject>;
  }
}

/** An object that can be changed: of a write transaction, or one that is not stored yet. */
export class DynamicMutableRealmObject extends DynamicRealmObject {
  /** Makes an object that is not stored yet. */
  static create(type: string, values: DynamicValues = {}): DynamicMutableRealmObject {
    const object = Object.create(DynamicMutableRealmObject.prototype) as DynamicMutableRealmObject;
    const plain: Plain = { type, values: new Map(pairsOf(values)) };
    Object.defineProperty(object, plainKey, { value: plain });
    return object;
  }

  /**
   * Assigns a property, or several: `set("name", "Ada")`, `set(["name", "Ada"], ["age", 36])`.
   *
   * @returns this object.
   */
  set(propertyName: string, value: unknown): this;
  set(...pairs: readonly (readonly [string, unknown])[]): this;
  set(first?: string | readonly [string, unknown], ...rest: readonly unknown[]): this {
    const pairs =
      typeof first === "string"
        ? ([[first, rest[0]]] as const)
        : ([...(first === undefined ? [] : [first]), ...rest] as readonly (readonly [string, unknown])[]);
    for (const [name, value] of pairs) assign(this, name, value);
    return this;
  }

  override getObject(propertyName: string): DynamicMutableRealmObject | null {
    return super.getObject(propertyName) as DynamicMutableRealmObject | null;
  }

  override getObjectList(propertyName: string): RealmList<DynamicMutableRealmObject> {
    return super.getObjectList(propertyName) as RealmList<DynamicMutableRealmObject>;
  }
}

function plainOf(object: unknown): Plain | undefined {
  return (object as { readonly [plainKey]?: Plain })[plainKey];
}

function pairsOf(values: DynamicValues): Iterable<readonly [string, unknown]> {
  return Symbol.iterator in values ? values : Object.entries(values);
}

function assign(object: DynamicMutableRealmObject, name: string, value: unknown): void {
  const plain = plainOf(object);
  if (plain !== undefined) return void plain.values.set(name, value);
  const { handle, binding } = partsOf(object);
  requireWritable(binding);
  const column = columnOf(handle, name);
  call(() => handle.set(column, new DynamicImporter(binding).value(column, value)));
}

/** Brings objects that are named by text into a write transaction. What is met twice becomes one object. */
export class DynamicImporter {
  readonly #binding: Binding;
  readonly #known = new Map<Plain, ObjectHandle>();
  readonly #create: (type: string, values: Record<string, unknown>) => ObjectHandle;

  /** @param create makes the object of a class; not given where none may be made. */
  constructor(binding: Binding, create?: (type: string, values: Record<string, unknown>) => ObjectHandle) {
    this.#binding = binding;
    this.#create =
      create ??
      ((type) => {
        throw new IllegalArgumentException(`Store the object of '${type}' with copyToRealm first`);
      });
  }

  /** The stored form of an object. */
  object(object: DynamicRealmObject): ObjectHandle {
    const plain = plainOf(object);
    if (plain === undefined) return new Importer(this.#binding).object(object);
    const known = this.#known.get(plain);
    if (known !== undefined) return known;
    const handle = this.#create(plain.type, this.#values(plain));
    this.#known.set(plain, handle);
    return handle;
  }

  #values({ type, values }: Plain): Record<string, unknown> {
    const layout = this.#binding.file.database.layout(type);
    if (layout === undefined) throw new IllegalArgumentException(`Schema does not contain a class named '${type}'`);
    const entries = Array.from(values, ([name, value]) => {
      const column = layout.columnByPublicName(name);
      if (column !== undefined) return [name, this.value(column, value)] as const;
      throw new IllegalArgumentException(`Schema for type '${type}' doesn't contain a property named '${name}'`);
    });
    return Object.fromEntries(entries);
  }

  /** A value for a column, or for an element of it, as the engine takes it. */
  value(column: Column, value: unknown): unknown {
    if (value instanceof DynamicRealmObject) {
      const plain = plainOf(value);
      const isEmbedded = plain !== undefined && this.#binding.file.database.layout(plain.type)?.kind === "embedded";
      return isEmbedded ? this.#values(plain) : this.object(value);
    }
    if (Array.isArray(value) || value instanceof RealmList || value instanceof RealmSet || value instanceof Set) {
      return Array.from(value as Iterable<unknown>, (element) => this.value(column, element));
    }
    if (value instanceof Map || value instanceof RealmDictionary) {
      const entries = Array.from(value.entries() as Iterable<[string, unknown]>);
      return Object.fromEntries(entries.map(([key, element]) => [key, this.value(column, element)]));
    }
    return new Importer(this.#binding).value(column, value);
  }
}
