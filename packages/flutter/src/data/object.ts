/**
 * Classes of objects, and how their properties reach the realm.
 *
 * @module
 */

import {
  bindingKey,
  type BoundObject,
  type ClassLayout,
  type Column,
  columnAccessor,
  EmbeddedHandle,
  handleKey,
  ObjectHandle,
} from "@tidemark/engine";
import { call, mapError, RealmStateError, RealmUnsupportedSetError } from "../errors.js";
import type { ModelFields, ModelValues, Properties } from "../model/property.js";
import {
  bindClass,
  classOf,
  type ModelClass,
  nameOf,
  ObjectType,
  type SchemaObject,
  type SchemaProperty,
} from "../model/schema.js";
import { type Binding, type BoundClass, wrappers } from "./binding.js";
import { shown } from "./collection.js";
import { RealmList } from "./list.js";
import { writeLinks } from "./manage.js";
import { RealmMap } from "./map.js";
import { entriesOf, MemoryList, MemoryMap, MemorySet } from "./memory.js";
import { backlinksOf, makeValues, prepareClass, RealmObjectBase, valuesKey } from "./object-base.js";
import { RealmValue, type RealmValueContent } from "./realm-value.js";
import { RealmSet } from "./set.js";

/** A base class whose instances have the properties of a schema. */
export interface ModelBase<Base, P extends Properties> {
  /** Makes an object that belongs to no realm yet. */
  new (values: ModelValues<P>): Base & ModelFields<P>;
  /** The schema. */
  readonly schema: SchemaObject<P>;
}

declare const kind: unique symbol;

/** Tells the kinds of objects apart where only one will do. Nothing of it is there when the program runs. */
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging
export interface RealmObject {
  /** @internal */
  readonly [kind]: typeof ObjectType.realmObject;
}

/** Likewise. */
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging
export interface EmbeddedObject {
  /** @internal */
  readonly [kind]: typeof ObjectType.embeddedObject;
}

/** Likewise. */
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging
export interface AsymmetricObject {
  /** @internal */
  readonly [kind]: typeof ObjectType.asymmetricObject;
}

/** Objects with a life of their own. */
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging
export class RealmObject extends RealmObjectBase {
  /** A class to extend: `class Car extends RealmObject.of(SchemaObject("Car", { … })) {}`. */
  static of<P extends Properties>(schema: SchemaObject<P>): ModelBase<RealmObject, P> {
    return baseFor(schema, RealmObject, ObjectType.realmObject);
  }
}

/** Objects inside others. */
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging
export class EmbeddedObject extends RealmObjectBase {
  /** A class to extend; the schema's base type is `embeddedObject`. */
  static of<P extends Properties>(schema: SchemaObject<P>): ModelBase<EmbeddedObject, P> {
    return baseFor(schema, EmbeddedObject, ObjectType.embeddedObject);
  }

  /** The object that holds this one; `null` if no realm manages it. */
  get parent(): RealmObjectBase | null {
    const [handle, binding] = [this[handleKey], this[bindingKey]];
    if (!(handle instanceof EmbeddedHandle) || binding === undefined) return null;
    return binding.wrap(handle.parent) as RealmObjectBase;
  }
}

/** Objects that are only sent: `realm.ingest(object)`. */
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging
export class AsymmetricObject extends RealmObjectBase {
  /** A class to extend; the schema's base type is `asymmetricObject`. */
  static of<P extends Properties>(schema: SchemaObject<P>): ModelBase<AsymmetricObject, P> {
    return baseFor(schema, AsymmetricObject, ObjectType.asymmetricObject);
  }
}

type BaseClass = new (values?: Readonly<Record<string, unknown>>) => RealmObjectBase;

function baseFor<Base, P extends Properties>(
  schema: SchemaObject<P>,
  base: BaseClass,
  baseType: ObjectType,
): ModelBase<Base, P> {
  if (schema.baseType !== baseType) {
    throw new RealmStateError(`The schema of '${schema.name}' is one of ${schema.baseType}, not of ${baseType}`);
  }
  class Model extends base {
    static get schema(): SchemaObject<P> {
      // Whoever asks a class for its schema is going to use the class with it.
      if (this !== Model) bindClass(schema, this);
      return schema;
    }
  }
  return Model as unknown as ModelBase<Base, P>;
}

// --- objects that no realm manages -------------------------------------------------------------------------------

makeValues.of = (schema, given) => {
  const values: Record<string, unknown> = {};
  for (const property of schema) {
    if (property.backlink === undefined) values[property.name] = initialValue(property, given[property.name]);
  }
  return values;
};

function initialValue(property: SchemaProperty, given: unknown): unknown {
  const { type, collection, isNullable, default: declared } = property;
  const elements = (): Iterable<unknown> => (given ?? []) as Iterable<unknown>;
  if (collection === "list") return RealmList.of(undefined, new MemoryList(elements()));
  if (collection === "set") return new RealmSet(undefined, new MemorySet(elements()));
  if (collection === "dictionary") return new RealmMap(undefined, new MemoryMap(entriesOf(given)));
  const value =
    given ?? (given === null ? null : typeof declared === "function" ? (declared as () => unknown)() : declared);
  if (type === "mixed") return RealmValue.from(value as RealmValueContent | undefined);
  return value ?? (isNullable || given === null ? null : undefined);
}

const prepared = new WeakSet<object>();

prepareClass.of = (type, schema) => {
  const prototype = type.prototype as object;
  if (prepared.has(prototype)) return;
  prepared.add(prototype);
  for (const property of schema) {
    if (!Object.hasOwn(prototype, property.name)) Object.defineProperty(prototype, property.name, unmanaged(property));
  }
};

function unmanaged(property: SchemaProperty): PropertyDescriptor {
  const { name, collection, backlink, type } = property;
  return {
    enumerable: true,
    configurable: true,
    get(this: RealmObjectBase) {
      if (backlink !== undefined) throw new RealmStateError("Using backlinks is only possible for managed objects.");
      return this[valuesKey]?.[name];
    },
    set(this: RealmObjectBase, value: unknown) {
      if (collection !== "single" || backlink !== undefined) throw new RealmUnsupportedSetError(name);
      const values = this[valuesKey];
      if (values !== undefined) values[name] = type === "mixed" ? RealmValue.from(value as RealmValueContent) : value;
    },
  };
}

// --- objects of a realm ------------------------------------------------------------------------------------------

/** Makes the class of a layout for one realm. */
export function boundClassOf(layout: ClassLayout, schema: SchemaObject): BoundClass {
  let type: ModelClass | undefined;
  let prototype: object | undefined;
  return {
    layout,
    schema,
    get prototype(): object {
      const known = classOf(schema);
      // The application's class may be seen for the first time after the realm was opened.
      if (prototype === undefined || known !== type) {
        type = known;
        prototype = prototypeOf(layout, schema, known);
      }
      return prototype;
    },
  };
}

const plainClasses = { top: RealmObject, embedded: EmbeddedObject, asymmetric: AsymmetricObject } as const;

function prototypeOf(layout: ClassLayout, schema: SchemaObject, type: ModelClass | undefined): object {
  const prototype = Object.create((type ?? plainClasses[layout.kind]).prototype as object) as object;
  for (const property of schema) {
    const column = layout.columnByPublicName(property.name);
    const accessor = property.backlink === undefined ? column && accessorOf(column) : backlinksAccessor(property);
    if (accessor !== undefined) Object.defineProperty(prototype, property.name, accessor);
  }
  return prototype;
}

function accessorOf(column: Column): PropertyDescriptor {
  const plain = columnAccessor(column, call, mapError);
  if (column.collection !== "single") {
    const refuse = (): never => {
      throw new RealmUnsupportedSetError(column.publicName);
    };
    return { ...plain, set: refuse };
  }
  if (column.type !== "link" && column.type !== "mixed") return plain;
  return {
    ...plain,
    get(this: BoundObject) {
      const value = call(() => this[handleKey].get(column));
      return shown(this[bindingKey] as Binding, column, value);
    },
    set(this: BoundObject, value: unknown) {
      call(() => {
        this[handleKey].database.requireWrite();
        const binding = this[bindingKey] as Binding;
        writeLinks(binding, this[handleKey], column, value, false);
      });
    },
  };
}

function backlinksAccessor({ backlink, name }: SchemaProperty): PropertyDescriptor {
  return {
    enumerable: true,
    configurable: true,
    get(this: BoundObject) {
      const target = nameOf(backlink?.target ?? "");
      return backlinksOf(this[bindingKey] as Binding, this[handleKey], target, backlink?.property ?? "");
    },
    set() {
      throw new RealmUnsupportedSetError(name);
    },
  };
}

wrappers.object = (binding, handle) => {
  const object = Object.create(binding.classOf(handle.layout).prototype) as RealmObjectBase;
  object[handleKey] = handle;
  object[bindingKey] = binding;
  return object;
};

/** Whether a handle is one of an object. */
export function isObjectHandle(handle: unknown): handle is ObjectHandle | EmbeddedHandle {
  return handle instanceof ObjectHandle || handle instanceof EmbeddedHandle;
}
