/**
 * Managed objects: live objects of a database.
 *
 * @module
 */

import {
  bindingKey,
  type ClassLayout,
  type Column,
  columnAccessor,
  Dictionary,
  type EmbeddedHandle,
  handleKey,
  List,
  type ObjectChanges,
  type ObjectHandle,
  ValueSet,
} from "@tidemark/engine";
import { type Binding, type BoundClass, inBinding, ownerOf, wrappers } from "../binding.js";
import type { db } from "../db.js";
import { guard, logic_error, runtime_error } from "../errors.js";
import { model_key } from "../schema/model.js";
import type { linking, single_value, unmanaged } from "../schema/types.js";
import { notification_token } from "./notification.js";
import type { managed_map } from "./map.js";
import type { results } from "./results.js";
import type { managed_set } from "./set.js";
import { areSame, Importer, readValue } from "./values.js";
import type { managed_vector } from "./vector.js";
import { detachObject } from "./detach.js";

/** What a member of a struct is in a managed object. */
export type managed_value<V> = unknown extends V
  ? unknown
  : V extends single_value | undefined
    ? V
    : V extends linking<infer T>
      ? results<T>
      : V extends readonly (infer E)[]
        ? managed_vector<E>
        : V extends ReadonlyMap<string, infer E>
          ? managed_map<E>
          : V extends ReadonlySet<infer E>
            ? managed_set<E>
            : V extends object
              ? managed<V>
              : never;

/**
 * A live object: its fields show what the database holds, and may be assigned in a write transaction. Collections,
 * embedded objects and links given as structs are assigned by {@link managed_object.assign}, since TypeScript has no
 * assignment that converts.
 */
export type managed<T> = managed_object<T> & {
  -readonly [K in keyof T]-?: managed_value<T[K]>;
};

/** A property that has changed. Only single values have an old and a new one; collections have their own observers. */
export interface property_change {
  /** Name of the property. */
  readonly name: string;
  /** Value before; `undefined` also where it is not known. */
  readonly old_value?: unknown;
  /** Value now. */
  readonly new_value?: unknown;
}

/** A change of an object. */
export interface object_change<T> {
  /** What has changed. */
  readonly object: managed<T>;
  /** Whether it is gone: the last call. */
  readonly is_deleted: boolean;
  /** Never set: nothing can fail between the database and a listener. */
  readonly error?: unknown;
  /** What has changed of it; empty if it is gone. */
  readonly property_changes: readonly property_change[];
}

/** What ties an object to its database. */
// Keys that are symbols cannot be declared in the class.
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging, no-unused-vars
export interface managed_object<T> {
  /** @internal */
  readonly [handleKey]: ObjectHandle | EmbeddedHandle;
  /** @internal */
  readonly [bindingKey]: Binding;
}

/** Members that managed objects have beside their fields. */
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging
export class managed_object<T> {
  /** @internal Objects are made by databases. */
  protected constructor() {
    throw new logic_error("IllegalOperation", "Managed objects are made by a database.");
  }

  /** A copy that is not managed, all the way down. An object that is met twice is the same copy. */
  detach(): unmanaged<T> {
    return guard(() => detachObject(this, new Map())) as unmanaged<T>;
  }

  /**
   * Assigns fields from plain values: structs, arrays, sets and maps.
   *
   * @throws logic_error outside of a write transaction, or if a value does not fit.
   */
  assign(values: Partial<T>): void {
    const fields = this as unknown as Record<string, unknown>;
    for (const [name, value] of Object.entries(values)) fields[name] = value;
  }

  /**
   * Calls back after each change, until the token is told to end it. There is no first call.
   *
   * @param key_paths not in realm-cpp: only these properties count, `name`, or `owner.name` for what an object behind a
   * link has; `*` for any.
   * @throws logic_error if the database is closed, invalid_argument if a path names what is not there.
   */
  observe(callback: (change: object_change<T>) => void, key_paths?: readonly string[]): notification_token {
    const binding = this[bindingKey];
    const handle = this[handleKey];
    const object = this as unknown as managed<T>;
    return guard(() => {
      const known = new Map(handle.layout.columns.map((column) => [column.publicName, stateOf(handle, column)]));
      const isWatched = watching(key_paths);
      let isFirst = true;
      const tell = ({ isDeleted, changedProperties }: ObjectChanges): void => {
        if (isDeleted) return callback({ object, is_deleted: true, property_changes: [] });
        // What was written before the first delivery is in no list of changes.
        const names = isFirst ? [...known.keys()].filter(isWatched) : changedProperties;
        const changes = names.flatMap((name) => changeOf(object, name, known, !isFirst));
        isFirst = false;
        if (changes.length > 0) callback({ object, is_deleted: false, property_changes: changes });
      };
      const end = binding.file.database.notifier.onObject(handle, tell, false, key_paths);
      return new notification_token(binding.track(end));
    });
  }

  /** Whether the object is gone, or its database closed. */
  is_invalidated(): boolean {
    return !this[handleKey].isValid();
  }

  /** Whether it shows one version of the database for ever. */
  is_frozen(): boolean {
    return this[handleKey].database.isFrozen;
  }

  /**
   * The object as it is now, for ever.
   *
   * @throws logic_error in a write transaction, or if the object is gone.
   */
  freeze(): managed<T> {
    return guard(() => moved<T>(this, ownerOf(this).frozenBinding(), "Invalid objects cannot be frozen."));
  }

  /**
   * The live object of a frozen one.
   *
   * @throws runtime_error `Invalid objects cannot be thawed.` if there is none any more.
   */
  thaw(): managed<T> {
    return guard(() => moved<T>(this, ownerOf(this).liveBinding(), "Invalid objects cannot be thawed."));
  }

  /** The database that it belongs to. */
  get_realm(): db {
    return this[bindingKey].realm as db;
  }

  /** Whether both are the same object of the same database: `==`. */
  equals(other: unknown): boolean {
    if (!(other instanceof managed_object)) return false;
    const [own, theirs] = [this[handleKey], other[handleKey]];
    if ("equals" in own) return own.equals(theirs);
    return (
      !("equals" in theirs) &&
      own.column === theirs.column &&
      own.element === theirs.element &&
      wrap(this[bindingKey], own.parent).equals(wrap(other[bindingKey], theirs.parent))
    );
  }

  /** The fields as JSON text; links are the linked objects, and one that is met again is `null`. */
  to_json(): string {
    const known = new Set<unknown>();
    return JSON.stringify(this.detach(), (_, value: unknown) => {
      if (typeof value === "bigint") return Number(value);
      if (value instanceof Set) return [...(value as Set<unknown>)];
      if (value instanceof Map) return Object.fromEntries(value as Map<string, unknown>);
      if (typeof value !== "object" || value === null || !(model_key in value)) return value;
      if (known.has(value)) return null;
      known.add(value);
      return value;
    });
  }
}

// Objects are not made by the constructor, so they cannot have private methods.
function moved<T>(object: managed_object<T>, binding: Binding, text: string): managed<T> {
  const found = inBinding(object, binding);
  if (found === undefined) throw new runtime_error("InvalidatedObject", text);
  return found as managed<T>;
}

function wrap(binding: Binding, holder: unknown): managed_object<unknown> {
  return binding.wrap(holder) as managed_object<unknown>;
}

/** Whether a property is the first of one of the key paths. */
function watching(key_paths: readonly string[] | undefined): (name: string) => boolean {
  const firsts = new Set(key_paths?.map((path) => path.split(".", 1)[0]));
  return (name) => key_paths === undefined || firsts.has("*") || firsts.has(name);
}

/** What tells two moments of a property apart. */
function stateOf(handle: ObjectHandle | EmbeddedHandle, column: Column): unknown {
  const value = handle.get(column);
  if (value instanceof List || value instanceof ValueSet || value instanceof Dictionary) {
    return new CollectionState(JSON.stringify([...value.fingerprints()]));
  }
  return readValue(column, value);
}

/** What a collection held, also one inside a mixed. */
class CollectionState {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  equals(other: unknown): boolean {
    return other instanceof CollectionState && other.#text === this.#text;
  }
}

/** The change of a property; remembers its new state. */
function changeOf(
  { [handleKey]: handle, [bindingKey]: binding }: managed_object<unknown>,
  name: string,
  known: Map<string, unknown>,
  isCertain: boolean,
): readonly property_change[] {
  const column = handle.layout.columnByPublicName(name);
  if (column === undefined) return [];
  const [before, now] = [known.get(name), stateOf(handle, column)];
  known.set(name, now);
  if (!isCertain && areSame(before, now)) return [];
  if (before instanceof CollectionState || now instanceof CollectionState) return [{ name }];
  return [{ name, old_value: binding.wrap(before), new_value: binding.wrap(now) }];
}

/** @internal Makes the prototype of one class in one database: an accessor per property. */
export function bindClass(layout: ClassLayout): BoundClass {
  const prototype = Object.create(managed_object.prototype) as object;
  const columns = layout.primaryKey === undefined ? layout.columns : [layout.primaryKey, ...layout.columns];
  for (const column of columns) Object.defineProperty(prototype, column.publicName, accessorOf(column));
  for (const { publicName, originClass, originProperty } of layout.declaration.backlinks) {
    Object.defineProperty(prototype, publicName, {
      enumerable: true,
      get(this: managed_object<unknown>) {
        return guard(() => backlinks(this[bindingKey], this[handleKey], originClass, originProperty));
      },
    });
  }
  return { layout, prototype };
}

function accessorOf(column: Column): PropertyDescriptor {
  const accessor = columnAccessor(column, guard);
  return {
    enumerable: true,
    configurable: true,
    get(this: managed_object<unknown>) {
      return guard(() => readValue(column, accessor.get?.call(this)));
    },
    set(this: managed_object<unknown>, value: unknown) {
      const importer = new Importer(this[handleKey].database);
      accessor.set?.call(this, importer.value(column, value));
    },
  };
}

function backlinks(
  binding: Binding,
  handle: ObjectHandle | EmbeddedHandle,
  originClass: string,
  originProperty: string,
): unknown {
  const layout = binding.file.database.storedLayout(originClass);
  const column = layout?.columnByPublicName(originProperty);
  if (layout === undefined || column?.target !== handle.layout.name) {
    throw new logic_error(
      "InvalidProperty",
      `'${originClass}.${originProperty}' is not a link to '${handle.layout.name}'`,
    );
  }
  return binding.linking(layout, column, handle);
}

wrappers.object = (binding, handle) => {
  const object = Object.create(binding.classOf(handle.layout).prototype) as object;
  Object.defineProperty(object, handleKey, { value: handle });
  Object.defineProperty(object, bindingKey, { value: binding });
  return object;
};
