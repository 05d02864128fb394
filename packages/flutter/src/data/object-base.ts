/**
 * What objects have in common, whether a realm manages them or not.
 *
 * @module
 */

import { bindingKey, EmbeddedHandle, handleKey, type ObjectChanges, ObjectHandle } from "@tidemark/engine";
import { call, RealmError, RealmException, RealmStateError } from "../errors.js";
import { type ModelClass, type ModelObject, nameOf, type SchemaObject, schemaOf } from "../model/schema.js";
import type { Realm } from "../realm.js";
import type { Stream } from "../stream.js";
import { type Binding, changesStream, frozenForm, realmOf } from "./binding.js";
import { checkKeyPaths, type RealmObjectChanges } from "./changes.js";
import type { RealmResults } from "./results.js";

/** Under this key an object that no realm manages keeps its values. */
export const valuesKey: unique symbol = Symbol("values");

/** Set when the module that knows collections is loaded: it gives a new object its values. */
export const makeValues: { of?: (schema: SchemaObject, given: Values) => Values } = {};

/** Set likewise: gives a class the properties of its schema. */
export const prepareClass: { of?: (type: ModelClass, schema: SchemaObject) => void } = {};

type Values = Record<string, unknown>;

/** What ties an object to its realm. */
// Keys that are symbols cannot be declared in the class.
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging
export interface RealmObjectBase {
  /** @internal */
  [handleKey]: ObjectHandle | EmbeddedHandle | undefined;
  /** @internal */
  [bindingKey]: Binding | undefined;
  /** @internal */
  [valuesKey]: Values | undefined;
}

/** Properties by name, for classes that the program does not know. */
export interface DynamicObject {
  /** The value of a property. @throws `RealmException` if there is none of that name. */
  get<T = unknown>(name: string): T;
  /** Assigns a property. @throws `RealmException` if there is none of that name. */
  set(name: string, value: unknown): void;
}

/** An object: one that a realm manages, or one that waits to be added to a realm. */
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging
export abstract class RealmObjectBase {
  /**
   * Makes an object that belongs to no realm yet.
   *
   * @param values by the names of properties; those with a default, optional ones, links and collections may be
   * missing.
   */
  constructor(values: Readonly<Record<string, unknown>> = {}) {
    const type = new.target as unknown as ModelClass;
    const schema = schemaOf(type);
    prepareClass.of?.(type, schema);
    this[valuesKey] = makeValues.of?.(schema, values);
  }

  /** Whether the object exists: a managed one does until it is deleted or its realm closed, any other always. */
  get isValid(): boolean {
    return this[handleKey]?.isValid() ?? true;
  }

  /** Whether a realm manages the object. */
  get isManaged(): boolean {
    return this[handleKey] !== undefined;
  }

  /** Whether the object shows one version for ever. */
  get isFrozen(): boolean {
    return this[bindingKey]?.file.database.isFrozen ?? false;
  }

  /** @throws `RealmStateError` if no realm manages the object. */
  get realm(): Realm {
    return realmOf(bindingOf(this));
  }

  /** The schema of the object's class. */
  get objectSchema(): SchemaObject {
    const binding = this[bindingKey];
    if (binding === undefined) return schemaOf(this.constructor as ModelClass);
    return binding.classOf(handleOf(this).layout).schema;
  }

  /** Whether both are the same object of one version of one file: what `==` is in Dart. */
  equals(other: unknown): boolean {
    if (this === other) return true;
    if (!(other instanceof RealmObjectBase)) return false;
    const [own, others] = [this[handleKey], other[handleKey]];
    if (own instanceof ObjectHandle) return own.equals(others);
    if (!(own instanceof EmbeddedHandle) || !(others instanceof EmbeddedHandle)) return false;
    if (own.database !== others.database || own.layout.name !== others.layout.name) return false;
    const [place, othersPlace] = [own.place(), others.place()];
    return (
      place.column === othersPlace.column &&
      String(place.path) === String(othersPlace.path) &&
      (place.object as ObjectHandle).equals(othersPlace.object)
    );
  }

  /** Changes of the object, from the first one without any on. Ends when the object is deleted, and with the realm. */
  get changes(): Stream<RealmObjectChanges<this>> {
    return changesOf(this, undefined);
  }

  /**
   * Changes of some properties: `name`, `owner.name` for what an object behind a link has, `*` for any. The change names
   * the first property of the path.
   *
   * @throws `RealmException` if a path is empty or names what is not there.
   */
  changesFor(keyPaths: readonly string[]): Stream<RealmObjectChanges<this>> {
    const handle = handleOf(this);
    checkKeyPaths(handle.database, handle.layout, keyPaths);
    return changesOf(this, keyPaths);
  }

  /** The object as it is now, for ever. Close `frozen.realm` when it is not needed. */
  freeze(): this {
    const handle = this[handleKey];
    if (handle === undefined) throw new RealmStateError("Can't freeze unmanaged objects.");
    return this.isFrozen ? this : (frozenForm(bindingOf(this), handle) as this);
  }

  /** The objects of a class whose property links to this one. */
  getBacklinks<C extends ModelClass>(type: C, property: string): RealmResults<ModelObject<C>> {
    return backlinksOf(
      bindingOf(this),
      handleOf(this),
      nameOf(() => type),
      property,
    ) as RealmResults<ModelObject<C>>;
  }

  /** Properties by name. */
  get dynamic(): DynamicObject {
    const values = this as unknown as Values;
    const check = (name: string): void => {
      if ([...this.objectSchema].some((property) => property.name === name)) return;
      throw new RealmException(`Property '${name}' does not exist on class '${this.objectSchema.name}'`);
    };
    return {
      get: <T>(name: string): T => {
        check(name);
        return values[name] as T;
      },
      set: (name, value) => {
        check(name);
        values[name] = value;
      },
    };
  }
}

// Functions, since objects that show rows are not made by the constructor and have no private methods.

function handleOf(object: RealmObjectBase): ObjectHandle | EmbeddedHandle {
  const handle = object[handleKey];
  if (handle === undefined) throw new RealmStateError("The object is not managed by a realm");
  return handle;
}

function bindingOf(object: RealmObjectBase): Binding {
  const binding = object[bindingKey];
  if (binding === undefined) throw new RealmStateError("The object is not managed by a realm");
  return binding;
}

function changesOf<T extends RealmObjectBase>(
  object: T,
  keyPaths: readonly string[] | undefined,
): Stream<RealmObjectChanges<T>> {
  const [handle, binding] = [handleOf(object), bindingOf(object)];
  if (object.isFrozen) throw new RealmStateError("Object is frozen and cannot emit changes");
  return changesStream(binding, (sink) => {
    const tell = ({ isDeleted, changedProperties }: ObjectChanges): void => {
      sink.add({ object, properties: [...changedProperties], isDeleted });
      if (isDeleted) sink.close();
    };
    return handle.database.notifier.onObject(handle, tell, false, keyPaths);
  });
}

/** The objects of a class that link to one. */
export function backlinksOf(
  binding: Binding,
  handle: ObjectHandle | EmbeddedHandle,
  className: string,
  property: string,
): unknown {
  const layout = binding.file.database.layout(className);
  const column = layout?.columnByPublicName(property);
  if (layout === undefined || column === undefined || column.target !== handle.layout.name) {
    throw new RealmError(`'${className}.${property}' is not a link to '${handle.layout.name}'`);
  }
  return call(() => binding.linking(layout, column, handle));
}
