/**
 * From the engine's declarations back to the SDK's schemas, for classes that only the file knows.
 *
 * @module
 */

import type { ClassDeclaration, PropertyDeclaration } from "@tidemark/engine";
import { typeNames } from "../data/collection.js";
import type { CanonicalObjectSchema, CanonicalPropertySchema, PropertyTypeName } from "./types.js";

function nameOf(property: PropertyDeclaration): PropertyTypeName {
  return (typeNames[property.type] ?? property.type) as PropertyTypeName;
}

function canonicalProperty(property: PropertyDeclaration): CanonicalPropertySchema {
  const { publicName, name, collection, isNullable, isIndexed, target, type } = property;
  const objectType = target ?? (collection === "single" ? undefined : nameOf(property));
  return {
    name: publicName,
    mapTo: name,
    type: collection === "single" ? nameOf(property) : collection,
    optional: isNullable || type === "mixed",
    indexed: isIndexed,
    ...(objectType === undefined ? {} : { objectType }),
  };
}

/** The schema of a class. */
export function canonicalOf(declaration: ClassDeclaration): CanonicalObjectSchema {
  const { name, kind, primaryKey, properties } = declaration;
  return {
    name,
    ...(primaryKey === undefined ? {} : { primaryKey }),
    embedded: kind === "embedded",
    asymmetric: kind === "asymmetric",
    properties: Object.fromEntries(properties.map((property) => [property.publicName, canonicalProperty(property)])),
  };
}
