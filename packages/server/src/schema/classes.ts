/**
 * Classes as the core knows them, in the form of the engine's `SchemaInformation`, and what may be in one.
 *
 * @module
 */

/** A column as `Ledger.schema` gives it. */
export interface ColumnInformation {
  /** Name of the property. */
  readonly name: string;
  /** `mixed int bool string binary timestamp float double decimal link objectId uuid`. */
  readonly type: string;
  /** Whether the value, or an element of the collection, may be null. */
  readonly nullable: boolean;
  /** Whether it is a collection, and which. */
  readonly collection: "single" | "list" | "dictionary" | "set";
  /** Class of the targets, for links. */
  readonly target?: string | null;
}

/** A primary key as `Ledger.schema` gives it. */
export interface PrimaryKeyInformation {
  /** Name of the property. */
  readonly name: string;
  /** `int string objectId uuid`. */
  readonly type: string;
  /** Whether it may be null. */
  readonly nullable: boolean;
}

/** A class as `Ledger.schema` gives it. */
export interface ClassInformation {
  /** Name of the class. */
  readonly name: string;
  /** Whether objects have keys, live inside others, or are only sent. */
  readonly kind: "top" | "embedded" | "asymmetric";
  /** The primary key, if objects have one. */
  readonly primaryKey?: PrimaryKeyInformation | null;
  /** The other properties. */
  readonly columns: readonly ColumnInformation[];
}

/** Longest name of a class, in bytes of UTF-8: the original prefixes it and stores 63. */
export const classNameBytesMax = 57;

/** Longest name of a property, in bytes of UTF-8. */
export const propertyNameBytesMax = 63;

/** Types that a primary key can have. */
export const keyTypes: readonly string[] = ["int", "string", "objectId", "uuid"];

/** Bytes of a name in UTF-8. */
export function nameBytes(name: string): number {
  return Buffer.byteLength(name, "utf8");
}

/** Reads the text that `Ledger.schema` gives: an array of classes, or an object that holds it. */
export function readClasses(json: string): readonly ClassInformation[] {
  const value: unknown = JSON.parse(json);
  const classes = Array.isArray(value) ? value : (value as { readonly classes?: unknown }).classes;
  return (classes ?? []) as readonly ClassInformation[];
}

/**
 * Whether a value of the column is null when nobody set it, whatever the schema says: links to one object, embedded
 * objects, values of dictionaries that are either, and mixed. The core brings columns into this form.
 */
export function impliedNullability(type: string, collection: ColumnInformation["collection"]): boolean | undefined {
  if (type === "mixed") return true;
  if (type === "link") return collection === "single" || collection === "dictionary";
  return undefined;
}

/** Whether a class is a point of GeoJSON as queries take it: embedded, `type` a string, `coordinates` doubles. */
export function isGeoPoint(information: ClassInformation): boolean {
  const has = (name: string, type: string, collection: ColumnInformation["collection"]): boolean =>
    information.columns.some(
      (column) => column.name === name && column.type === type && column.collection === collection,
    );
  return information.kind === "embedded" && has("type", "string", "single") && has("coordinates", "double", "list");
}
