/**
 * The counterpart of a handle in another view of the same file: the same object in a frozen realm, say.
 *
 * @module
 */

import type { Database } from "../data/database.js";
import { Dictionary } from "../data/dictionary.js";
import { List } from "../data/list.js";
import { EmbeddedHandle, type Holder, ObjectHandle } from "../data/object.js";
import { Results, type ResultsSource } from "../data/results.js";
import type { ClassLayout, Column } from "../data/schema.js";
import { ValueSet } from "../data/value-set.js";
import { must } from "../errors.js";
import type { Handle } from "./binding.js";

/**
 * The same object, collection or results in another database of the same file, both at one version.
 *
 * What does not exist there gives a handle that is not valid.
 */
export function elsewhere<H extends Handle>(handle: H, database: Database): H;
export function elsewhere(handle: Handle, database: Database): Handle {
  if (handle instanceof ObjectHandle || handle instanceof EmbeddedHandle) return holderIn(handle, database);
  if (handle instanceof Results) {
    const source = sourceIn(handle.source, database);
    return new Results(database, layoutIn(handle.layout, database), source, handle.stages);
  }
  const holder = holderIn(handle.holder, database);
  const column = columnIn(handle.column, holder.layout);
  if (handle instanceof List) return new List(holder, column);
  return handle instanceof ValueSet ? new ValueSet(holder, column) : new Dictionary(holder, column);
}

function holderIn(holder: Holder, database: Database): ObjectHandle | EmbeddedHandle {
  if (holder instanceof EmbeddedHandle) {
    const parent = holderIn(holder.parent, database);
    const column = columnIn(holder.column, parent.layout);
    return new EmbeddedHandle(parent, column, layoutIn(holder.layout, database), holder.element);
  }
  const { key } = holder as ObjectHandle;
  return new ObjectHandle(database, layoutIn(holder.layout, database), key);
}

function sourceIn(source: ResultsSource, database: Database): ResultsSource {
  if (source.kind !== "collection") return source;
  return { kind: "collection", collection: elsewhere(source.collection, database) };
}

function layoutIn(layout: ClassLayout, database: Database): ClassLayout {
  return must(database.storedLayout(layout.name), "both databases are of one file");
}

function columnIn(column: Column, layout: ClassLayout): Column {
  return must(layout.columnByName(column.name), "both databases are of one file");
}
