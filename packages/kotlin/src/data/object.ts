/**
 * Objects: those the application makes, and those that are stored.
 *
 * @module
 */

import { bindingKey, type EmbeddedHandle, type Handle, handleKey, ObjectHandle } from "@tidemark/engine";
import type { Binding } from "../binding.js";
import { IllegalArgumentException, IllegalStateException } from "../errors.js";
import type { Flow } from "../flow/flow.js";
import type { ModelBase, ObjectSchema } from "../schema/model.js";
import type { Properties } from "../schema/property.js";
import type { ObjectChange } from "./changes.js";
import { objectFlow } from "./flows.js";

/** What ties an object to its realm; absent in objects that are not stored. */
// Keys that are symbols cannot be declared in the class.
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging
export interface BaseRealmObject {
  /** @internal */
  [handleKey]?: Handle | undefined;
  /** @internal */
  [bindingKey]?: Binding | undefined;
}

/**
 * An object of a model. One made by `new` is not stored: `MutableRealm.copyToRealm` stores a copy. One that a query
 * gives is frozen: it shows one version of the realm and never changes. One inside of a write transaction can be
 * changed.
 */
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging
export abstract class BaseRealmObject {
  /** Gives each property its default. */
  constructor() {
    const { schema, name } = new.target as unknown as { readonly schema?: ObjectSchema; readonly name: string };
    if (schema === undefined) throw new IllegalArgumentException(`${name} has no static schema`);
    const values = this as unknown as Record<string, unknown>;
    for (const [property, { definition }] of Object.entries(schema.properties)) {
      if (definition.kind === "backlinks") defineNoBacklinks(this, property);
      else values[property] = definition.makeDefault();
    }
  }

  /** Calls back with this object, and returns it: for objects in the making. */
  apply(block: (self: this) => void): this {
    block(this);
    return this;
  }

  /** Whether the object is stored. */
  isManaged(): boolean {
    return this[handleKey] !== undefined;
  }

  /** Whether it can be read: of stored objects those that are not deleted, in realms that are not closed. */
  isValid(): boolean {
    const handle = this[handleKey];
    return handle === undefined || (handle.isValid() && !isOver(this));
  }

  /** Whether it shows one version of the realm and cannot be changed. */
  isFrozen(): boolean {
    const binding = this[bindingKey];
    return binding !== undefined && (binding.realm as { readonly kind: string }).kind === "frozen";
  }

  /**
   * Follows the object: an `InitialObject` first, then an `UpdatedObject` for each change, at last a `DeletedObject`.
   *
   * @param keyPaths names of properties, or paths like `owner.name` and `owner.*`: other changes are not told. Without
   * them the object's own properties count.
   * @throws {@link IllegalStateException} if the object is not stored.
   * @throws {@link IllegalArgumentException} if a path names what is not there.
   */
  asFlow(keyPaths?: readonly string[]): Flow<ObjectChange<this>> {
    return objectFlow(this, keyPaths);
  }

  /** Whether both are one object of one version of one realm, or the same value in the making. */
  equals(other: unknown): boolean {
    if (this === other) return true;
    if (!(other instanceof BaseRealmObject)) return false;
    const [mine, theirs] = [this[handleKey], other[handleKey]];
    return mine instanceof ObjectHandle && mine.equals(theirs);
  }
}

function isOver(object: BaseRealmObject): boolean {
  return (object[bindingKey]?.realm as { readonly isOver: boolean } | undefined)?.isOver === true;
}

function defineNoBacklinks(object: object, property: string): void {
  Object.defineProperty(object, property, {
    configurable: true,
    enumerable: false,
    get: () => {
      throw new IllegalStateException("Unmanaged objects don't support backlinks.");
    },
  });
}

/** An object with a life of its own. */
export abstract class RealmObject extends BaseRealmObject {}

/** An object inside another one. It is deleted with it. */
export abstract class EmbeddedRealmObject extends BaseRealmObject {}

/** An object that is sent to the server and not kept here: see `MutableRealm.insert`. */
export abstract class AsymmetricRealmObject extends BaseRealmObject {}

function modelBase<Base extends BaseRealmObject, P extends Properties>(
  base: abstract new () => Base,
  name: string,
  properties: P,
): ModelBase<Base, P> {
  const parent = base as unknown as new () => BaseRealmObject;
  const made = class extends parent {
    static readonly schema: ObjectSchema<P> = { name, properties };
  };
  return made as unknown as ModelBase<Base, P>;
}

/**
 * A class to extend for a model: its fields have the types that the properties say.
 *
 * ```ts
 * class Task extends realmObject("Task", { _id: primaryKey(objectId()), name: string(), done: boolean() }) {}
 * ```
 *
 * Models that refer to each other do so by name, with the type given: `object<Person>("Person")`.
 */
export function realmObject<const P extends Properties>(name: string, properties: P): ModelBase<RealmObject, P> {
  return modelBase(RealmObject, name, properties);
}

/** The same for objects inside of others. */
export function embeddedRealmObject<const P extends Properties>(
  name: string,
  properties: P,
): ModelBase<EmbeddedRealmObject, P> {
  return modelBase(EmbeddedRealmObject, name, properties);
}

/** The same for objects that are only sent. */
export function asymmetricRealmObject<const P extends Properties>(
  name: string,
  properties: P,
): ModelBase<AsymmetricRealmObject, P> {
  return modelBase(AsymmetricRealmObject, name, properties);
}

/** The engine's object behind one that is stored, and its binding. */
export function managedParts(
  object: BaseRealmObject,
): { readonly handle: ObjectHandle | EmbeddedHandle; readonly binding: Binding } | undefined {
  const { [handleKey]: handle, [bindingKey]: binding } = object;
  if (handle === undefined || binding === undefined) return undefined;
  return { handle: handle as ObjectHandle | EmbeddedHandle, binding };
}

/** Tells stored objects of one version apart; `undefined` for embedded objects and those that are not stored. */
export function identityOf(object: BaseRealmObject): string | undefined {
  const handle = object[handleKey];
  return handle instanceof ObjectHandle ? `${handle.layout.name} ${handle.key}` : undefined;
}
