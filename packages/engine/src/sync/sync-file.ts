/**
 * What a session's mirror asks of the open file.
 *
 * @module
 */

/** The application's side of a synced file. */
export interface SyncFile {
  /** Newest client version that holds something to upload. */
  newestUploadableVersion(): number;
  progressRegistration(): { readonly clientVersion: number; readonly queryVersion: number };
  /** The loop has committed something. */
  onChanged(): void;
}
