/**
 * Types of properties: what a class is made of, and what TypeScript makes of that.
 *
 * @module
 */

import type { CollectionKind, ValueType } from "@tidemark/engine";
import { Decimal128, ObjectId, UUID } from "@tidemark/engine/bson";
import type { managed, managed_object } from "../data/managed.js";
import type { class_of, model_key } from "./model.js";

/** Under this key, in types alone, a property keeps the type of its values. */
export declare const phantom: unique symbol;

/** What part a property plays: the primary key, a link, the computed other end of a link, or none of these. */
export type property_role = "plain" | "key" | "link" | "backlinks";

/** A property of a class. `V` is the type of its value in an object that is not managed. */
export interface property<V, Role extends property_role = property_role> {
  /** @internal */
  readonly [phantom]?: () => V;
  /** @internal */
  readonly role: Role;
  /** @internal */
  readonly type: ValueType;
  /** @internal */
  readonly collection: CollectionKind;
  /** @internal */
  readonly isNullable: boolean;
  /** @internal Class that links lead to, or come from. */
  readonly target?: string;
  /** @internal Property that the links come from. */
  readonly origin?: string;
  /** @internal The value of objects that are made without one. */
  readonly initial: () => unknown;
}

/** The properties of a class by name. */
export type properties = Readonly<Record<string, property<unknown>>>;

/** A link to a class that is known by name alone. */
export interface named<Name extends string> {
  /** @internal */
  readonly [phantom]: Name;
}

/** A pointer to an object: a managed one, one that is not managed yet, or `null` for `nullptr`. */
export type pointer<T> = T | managed<T> | null;

/** The objects that link to one, as a member of its struct. It has no value in objects that are not managed. */
export interface linking<T> {
  /** @internal */
  readonly [phantom]: () => T;
}

/** An object of a class whose properties are not known where it is spoken of. */
export type any_struct = Readonly<Record<string, unknown>>;

/** A single value of `mixed`: `null` stands for `std::monostate`. */
export type single_value =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | Date
  | ObjectId
  | Decimal128
  | UUID
  | managed_object<unknown>;

/**
 * A value of `mixed`: a single one, or an array or map of such values. In a managed object these are vectors and maps.
 */
export type mixed_value = single_value | readonly mixed_value[] | ReadonlyMap<string, mixed_value>;

/** Values that are the same in managed objects and in others. */
export type scalar = Exclude<single_value, managed_object<unknown>>;

/** Values of a whole number of 64 bits: a number where it is exact, a bigint beyond. Both may be written. */
export type int64_value = number | bigint;

function plain<V>(type: ValueType, initial: () => unknown): property<V, "plain"> {
  return { role: "plain", type, collection: "single", isNullable: false, initial };
}

/** `int64_t`. Reads as a number where that is exact, as a bigint beyond 2^53; both may be written. */
export const int64: property<int64_value, "plain"> = plain("int", () => 0);
/** `double`. */
export const double: property<number, "plain"> = plain("double", () => 0);
/** `float`. */
export const float: property<number, "plain"> = plain("float", () => 0);
/** `bool`. */
export const bool: property<boolean, "plain"> = plain("bool", () => false);
/** `std::string`. */
export const string: property<string, "plain"> = plain("string", () => "");
/** `std::vector<uint8_t>`: binary data. */
export const binary: property<Uint8Array, "plain"> = plain("binary", () => new Uint8Array(0));
/** `std::chrono::time_point`, in milliseconds. */
export const time_point: property<Date, "plain"> = plain("timestamp", () => new Date(0));
/** `realm::decimal128`. */
export const decimal128: property<Decimal128, "plain"> = plain("decimal", () => Decimal128.fromString("0"));
/** `realm::mixed`: any value. Whole numbers are stored as doubles, bigints as integers. */
export const mixed: property<mixed_value, "plain"> = {
  ...plain<mixed_value>("mixed", () => null),
  isNullable: true,
};

/** A property type that makes values too. */
export interface generator<V> extends property<V, "plain"> {
  /** A new value that nobody else makes. */
  generate(): V;
}

/** `realm::object_id`; `object_id.generate()` makes one. Without a value it is all zeros. */
export const object_id: generator<ObjectId> = {
  ...plain<ObjectId>("objectId", () => new ObjectId("0".repeat(24))),
  generate: () => new ObjectId(),
};
/** An object id. */
export type object_id = ObjectId;

/** `realm::uuid`; `uuid.generate()` makes one. Without a value it is all zeros. */
export const uuid: generator<UUID> = {
  ...plain<UUID>("uuid", () => new UUID("00000000-0000-0000-0000-000000000000")),
  generate: () => new UUID(),
};
/** A UUID. */
export type uuid = UUID;

/** An `enum` of C++: stored as a whole number. */
export function enumeration<E extends number>(initial: E): property<E, "plain"> {
  return plain("int", () => initial);
}

/** `std::optional<T>`: `undefined` stands for `std::nullopt`. */
export function optional<V>(of: property<V, "plain">): property<V | undefined, "plain"> {
  return { ...asPlain<V | undefined>(of), isNullable: true, initial: () => undefined };
}

/** `realm::primary_key<T>`. Synced classes have one, called `_id`. */
export function primary_key<V>(of: property<V, "plain">): property<V, "key"> {
  return { ...asPlain<V>(of), role: "key" };
}

/** A member with another initial value than C++ gives its type; a function makes one for each object. */
export function with_default<V, Role extends "plain" | "key">(
  of: property<V, Role>,
  value: V | (() => V),
): property<V, Role> {
  return { ...of, initial: typeof value === "function" ? (value as () => V) : () => value };
}

/** `T*`: a link to an object, or an embedded object. The class itself, or its name. */
export function link<T>(to: class_of<T>): property<pointer<T>, "link">;
/** The same by the name of a class, which may be declared later. */
export function link<const Name extends string>(to: Name): property<named<Name>, "link">;
/** The same by the name of a class whose struct is written down. */
export function link<T>(to: string): property<pointer<T>, "link">;
export function link(to: string | class_of<unknown>): property<unknown, "link"> {
  const target = typeof to === "string" ? to : to.class_name;
  return { role: "link", type: "link", collection: "single", isNullable: true, target, initial: () => null };
}

/** The value of an element: links in vectors and sets lead somewhere. */
type element<V, Role> = Role extends "link" ? Exclude<V, null> : V;

/** `std::vector<T>`. */
export function vector<V, Role extends "plain" | "link">(of: property<V, Role>): property<element<V, Role>[], "plain"> {
  return { ...asPlain<element<V, Role>[]>(of), ...collection(of, "list", () => []) };
}

/** `std::set<T>`. */
export function set<V, Role extends "plain" | "link">(
  of: property<V, Role>,
): property<ReadonlySet<element<V, Role>>, "plain"> {
  return { ...asPlain<ReadonlySet<element<V, Role>>>(of), ...collection(of, "set", () => new Set()) };
}

/** `std::map<std::string, T>`. */
export function map<V>(of: property<V, "plain" | "link">): property<ReadonlyMap<string, V>, "plain"> {
  const isNullable = of.type === "link" ? true : of.isNullable;
  return { ...asPlain<ReadonlyMap<string, V>>(of), ...collection(of, "dictionary", () => new Map()), isNullable };
}

/** `realm::linking_objects<&T::property>`: the objects of a class whose property links here. */
export function linking_objects<T>(
  from: class_of<T>,
  origin: Extract<keyof T, string>,
): property<linking<T>, "backlinks">;
/** The same by the name of a class. */
export function linking_objects<T = any_struct>(from: string, origin: string): property<linking<T>, "backlinks">;
export function linking_objects(from: string | class_of<unknown>, origin: string): property<unknown, "backlinks"> {
  const target = typeof from === "string" ? from : from.class_name;
  const initial = (): undefined => undefined;
  return { role: "backlinks", type: "link", collection: "list", isNullable: false, target, origin, initial };
}

function asPlain<V>(of: property<unknown>): property<V, "plain"> {
  return { ...of, role: "plain" } as property<V, "plain">;
}

function collection(
  of: property<unknown>,
  kind: CollectionKind,
  initial: () => unknown,
): { readonly collection: CollectionKind; readonly isNullable: boolean; readonly initial: () => unknown } {
  return { collection: kind, isNullable: of.type === "link" ? false : of.isNullable, initial };
}

type value_in<P> = P extends property<infer V> ? V : never;
type keys_of<P, Role extends property_role> = {
  [K in keyof P]: P[K] extends property<unknown, Role> ? K : never;
}[keyof P];

/** The type with links to classes by name in place: the class itself is known, others are not. */
type resolved<V, Name extends string, P extends properties> =
  V extends named<infer Other>
    ? pointer<Other extends Name ? struct_of<Name, P> : any_struct>
    : V extends mixed_value
      ? V
      : V extends readonly (infer E)[]
        ? resolved_element<E, Name, P>[]
        : V extends ReadonlyMap<string, infer E>
          ? ReadonlyMap<string, resolved<E, Name, P>>
          : V extends ReadonlySet<infer E>
            ? ReadonlySet<resolved_element<E, Name, P>>
            : V;

type resolved_element<E, Name extends string, P extends properties> =
  E extends named<string> ? Exclude<resolved<E, Name, P>, null> : resolved<E, Name, P>;

/** The struct that properties describe. */
export type struct_of<Name extends string, P extends properties> = {
  [K in Exclude<keyof P, keys_of<P, "backlinks">>]: resolved<value_in<P[K]>, Name, P>;
} & {
  readonly [K in keys_of<P, "backlinks">]?: value_in<P[K]>;
};

/** What an object is made of: members that are left out have their initial values, but the primary key is given. */
export type initial_of<Name extends string, P extends properties> = {
  [K in keys_of<P, "key">]: resolved<value_in<P[K]>, Name, P>;
} & {
  [K in keys_of<P, "plain" | "link">]?: resolved<value_in<P[K]>, Name, P> | undefined;
};

/** An object that is not in a database: what a class makes, and what `detach` gives. */
export type unmanaged<T> = T & {
  /** @internal */
  readonly [model_key]: class_of<T>;
};
