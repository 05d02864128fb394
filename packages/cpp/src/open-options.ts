/**
 * From a configuration to what the engine wants to know of a session.
 *
 * @module
 */

import type { SyncOptions } from "@tidemark/engine";
import type { Settings } from "./db-config.js";
import { logger, logSync } from "./logger.js";
import { policies, type ResetDatabases, resetHandlers } from "./sync/client-reset.js";
import type { sync_error_handler } from "./sync/sync-config.js";
import { sync_error } from "./sync/sync-error.js";
import { sync_session } from "./sync/sync-session.js";

/** How a file is synced; `undefined` if it is not. */
export function syncOptionsOf(settings: Settings, databases: ResetDatabases): SyncOptions | undefined {
  const { sync, reset, path } = settings;
  if (sync === undefined) return undefined;
  return {
    user: sync.user.internal,
    schemaVersion: settings.schemaVersion,
    headers: settings.headers,
    stopPolicy: sync.stopPolicy,
    cancelsWaitsOnNonFatalError: false,
    resetPolicy: policies[reset.mode],
    reset: resetHandlers(reset, databases),
    ...(sync.errorHandler === undefined ? {} : { onError: errorHandlerOf(sync.errorHandler, path) }),
  };
}

function errorHandlerOf(handler: sync_error_handler, path: string): NonNullable<SyncOptions["onError"]> {
  return (session, information) => {
    try {
      handler(new sync_session(session), new sync_error(information, path));
    } catch (error) {
      // There is nobody to throw it to, and synchronisation goes on whatever the handler does.
      logSync(logger.level.error, `The error handler threw: ${String(error)}`);
    }
  };
}
