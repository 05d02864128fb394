/**
 * Values of whatever type.
 *
 * @module
 */

import { type CollectionParts, describeType, type ValueType } from "@tidemark/engine";
import { Decimal128, ObjectId, type RealmUUID } from "../bson.js";
import { IllegalArgumentException, IllegalStateException } from "../errors.js";
import type { Long } from "../schema/property.js";
import { collectionTypeOf } from "./collection-types.js";
import type { RealmDictionary } from "./dictionary.js";
import { RealmInstant } from "./instant.js";
import type { RealmList } from "./list.js";
import { BaseRealmObject } from "./object.js";

/** What a {@link RealmAny} may hold. */
export type AnyValue =
  | string
  | Long
  | boolean
  | Uint8Array
  | RealmInstant
  | Decimal128
  | ObjectId
  | RealmUUID
  | BaseRealmObject
  | RealmList<RealmAny | null>
  | RealmDictionary<RealmAny | null>;

/**
 * Types of values.
 *
 * @enum
 */
export const RealmAnyType = {
  /** An integer of 64 bits. */
  INT: "INT",
  /** A boolean. */
  BOOL: "BOOL",
  /** A text. */
  STRING: "STRING",
  /** Bytes. */
  BINARY: "BINARY",
  /** A point in time. */
  TIMESTAMP: "TIMESTAMP",
  /** A number of 32 bits. */
  FLOAT: "FLOAT",
  /** A number of 64 bits. */
  DOUBLE: "DOUBLE",
  /** A decimal number. */
  DECIMAL128: "DECIMAL128",
  /** An object id. */
  OBJECT_ID: "OBJECT_ID",
  /** A UUID. */
  UUID: "UUID",
  /** A link to an object. */
  OBJECT: "OBJECT",
  /** A list of values. */
  LIST: "LIST",
  /** A dictionary of values. */
  DICTIONARY: "DICTIONARY",
} as const;
export type RealmAnyType = (typeof RealmAnyType)[keyof typeof RealmAnyType];

const typeOfEngine: Partial<Record<ValueType, RealmAnyType>> = {
  int: "INT",
  bool: "BOOL",
  string: "STRING",
  binary: "BINARY",
  timestamp: "TIMESTAMP",
  float: "FLOAT",
  double: "DOUBLE",
  decimal: "DECIMAL128",
  objectId: "OBJECT_ID",
  uuid: "UUID",
  link: "OBJECT",
};

const engineTypeOf: Readonly<Record<Exclude<RealmAnyType, "LIST" | "DICTIONARY">, ValueType>> = {
  INT: "int",
  BOOL: "bool",
  STRING: "string",
  BINARY: "binary",
  TIMESTAMP: "timestamp",
  FLOAT: "float",
  DOUBLE: "double",
  DECIMAL128: "decimal",
  OBJECT_ID: "objectId",
  UUID: "uuid",
  OBJECT: "link",
};

/** A value with its type. Never changes. */
export class RealmAny {
  /** The types of values. */
  static readonly Type: typeof RealmAnyType = RealmAnyType;
  /** Type of the value. */
  readonly type: RealmAnyType;
  /** @internal */
  readonly value: AnyValue;

  private constructor(type: RealmAnyType, value: AnyValue) {
    this.type = type;
    this.value = value;
  }

  /**
   * A value.
   *
   * @param type of a number; without it a whole number is an `INT`, any other a `DOUBLE`.
   * @throws {@link IllegalArgumentException} for what is no value of the database.
   */
  static create(value: AnyValue, type?: "INT" | "FLOAT" | "DOUBLE"): RealmAny {
    return new RealmAny(typeof value === "number" && type !== undefined ? type : typeOf(value), value);
  }

  /** @internal A value as the engine reads it. */
  static read(value: unknown, type: ValueType): RealmAny {
    return new RealmAny(typeOfEngine[type] ?? typeOf(value as AnyValue), value as AnyValue);
  }

  /** @internal The value as the engine writes it; `undefined` of collections. */
  get parts(): { readonly type: ValueType; readonly value: unknown } | undefined {
    if (this.type === "LIST" || this.type === "DICTIONARY") return undefined;
    return { type: engineTypeOf[this.type], value: this.value };
  }

  /** @internal A collection as the engine writes it; `undefined` of all other values. */
  get collectionParts(): CollectionParts | undefined {
    if (this.type === "LIST") return { kind: "list", elements: this.asList() };
    return this.type === "DICTIONARY" ? { kind: "dictionary", entries: this.asDictionary() } : undefined;
  }

  #as<T extends AnyValue>(...types: readonly RealmAnyType[]): T {
    if (types.includes(this.type)) return this.value as T;
    throw new IllegalStateException(
      `RealmAny type mismatch, wanted a '${types[0] ?? ""}' but the instance is a '${this.type}'.`,
    );
  }

  /** The integer, as a number. @throws {@link IllegalStateException} if the value is of another type. */
  asInt(): number {
    return Number(this.#as<Long>("INT"));
  }

  /** The integer, exactly. @throws {@link IllegalStateException} if the value is of another type. */
  asLong(): Long {
    return this.#as("INT");
  }

  /** The boolean. @throws {@link IllegalStateException} if the value is of another type. */
  asBoolean(): boolean {
    return this.#as("BOOL");
  }

  /** The text. @throws {@link IllegalStateException} if the value is of another type. */
  asString(): string {
    return this.#as("STRING");
  }

  /** The number of 32 bits. @throws {@link IllegalStateException} if the value is of another type. */
  asFloat(): number {
    return this.#as("FLOAT");
  }

  /** The number of 64 bits. @throws {@link IllegalStateException} if the value is of another type. */
  asDouble(): number {
    return this.#as("DOUBLE");
  }

  /** The decimal number. @throws {@link IllegalStateException} if the value is of another type. */
  asDecimal128(): Decimal128 {
    return this.#as("DECIMAL128");
  }

  /** The object id. @throws {@link IllegalStateException} if the value is of another type. */
  asObjectId(): ObjectId {
    return this.#as("OBJECT_ID");
  }

  /** The bytes. @throws {@link IllegalStateException} if the value is of another type. */
  asByteArray(): Uint8Array {
    return this.#as("BINARY");
  }

  /** The point in time. @throws {@link IllegalStateException} if the value is of another type. */
  asRealmInstant(): RealmInstant {
    return this.#as("TIMESTAMP");
  }

  /** The UUID. @throws {@link IllegalStateException} if the value is of another type. */
  asRealmUUID(): RealmUUID {
    return this.#as("UUID");
  }

  /**
   * The object that is linked to.
   *
   * @throws {@link IllegalStateException} if it is no object, or one of another model.
   */
  asRealmObject<T extends BaseRealmObject>(model: abstract new () => T): T {
    const value = this.#as<BaseRealmObject>("OBJECT");
    if (value instanceof model) return value;
    throw new IllegalStateException(`RealmAny type mismatch, wanted a '${model.name}'`);
  }

  /**
   * The list; live if the value was read from a realm.
   *
   * @throws {@link IllegalStateException} if the value is of another type.
   */
  asList(): RealmList<RealmAny | null> {
    return this.#as("LIST");
  }

  /**
   * The dictionary; live if the value was read from a realm.
   *
   * @throws {@link IllegalStateException} if the value is of another type.
   */
  asDictionary(): RealmDictionary<RealmAny | null> {
    return this.#as("DICTIONARY");
  }

  /** Whether both hold the same value of the same type. */
  equals(other: unknown): boolean {
    if (!(other instanceof RealmAny) || other.type !== this.type) return false;
    const [mine, theirs] = [this.value, other.value];
    if (this.type === "LIST") return areEqualLists([...this.asList()], [...other.asList()]);
    if (this.type === "DICTIONARY") return areEqualEntries(this.asDictionary(), other.asDictionary());
    if (mine instanceof Uint8Array) {
      return (
        theirs instanceof Uint8Array && mine.length === theirs.length && mine.every((byte, at) => byte === theirs[at])
      );
    }
    if (mine instanceof BaseRealmObject || mine instanceof RealmInstant) return mine.equals(theirs);
    return textOf(mine) === textOf(theirs);
  }

  /** Type and value, for people. */
  toString(): string {
    return `RealmAny{type=${this.type}, value=${textOf(this.value)}}`;
  }
}

/** @internal A value with its type, null as it is. */
export function anyOf(value: AnyValue | RealmAny | null): RealmAny | null {
  return value === null || value instanceof RealmAny ? value : RealmAny.create(value);
}

/** What a value says; of an object what it is. */
function textOf(value: AnyValue): string {
  if (value instanceof BaseRealmObject) return value.constructor.name;
  if (value instanceof Uint8Array) return value.join();
  if (!(typeof value === "object" && Symbol.iterator in value)) return value.toString();
  return Array.from(value as Iterable<unknown>, String).join();
}

function areEqualLists(mine: readonly (RealmAny | null)[], theirs: readonly (RealmAny | null)[]): boolean {
  return mine.length === theirs.length && mine.every((one, index) => areEqualValues(one, theirs[index] ?? null));
}

function areEqualEntries(mine: RealmDictionary<RealmAny | null>, theirs: RealmDictionary<RealmAny | null>): boolean {
  const keys = mine.keys();
  return (
    keys.length === theirs.size &&
    keys.every((key) => theirs.containsKey(key) && areEqualValues(mine.get(key), theirs.get(key)))
  );
}

function areEqualValues(mine: RealmAny | null, theirs: RealmAny | null): boolean {
  return mine === null ? theirs === null : mine.equals(theirs);
}

function typeOf(value: AnyValue): RealmAnyType {
  switch (typeof value) {
    case "string":
      return "STRING";
    case "boolean":
      return "BOOL";
    case "bigint":
      return "INT";
    case "number":
      return Number.isSafeInteger(value) && !Object.is(value, -0) ? "INT" : "DOUBLE";
    default:
      return objectTypeOf(value);
  }
}

function objectTypeOf(value: Exclude<AnyValue, string | Long | boolean>): RealmAnyType {
  if (value instanceof Uint8Array) return "BINARY";
  if (value instanceof RealmInstant) return "TIMESTAMP";
  if (value instanceof BaseRealmObject) return "OBJECT";
  const collection = collectionTypeOf(value);
  if (collection === "SET") throw new IllegalArgumentException("Sets are not supported as values of a RealmAny");
  if (collection !== undefined) return collection;
  if (value instanceof Decimal128) return "DECIMAL128";
  if (value instanceof ObjectId) return "OBJECT_ID";
  if (typeof value === "object" && value !== null && "_bsontype" in value && value._bsontype === "Binary")
    return "UUID";
  throw new IllegalArgumentException(`Not a value that a RealmAny can hold: ${describeType(value)}`);
}
