/**
 * How an application declares its classes.
 *
 * @module
 */

/** An object whose class the application has not typed: its properties are open, as in the original's SDK. */
// oxlint-disable-next-line typescript/no-explicit-any
export type DefaultObject = Record<string, any>;

/** Types of single values. */
export type PrimitivePropertyTypeName =
  | "bool"
  | "int"
  | "float"
  | "double"
  | "decimal128"
  | "objectId"
  | "string"
  | "data"
  | "date"
  | "mixed"
  | "uuid";

export type CollectionPropertyTypeName = "list" | "dictionary" | "set";
export type RelationshipPropertyTypeName = "object" | "linkingObjects";
export type PropertyTypeName = PrimitivePropertyTypeName | CollectionPropertyTypeName | RelationshipPropertyTypeName;

/** A property. */
export interface PropertySchema {
  readonly type: PropertyTypeName | "counter" | (string & {});
  readonly objectType?: string;
  /** Property of the other class, for `linkingObjects`. */
  readonly property?: string;
  readonly optional?: boolean;
  readonly indexed?: boolean | "full-text";
  readonly mapTo?: string;
  readonly default?: unknown;
  readonly presentation?: "counter";
}

/** Properties by name: written out, or as text like `"string?"`, `"int[]"`, `"Dog"`. */
export type PropertiesTypes = Readonly<Record<string, PropertySchema | string>>;

/** A class. */
export interface ObjectSchema {
  readonly name: string;
  readonly primaryKey?: string;
  readonly embedded?: boolean;
  readonly asymmetric?: boolean;
  readonly properties: PropertiesTypes;
}

/** A property with everything spelled out. */
export interface CanonicalPropertySchema {
  readonly name: string;
  readonly type: PropertyTypeName;
  readonly optional: boolean;
  readonly indexed: boolean | "full-text";
  readonly mapTo: string;
  readonly objectType?: string;
  readonly property?: string;
  readonly default?: unknown;
  readonly presentation?: "counter";
}

/** A class with everything spelled out. */
export interface CanonicalObjectSchema {
  readonly name: string;
  readonly primaryKey?: string;
  readonly embedded: boolean;
  readonly asymmetric: boolean;
  readonly properties: Readonly<Record<string, CanonicalPropertySchema>>;
  /** Class of the application's own, if it gave one. */
  readonly ctor?: unknown;
}
