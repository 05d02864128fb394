/**
 * Values of properties that may hold anything.
 *
 * @module
 */

import { type CollectionParts, handleKey, must } from "@tidemark/engine";
import { Decimal128, ObjectId, Uuid } from "../bson.js";
import { RealmError } from "../errors.js";
import type { RealmList } from "./list.js";
import type { RealmMap } from "./map.js";
import { entriesOf } from "./memory.js";
import { isSame } from "./same.js";

/** What this module needs of the collections, whose modules know it: each fills in what it has. */
export const collections: {
  /** A list that no realm manages. */
  makeList?: (values: readonly RealmValue[]) => RealmList<RealmValue>;
  /** A map that no realm manages. */
  makeMap?: (entries: readonly (readonly [string, RealmValue])[]) => RealmMap<RealmValue>;
  /** Which kind of collection of the SDK a value is. */
  readonly kinds: ((value: object) => "list" | "map" | "set" | undefined)[];
} = { kinds: [] };

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
  /** A list of values. */
  list: "list",
  /** Values by keys. */
  map: "map",
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
  | readonly unknown[]
  | ReadonlyMap<string, unknown>
  | object;

/** A value of any type that a realm can hold. Cannot be changed. */
export class RealmValue {
  /** Type of the value. */
  readonly type: RealmValueType;
  /**
   * `null`, a boolean, text, number (`bigint` beyond 2^53), `Date`, `ObjectId`, `Uuid`, `Decimal128`, bytes, object; of
   * collections what {@link RealmValue.asList} and {@link RealmValue.asMap} say.
   */
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
    if (value instanceof RealmValue) return value;
    const type = typeOf(value);
    if (type === RealmValueType.list) return new RealmValue(type, listIn(value as Iterable<unknown>));
    return new RealmValue(type, type === RealmValueType.map ? mapIn(value as object) : value);
  }

  /** A list of values. */
  static list(values: Iterable<unknown>): RealmValue {
    return RealmValue.from([...values]);
  }

  /** Values by keys. */
  static map(entries: ReadonlyMap<string, unknown> | Readonly<Record<string, unknown>>): RealmValue {
    return RealmValue.from(entries);
  }

  /** The list: live if the value was read from a realm. @throws {@link RealmError} if it is none. */
  asList(): RealmList<RealmValue> {
    if (this.type !== RealmValueType.list) throw new RealmError(`A ${this.type} is not a list`);
    return this.value as RealmList<RealmValue>;
  }

  /** The map: live if the value was read from a realm. @throws {@link RealmError} if it is none. */
  asMap(): RealmMap<RealmValue> {
    if (this.type !== RealmValueType.map) throw new RealmError(`A ${this.type} is not a map`);
    return this.value as RealmMap<RealmValue>;
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

  /** @internal A collection as the engine takes it; `undefined` for anything else. */
  static collectionParts(value: object): CollectionParts | undefined {
    if (!(value instanceof RealmValue)) return undefined;
    if (value.type === RealmValueType.list) return { kind: "list", elements: value.asList() };
    return value.type === RealmValueType.map ? { kind: "dictionary", entries: value.asMap() } : undefined;
  }

  /** Whether both hold the same; collections by what is in them. */
  equals(other: unknown): boolean {
    const that = RealmValue.from(other as RealmValueContent);
    if (this.type === RealmValueType.list && that.type === this.type) {
      return areSameElements(this.asList().toList(), that.asList().toList());
    }
    if (this.type === RealmValueType.map && that.type === this.type) return areSameEntries(this.asMap(), that.asMap());
    return isSame(this.value, that.value);
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
  const kind = collections.kinds.map((kindOf) => kindOf(value)).find((one) => one !== undefined);
  if (kind === "set" || value instanceof Set) throw new RealmError("Sets are not supported as values of a RealmValue");
  if (kind !== undefined) return RealmValueType[kind];
  if (Array.isArray(value)) return RealmValueType.list;
  if (value instanceof Map || Object.getPrototypeOf(value) === Object.prototype) return RealmValueType.map;
  return RealmValueType.object;
}

/** A list that no realm manages; one of a realm as it is. */
function listIn(values: Iterable<unknown>): RealmList<RealmValue> {
  return isManaged(values)
    ? (values as RealmList<RealmValue>)
    : made(collections.makeList)(Array.from(values, valueOf));
}

/** A map that no realm manages; one of a realm as it is. */
function mapIn(value: object): RealmMap<RealmValue> {
  if (isManaged(value)) return value as RealmMap<RealmValue>;
  return made(collections.makeMap)(Array.from(entriesOf(value), ([key, one]) => [key, valueOf(one)] as const));
}

function areSameElements(mine: readonly RealmValue[], theirs: readonly RealmValue[]): boolean {
  return mine.length === theirs.length && mine.every((one, index) => one.equals(theirs[index]));
}

function areSameEntries(mine: RealmMap<RealmValue>, theirs: RealmMap<RealmValue>): boolean {
  return mine.length === theirs.length && mine.entries.every(([key, one]) => isSame(one, theirs.get(key)));
}

function made<T>(make: T | undefined): T {
  return must(make, "the module of the collections is loaded");
}

function isManaged(value: object): boolean {
  return (value as { [handleKey]?: unknown })[handleKey] !== undefined;
}

function valueOf(value: unknown): RealmValue {
  return RealmValue.from(value as RealmValueContent | undefined);
}
