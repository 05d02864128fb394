/**
 * Opening files for realms, and deleting what lies inside objects.
 *
 * @module
 */

import { type EmbeddedHandle, EngineError, type OpenOptions, type RealmFile } from "@tidemark/engine";
import type { Configuration } from "./configuration.js";
import { engine } from "./engine.js";

/** Opens the file; one that another schema made is deleted first if the configuration says so. */
export function openFile(options: OpenOptions, configuration: Configuration): RealmFile {
  try {
    return engine().open(options);
  } catch (error) {
    const isMismatch = error instanceof EngineError && error.code === "schema-mismatch";
    if (!isMismatch || configuration.deleteRealmIfMigrationNeeded !== true) throw error;
    engine().deleteFile(options.path);
    return engine().open(options);
  }
}

/** Removes an embedded object from the property or collection that holds it. */
export function eraseEmbedded(handle: EmbeddedHandle): void {
  const { parent, column, element } = handle;
  const layout = parent.layout;
  if (element === undefined) {
    (parent as EmbeddedHandle).set(column, null);
    return;
  }
  const collection = (parent as EmbeddedHandle).get(column) as { erase(element: number | string): void };
  if (layout.columns.includes(column)) collection.erase(element);
}
