/**
 * The status of a session for user interfaces: one word and two numbers, made of everything that the session's own
 * interface tells in pieces. Not in the original SDKs.
 *
 * @module
 */

import type { SyncErrorInformation } from "../errors.js";
import type { ConnectionState } from "./messages.js";
import type { SessionState } from "./session-states.js";

/** What a user interface shows. */
export interface SyncStatus {
  /**
   * - `synced`: everything is on the server, and everything that is subscribed to is here, as far as is known.
   * - `syncing`: connected, and something is under way.
   * - `offline`: paused, logged out, or without a connection; writes wait.
   * - `error`: an error has ended the session; it stays so until something takes it up again.
   */
  readonly kind: "synced" | "syncing" | "offline" | "error";
  /** Bytes of changes that the server has not acknowledged. */
  readonly bytesToUpload: number;
  /** How much of what is being downloaded is here, from 0 to 1; 1 when nothing is known to come. */
  readonly downloadEstimate: number;
  /** Why the session ended, with `error`. */
  readonly error?: SyncErrorInformation;
}

/** What a file still has to transfer. */
export interface PendingTransfer {
  /** Bytes of changes that the server has not acknowledged. */
  readonly bytesToUpload: number;
  /** Whether the newest subscription set has not arrived yet. */
  readonly isSubscriptionPending: boolean;
}

/** What a status is made of. */
export interface StatusFacts extends PendingTransfer {
  readonly state: SessionState;
  readonly connectionState: ConnectionState;
  /** The server's newest estimate. */
  readonly downloadEstimate: number;
  /** What ended the session, until it is taken up again. */
  readonly endedBy: SyncErrorInformation | undefined;
}

/** The status of a moment. */
export function statusOf(facts: StatusFacts): SyncStatus {
  const { bytesToUpload, isSubscriptionPending, endedBy } = facts;
  const downloadEstimate = isSubscriptionPending ? Math.min(facts.downloadEstimate, 0.999) : facts.downloadEstimate;
  const numbers = { bytesToUpload, downloadEstimate };
  if (endedBy !== undefined && facts.state === "inactive") return { kind: "error", ...numbers, error: endedBy };
  if (facts.state !== "active" || facts.connectionState !== "connected") return { kind: "offline", ...numbers };
  const isDone = bytesToUpload === 0 && downloadEstimate >= 1;
  return { kind: isDone ? "synced" : "syncing", ...numbers };
}

/** Whether a user interface would show the same. */
export function isSameStatus(a: SyncStatus, b: SyncStatus): boolean {
  return (
    a.kind === b.kind &&
    a.bytesToUpload === b.bytesToUpload &&
    a.downloadEstimate === b.downloadEstimate &&
    a.error === b.error
  );
}
