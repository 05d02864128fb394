/**
 * Objects of a realm.
 *
 * @module
 */

import {
  bindingKey,
  type ClassLayout,
  type Column,
  columnAccessor,
  type EmbeddedHandle,
  handleKey,
  type ObjectChanges,
  ObjectHandle,
} from "@tidemark/engine";
import { assertFunction, assertString } from "../assert.js";
import { type Binding, type BoundClass, wrappers } from "../binding.js";
import { call } from "../errors.js";
import type { RealmObjectClass } from "../schema/parse.js";
import type { CanonicalObjectSchema, DefaultObject } from "../schema/types.js";
import { Counter } from "./counter.js";
import { keyPathsOf, ListenerMap } from "./listeners.js";
import type { Results } from "./results.js";
import type { ObjectType, Unmanaged } from "./unmanaged.js";

/** What has changed of an object. */
export interface ObjectChangeSet<T> {
  /** Whether it is gone: the last call. */
  readonly deleted: boolean;
  /** Names of what has changed; empty in the first call and when it is gone. */
  readonly changedProperties: (keyof T)[];
}

/** Told of changes of an object: once soon after it is added, then after each change. */
export type ObjectChangeCallback<T> = (object: RealmObject<T> & T, changes: ObjectChangeSet<T>) => void;

/** What a realm offers to the constructor of objects. */
interface Creator {
  create(type: string, values: DefaultObject): unknown;
}

const listenersOf = new WeakMap<object, ListenerMap<unknown>>();

/** What ties an object to its realm. */
// Keys that are symbols cannot be declared in the class.
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging, no-unused-vars
export interface RealmObject<T, RequiredProperties> {
  /** @internal */
  [handleKey]: ObjectHandle | EmbeddedHandle;
  /** @internal */
  [bindingKey]: Binding;
}

/** An object of a realm. Applications extend this class to give their objects a type and methods. */
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging
export class RealmObject<T = DefaultObject, RequiredProperties extends keyof T = never> {
  /**
   * Creates an object in a write transaction: `new Task(realm, { … })`.
   *
   * @param values what it is made of; those of `RequiredProperties` must be given.
   */
  constructor(realm: Creator, values: Unmanaged<T, RequiredProperties>) {
    const { schema, name } = new.target as unknown as { schema?: { name: string }; name: string };
    // The object comes from the realm; what `new` has made is left behind.
    return realm.create(schema?.name ?? name, values) as RealmObject<T, RequiredProperties>;
  }

  /** Names of the properties. */
  keys(): string[] {
    return Object.keys(this[bindingKey].classOf(this[handleKey].layout).schema.properties);
  }

  /** Names and values of the properties. */
  entries(): [string, unknown][] {
    return this.keys().map((key) => [key, (this as Record<string, unknown>)[key]]);
  }

  /** Plain values, all the way down; an object that is met again is the same value again. */
  toJSON(_key?: string, known: Map<string, unknown> = new Map()): Record<string, unknown> {
    return objectToJson(this, known);
  }

  /** Whether the object still exists. */
  isValid(): boolean {
    return this[handleKey].isValid();
  }

  /** The class with everything spelled out. */
  objectSchema(): CanonicalObjectSchema {
    const { layout } = this[handleKey];
    return this[bindingKey].classOf(layout).schema;
  }

  /** Objects of a class whose property links to this one. @throws if there is no such property. */
  linkingObjects<O = DefaultObject>(objectType: string, propertyName: string): Results<RealmObject<O> & O>;
  /** The same for a class of the application's own. */
  linkingObjects<O extends object>(objectType: ObjectType<O>, propertyName: string): Results<O>;
  linkingObjects(objectType: string | RealmObjectClass, propertyName: string): unknown {
    return linkingObjects(this[bindingKey], this[handleKey], nameOf(objectType), propertyName);
  }

  /** How many links lead here, from all classes. */
  linkingObjectsCount(): number {
    const { layout } = this[handleKey];
    let count = 0;
    for (const origin of this[bindingKey].file.database.layouts) {
      for (const column of origin.columns) {
        if (column.target !== layout.name || origin.kind !== "top") continue;
        count += linkingObjects(this[bindingKey], this[handleKey], origin.name, column.publicName).length;
      }
    }
    return count;
  }

  /**
   * Calls back soon, with no changes, and then after each change of the object's own properties.
   *
   * @param keyPaths only these properties count: `name`, or `owner.name` for what an object behind a link has; `*` for
   * any. The change names the first property of the path.
   * @throws if the callback is registered already, or a path names what is not there.
   */
  addListener(callback: ObjectChangeCallback<T>, keyPaths?: string | string[]): void {
    assertFunction(callback, "callback");
    const binding = this[bindingKey];
    const handle = this[handleKey];
    const tell = ({ isDeleted, changedProperties }: ObjectChanges): void => {
      const changes = { deleted: isDeleted, changedProperties: [...changedProperties] as (keyof T)[] };
      callback(this as unknown as RealmObject<T> & T, changes);
    };
    const begin = (): (() => void) =>
      binding.track(binding.file.database.notifier.onObject(handle, tell, false, keyPathsOf(keyPaths)));
    call(() => listeners(this).add(callback, begin));
  }

  /** Ends calling back. A callback that is not registered is no error. */
  removeListener(callback: ObjectChangeCallback<T>): void {
    listeners(this).remove(callback);
  }

  /** Ends calling back whomever. */
  removeAllListeners(): void {
    listeners(this).clear();
  }

  /** Type of a property, as in the schema's short form. */
  getPropertyType(propertyName: string): string {
    assertString(propertyName, "propertyName");
    const property = this.objectSchema().properties[propertyName];
    if (property === undefined) {
      throw new Error(`Property '${propertyName}' does not exist on '${this[handleKey].layout.name}' objects`);
    }
    const { type, objectType, optional } = property;
    if (type === "object") return `<${objectType ?? ""}>`;
    return optional ? `${type}?` : type;
  }
}

function listeners(object: object): ListenerMap<unknown> {
  let map = listenersOf.get(object);
  if (map === undefined) {
    map = new ListenerMap();
    listenersOf.set(object, map);
  }
  return map;
}

/** Name of a class given as name or class. */
export function nameOf(type: string | RealmObjectClass): string {
  return typeof type === "string" ? type : ((type.schema as { name?: string } | undefined)?.name ?? type.name);
}

function linkingObjects(
  binding: Binding,
  handle: ObjectHandle | EmbeddedHandle,
  className: string,
  propertyName: string,
): Results {
  const layout = binding.file.database.layout(className);
  const column = layout?.columnByPublicName(propertyName);
  if (layout === undefined) throw new Error(`Object type '${className}' not found in schema.`);
  if (column === undefined || column.target !== handle.layout.name) {
    throw new Error(`'${className}#${propertyName}' is not a relationship to '${handle.layout.name}'`);
  }
  return binding.linking(layout, column, handle) as Results;
}

/** Plain values of an object. */
export function objectToJson<T>(object: RealmObject<T>, known: Map<string, unknown>): Record<string, unknown> {
  const handle = object[handleKey];
  const id = handle instanceof ObjectHandle ? `${handle.layout.name} ${String(handle.packedKey())}` : undefined;
  const before = id === undefined ? undefined : known.get(id);
  if (before !== undefined) return before as Record<string, unknown>;
  const plain: Record<string, unknown> = {};
  if (id !== undefined) known.set(id, plain);
  const values = object as unknown as Record<string, unknown>;
  for (const [name, { type }] of Object.entries(object.objectSchema().properties)) {
    if (type !== "linkingObjects") plain[name] = valueToJson(values[name], known);
  }
  return plain;
}

/** The plain value of anything. */
export function valueToJson(value: unknown, known: Map<string, unknown>): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof RealmObject) return objectToJson(value, known);
  if (value instanceof Counter) return value.value;
  // Asking with `in` would ask a dictionary for an entry.
  const { toJSON } = value as { toJSON?: (key: undefined, known: Map<string, unknown>) => unknown };
  const isOurs = (value as { [handleKey]?: unknown })[handleKey] !== undefined;
  return isOurs && toJSON !== undefined ? toJSON.call(value, undefined, known) : value;
}

/** Makes the prototype of one class in one realm: an accessor per property. */
export function bindClass(
  layout: ClassLayout,
  schema: CanonicalObjectSchema,
  ctor: RealmObjectClass | undefined,
): BoundClass {
  const parent: object = (ctor?.prototype as object | undefined) ?? RealmObject.prototype;
  const prototype = Object.create(parent) as object;
  const names: string[] = [];
  for (const property of Object.values(schema.properties)) {
    names.push(property.name);
    if (property.type === "linkingObjects") {
      defineBacklinks(prototype, property.name, property.objectType ?? "", property.property ?? "");
      continue;
    }
    const column = layout.columnByPublicName(property.name);
    if (column === undefined) continue;
    if (property.presentation === "counter") defineCounter(prototype, column);
    else Object.defineProperty(prototype, property.name, columnAccessor(column, call));
  }
  return {
    layout,
    schema,
    prototype,
    target: makeTarget(prototype),
    proxyHandler: makeProxyHandler(new Set(names), prototype),
    ctor: ctor ?? RealmObject,
  };
}

/** What stands behind the objects of a class; made by one function, all of them have the same shape. */
function makeTarget(prototype: object): BoundClass["target"] {
  function Target(this: RealmObject, handle: ObjectHandle | EmbeddedHandle, binding: Binding): void {
    this[handleKey] = handle;
    this[bindingKey] = binding;
  }
  Target.prototype = prototype;
  return Target as unknown as BoundClass["target"];
}

function defineCounter(prototype: object, column: Column): void {
  Object.defineProperty(prototype, column.publicName, {
    enumerable: true,
    configurable: true,
    get(this: RealmObject) {
      return counterOf(this[handleKey], column);
    },
    set(this: RealmObject, value: unknown) {
      call(() => {
        Counter.refuseAssignment(this[handleKey].get(column), value);
        this[handleKey].set(column, value);
      });
    },
  });
}

function counterOf(handle: ObjectHandle | EmbeddedHandle, column: Column): Counter | null {
  const value = handle.get(column);
  return value === null || !(handle instanceof ObjectHandle) ? null : new Counter(handle, column);
}

function defineBacklinks(prototype: object, name: string, className: string, property: string): void {
  Object.defineProperty(prototype, name, {
    enumerable: true,
    configurable: true,
    get(this: RealmObject) {
      return linkingObjects(this[bindingKey], this[handleKey], className, property);
    },
  });
}

/** Makes properties look like the object's own, for `Object.keys` and spreading. */
function makeProxyHandler(names: ReadonlySet<string>, prototype: object): ProxyHandler<object> {
  const descriptors = Object.getOwnPropertyDescriptors(prototype) as Readonly<Record<string, PropertyDescriptor>>;
  return {
    // Without this trap a read takes three times as long. Getters of the application's class see the proxy as `this`.
    get: (target, key, receiver) =>
      names.has(key as string)
        ? (target as Readonly<Record<string | symbol, unknown>>)[key]
        : (Reflect.get(target, key, receiver) as unknown),
    // The same holds for a write.
    set: (target, key, value, receiver) => {
      if (descriptors[key as string]?.set === undefined) return Reflect.set(target, key, value, receiver);
      (target as Record<string | symbol, unknown>)[key] = value;
      return true;
    },
    ownKeys: (target) => [...names, ...Reflect.ownKeys(target).filter((key) => typeof key === "string")],
    getOwnPropertyDescriptor: (target, key) =>
      (typeof key === "string" ? descriptors[key] : undefined) ?? Reflect.getOwnPropertyDescriptor(target, key),
    // Declared fields of a subclass are set to undefined on the object that the constructor returned.
    defineProperty: (target, key, descriptor) =>
      typeof key === "string" && names.has(key) ? true : Reflect.defineProperty(target, key, descriptor),
  };
}

wrappers.object = (binding, handle) => {
  const bound = binding.classOf(handle.layout);
  return new Proxy(new bound.target(handle, binding), bound.proxyHandler);
};
