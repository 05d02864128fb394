/**
 * Decorators for classes, as TypeScript 5 has them: another way to write a schema down.
 *
 * They need a compiler that lowers them (`tsc` does); Node.js does not run them as they are.
 *
 * @module
 */

import { type RealmObjectBase, valuesKey } from "../data/object-base.js";
import { RealmError } from "../errors.js";
import type { Property } from "./property.js";
import { ObjectType, SchemaObject, type SchemaOptions } from "./schema.js";

/** Properties of the class that is being defined: its own decorator comes after those of its members. */
let pending: Record<string, Property> = {};

/** What decorates an accessor. */
export type AccessorDecorator<Value> = <This extends RealmObjectBase>(
  target: ClassAccessorDecoratorTarget<This, Value>,
  context: ClassAccessorDecoratorContext<This, Value>,
) => ClassAccessorDecoratorResult<This, Value>;

/**
 * A property of the class's schema: `@Persisted(string().optional()) accessor name!: string | null;`. A member without
 * it is the program's own.
 */
export function Persisted<Out, In>(property: Property<Out, In>): AccessorDecorator<Out> {
  return (_, { name, static: isStatic, private: isPrivate }) => {
    if (typeof name !== "string" || isStatic || isPrivate) {
      throw new RealmError("Only public members of instances can be persisted");
    }
    pending[name] = property;
    return {
      // Objects of a realm have accessors of their own in front of these.
      get() {
        return this[valuesKey]?.[name] as Out;
      },
      set(value) {
        const values = this[valuesKey];
        if (values !== undefined) values[name] = value;
      },
      init(value) {
        const values = this[valuesKey];
        if (values !== undefined && value !== undefined) values[name] ??= value;
        return value;
      },
    };
  };
}

/** What decorates a class. */
export type ClassDecorator = (type: abstract new (...values: never[]) => RealmObjectBase) => void;

/**
 * Makes the schema of a class, which declares it: `declare static schema: SchemaObject;`.
 *
 * @param name in the file and on the wire; the class's own by default.
 */
export function RealmModel(name?: string, options: SchemaOptions = {}): ClassDecorator {
  return (type) => {
    const properties = pending;
    pending = {};
    const { baseType = ObjectType.realmObject } = options;
    Object.defineProperty(type, "schema", { value: SchemaObject(name ?? type.name, properties, { baseType }) });
  };
}
