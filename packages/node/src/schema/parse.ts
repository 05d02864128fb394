/**
 * From the SDK's object schemas to the engine's declarations.
 *
 * @module
 */

import type {
  BacklinkDeclaration,
  ClassDeclaration,
  CollectionKind,
  PropertyDeclaration,
  ValueType,
} from "@tidemark/engine";
import { assertObject, assertString } from "../assert.js";
import { ObjectSchemaParseError, PropertySchemaParseError, TypeAssertionError } from "../errors.js";
import type {
  CanonicalObjectSchema,
  CanonicalPropertySchema,
  ObjectSchema,
  PropertySchema,
  PropertyTypeName,
} from "./types.js";

const valueTypes: Readonly<Record<string, ValueType>> = {
  bool: "bool",
  int: "int",
  float: "float",
  double: "double",
  decimal128: "decimal",
  objectId: "objectId",
  string: "string",
  data: "binary",
  date: "timestamp",
  mixed: "mixed",
  uuid: "uuid",
};

const collectionKinds: Readonly<Record<string, CollectionKind>> = {
  list: "list",
  set: "set",
  dictionary: "dictionary",
};

const suffixes: readonly (readonly [string, "list" | "set" | "dictionary"])[] = [
  ["[]", "list"],
  ["<>", "set"],
  ["{}", "dictionary"],
];

/** A declaration as the application gave it. */
interface Source {
  readonly objectName: string;
  readonly propertyName: string;
}

/** What the schema of a class becomes. */
export interface ParsedClass {
  readonly declaration: ClassDeclaration;
  readonly canonical: CanonicalObjectSchema;
  /** The application's class, if it gave one. */
  readonly ctor: RealmObjectClass | undefined;
}

/** A class of the application's own. */
export type RealmObjectClass = (abstract new (...values: never[]) => object) & {
  /** What its objects have. */
  readonly schema?: unknown;
};

/** {@link RealmObjectClass} by the name that it has in the SDK. */
export type RealmObjectConstructor = RealmObjectClass;

/** Parses a schema given as object or class. */
export function parseClass(given: ObjectSchema | RealmObjectClass): ParsedClass {
  const ctor = typeof given === "function" ? given : undefined;
  const schema = schemaOf(given);
  const { name } = schema;
  const canonical: Record<string, CanonicalPropertySchema> = {};
  for (const [propertyName, property] of Object.entries(schema.properties)) {
    const isKey = propertyName === schema.primaryKey;
    canonical[propertyName] = parseProperty(property, { objectName: name, propertyName }, isKey);
  }
  if (schema.primaryKey !== undefined && canonical[schema.primaryKey] === undefined) {
    throw new ObjectSchemaParseError(
      `Expected '${schema.primaryKey}' to be a property, as it is the primary key`,
      name,
    );
  }
  const key = schema.primaryKey === undefined ? undefined : canonical[schema.primaryKey];
  const all = Object.values(canonical);
  const declaration: ClassDeclaration = {
    name,
    kind: schema.embedded === true ? "embedded" : schema.asymmetric === true ? "asymmetric" : "top",
    ...(key === undefined ? {} : { primaryKey: key.mapTo }),
    properties: all.filter(({ type }) => type !== "linkingObjects").map(declare),
    backlinks: all.filter(({ type }) => type === "linkingObjects").map(declareBacklink),
  };
  return { declaration, ctor, canonical: canonicalClass(schema, canonical, ctor) };
}

function canonicalClass(
  schema: ObjectSchema,
  properties: Readonly<Record<string, CanonicalPropertySchema>>,
  ctor: RealmObjectClass | undefined,
): CanonicalObjectSchema {
  return {
    name: schema.name,
    ...(schema.primaryKey === undefined ? {} : { primaryKey: schema.primaryKey }),
    embedded: schema.embedded === true,
    asymmetric: schema.asymmetric === true,
    properties,
    ...(ctor === undefined ? {} : { ctor }),
  };
}

/** The schema of an object or class, with its shape checked. */
export function schemaOf(given: ObjectSchema | RealmObjectClass): ObjectSchema {
  const schema: unknown = typeof given === "function" ? given.schema : given;
  if (typeof given === "function" && schema === undefined) {
    throw new TypeAssertionError(`Expected 'schema static' to be an object, got undefined on class ${given.name}`);
  }
  assertObject(schema, "object schema");
  assertString(schema["name"], "name");
  assertObject(schema["properties"], "properties");
  if (schema["primaryKey"] !== undefined) assertString(schema["primaryKey"], "primaryKey");
  return schema as unknown as ObjectSchema;
}

function parseProperty(property: PropertySchema | string, source: Source, isKey: boolean): CanonicalPropertySchema {
  const written = typeof property === "string" ? parseShorthand(property, source) : parseWritten(property, source);
  return { name: source.propertyName, mapTo: source.propertyName, ...written, ...(isKey ? { indexed: true } : {}) };
}

type Parsed = Omit<CanonicalPropertySchema, "name" | "mapTo"> & { readonly mapTo?: string };

function fail(message: string, { objectName, propertyName }: Source): never {
  throw new PropertySchemaParseError(message, objectName, propertyName);
}

function parseShorthand(text: string, source: Source): Parsed {
  if (text === "") fail("The type must be specified.", source);
  for (const [suffix, type] of suffixes) {
    if (text.endsWith(suffix)) return parseCollection(text.slice(0, -suffix.length), type, source);
  }
  if (text === "list" || text === "set" || text === "dictionary" || text === "object" || text === "linkingObjects") {
    fail(`Cannot use '${text}' as the name of the type: it must be written out with 'objectType'.`, source);
  }
  const isOptional = text.endsWith("?");
  const name = isOptional ? text.slice(0, -1) : text;
  if (name === "counter") return { type: "int", optional: isOptional, indexed: false, presentation: "counter" };
  if (valueTypes[name] !== undefined) {
    return { type: name as PropertyTypeName, optional: isOptional || name === "mixed", indexed: false };
  }
  if (isOptional) {
    fail("User-defined types in relationships are optional by default; remove the question mark.", source);
  }
  return { type: "object", objectType: name, optional: true, indexed: false };
}

function parseCollection(inner: string, type: "list" | "set" | "dictionary", source: Source): Parsed {
  if (inner === "") fail("The element type must be specified.", source);
  const element = parseShorthand(inner, source);
  if (element.type === "list" || element.type === "set" || element.type === "dictionary") {
    fail("Nested collections are not supported.", source);
  }
  if (element.presentation === "counter") fail("Counters cannot be elements of collections.", source);
  const isObject = element.type === "object";
  return {
    type,
    objectType: isObject ? (element.objectType ?? "") : element.type,
    optional: isObject ? type === "dictionary" : element.optional,
    indexed: false,
  };
}

function parseWritten(property: PropertySchema, source: Source): Parsed {
  assertObject(property, source.propertyName);
  const { type, objectType, optional, indexed, mapTo, presentation } = property;
  assertString(type, `${source.propertyName}.type`);
  const rest = {
    indexed: indexed ?? false,
    ...(mapTo === undefined ? {} : { mapTo }),
    ...(property.default === undefined ? {} : { default: property.default }),
  };
  if (type === "linkingObjects") return parseLinkingObjects(property, source, rest);
  if (collectionKinds[type] !== undefined) {
    if (objectType === undefined) fail("The element type must be specified with 'objectType'.", source);
    const base = parseCollection(objectType, type as "list" | "set" | "dictionary", source);
    return { ...base, ...rest, optional: optional ?? base.optional };
  }
  if (type === "object") {
    if (objectType === undefined) fail("'objectType' must be specified when 'type' is 'object'.", source);
    if (optional === false) fail("A relationship to one object is always optional.", source);
    return { ...rest, type: "object", objectType, optional: true };
  }
  const base = parseShorthand(type, source);
  return {
    ...base,
    ...rest,
    optional: optional ?? base.optional,
    ...(presentation === undefined ? {} : { presentation }),
  };
}

function parseLinkingObjects(
  property: PropertySchema,
  source: Source,
  rest: { readonly indexed: boolean | "full-text"; readonly mapTo?: string },
): Parsed {
  if (property.objectType === undefined) fail("'objectType' must be specified for linking objects.", source);
  if (property.property === undefined) fail("'property' must be specified for linking objects.", source);
  return {
    ...rest,
    type: "linkingObjects",
    objectType: property.objectType,
    property: property.property,
    optional: false,
  };
}

function declare(property: CanonicalPropertySchema): PropertyDeclaration {
  const collection = collectionKinds[property.type] ?? "single";
  const elementName = collection === "single" ? property.type : (property.objectType ?? "mixed");
  const type = elementName === "object" ? "link" : (valueTypes[elementName] ?? "link");
  const target = type === "link" ? (property.objectType ?? "") : undefined;
  const isList = collection === "list" || collection === "set";
  return {
    name: property.mapTo,
    publicName: property.name,
    type,
    collection,
    // Links in lists and sets are never null, those in dictionaries and alone always may be.
    isNullable: type === "link" ? !isList : property.optional || type === "mixed",
    isIndexed: property.indexed,
    ...(target === undefined ? {} : { target }),
    ...(property.default === undefined ? {} : { default: property.default }),
    ...(property.presentation === "counter" ? { isCounter: true } : {}),
  };
}

function declareBacklink(property: CanonicalPropertySchema): BacklinkDeclaration {
  return {
    publicName: property.name,
    originClass: property.objectType ?? "",
    originProperty: property.property ?? "",
  };
}

/** Parses all schemas of a configuration. */
export function parseSchema(given: readonly (ObjectSchema | RealmObjectClass)[]): ParsedClass[] {
  return given.map(parseClass);
}
