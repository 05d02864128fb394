/**
 * What a session's mirror asks of the open file.
 *
 * @module
 */

import type { SyncState } from "../core.js";
import type { PendingTransfer } from "./sync-status.js";
import type { ResetReport } from "./reset-report.js";

/**
 * Tells a file from what a client reset makes of it; "0" while it has no ident. A server that was restored gives idents
 * away again, each with another salt.
 */
export function identityOf({ fileIdent, fileIdentSalt }: Pick<SyncState, "fileIdent" | "fileIdentSalt">): string {
  return fileIdent === "0" ? fileIdent : `${fileIdent}:${fileIdentSalt}`;
}

/** The application's side of a synced file. */
export interface SyncFile {
  /** Newest client version that holds something to upload, and the file's identity by then. */
  uploadTarget(): { readonly targetVersion: number; readonly fileIdentity: string };
  /** What is still to be transferred. */
  pendingTransfer(): PendingTransfer;
  progressRegistration(): { readonly clientVersion: number; readonly queryVersion: number };
  /** The loop has committed something. */
  onChanged(): void;
  /** What client resets did that nobody has taken note of yet, oldest first; `undefined` inside a write transaction. */
  resetReports(): readonly ResetReport[] | undefined;
  /** They were taken note of. */
  forgetResetReports(): void;
  /** Ident and salt: what tells the file from what a client reset makes of it. */
  fileIdentity(): string;
}
