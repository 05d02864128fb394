/**
 * Opening files for realms, and deleting what lies inside objects.
 *
 * @module
 */

import { EngineError, type OpenOptions, type RealmFile } from "@tidemark/engine";
import type { Configuration } from "./configuration.js";
import { engine } from "./engine.js";

export { eraseEmbedded } from "@tidemark/engine";

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
