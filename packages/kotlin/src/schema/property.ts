/**
 * How the properties of a model are written down. The type of each property of a model's objects follows from here.
 *
 * @module
 */

import type { CollectionKind, ValueType } from "@tidemark/engine";
import { Decimal128, ObjectId, RealmUUID } from "../bson.js";
import type { RealmAny } from "../data/any.js";
import { MutableRealmInt } from "../data/counter.js";
import { RealmInstant } from "../data/instant.js";
import type { RealmDictionary } from "../data/dictionary.js";
import type { RealmList } from "../data/list.js";
import type { RealmResults } from "../data/results.js";
import type { RealmSet } from "../data/set.js";
import { IllegalArgumentException } from "../errors.js";

/** An integer of 64 bits: a number where a number is exact, a bigint beyond 2^53. */
export type Long = number | bigint;

declare const propertyType: unique symbol;

/** What is known of a property. */
export interface PropertyDefinition {
  /** What becomes of its values. */
  readonly kind: "stored" | "backlinks" | "ignored";
  /** Type of the value, or of the elements. */
  readonly type: ValueType;
  /** Whether it is a collection, and which. */
  readonly collection: CollectionKind;
  /** Whether the value, or the elements, may be null. */
  readonly isNullable: boolean;
  /** Whether it tells objects apart. */
  readonly isPrimaryKey: boolean;
  /** Part of the schema; no index is kept. */
  readonly isIndexed: boolean | "full-text";
  /** Whether it is a {@link MutableRealmInt}. */
  readonly isCounter: boolean;
  /** Name in the database, if another one. */
  readonly persistedName: string | undefined;
  /** Class of the objects that are linked to, or that link here. */
  readonly target: Target<unknown> | undefined;
  /** Property that links here, of backlinks. */
  readonly origin: string | undefined;
  /** Value in an object that is new. */
  readonly makeDefault: () => unknown;
}

/** A property whose values are of type `T`. */
export interface Property<out T> {
  /** @internal */
  readonly [propertyType]?: () => T;
  /** @internal */
  readonly definition: PropertyDefinition;
}

/** Properties by name. */
export type Properties = Readonly<Record<string, Property<unknown>>>;

/** What objects with these properties have. */
export type PropertiesOf<P extends Properties> = {
  -readonly [Name in keyof P]: P[Name] extends Property<infer T> ? T : never;
};

/**
 * A model that a property refers to: `() => Person`, or `"Person"` with the type given, `object<Person>("Person")`, where
 * models refer to each other.
 */
export type Target<T> = string | (() => abstract new () => T);

const stored: Omit<PropertyDefinition, "type" | "makeDefault"> = {
  kind: "stored",
  collection: "single",
  isNullable: false,
  isPrimaryKey: false,
  isIndexed: false,
  isCounter: false,
  persistedName: undefined,
  target: undefined,
  origin: undefined,
};

function scalar<T>(type: ValueType, makeDefault: () => T): Property<T> {
  return { definition: { ...stored, type, makeDefault } };
}

/** A text; empty in a new object if no other default is given. */
export function string(value: string = ""): Property<string> {
  return scalar("string", () => value);
}

/** An integer that a number holds exactly: Kotlin's `Int`. Larger values of other devices need {@link long}. */
export function int(value: number = 0): Property<number> {
  return scalar("int", () => value);
}

/** Kotlin's `Short`; stored as any integer. */
export function short(value: number = 0): Property<number> {
  return int(value);
}

/** Kotlin's `Byte`; stored as any integer. */
export function byte(value: number = 0): Property<number> {
  return int(value);
}

/** An integer of 64 bits. Read as a number where that is exact, else as a bigint; both may be assigned. */
export function long(value: Long = 0): Property<Long> {
  return scalar("int", () => value);
}

/** A boolean; false in a new object if no other default is given. */
export function boolean(value: boolean = false): Property<boolean> {
  return scalar("bool", () => value);
}

/** A number of 32 bits. */
export function float(value: number = 0): Property<number> {
  return scalar("float", () => value);
}

/** A number of 64 bits. */
export function double(value: number = 0): Property<number> {
  return scalar("double", () => value);
}

/** A decimal number of 34 digits; 0 by default. */
export function decimal128(value?: Decimal128): Property<Decimal128> {
  return scalar("decimal", () => value ?? Decimal128.fromString("0"));
}

/** An object id; each new object gets one of its own if no default is given. */
export function objectId(value?: ObjectId): Property<ObjectId> {
  return scalar("objectId", () => value ?? new ObjectId());
}

/** A UUID; each new object gets one of its own if no default is given. */
export function uuid(value?: RealmUUID): Property<RealmUUID> {
  return scalar("uuid", () => value ?? RealmUUID.random());
}

/** A point in time; 1970-01-01 by default. */
export function instant(value?: RealmInstant): Property<RealmInstant> {
  return scalar("timestamp", () => value ?? RealmInstant.from(0, 0));
}

/** Bytes; none by default. */
export function binary(value?: Uint8Array): Property<Uint8Array> {
  return scalar("binary", () => value ?? new Uint8Array());
}

/** A value of whatever type; null by default. */
export function any(): Property<RealmAny | null> {
  return { definition: { ...stored, type: "mixed", isNullable: true, makeDefault: () => null } };
}

/** An integer whose changes add up when several devices make them. */
export function mutableInt(value: Long = 0): Property<MutableRealmInt> {
  const makeDefault = (): MutableRealmInt => MutableRealmInt.create(value);
  return { definition: { ...stored, type: "int", isCounter: true, makeDefault } };
}

/** The same, or null; null by default. */
export function nullable<T>(property: Property<T>): Property<T | null> {
  const { definition } = property;
  if (definition.kind !== "stored" || definition.collection !== "single") {
    throw new IllegalArgumentException("Only single values may be null");
  }
  return { definition: { ...definition, isNullable: true, makeDefault: () => null } };
}

/** A link to an object, or an embedded object: whichever the model is. Null by default. */
export function object<T>(target: Target<T>): Property<T | null> {
  return { definition: { ...stored, type: "link", isNullable: true, target, makeDefault: () => null } };
}

function collection<T>(kind: "list" | "set" | "dictionary", element: Property<unknown> | Target<unknown>): Property<T> {
  // Filled in when the first object is made: the modules of the collections know this one.
  const makeDefault = (): unknown => emptyCollections[kind]();
  if (typeof element === "string" || typeof element === "function") {
    const isNullable = kind === "dictionary";
    return { definition: { ...stored, type: "link", collection: kind, isNullable, target: element, makeDefault } };
  }
  const { type, isNullable, kind: elementKind, collection: inner, isCounter } = element.definition;
  if (elementKind !== "stored" || inner !== "single" || type === "link" || isCounter) {
    throw new IllegalArgumentException("Elements of a collection are scalars, or objects of a model");
  }
  return { definition: { ...stored, type, collection: kind, isNullable, makeDefault } };
}

/** @internal Makers of empty collections. */
export const emptyCollections: Record<"list" | "set" | "dictionary", () => unknown> = {
  list: () => undefined,
  set: () => undefined,
  dictionary: () => undefined,
};

/** A list of scalars, `list(string())`, or of objects, `list(() => Person)`. */
export function list<T>(element: Property<T>): Property<RealmList<T>>;
/** A list of objects of a model. */
export function list<T>(target: Target<T>): Property<RealmList<T>>;
export function list(element: Property<unknown> | Target<unknown>): Property<RealmList<never>> {
  return collection("list", element);
}

/** A set of scalars. */
export function set<T>(element: Property<T>): Property<RealmSet<T>>;
/** A set of objects of a model. */
export function set<T>(target: Target<T>): Property<RealmSet<T>>;
export function set(element: Property<unknown> | Target<unknown>): Property<RealmSet<never>> {
  return collection("set", element);
}

/** Texts to scalars. */
export function dictionary<T>(element: Property<T>): Property<RealmDictionary<T>>;
/** Texts to objects of a model, which may be null. */
export function dictionary<T>(target: Target<T>): Property<RealmDictionary<T | null>>;
export function dictionary(element: Property<unknown> | Target<unknown>): Property<RealmDictionary<never>> {
  return collection("dictionary", element);
}

/** The objects of a model whose property links to this one; of managed objects only. */
export function backlinks<T>(target: Target<T>, property: string): Property<RealmResults<T>> {
  const makeDefault = (): undefined => undefined;
  return { definition: { ...stored, kind: "backlinks", type: "link", target, origin: property, makeDefault } };
}

function change<T>(property: Property<T>, changes: Partial<PropertyDefinition>): Property<T> {
  return { definition: { ...property.definition, ...changes } };
}

/** The primary key: Kotlin's `@PrimaryKey`. Synchronised models need one that is stored as `_id`. */
export function primaryKey<T>(property: Property<T>): Property<T> {
  return change(property, { isPrimaryKey: true, isIndexed: true });
}

/** Kotlin's `@Index`: part of the schema; no index is kept. */
export function index<T>(property: Property<T>): Property<T> {
  return change(property, { isIndexed: true });
}

/** Kotlin's `@FullText`: queries find its words with `TEXT`. No index is kept. */
export function fullText(property: Property<string>): Property<string> {
  return change(property, { isIndexed: "full-text" });
}

/** Kotlin's `@PersistedName`: the name in the database and on the server. */
export function persistedName<T>(name: string, property: Property<T>): Property<T> {
  return change(property, { persistedName: name });
}

/** Kotlin's `@Ignore`: not stored. Objects that are read have the value that new ones have. */
export function ignore<T>(makeDefault: () => T): Property<T> {
  return { definition: { ...stored, kind: "ignored", type: "mixed", makeDefault } };
}
