/**
 * The same object, collection or results in another view of the same file: a frozen version, or the live file.
 *
 * @module
 */

import type { Database } from "../data/database.js";
import { Dictionary } from "../data/dictionary.js";
import { DictionaryTargets } from "../data/dictionary-targets.js";
import { List } from "../data/list.js";
import { EmbeddedHandle, type Holder, ObjectHandle } from "../data/object.js";
import { Results, type ResultsSource } from "../data/results.js";
import type { Column } from "../data/schema.js";
import { ValueResults } from "../data/value-results.js";
import { ValueSet } from "../data/value-set.js";
import type { Handle } from "./binding.js";

/**
 * The counterpart of a handle in another database of the same file. Elements that are embedded objects are found by
 * their position or key.
 *
 * @returns `undefined` if there is none: what the handle stands for does not exist in that version.
 */
export function resolveHandle<T extends Handle>(database: Database, handle: T): T | undefined {
  if (handle.database === database) return handle;
  return resolve(database, handle) as T | undefined;
}

function resolve(database: Database, handle: Handle): Handle | undefined {
  if (handle instanceof Results) return resolveResults(database, handle);
  if (handle instanceof ValueResults) return resolveValues(database, handle);
  if (handle instanceof ObjectHandle || handle instanceof EmbeddedHandle) return resolveObject(database, handle);
  return resolveCollection(database, handle);
}

function resolveObject(
  database: Database,
  handle: ObjectHandle | EmbeddedHandle,
): ObjectHandle | EmbeddedHandle | undefined {
  const layout = database.storedLayout(handle.layout.name);
  if (layout === undefined) return undefined;
  if (handle instanceof ObjectHandle) {
    // An object in the making has no key before the core has made it.
    if (handle.key < 0) handle.database.flush();
    const found = new ObjectHandle(database, layout, handle.key);
    return found.isValid() ? found : undefined;
  }
  const place = resolvePlace(database, handle.parent, handle.column);
  if (place === undefined) return undefined;
  const found = new EmbeddedHandle(place.holder, place.column, layout, handle.element);
  return found.isValid() ? found : undefined;
}

function resolvePlace(
  database: Database,
  holder: Holder,
  column: Column,
): { readonly holder: ObjectHandle | EmbeddedHandle; readonly column: Column } | undefined {
  const found = resolveObject(database, holder as ObjectHandle | EmbeddedHandle);
  const foundColumn = found?.layout.columnByName(column.name);
  return found === undefined || foundColumn === undefined ? undefined : { holder: found, column: foundColumn };
}

function resolveCollection(
  database: Database,
  handle: List | ValueSet | Dictionary,
): List | ValueSet | Dictionary | undefined {
  const place = resolvePlace(database, handle.holder, handle.column);
  if (place === undefined) return undefined;
  if (handle instanceof List) return ifThere(new List(place.holder, place.column, handle.way));
  if (handle instanceof ValueSet) return new ValueSet(place.holder, place.column);
  return ifThere(new Dictionary(place.holder, place.column, handle.way));
}

/** A collection inside a mixed value may be another value in the other version. */
function ifThere<T extends List | Dictionary>(collection: T): T | undefined {
  return collection.isValid() ? collection : undefined;
}

function resolveResults(database: Database, results: Results): Results | undefined {
  const layout = database.storedLayout(results.layout.name);
  const source = resolveSource(database, results.source);
  return layout === undefined || source === undefined
    ? undefined
    : new Results(database, layout, source, results.stages);
}

function resolveValues(database: Database, values: ValueResults): ValueResults | undefined {
  const collection = resolveCollection(database, values.collection);
  return collection === undefined || collection instanceof Dictionary ? undefined : values.of(collection);
}

function resolveSource(database: Database, source: ResultsSource): ResultsSource | undefined {
  if (source.kind !== "collection") return source;
  const given = source.collection;
  const found = resolveCollection(database, given instanceof DictionaryTargets ? given.dictionary : given);
  if (found === undefined) return undefined;
  return { kind: "collection", collection: found instanceof Dictionary ? new DictionaryTargets(found) : found };
}
