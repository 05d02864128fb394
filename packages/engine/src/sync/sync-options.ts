/**
 * How a file is synced, and who is told what of its session.
 *
 * @module
 */

import type { User } from "../app/user.js";
import type { ResetPolicy } from "../core.js";
import type { SyncErrorInformation } from "../errors.js";
import type { ConnectionState } from "./messages.js";
import type { ResetHandlers } from "./reset-handlers.js";
import type { SyncSession } from "./sync-session.js";
import type { SyncStatus } from "./sync-status.js";

/** What becomes of the session when the last realm of its file is closed. */
export type StopPolicy = "after-upload" | "immediately" | "never";

/** How a file is synced. */
export interface SyncOptions {
  /** Who syncs. */
  readonly user: User;
  /** Version of the schema that the server is told. */
  readonly schemaVersion: number;
  /** Headers that are sent when connecting. */
  readonly headers: Readonly<Record<string, string>>;
  /** What happens when the last realm of the file is closed. */
  readonly stopPolicy: StopPolicy;
  /** Whether failures that are retried fail the waits. */
  readonly cancelsWaitsOnNonFatalError: boolean;
  /** Told what goes wrong, in a turn of its own. */
  readonly onError?: ((session: SyncSession, error: SyncErrorInformation) => void) | undefined;
  /** What is done when the server demands a client reset. `manual`, the default, leaves it to the application. */
  readonly resetPolicy?: ResetPolicy | "manual" | undefined;
  /** 64 bytes, if the file is encrypted. */
  readonly encryptionKey?: Uint8Array | undefined;
  /** Told of client resets. */
  readonly reset?: ResetHandlers | undefined;
}

/** Told of a new status. */
export type StatusListener = (status: SyncStatus) => void;

/** Told of a change of the connection: the new state comes first. */
export type ConnectionListener = (newState: ConnectionState, oldState: ConnectionState) => void;
