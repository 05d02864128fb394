/**
 * What a realm says of its models.
 *
 * @module
 */

import type { ClassLayout, Column, ValueType } from "@tidemark/engine";

/** Types of stored values, as realm-kotlin names them. */
export const RealmStorageType = {
  BOOL: "BOOL",
  INT: "INT",
  STRING: "STRING",
  BINARY: "BINARY",
  OBJECT: "OBJECT",
  FLOAT: "FLOAT",
  DOUBLE: "DOUBLE",
  DECIMAL128: "DECIMAL128",
  TIMESTAMP: "TIMESTAMP",
  OBJECT_ID: "OBJECT_ID",
  UUID: "UUID",
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
  readonly storageType: RealmStorageType;
  readonly collection: "NONE" | "LIST" | "SET" | "DICTIONARY";
  /** Whether the value, or the elements, may be null. */
  readonly isNullable: boolean;
  readonly isPrimaryKey: boolean;
}

const collections = { single: "NONE", list: "LIST", set: "SET", dictionary: "DICTIONARY" } as const;

function propertyOf(column: Column, isPrimaryKey: boolean): RealmProperty {
  const { publicName: name, type, collection, isNullable } = column;
  return { name, storageType: storageTypes[type], collection: collections[collection], isNullable, isPrimaryKey };
}

/** A model. */
export interface RealmClass {
  readonly name: string;
  readonly kind: "STANDARD" | "EMBEDDED" | "ASYMMETRIC";
  readonly properties: readonly RealmProperty[];
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
