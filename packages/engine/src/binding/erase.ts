/**
 * Deleting what has no life of its own.
 *
 * @module
 */

import type { EmbeddedHandle, ObjectHandle } from "../data/object.js";

/** Removes an embedded object from the property or collection that holds it. */
export function eraseEmbedded({ parent, column, element }: EmbeddedHandle): void {
  const holder = parent as ObjectHandle | EmbeddedHandle;
  if (element === undefined) return holder.set(column, null);
  (holder.get(column) as { erase(element: number | string): void }).erase(element);
}
