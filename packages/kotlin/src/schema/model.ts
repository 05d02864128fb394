/**
 * Models: classes whose objects are stored.
 *
 * @module
 */

import type { BaseRealmObject } from "../data/object.js";
import type { Properties, PropertiesOf } from "./property.js";

/** Name and properties of a model. */
export interface ObjectSchema<P extends Properties = Properties> {
  /** Name in the database and on the server. */
  readonly name: string;
  /** Its properties by name. */
  readonly properties: P;
}

/**
 * Writes down a model: its `static schema`. Fields are declared beside it, which the compiler checks where the model is
 * given to a configuration; {@link realmObject} declares them by itself.
 *
 * ```ts
 * class Task extends RealmObject {
 *   static readonly schema = realmSchema("Task", { _id: primaryKey(objectId()), name: string() });
 *   declare _id: ObjectId;
 *   declare name: string;
 * }
 * ```
 */
export function realmSchema<const P extends Properties>(name: string, properties: P): ObjectSchema<P> {
  return { name, properties };
}

/** A class of the application's own that is stored. */
export interface ModelClass<T extends BaseRealmObject = BaseRealmObject> {
  /** Makes an object that is not stored. */
  new (): T;
  /** Its name and properties. */
  readonly schema: ObjectSchema;
}

/** What {@link realmObject} and its like make: a class to extend. */
export interface ModelBase<Base extends BaseRealmObject, P extends Properties> {
  /** Makes an object that is not stored. */
  new (): Base & PropertiesOf<P>;
  /** Its name and properties. */
  readonly schema: ObjectSchema<P>;
}

/** A model whose declared fields are those of its schema; any other does not compile. */
type CheckedModel<M> = M extends { new (): infer T; readonly schema: ObjectSchema<infer P> }
  ? string extends keyof P
    ? M // Made while the program runs: the compiler knows nothing of it.
    : T extends PropertiesOf<P>
      ? M
      : ModelClass<BaseRealmObject & PropertiesOf<P>>
  : never;

/** Models whose declared fields are those of their schemas; others do not compile. */
export type CheckedModels<S extends readonly ModelClass[]> = { readonly [Index in keyof S]: CheckedModel<S[Index]> };
