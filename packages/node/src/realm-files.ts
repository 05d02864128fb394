/**
 * Opening files for realms.
 *
 * @module
 */

import { openOrReplace, type OpenOptions, type RealmFile } from "@tidemark/engine";
import type { Configuration } from "./configuration.js";
import { engine } from "./engine.js";

/** Opens the file; one that another schema made is deleted first if the configuration says so. */
export function openFile(options: OpenOptions, configuration: Configuration): RealmFile {
  if (configuration.deleteRealmIfMigrationNeeded === true) return openOrReplace(engine(), options);
  return engine().open(options);
}
