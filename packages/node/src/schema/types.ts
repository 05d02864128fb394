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

/** Types of collections. */
export type CollectionPropertyTypeName = "list" | "dictionary" | "set";
/** Types of properties that lead to objects. */
export type RelationshipPropertyTypeName = "object" | "linkingObjects";
/** Types of properties. */
export type PropertyTypeName = PrimitivePropertyTypeName | CollectionPropertyTypeName | RelationshipPropertyTypeName;

/** A property. */
export interface PropertySchema {
  /** Its type, written out or in the short form. */
  readonly type: PropertyTypeName | "counter" | (string & {});
  /** The class of the objects, or the type of a collection's elements. */
  readonly objectType?: string;
  /** Property of the other class, for `linkingObjects`. */
  readonly property?: string;
  /** Whether it, or an element of it, may be null; not by default. */
  readonly optional?: boolean;
  /** Whether objects are found by its values without looking at all of them; full text is part of the schema alone. */
  readonly indexed?: boolean | "full-text";
  /** Its name in the file and on the server, if that is another. */
  readonly mapTo?: string;
  /** Its value in objects that are created without one; a function is called for each. */
  readonly default?: unknown;
  /** Shows an integer as a {@link Counter}. */
  readonly presentation?: "counter";
}

/** Properties by name: written out, or as text like `"string?"`, `"int[]"`, `"Dog"`. */
export type PropertiesTypes = Readonly<Record<string, PropertySchema | string>>;

/** A class. */
export interface ObjectSchema {
  /** Its name in the file and on the server. */
  readonly name: string;
  /** The property that tells objects apart; for synced realms `_id`. */
  readonly primaryKey?: string;
  /** Whether its objects live inside others; not by default. */
  readonly embedded?: boolean;
  /** Whether its objects are only sent to the server; not by default. */
  readonly asymmetric?: boolean;
  /** Its properties. */
  readonly properties: PropertiesTypes;
}

/** A property with everything spelled out. */
export interface CanonicalPropertySchema {
  /** Its name in the application. */
  readonly name: string;
  /** Its type. */
  readonly type: PropertyTypeName;
  /** Whether it, or an element of it, may be null. */
  readonly optional: boolean;
  /** As it was declared. */
  readonly indexed: boolean | "full-text";
  /** Its name in the file and on the server. */
  readonly mapTo: string;
  /** The class of the objects, or the type of a collection's elements. */
  readonly objectType?: string;
  /** Property of the other class, for `linkingObjects`. */
  readonly property?: string;
  /** Its value in objects that are created without one. */
  readonly default?: unknown;
  /** Whether an integer is shown as a {@link Counter}. */
  readonly presentation?: "counter";
}

/** A class with everything spelled out. */
export interface CanonicalObjectSchema {
  /** Its name in the file and on the server. */
  readonly name: string;
  /** The property that tells objects apart. */
  readonly primaryKey?: string;
  /** Whether its objects live inside others. */
  readonly embedded: boolean;
  /** Whether its objects are only sent. */
  readonly asymmetric: boolean;
  /** Its properties by name. */
  readonly properties: Readonly<Record<string, CanonicalPropertySchema>>;
  /** Class of the application's own, if it gave one. */
  readonly ctor?: unknown;
}
