/**
 * Generators of schemas, and short ways to write them.
 *
 * @module
 */

import fc from "fast-check";
import { type ClassInformation, type ColumnInformation, impliedNullability } from "../schema/classes.js";
import { bsonTypes } from "../schema/json-schema.js";
import type { CollectionSource } from "../schema/problem.js";

const scalarTypes = [...bsonTypes.keys()];
const collections = ["single", "list", "set", "dictionary"] as const;

/** A collection of the data source `mongodb-atlas` and the database `shop`. */
export function source(collection: string, schema: unknown, rest: Partial<CollectionSource> = {}): CollectionSource {
  const place = { service: "mongodb-atlas", database: "shop", collection };
  return { ...place, schema, relationships: undefined, isAsymmetric: false, ...rest };
}

/** A schema of a class with a required key of objectId, and what else is given. */
export function classSchema(
  title: string,
  properties: Readonly<Record<string, unknown>> = {},
  rest: object = {},
): object {
  const all = { _id: { bsonType: "objectId" }, ...properties };
  return { title, bsonType: "object", properties: all, required: ["_id"], ...rest };
}

/** A column as the core gives it: what cannot but be null is. */
function normalized(column: ColumnInformation): ColumnInformation {
  return { ...column, nullable: impliedNullability(column.type, column.collection) ?? column.nullable };
}

function columnArbitrary(topLevel: readonly string[], embedded: readonly string[]): fc.Arbitrary<ColumnInformation> {
  const shape = { name: fc.stringMatching(/^[a-z][A-Za-z_]{0,9}$/), nullable: fc.boolean() };
  const scalar = fc.record({
    ...shape,
    type: fc.constantFrom(...scalarTypes),
    collection: fc.constantFrom(...collections),
  });
  const link = (targets: readonly string[], kinds: readonly ColumnInformation["collection"][]) =>
    fc.record({
      ...shape,
      type: fc.constant("link"),
      collection: fc.constantFrom(...kinds),
      target: fc.constantFrom(...targets),
    });
  const embeddedLinks = embedded.length === 0 ? [] : [link(embedded, ["single", "list", "dictionary"])];
  const links = topLevel.length === 0 ? [] : [link(topLevel, collections)];
  return fc.oneof(scalar, ...links, ...embeddedLinks).map(normalized);
}

function columnsArbitrary(topLevel: readonly string[], embedded: readonly string[]): fc.Arbitrary<ColumnInformation[]> {
  return fc.uniqueArray(columnArbitrary(topLevel, embedded), { selector: (column) => column.name, maxLength: 8 });
}

function keyedArbitrary(
  name: string,
  kind: "top" | "asymmetric",
  columns: fc.Arbitrary<ColumnInformation[]>,
): fc.Arbitrary<ClassInformation> {
  const type = fc.constantFrom("int", "string", "objectId", "uuid");
  const primaryKey = fc.record({ name: fc.constant("_id"), type, nullable: fc.boolean() });
  return fc.record({ name: fc.constant(name), kind: fc.constant(kind), primaryKey, columns });
}

/** Schemas with every type in every kind of collection, links, and embedded classes that may hold themselves. */
export const schemaArbitrary: fc.Arbitrary<readonly ClassInformation[]> = fc
  .record({ top: fc.integer({ min: 1, max: 3 }), embedded: fc.integer({ min: 0, max: 3 }), asymmetric: fc.boolean() })
  .chain(({ top, embedded, asymmetric }) => {
    const topNames = Array.from({ length: top }, (_, index) => `Top${index}`);
    const embeddedNames = Array.from({ length: embedded }, (_, index) => `Embedded${index}`);
    const columns = (): fc.Arbitrary<ColumnInformation[]> => columnsArbitrary(topNames, embeddedNames);
    return fc.tuple(
      ...topNames.map((name) => keyedArbitrary(name, "top", columns())),
      ...(asymmetric ? [keyedArbitrary("Ingest", "asymmetric", columns())] : []),
      ...embeddedNames.map((name) =>
        fc.record({ name: fc.constant(name), kind: fc.constant("embedded" as const), columns: columns() }),
      ),
    );
  });
