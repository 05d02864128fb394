/**
 * Classes: what the macros `REALM_SCHEMA`, `REALM_EMBEDDED_SCHEMA` and `REALM_ASYMMETRIC_SCHEMA` declare.
 *
 * @module
 */

import type { BacklinkDeclaration, ClassDeclaration, PropertyDeclaration } from "@tidemark/engine";
import { logic_error } from "../errors.js";
import type { initial_of, phantom, properties, property, struct_of, unmanaged } from "./types.js";

/** Under this key an object that is not managed keeps its class. */
export const model_key: unique symbol = Symbol("class");

/** A class, for the calls that need no more than to know which. `T` is its struct. */
export interface class_of<T> {
  /** Name in the file and on the server. */
  readonly class_name: string;
  /** @internal */
  readonly [phantom]?: () => T;
  /** @internal */
  readonly isAsymmetric?: false;
  /** @internal */
  readonly declaration: ClassDeclaration;
  /** @internal */
  readonly described: properties;
}

/** A class that makes objects: `Dog({ _id, name: "Rex" })`. */
export interface model<T, Initial> extends class_of<T> {
  (...values: {} extends Initial ? [values?: Initial] : [values: Initial]): unmanaged<T>;
}

/**
 * The class of a struct that is written down, as of classes that link to each other. `Key` is the primary key.
 *
 * ```ts
 * interface Dog { _id: ObjectId; name: string; owner: pointer<Person> }
 * const Dog: model_of<Dog, "_id"> = schema("Dog", {
 *   _id: primary_key(object_id), name: string, owner: link<Person>("Person"),
 * });
 * ```
 */
export type model_of<T, Key extends keyof T = never> = model<T, Partial<T> & Pick<T, Key>>;

/** A class whose objects are sent to the server and never kept. */
export interface asymmetric_model<T, Initial> {
  /** @internal */
  readonly isAsymmetric: true;
  /** Name in the file and on the server. */
  readonly class_name: string;
  /** @internal */
  readonly declaration: ClassDeclaration;
  /** @internal */
  readonly described: properties;
  (...values: {} extends Initial ? [values?: Initial] : [values: Initial]): asymmetric<T>;
}

/** An object of an asymmetric class, to be added. */
export type asymmetric<T> = T & {
  /** @internal */
  readonly [model_key]: "asymmetric";
};

/** The struct of a class: `type Dog = struct<typeof Dog>`. */
export type struct<M> = M extends class_of<infer T> ? T : M extends asymmetric_model<infer T, infer _> ? T : never;

/** What opening needs to know of a class. */
export interface any_class {
  /** Name in the file and on the server. */
  readonly class_name: string;
  /** @internal */
  readonly declaration: ClassDeclaration;
  /** @internal */
  readonly described: properties;
}

/** Members of managed objects, which no property can be called. */
const reserved: ReadonlySet<string> = new Set([
  "constructor",
  "detach",
  "observe",
  "is_invalidated",
  "is_frozen",
  "freeze",
  "thaw",
  "get_realm",
  "equals",
  "to_json",
  "assign",
]);

/** Classes by name in the order of their declaration. */
const registered = new Map<string, any_class>();

/** @internal All classes that were declared, as `realm::db::schemas`. */
export function allSchemas(): readonly any_class[] {
  return [...registered.values()];
}

/**
 * Declares a class, as `REALM_SCHEMA`. Whoever opens a database without naming classes gets all that were declared. One
 * that is declared again takes the place of the earlier one.
 *
 * @throws logic_error if a property has the name of a member of managed objects.
 */
export function schema<const Name extends string, const P extends properties>(
  name: Name,
  members: P,
): model<struct_of<Name, P>, initial_of<Name, P>> {
  return declare(name, members, "top") as model<struct_of<Name, P>, initial_of<Name, P>>;
}

/** Declares a class whose objects live inside others, as `REALM_EMBEDDED_SCHEMA`. Throws as {@link schema}. */
export function embedded_schema<const Name extends string, const P extends properties>(
  name: Name,
  members: P,
): model<struct_of<Name, P>, initial_of<Name, P>> {
  return declare(name, members, "embedded") as model<struct_of<Name, P>, initial_of<Name, P>>;
}

/** Declares a class whose objects are only sent, as `REALM_ASYMMETRIC_SCHEMA`. Throws as {@link schema}. */
export function asymmetric_schema<const Name extends string, const P extends properties>(
  name: Name,
  members: P,
): asymmetric_model<struct_of<Name, P>, initial_of<Name, P>> {
  const made = declare(name, members, "asymmetric");
  return made as unknown as asymmetric_model<struct_of<Name, P>, initial_of<Name, P>>;
}

function declare(name: string, members: properties, kind: ClassDeclaration["kind"]): any_class {
  for (const member of Object.keys(members)) {
    if (reserved.has(member)) {
      const text = `Property '${member}' of '${name}' has the name of a member of managed objects.`;
      throw new logic_error("SchemaValidationFailed", text);
    }
  }
  const prototype: object = {};
  const make = (values: Readonly<Record<string, unknown>> = {}): object => makeObject(name, members, prototype, values);
  const declared = Object.assign(make, {
    class_name: name,
    declaration: declarationOf(name, members, kind),
    described: members,
    isAsymmetric: kind === "asymmetric",
  });
  Object.defineProperty(prototype, model_key, { value: declared });
  registered.set(name, declared);
  return declared;
}

function makeObject(
  name: string,
  members: properties,
  prototype: object,
  values: Readonly<Record<string, unknown>>,
): object {
  const object = Object.create(prototype) as Record<string, unknown>;
  for (const [member, { role, initial }] of Object.entries(members)) {
    if (role !== "backlinks") object[member] = values[member] ?? initialOf(values, member, initial);
  }
  for (const given of Object.keys(values)) {
    if (members[given] === undefined) {
      throw new logic_error("InvalidProperty", `'${name}' has no property '${given}'.`);
    }
  }
  return object;
}

/** A `null` that was given stays one: the database says whether the property may be null. */
function initialOf(values: Readonly<Record<string, unknown>>, member: string, initial: () => unknown): unknown {
  return values[member] === null ? null : initial();
}

function declarationOf(name: string, members: properties, kind: ClassDeclaration["kind"]): ClassDeclaration {
  const described: PropertyDeclaration[] = [];
  const backlinks: BacklinkDeclaration[] = [];
  let primaryKey: string | undefined;
  for (const [member, one] of Object.entries(members)) {
    if (one.role === "backlinks") backlinks.push(backlinkOf(member, one));
    else described.push(propertyOf(member, one));
    if (one.role === "key") primaryKey = member;
  }
  return { name, kind, ...(primaryKey === undefined ? {} : { primaryKey }), properties: described, backlinks };
}

function backlinkOf(publicName: string, { target = "", origin = "" }: property<unknown>): BacklinkDeclaration {
  return { publicName, originClass: target, originProperty: origin };
}

function propertyOf(name: string, one: property<unknown>): PropertyDeclaration {
  const { type, collection, isNullable, target, role } = one;
  return {
    name,
    publicName: name,
    type,
    collection,
    isNullable,
    isIndexed: role === "key",
    ...(target === undefined ? {} : { target }),
  };
}
