/**
 * What happens when the server demands that a file starts over: `realm::client_reset`.
 *
 * @module
 */

import type { ResetHandlers, ResetPolicy, SnapshotId } from "@tidemark/engine";
import type { db } from "../db.js";
import type { names } from "../names.js";

/** A mode of {@link client_reset_mode}. */
export type client_reset_mode = "manual" | "discard_unsynced" | "recover" | "recover_or_discard";

/** The ways to do a client reset. */
export const client_reset_mode: names<client_reset_mode> = Object.freeze({
  /** The error handler is told, and the file is left to the application. */
  manual: "manual",
  /** What was not uploaded is lost. */
  discard_unsynced: "discard_unsynced",
  /** What was not uploaded is done again. */
  recover: "recover",
  /** The same, or it is lost if the server does not permit it. */
  recover_or_discard: "recover_or_discard",
});

/**
 * Called before the file changes, with it as it is, frozen. What it throws gives the reset up. A promise that it
 * returns is waited for; then the database is closed.
 */
export type before_reset = (local: db) => void | Promise<void>;

/**
 * Called afterwards, with the file as it was, frozen, and with the live one. Both are closed when it has returned, or
 * when the promise that it returned is settled. What it throws is told to the error handler.
 */
export type after_reset = (local: db, remote: db) => void | Promise<void>;

/** A mode with what is to be called. Made by {@link client_reset}. */
export interface client_reset_handler {
  /** What is done. */
  readonly mode: client_reset_mode;
  /** @internal */
  readonly before?: before_reset;
  /** @internal */
  readonly after?: after_reset;
}

/** Makes handlers for `db_config.set_client_reset_handler`. */
export const client_reset: Readonly<{
  /** Nothing is done: the error handler is told. */
  manual(): client_reset_handler;
  /** What was not uploaded is lost. */
  discard_unsynced_changes(before: before_reset, after: after_reset): client_reset_handler;
  /** What was not uploaded is done again. */
  recover_unsynced_changes(before: before_reset, after: after_reset): client_reset_handler;
  /** The same, or it is lost where the server does not permit recovery. */
  recover_or_discard_unsynced_changes(before: before_reset, after: after_reset): client_reset_handler;
}> = Object.freeze({
  manual: () => ({ mode: client_reset_mode.manual }),
  discard_unsynced_changes: (before: before_reset, after: after_reset) => ({
    mode: client_reset_mode.discard_unsynced,
    before,
    after,
  }),
  recover_unsynced_changes: (before: before_reset, after: after_reset) => ({
    mode: client_reset_mode.recover,
    before,
    after,
  }),
  recover_or_discard_unsynced_changes: (before: before_reset, after: after_reset) => ({
    mode: client_reset_mode.recover_or_discard,
    before,
    after,
  }),
});

/** @internal The engine's words for the modes. */
export const policies: Readonly<Record<client_reset_mode, ResetPolicy | "manual">> = {
  manual: "manual",
  discard_unsynced: "discard",
  recover: "recover",
  recover_or_discard: "recover-or-discard",
};

/** @internal Databases for the callbacks. */
export interface ResetDatabases {
  /** The file as it is now, or as a snapshot shows it. */
  frozen(snapshot?: SnapshotId): db;
  live(): db;
}

/** @internal The callbacks as the engine calls them. */
export function resetHandlers({ before, after }: client_reset_handler, databases: ResetDatabases): ResetHandlers {
  return {
    onBefore: async () => {
      if (before === undefined) return;
      const local = databases.frozen();
      try {
        await before(local);
      } finally {
        local.close();
      }
    },
    onAfter: async (_, snapshot) => {
      if (after === undefined) return;
      const local = databases.frozen(snapshot);
      try {
        const remote = databases.live();
        try {
          await after(local, remote);
        } finally {
          remote.close();
        }
      } finally {
        local.close();
      }
    },
  };
}
