/**
 * What facades do with collections and with what lies inside objects.
 *
 * @module
 */

import { Dictionary } from "../data/dictionary.js";
import { DictionaryTargets } from "../data/dictionary-targets.js";
import type { List } from "../data/list.js";
import type { EmbeddedHandle } from "../data/object.js";
import { Results } from "../data/results.js";
import { ValueResults } from "../data/value-results.js";
import type { ValueSet } from "../data/value-set.js";
import { EngineError } from "../errors.js";

/**
 * Results of the objects in a list, set or dictionary.
 *
 * @throws if it holds values or embedded objects.
 */
export function resultsOfCollection(collection: List | ValueSet | Dictionary): Results {
  const layout = collection.database.storedLayout(collection.column.target ?? "");
  if (layout === undefined || collection.column.type !== "link" || layout.kind === "embedded") {
    throw new EngineError("invalid-argument", "Queries on collections of values are not supported");
  }
  const linking = collection instanceof Dictionary ? new DictionaryTargets(collection) : collection;
  return new Results(collection.database, layout, { kind: "collection", collection: linking }, []);
}

/** Whether a collection holds objects that stand for themselves: neither values nor embedded objects. */
export function holdsObjects({ column, database }: List | ValueSet | Dictionary): boolean {
  return column.type === "link" && database.storedLayout(column.target ?? "")?.kind === "top";
}

/** What a list or set holds, as results: of objects, or of values and embedded objects. */
export function elementsAsResults(collection: List | ValueSet): Results | ValueResults {
  return holdsObjects(collection) ? resultsOfCollection(collection) : new ValueResults(collection, "given");
}

/** Removes an embedded object from the property or collection that holds it. */
export function eraseEmbedded({ parent, column, element }: EmbeddedHandle): void {
  const holder = parent as EmbeddedHandle;
  if (element === undefined) {
    holder.set(column, null);
    return;
  }
  const collection = holder.get(column) as { erase(element: number | string): void };
  collection.erase(element);
}
