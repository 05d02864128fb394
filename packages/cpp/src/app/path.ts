/**
 * Where a user's synced files are.
 *
 * @module
 */

import type { User as EngineUser } from "@tidemark/engine";
import { engine } from "../engine.js";

/** Default path of what a user syncs. */
export function syncedPath(user: EngineUser): string {
  return engine().host.files.join(user.app.directory, user.id, "flx_sync_default.realm");
}
