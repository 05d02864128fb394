/**
 * Opening files for facades, and erasing what lies inside objects.
 *
 * @module
 */

import { type EmbeddedHandle } from "../data/object.js";
import type { Engine, OpenOptions } from "../engine.js";
import { EngineError } from "../errors.js";
import type { RealmFile } from "../realm-file.js";

/** Opens a file; one that another schema made is deleted and made anew. */
export function openOrReplace(engine: Engine, options: OpenOptions): RealmFile {
  try {
    return engine.open(options);
  } catch (error) {
    if (!(error instanceof EngineError) || error.code !== "schema-mismatch") throw error;
    engine.deleteFile(options.path);
    return engine.open(options);
  }
}

/** Removes an embedded object from the property or collection that holds it. */
export function eraseEmbedded(handle: EmbeddedHandle): void {
  const { parent, column, element } = handle;
  if (element === undefined) {
    (parent as EmbeddedHandle).set(column, null);
    return;
  }
  const collection = (parent as EmbeddedHandle).get(column) as { erase(element: number | string): void };
  collection.erase(element);
}
