/**
 * Copies of managed objects that are not managed.
 *
 * @module
 */

import { bindingKey, Dictionary, EmbeddedHandle, handleKey, List, ObjectHandle, ValueSet } from "@tidemark/engine";
import { type Owner, type Wrapped } from "../binding.js";
import { model_key } from "../schema/model.js";
import { readValue } from "./values.js";

/** Copies by object: `className key` of those that have keys. */
type Known = Map<string, object>;

/** Copies an object with everything that it leads to. */
export function detachObject(wrapped: Wrapped, known: Known): object {
  const owner = wrapped[bindingKey].realm as Owner;
  return detachHandle(owner, wrapped[handleKey] as ObjectHandle | EmbeddedHandle, known);
}

function detachHandle(owner: Owner, handle: ObjectHandle | EmbeddedHandle, known: Known): object {
  const { layout } = handle;
  const id = handle instanceof ObjectHandle ? `${layout.name} ${handle.packedKey().join()}` : undefined;
  const before = id === undefined ? undefined : known.get(id);
  if (before !== undefined) return before;
  const copy: Record<string, unknown> = {};
  const declared = owner.classNamed(layout.name);
  if (declared !== undefined) Object.defineProperty(copy, model_key, { value: declared });
  if (id !== undefined) known.set(id, copy);
  const columns = layout.primaryKey === undefined ? layout.columns : [layout.primaryKey, ...layout.columns];
  for (const column of columns) {
    copy[column.publicName] = readValue(column, detachValue(owner, handle.get(column), known));
  }
  return copy;
}

/** Copies any value of the engine. */
export function detachValue(owner: Owner, value: unknown, known: Known): unknown {
  if (value instanceof ObjectHandle || value instanceof EmbeddedHandle) return detachHandle(owner, value, known);
  if (value instanceof List) {
    return value.values().map((element) => readValue(value.column, detachValue(owner, element, known)));
  }
  if (value instanceof ValueSet) {
    return new Set(value.values().map((element) => readValue(value.column, detachValue(owner, element, known))));
  }
  if (value instanceof Dictionary) {
    const entries = value.keys().map((key) => {
      return [key, readValue(value.column, detachValue(owner, value.get(key), known))] as const;
    });
    return new Map(entries);
  }
  return value;
}
