/**
 * The JSON Schema of an exported app's `schema.json` and `relationships.json`, and which of its types mean which of
 * Realm's. {@link deriveJsonSchema} and {@link readRealmSchema} go from one to the other.
 *
 * @module
 */

/** Steps to a value in a JSON document: names of properties, indexes of elements. */
export type JsonPath = readonly (string | number)[];

/** A node of a JSON Schema. */
export interface JsonSchema {
  /** Name of the class that an object is an instance of. */
  readonly title?: string;
  /**
   * Type of the value. Elements of a collection that may be null have the type and `null`: the files of the original
   * cannot say it, and without it their schema would be another one when it is read back.
   */
  readonly bsonType: string | readonly [string, "null"];
  /** Fields by name. */
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  /** Fields that must be there. */
  readonly required?: readonly string[];
  /** Schema of the elements. */
  readonly items?: JsonSchema;
  /** Whether elements are different: a set. */
  readonly uniqueItems?: boolean;
  /** Schema of the values of a dictionary. */
  readonly additionalProperties?: JsonSchema;
  /** What clients see in place of a required value that a document lacks, as Extended JSON. */
  readonly default?: unknown;
}

/** Where a field's value is the key of another document. */
export interface Relationship {
  /** The collection that is linked to. */
  readonly ref: string;
  /** Always the primary key. */
  readonly foreign_key: "_id";
  /** Whether it is a list or a set of links. */
  readonly is_list: boolean;
}

/** A collection with its schema. */
export interface CollectionSchema {
  /** Database. */
  readonly database: string;
  /** Name of the collection. */
  readonly collection: string;
  /** Schema of its documents. */
  readonly schema: JsonSchema;
  /** By the path of the field: dots into embedded objects, `[]` for the elements of a collection. */
  readonly relationships: Readonly<Record<string, Relationship>>;
  /** Clients only write to it. */
  readonly isAsymmetric: boolean;
}

/** Realm's scalar type to the `bsonType` that is written for it. */
export const bsonTypes: ReadonlyMap<string, string> = new Map([
  ["int", "long"],
  ["bool", "bool"],
  ["string", "string"],
  ["binary", "binData"],
  ["timestamp", "date"],
  ["float", "float"],
  ["double", "double"],
  ["decimal", "decimal"],
  ["objectId", "objectId"],
  ["uuid", "uuid"],
  ["mixed", "mixed"],
]);

/** `bsonType` to Realm's scalar type. Both widths of integers are Realm's one. */
export const realmTypes: ReadonlyMap<string, string> = new Map([
  ...[...bsonTypes].map(([realm, bson]): [string, string] => [bson, realm]),
  ["int", "int"],
]);

/** Types of BSON that no Realm property has: a collection that uses one cannot be synchronised. */
export const unsyncedBsonTypes: ReadonlySet<string> = new Set([
  "null",
  "regex",
  "timestamp",
  "javascript",
  "javascriptWithScope",
  "symbol",
  "dbPointer",
  "undefined",
  "minKey",
  "maxKey",
  "number",
]);

/** Keywords that restrict values further. Synchronised writes are not checked against them. */
export const validationKeywords: ReadonlySet<string> = new Set(
  [
    "enum const validate format pattern minLength maxLength multipleOf minimum maximum exclusiveMinimum",
    "exclusiveMaximum minItems maxItems contains minProperties maxProperties patternProperties",
    "propertyNames dependencies additionalItems allOf anyOf oneOf not if then else",
  ].flatMap((line) => line.split(" ")),
);

/** Keywords that say something to readers only. */
export const annotationKeywords: ReadonlySet<string> = new Set(
  "$schema $id $comment id description examples".split(" "),
);

/** The `ref` of a relationship. */
export function relationshipRef(service: string, database: string, collection: string): string {
  return `#/relationship/${service}/${database}/${collection}`;
}
