/**
 * The same object or collection in another version of its file: frozen, or live again.
 *
 * @module
 */

import type { Database } from "../data/database.js";
import { Dictionary } from "../data/dictionary.js";
import { List } from "../data/list.js";
import { EmbeddedHandle, type Holder, ObjectHandle } from "../data/object.js";
import { Results, type ResultsSource } from "../data/results.js";
import type { Column } from "../data/schema.js";
import { ValueSet } from "../data/value-set.js";
import type { Handle } from "./binding.js";

/**
 * Finds in one database what a handle of another database of the same file stands for.
 *
 * @returns `undefined` if it does not exist there, or the handle is no longer valid.
 */
export function relocate<H extends Handle>(handle: H, database: Database): H | undefined {
  return handle.isValid() ? (relocateAny(handle, database) as H | undefined) : undefined;
}

function relocateAny(handle: Handle, database: Database): Handle | undefined {
  if (handle instanceof Results) return relocateResults(handle, database);
  if (handle instanceof ObjectHandle || handle instanceof EmbeddedHandle) return relocateHolder(handle, database);
  const holder = relocateHolder(handle.holder, database);
  const column = holder?.layout.columnByName(handle.column.name);
  if (holder === undefined || column === undefined) return undefined;
  if (handle instanceof List) return new List(holder, column);
  return handle instanceof ValueSet ? new ValueSet(holder, column) : new Dictionary(holder, column);
}

function relocateHolder(holder: Holder, database: Database): ObjectHandle | EmbeddedHandle | undefined {
  if (holder instanceof ObjectHandle) return relocateObject(holder, database);
  if (!(holder instanceof EmbeddedHandle)) return undefined;
  const parent = relocateHolder(holder.parent, database);
  const layout = database.storedLayout(holder.layout.name);
  const column: Column | undefined = parent?.layout.columnByName(holder.column.name);
  if (parent === undefined || layout === undefined || column === undefined) return undefined;
  const embedded = new EmbeddedHandle(parent, column, layout, holder.element);
  return embedded.isValid() ? embedded : undefined;
}

function relocateObject(object: ObjectHandle, database: Database): ObjectHandle | undefined {
  const layout = database.storedLayout(object.layout.name);
  if (layout === undefined) return undefined;
  database.flush();
  const key = database.store.find(database.view, layout.index, object.packedKey());
  return key < 0 ? undefined : new ObjectHandle(database, layout, key);
}

function relocateResults(results: Results, database: Database): Results | undefined {
  const layout = database.storedLayout(results.layout.name);
  const source = relocateSource(results.source, database);
  return layout === undefined || source === undefined
    ? undefined
    : new Results(database, layout, source, results.stages);
}

function relocateSource(source: ResultsSource, database: Database): ResultsSource | undefined {
  if (source.kind !== "collection") return source;
  const collection = relocate(source.collection, database);
  return collection === undefined ? undefined : { kind: "collection", collection };
}
