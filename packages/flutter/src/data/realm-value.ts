/**
 * Values of properties that may hold anything.
 *
 * @module
 */

import { Decimal128, ObjectId, Uuid } from "../bson.js";
import { RealmError } from "../errors.js";
import { isSame } from "./same.js";

/**
 * What a {@link RealmValue} holds.
 *
 * @enum
 */
export const RealmValueType = {
  /** Nothing. */
  nullValue: "nullValue",
  /** A boolean. */
  boolean: "boolean",
  /** A text. */
  string: "string",
  /** An integer of 64 bits. */
  int: "int",
  /** A number. */
  double: "double",
  /** A link to an object. */
  object: "object",
  /** An object id. */
  objectId: "objectId",
  /** A point in time. */
  dateTime: "dateTime",
  /** A decimal number. */
  decimal: "decimal",
  /** A UUID. */
  uuid: "uuid",
  /** Bytes. */
  binary: "binary",
} as const;
export type RealmValueType = (typeof RealmValueType)[keyof typeof RealmValueType];

/** What a {@link RealmValue} can be made of; objects are those of a realm, or to be added to one. */
export type RealmValueContent =
  | null
  | boolean
  | string
  | number
  | bigint
  | Date
  | ObjectId
  | Uuid
  | Decimal128
  | Uint8Array
  | object;

/** A value of any type that a realm can hold. Cannot be changed. */
export class RealmValue {
  /** Type of the value. */
  readonly type: RealmValueType;
  /** `null`, a boolean, text, number (`bigint` beyond 2^53), `Date`, `ObjectId`, `Uuid`, `Decimal128`, bytes, object. */
  readonly value: RealmValueContent;

  private constructor(type: RealmValueType, value: RealmValueContent) {
    this.type = type;
    this.value = value;
  }

  /** The value that says nothing. */
  static readonly nullValue: RealmValue = new RealmValue(RealmValueType.nullValue, null);

  /** The value for what JavaScript has: whole numbers are integers; {@link RealmValue.double} makes others of them. */
  static from(value: RealmValueContent | undefined): RealmValue {
    if (value === null || value === undefined) return RealmValue.nullValue;
    return value instanceof RealmValue ? value : new RealmValue(typeOf(value), value);
  }

  /** An integer. */
  static int(value: number | bigint): RealmValue {
    return new RealmValue(RealmValueType.int, value);
  }

  /** A number, also a whole one. */
  static double(value: number): RealmValue {
    return new RealmValue(RealmValueType.double, value);
  }

  /** @internal What the engine stores for a value; anything but a {@link RealmValue} as it is. */
  static storedOf(value: unknown): unknown {
    if (!(value instanceof RealmValue)) return value;
    return value.type === RealmValueType.int ? BigInt(value.value as number | bigint) : value.value;
  }

  /** Whether both hold the same. */
  equals(other: unknown): boolean {
    return isSame(this.value, RealmValue.from(other as RealmValueContent).value);
  }
}

function typeOf(value: NonNullable<RealmValueContent>): RealmValueType {
  switch (typeof value) {
    case "boolean":
      return RealmValueType.boolean;
    case "string":
      return RealmValueType.string;
    case "bigint":
      return RealmValueType.int;
    case "number":
      return Number.isSafeInteger(value) && !Object.is(value, -0) ? RealmValueType.int : RealmValueType.double;
    case "object":
      return typeOfObject(value);
    default:
      throw new RealmError(`A RealmValue cannot hold a ${typeof value}`);
  }
}

function typeOfObject(value: object): RealmValueType {
  if (value instanceof Date) return RealmValueType.dateTime;
  if (value instanceof ObjectId) return RealmValueType.objectId;
  if (value instanceof Uuid) return RealmValueType.uuid;
  if (value instanceof Decimal128) return RealmValueType.decimal;
  if (value instanceof Uint8Array) return RealmValueType.binary;
  if (Array.isArray(value) || value instanceof Map || Object.getPrototypeOf(value) === Object.prototype) {
    throw new RealmError("Collections inside a RealmValue are not supported");
  }
  return RealmValueType.object;
}
