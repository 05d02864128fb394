/**
 * Classes of tests.
 *
 * @module
 */

import type { ClassDeclaration, PropertyDeclaration } from "../data/schema.js";

/** A plain property. */
export function property(
  name: string,
  type: PropertyDeclaration["type"],
  change: Partial<PropertyDeclaration> = {},
): PropertyDeclaration {
  return { name, publicName: name, type, collection: "single", isNullable: false, isIndexed: false, ...change };
}

/** A top-level class with the primary key `_id`. */
export function classOf(
  name: string,
  keyType: PropertyDeclaration["type"],
  ...properties: readonly PropertyDeclaration[]
): ClassDeclaration {
  return { name, kind: "top", primaryKey: "_id", properties: [property("_id", keyType), ...properties], backlinks: [] };
}

/** A key, a text and a list. */
export const item: ClassDeclaration = classOf(
  "Item",
  "int",
  property("name", "string"),
  property("tags", "string", { collection: "list" }),
);
