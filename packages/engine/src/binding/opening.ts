/**
 * Opening files for facades.
 *
 * @module
 */

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
