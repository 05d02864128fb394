/**
 * What a session's mirror asks of the open file.
 *
 * @module
 */

import type { PendingTransfer } from "./sync-status.js";
import type { ResetReport } from "./reset-report.js";

/** The application's side of a synced file. */
export interface SyncFile {
  /** Newest client version that holds something to upload, and the file's ident by then. */
  uploadTarget(): { readonly targetVersion: number; readonly fileIdent: string };
  /** What is still to be transferred. */
  pendingTransfer(): PendingTransfer;
  progressRegistration(): { readonly clientVersion: number; readonly queryVersion: number };
  /** The loop has committed something. */
  onChanged(): void;
  /** What client resets did that nobody has taken note of yet, oldest first; `undefined` inside a write transaction. */
  resetReports(): readonly ResetReport[] | undefined;
  /** They were taken note of. */
  forgetResetReports(): void;
  fileIdent(): string;
}
