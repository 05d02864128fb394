/**
 * Values of whatever type.
 *
 * @module
 */

import type { ValueType } from "@tidemark/engine";
import { Decimal128, ObjectId, type RealmUUID } from "../bson.js";
import { IllegalArgumentException, IllegalStateException } from "../errors.js";
import type { Long } from "../schema/property.js";
import { RealmInstant } from "./instant.js";
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
  | BaseRealmObject;

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

const engineTypeOf: Readonly<Record<RealmAnyType, ValueType>> = {
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

  /** @internal The value as the engine writes it. */
  get parts(): { readonly type: ValueType; readonly value: unknown } {
    return { type: engineTypeOf[this.type], value: this.value };
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

  /** Whether both hold the same value of the same type. */
  equals(other: unknown): boolean {
    if (!(other instanceof RealmAny) || other.type !== this.type) return false;
    const [mine, theirs] = [this.value, other.value];
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

/** What a value says; of an object what it is. */
function textOf(value: AnyValue): string {
  if (value instanceof BaseRealmObject) return value.constructor.name;
  return value instanceof Uint8Array ? value.join() : value.toString();
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
  if (value instanceof Decimal128) return "DECIMAL128";
  if (value instanceof ObjectId) return "OBJECT_ID";
  if (typeof value === "object" && value !== null && value._bsontype === "Binary") return "UUID";
  throw new IllegalArgumentException(`Not a value that a RealmAny can hold: ${String(value)}`);
}
