/**
 * What the application's side and the session loop tell each other. Everything can be cloned between threads.
 *
 * @module
 */

import type { ResetPolicy, SnapshotId } from "../core.js";
import type { SyncErrorInformation } from "../errors.js";

/** Identifies a session for both sides; never reused in a process. */
export type SessionId = number;

/**
 * Counts activations and deactivations of a session. The application's side ignores what the loop says about the
 * state of a connection under an earlier generation, so that its getters never fall back.
 */
export type Generation = number;

/** State of the connection that a session uses. */
export type ConnectionState = "disconnected" | "connecting" | "connected";

/** What a session needs to know. */
export interface SessionSettings {
  readonly path: string;
  /** Names the user and the server: sessions of one key share a connection. */
  readonly userKey: string;
  readonly isMultiplexed: boolean;
  readonly schemaVersion: number;
  readonly headers: Readonly<Record<string, string>>;
  /** What is done when the server demands a client reset; `manual` leaves it to the application. */
  readonly resetPolicy: ResetPolicy | "manual";
}

/** A client reset that is demanded. */
export interface ResetDemand {
  /** What the application would be told of it. */
  readonly error: SyncErrorInformation;
  /** The server's code, or that of the close. */
  readonly code: number;
  /** Whether what was not uploaded may be brought back. */
  readonly allowsRecovery: boolean;
}

/** Intervals of the loop. */
export interface SyncTimeouts {
  readonly connectTimeoutMs: number;
  readonly connectionLingerMs: number;
  readonly pingPeriodMs: number;
  readonly pongTimeoutMs: number;
  readonly fastReconnectLimitMs: number;
  readonly backOffInitialMs: number;
  readonly backOffMaxMs: number;
}

/** The original's values. */
export const defaultSyncTimeouts: SyncTimeouts = {
  connectTimeoutMs: 120_000,
  connectionLingerMs: 30_000,
  pingPeriodMs: 60_000,
  pongTimeoutMs: 120_000,
  fastReconnectLimitMs: 60_000,
  backOffInitialMs: 1_000,
  backOffMaxMs: 300_000,
};

/** From the application's side to the loop. */
export type SyncCommand =
  | { readonly type: "timeouts"; readonly timeouts: SyncTimeouts }
  /** A user's access token and route, at first and whenever they change. */
  | {
      readonly type: "user";
      readonly userKey: string;
      readonly url: string;
      readonly accessToken: string;
      /** Whether the server itself has named the route. */
      readonly isUrlVerified: boolean;
    }
  | {
      readonly type: "activate";
      readonly session: SessionId;
      readonly generation: Generation;
      readonly settings: SessionSettings;
    }
  | {
      readonly type: "deactivate";
      readonly session: SessionId;
      readonly generation: Generation;
      /** Keeps an unused connection for a while. */
      readonly mayLinger: boolean;
    }
  /** Uploads what there is, then ends by itself. */
  | { readonly type: "finish"; readonly session: SessionId; readonly generation: Generation }
  /** Something was committed: objects or a subscription set. */
  | { readonly type: "committed"; readonly session: SessionId }
  | {
      readonly type: "wait-upload";
      readonly session: SessionId;
      readonly wait: number;
      readonly targetVersion: number;
      /** Whose versions these are: a client reset gives the file another ident, and may give it other versions. */
      readonly fileIdent: string;
    }
  | { readonly type: "wait-download"; readonly session: SessionId; readonly wait: number }
  /** Begins a client reset as if the server had demanded it. */
  | {
      readonly type: "demand-reset";
      readonly session: SessionId;
      readonly generation: Generation;
      readonly demand: ResetDemand;
    }
  /** Answer to `reset-ready`: the file may change; or, with a reason, it must not. */
  | {
      readonly type: "reset-answer";
      readonly session: SessionId;
      readonly generation: Generation;
      readonly refusal: string | null;
    }
  /** The application has what it wanted of the snapshot that `reset-done` named. */
  | { readonly type: "reset-seen"; readonly session: SessionId; readonly before: SnapshotId }
  /** Ends the waiting between attempts; `null` for all sessions. */
  | { readonly type: "reconnect"; readonly session: SessionId | null }
  | { readonly type: "stop" };

/** Numbers of a progress report. */
export interface ProgressReport {
  readonly uploaded: number;
  readonly uploadable: number;
  readonly uploadEstimate: number;
  readonly downloaded: number;
  readonly downloadable: number;
  readonly downloadEstimate: number;
  /** Newest client version that the loop has taken into account. */
  readonly clientVersion: number;
  /** Subscription set that the download belongs to. */
  readonly queryVersion: number;
}

/** What the application's side does about an error. */
export type ErrorConsequence =
  /** Nothing to see: a retry is under way. */
  | "transient"
  /** The server cannot be reached, and a retry is under way. Waits fail if the configuration says so. */
  | "unreachable"
  /** The application is told. */
  | "warn"
  /** The session goes inactive and the application is told. */
  | "stop"
  | "log-out";

/** From the loop to the application's side. */
export type SyncEvent =
  | {
      readonly type: "connection";
      readonly session: SessionId;
      readonly generation: Generation;
      readonly state: ConnectionState;
    }
  /** The file has a new version, or subscription sets changed their state. */
  | { readonly type: "changed"; readonly session: SessionId }
  | { readonly type: "progress"; readonly session: SessionId; readonly report: ProgressReport }
  | { readonly type: "wait-done"; readonly session: SessionId; readonly wait: number }
  | {
      readonly type: "error";
      readonly session: SessionId;
      readonly generation: Generation;
      readonly consequence: ErrorConsequence;
      readonly error: SyncErrorInformation;
    }
  /** The fresh copy of a client reset is there: the file is about to change, once that is answered. */
  | { readonly type: "reset-ready"; readonly session: SessionId; readonly generation: Generation }
  /** The file has its new shape. The snapshot is of the version before, and valid until `reset-seen`. */
  | {
      readonly type: "reset-done";
      readonly session: SessionId;
      readonly generation: Generation;
      readonly before: SnapshotId;
      readonly isRecovered: boolean;
    }
  /** The loop holds the file no longer; the generation is that of the command that ended it. */
  | { readonly type: "closed"; readonly session: SessionId; readonly generation: Generation }
  /** The session has uploaded everything after `finish`. */
  | { readonly type: "finished"; readonly session: SessionId; readonly generation: Generation }
  | { readonly type: "token-needed"; readonly userKey: string }
  | { readonly type: "location-needed"; readonly userKey: string }
  | { readonly type: "url-verified"; readonly userKey: string }
  /** The loop itself broke. */
  | { readonly type: "failed"; readonly message: string };

/** Carries commands and events between the two sides. */
export interface SyncTransport {
  post(command: SyncCommand): void;
  /** Whether the process may end while this runs. */
  keepAlive(isNeeded: boolean): void;
}
