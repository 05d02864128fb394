/**
 * What a realm says of its models.
 *
 * @module
 */

import type { ClassLayout, Column, ValueType } from "@tidemark/engine";

/**
 * Types of stored values, as realm-kotlin names them.
 *
 * @enum
 */
export const RealmStorageType = {
  /** A boolean. */
  BOOL: "BOOL",
  /** An integer of 64 bits. */
  INT: "INT",
  /** A text. */
  STRING: "STRING",
  /** Bytes. */
  BINARY: "BINARY",
  /** A link to an object, or an embedded object. */
  OBJECT: "OBJECT",
  /** A number of 32 bits. */
  FLOAT: "FLOAT",
  /** A number of 64 bits. */
  DOUBLE: "DOUBLE",
  /** A decimal number. */
  DECIMAL128: "DECIMAL128",
  /** A point in time. */
  TIMESTAMP: "TIMESTAMP",
  /** An object id. */
  OBJECT_ID: "OBJECT_ID",
  /** A UUID. */
  UUID: "UUID",
  /** A value of whatever type. */
  ANY: "ANY",
} as const;
export type RealmStorageType = (typeof RealmStorageType)[keyof typeof RealmStorageType];

const storageTypes: Readonly<Record<ValueType, RealmStorageType>> = {
  bool: "BOOL",
  int: "INT",
  string: "STRING",
  binary: "BINARY",
  link: "OBJECT",
  float: "FLOAT",
  double: "DOUBLE",
  decimal: "DECIMAL128",
  timestamp: "TIMESTAMP",
  objectId: "OBJECT_ID",
  uuid: "UUID",
  mixed: "ANY",
};

/** A property of a model. */
export interface RealmProperty {
  /** Name in the application. */
  readonly name: string;
  /** Type of the value, or of the elements. */
  readonly storageType: RealmStorageType;
  /** Whether it is a collection, and which. */
  readonly collection: "NONE" | "LIST" | "SET" | "DICTIONARY";
  /** Whether the value, or the elements, may be null. */
  readonly isNullable: boolean;
  /** Whether it tells objects apart. */
  readonly isPrimaryKey: boolean;
}

const collections = { single: "NONE", list: "LIST", set: "SET", dictionary: "DICTIONARY" } as const;

function propertyOf(column: Column, isPrimaryKey: boolean): RealmProperty {
  const { publicName: name, type, collection, isNullable } = column;
  return { name, storageType: storageTypes[type], collection: collections[collection], isNullable, isPrimaryKey };
}

/** A model. */
export interface RealmClass {
  /** Name in the database and on the server. */
  readonly name: string;
  /** Whether its objects have a life of their own, live inside others, or are only sent. */
  readonly kind: "STANDARD" | "EMBEDDED" | "ASYMMETRIC";
  /** Its properties, the primary key first. */
  readonly properties: readonly RealmProperty[];
  /** What tells its objects apart; null for embedded objects. */
  readonly primaryKey: RealmProperty | null;
}

const kinds = { top: "STANDARD", embedded: "EMBEDDED", asymmetric: "ASYMMETRIC" } as const;

function classOf(layout: ClassLayout): RealmClass {
  const primaryKey = layout.primaryKey === undefined ? null : propertyOf(layout.primaryKey, true);
  const others = layout.columns.map((column) => propertyOf(column, false));
  const properties = primaryKey === null ? others : [primaryKey, ...others];
  return { name: layout.name, kind: kinds[layout.kind], properties, primaryKey };
}

/** The models of a realm. */
export class RealmSchema {
  /** The models. */
  readonly classes: readonly RealmClass[];

  /** @internal */
  constructor(layouts: readonly ClassLayout[]) {
    this.classes = layouts.map(classOf);
  }

  /** The model of a name, or null: Kotlin's `schema[name]`. */
  get(name: string): RealmClass | null {
    return this.classes.find((one) => one.name === name) ?? null;
  }
}
