/**
 * The JSON Schema that Development Mode derives from what clients upload, in the form of an exported app's
 * `schema.json` and `relationships.json`.
 *
 * @module
 */

/** A column as `Ledger.schema` gives it. */
export interface ColumnInformation {
  readonly name: string;
  readonly type: string;
  readonly nullable: boolean;
  readonly collection: "single" | "list" | "dictionary" | "set";
  /** Class of the targets, for links. */
  readonly target?: string | null;
}

/** A class as `Ledger.schema` gives it. */
export interface ClassInformation {
  readonly name: string;
  readonly kind: "top" | "embedded" | "asymmetric";
  readonly primaryKey?: { readonly name: string; readonly type: string; readonly nullable: boolean } | null;
  readonly columns: readonly ColumnInformation[];
}

/** A node of a JSON Schema. */
export interface JsonSchema {
  readonly title?: string;
  readonly bsonType: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly uniqueItems?: boolean;
  readonly additionalProperties?: JsonSchema;
}

/** Where a field's value is the key of another document. */
export interface Relationship {
  readonly ref: string;
  readonly foreign_key: "_id";
  readonly is_list: boolean;
}

/** A collection with its schema. */
export interface CollectionSchema {
  readonly collection: string;
  readonly schema: JsonSchema;
  readonly relationships: Readonly<Record<string, Relationship>>;
  /** Clients only write to it. */
  readonly isAsymmetric: boolean;
}

const scalarTypes: Readonly<Record<string, string>> = {
  int: "long",
  bool: "bool",
  string: "string",
  binary: "binData",
  timestamp: "date",
  float: "float",
  double: "double",
  decimal: "decimal",
  objectId: "objectId",
  uuid: "uuid",
  mixed: "mixed",
};

/** Derives the collections of an app: one for each top-level or asymmetric class, by name. */
export function deriveJsonSchema(classes: readonly ClassInformation[], database: string): readonly CollectionSchema[] {
  const byName = new Map(classes.map((one) => [one.name, one]));
  return classes
    .filter((one) => one.kind !== "embedded")
    .map((one) => deriveCollection(one, byName, database))
    .sort((a, b) => (a.collection < b.collection ? -1 : 1));
}

function deriveCollection(
  information: ClassInformation,
  byName: ReadonlyMap<string, ClassInformation>,
  database: string,
): CollectionSchema {
  const derivation = new Derivation(byName, database);
  const schema = derivation.object(information, "");
  const isAsymmetric = information.kind === "asymmetric";
  return { collection: information.name, schema, relationships: derivation.relationships, isAsymmetric };
}

class Derivation {
  readonly relationships: Record<string, Relationship> = {};
  readonly #byName: ReadonlyMap<string, ClassInformation>;
  readonly #database: string;
  /** Embedded classes that are being described: one that holds itself is named only. */
  readonly #open = new Set<string>();

  constructor(byName: ReadonlyMap<string, ClassInformation>, database: string) {
    this.#byName = byName;
    this.#database = database;
  }

  object(information: ClassInformation, path: string): JsonSchema {
    const properties: Record<string, JsonSchema> = {};
    const required: string[] = [];
    const key = information.primaryKey;
    if (key !== undefined && key !== null) {
      properties[key.name] = { bsonType: scalarTypes[key.type] ?? key.type };
      if (!key.nullable) required.push(key.name);
    }
    for (const column of information.columns) {
      properties[column.name] = this.#property(column, `${path}${column.name}`);
      if (isRequired(column)) required.push(column.name);
    }
    return { title: information.name, bsonType: "object", properties, required };
  }

  #property(column: ColumnInformation, path: string): JsonSchema {
    switch (column.collection) {
      case "single":
        return this.#value(column, path, false);
      case "list":
        return { bsonType: "array", items: this.#value(column, path, true) };
      case "set":
        return { bsonType: "array", uniqueItems: true, items: this.#value(column, path, true) };
      case "dictionary":
        return { bsonType: "object", additionalProperties: this.#value(column, path, true) };
    }
  }

  #value(column: ColumnInformation, path: string, isMany: boolean): JsonSchema {
    if (column.type !== "link") return { bsonType: scalarTypes[column.type] ?? column.type };
    const target = this.#byName.get(column.target ?? "");
    if (target === undefined) return { bsonType: "mixed" };
    if (target.kind === "embedded") return this.#embedded(target, isMany ? `${path}.[].` : `${path}.`);
    const ref = `#/relationship/mongodb-atlas/${this.#database}/${target.name}`;
    this.relationships[path] = { ref, foreign_key: "_id", is_list: isMany };
    const keyType = target.primaryKey?.type ?? "mixed";
    return { bsonType: scalarTypes[keyType] ?? keyType };
  }

  #embedded(target: ClassInformation, path: string): JsonSchema {
    if (this.#open.has(target.name)) return { title: target.name, bsonType: "object" };
    this.#open.add(target.name);
    const schema = this.object(target, path);
    this.#open.delete(target.name);
    return schema;
  }
}

function isRequired(column: ColumnInformation): boolean {
  return column.collection === "single" && !column.nullable && column.type !== "link" && column.type !== "mixed";
}
