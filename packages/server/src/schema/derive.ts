/**
 * From classes to JSON Schema: what Development Mode makes of clients' classes, in the form of an exported app's
 * `schema.json` and `relationships.json`.
 *
 * @module
 */

import { type ClassInformation, type ColumnInformation, impliedNullability } from "./classes.js";
import {
  bsonTypes,
  type CollectionSchema,
  type JsonSchema,
  type Relationship,
  relationshipRef,
} from "./json-schema.js";

/** Where a collection is. */
export interface CollectionPlace {
  /** Database. */
  readonly database: string;
  /** Name of the collection. */
  readonly collection: string;
}

/** What {@link deriveJsonSchema} may be told beside the classes. */
export interface DerivationOptions {
  /** Name of the data source in relationships; `mongodb-atlas` by default. */
  readonly service?: string;
  /** Where the documents of a class are; by default in a collection of its name in the database of new classes. */
  readonly placeOf?: (className: string) => CollectionPlace | undefined;
  /** Defaults by class, then by property, as {@link readRealmSchema} gives them. */
  readonly defaults?: ReadonlyMap<string, ReadonlyMap<string, unknown>>;
}

/** Name of the data source that every app of the original had. */
export const defaultServiceName = "mongodb-atlas";

/** Embedded objects are described so deep; further in, a class is named only. */
const nestingMax = 64;

/**
 * A class that is embedded in several places is described in each, up to so many properties in all; after that, and
 * inside itself, it is named only. Otherwise a few classes that embed each other would fill the memory.
 */
const propertiesMax = 20_000;

/**
 * Derives the collections of an app: one for each top-level or asymmetric class, by name.
 *
 * @param database where documents of new classes go.
 */
export function deriveJsonSchema(
  classes: readonly ClassInformation[],
  database: string,
  options: DerivationOptions = {},
): readonly CollectionSchema[] {
  const byName = new Map(classes.map((one) => [one.name, one]));
  const surroundings: Surroundings = {
    byName,
    service: options.service ?? defaultServiceName,
    placeOf: (name) => options.placeOf?.(name) ?? { database, collection: name },
    defaults: options.defaults ?? new Map(),
  };
  return classes
    .filter((one) => one.kind !== "embedded")
    .map((one) => deriveCollection(one, surroundings))
    .sort((a, b) => (a.collection < b.collection ? -1 : 1));
}

interface Surroundings {
  readonly byName: ReadonlyMap<string, ClassInformation>;
  readonly service: string;
  readonly placeOf: (className: string) => CollectionPlace;
  readonly defaults: ReadonlyMap<string, ReadonlyMap<string, unknown>>;
}

function deriveCollection(information: ClassInformation, surroundings: Surroundings): CollectionSchema {
  const derivation = new Derivation(surroundings);
  const schema = derivation.object(information, "");
  const isAsymmetric = information.kind === "asymmetric";
  const relationships = Object.fromEntries(derivation.relationships);
  return { ...surroundings.placeOf(information.name), schema, relationships, isAsymmetric };
}

class Derivation {
  readonly relationships = new Map<string, Relationship>();
  readonly #surroundings: Surroundings;
  /** Embedded classes that are being described: one that holds itself is named only. */
  readonly #open = new Set<string>();
  readonly #described = new Set<string>();
  #properties = 0;

  constructor(surroundings: Surroundings) {
    this.#surroundings = surroundings;
  }

  object(information: ClassInformation, path: string): JsonSchema {
    // From entries, because a property may have any name, `__proto__` too.
    const properties: [string, JsonSchema][] = [];
    const required: string[] = [];
    const defaults = this.#surroundings.defaults.get(information.name);
    const key = information.primaryKey;
    if (key !== undefined && key !== null) {
      properties.push([key.name, { bsonType: bsonTypes.get(key.type) ?? key.type }]);
      if (!key.nullable) required.push(key.name);
    }
    for (const column of information.columns) {
      this.#properties += 1;
      const property = this.#property(column, `${path}${column.name}`);
      const value = defaults?.get(column.name);
      properties.push([column.name, value === undefined ? property : { ...property, default: value }]);
      if (isRequired(column)) required.push(column.name);
    }
    return { title: information.name, bsonType: "object", properties: Object.fromEntries(properties), required };
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
    if (column.type !== "link") return { bsonType: scalarType(column, isMany) };
    const target = this.#surroundings.byName.get(column.target ?? "");
    if (target === undefined) return { bsonType: "mixed" };
    if (target.kind === "embedded") return this.#embedded(target, isMany ? `${path}.[].` : `${path}.`);
    const place = this.#surroundings.placeOf(target.name);
    const ref = relationshipRef(this.#surroundings.service, place.database, place.collection);
    this.relationships.set(path, { ref, foreign_key: "_id", is_list: isMany });
    const keyType = target.primaryKey?.type ?? "mixed";
    return { bsonType: bsonTypes.get(keyType) ?? keyType };
  }

  #embedded(target: ClassInformation, path: string): JsonSchema {
    const isAgain = this.#described.has(target.name);
    const isTooMuch = isAgain && this.#properties >= propertiesMax;
    if (this.#open.has(target.name) || this.#open.size >= nestingMax || isTooMuch) {
      return { title: target.name, bsonType: "object" };
    }
    this.#open.add(target.name);
    this.#described.add(target.name);
    const schema = this.object(target, path);
    this.#open.delete(target.name);
    return schema;
  }
}

function scalarType(column: ColumnInformation, isMany: boolean): JsonSchema["bsonType"] {
  const type = bsonTypes.get(column.type) ?? column.type;
  const isExpected = impliedNullability(column.type, column.collection) ?? false;
  return isMany && column.nullable !== isExpected && column.nullable ? [type, "null"] : type;
}

function isRequired(column: ColumnInformation): boolean {
  return column.collection === "single" && !column.nullable && column.type !== "link" && column.type !== "mixed";
}
