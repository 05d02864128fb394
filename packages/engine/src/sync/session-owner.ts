/**
 * What a session needs of the client it belongs to.
 *
 * @module
 */

import type { SyncErrorInformation } from "../errors.js";
import type { SyncHost } from "../host.js";
import type { ConnectionState, ErrorConsequence, ProgressReport, ResetDemand, SyncTimeouts } from "./messages.js";

/** What a session tells its client. */
export interface SessionOwner {
  readonly host: SyncHost;
  readonly timeouts: SyncTimeouts;
  onConnectionState(state: ConnectionState): void;
  /** The file has a new version, or a subscription set has a new state. */
  onChanged(): void;
  onProgress(report: ProgressReport): void;
  onWaitDone(wait: number): void;
  onError(error: SyncErrorInformation, consequence: ErrorConsequence): void;
  onNeeds(what: "token" | "location"): void;
  onFinished(): void;
  /** The server cannot go on with the file. The session says nothing more until `ClientSession.goOn`. */
  onResetDemanded(demand: ResetDemand): void;
  /** A copy has everything of its subscriptions. */
  onCopyComplete(): void;
}

/**
 * Whose file it is: the application's, or a fresh copy that is downloaded for a client reset and never uploads
 * anything.
 */
export type SessionRole = "main" | "copy";
