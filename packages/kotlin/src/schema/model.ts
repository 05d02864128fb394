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
  new (): T;
  readonly schema: ObjectSchema;
}

/** What {@link realmObject} and its like make: a class to extend. */
export interface ModelBase<Base extends BaseRealmObject, P extends Properties> {
  new (): Base & PropertiesOf<P>;
  readonly schema: ObjectSchema<P>;
}

/** Models whose declared fields are those of their schemas; others do not compile. */
export type CheckedModels<S extends readonly ModelClass[]> = {
  readonly [Index in keyof S]: S[Index] extends { new (): infer T; readonly schema: ObjectSchema<infer P> }
    ? T extends PropertiesOf<P>
      ? S[Index]
      : ModelClass<BaseRealmObject & PropertiesOf<P>>
    : never;
};
