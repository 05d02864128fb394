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
  /** Where the file is. */
  readonly path: string;
  /** Names the user and the server: sessions of one key share a connection. */
  readonly userKey: string;
  /** Whether it shares a connection with others of its key. */
  readonly isMultiplexed: boolean;
  /** Version of the schema that the server is told. */
  readonly schemaVersion: number;
  /** Headers that are sent when connecting. */
  readonly headers: Readonly<Record<string, string>>;
  /** What is done when the server demands a client reset; `manual` leaves it to the application. */
  readonly resetPolicy: ResetPolicy | "manual";
  /** Times of its connection: those of the session that made it, where it is shared. */
  readonly timeouts: SyncTimeouts;
  /** 64 bytes, if the file is encrypted. */
  readonly encryptionKey?: Uint8Array | undefined;
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

/** Times of connections and sessions. */
export interface SyncTimeouts {
  /** How long connecting may take; 2 minutes. */
  readonly connectTimeoutMs: number;
  /** How long a connection is kept that nobody uses; 30 seconds. */
  readonly connectionLingerMs: number;
  /** How often the server is asked for a sign of life; every minute. */
  readonly pingPeriodMs: number;
  /** How long it may take to give one; 2 minutes. */
  readonly pongTimeoutMs: number;
  /** Connected again within this, uploads go on at once; 1 minute. */
  readonly fastReconnectLimitMs: number;
  /** The first pause between two attempts; 1 second. */
  readonly backOffInitialMs: number;
  /** The longest pause; 5 minutes. */
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
  /** A user's access token and route, at first and whenever they change. */
  | {
      /** Tells them apart. */
      readonly type: "user";
      /** See {@link SessionSettings.userKey}. */
      readonly userKey: string;
      /** The route, as a WebSocket address. */
      readonly url: string;
      /** The user's token. */
      readonly accessToken: string;
      /** Whether the server itself has named the route. */
      readonly isUrlVerified: boolean;
    }
  /** The user is logged out and has no session left. */
  | {
      /** Tells them apart. */
      readonly type: "forget-user";
      /** Whose. */
      readonly userKey: string;
    }
  | {
      /** Tells them apart. */
      readonly type: "activate";
      /** Which session. */
      readonly session: SessionId;
      /** See {@link Generation}. */
      readonly generation: Generation;
      /** How it syncs. */
      readonly settings: SessionSettings;
    }
  | {
      /** Tells them apart. */
      readonly type: "deactivate";
      /** Which session. */
      readonly session: SessionId;
      /** See {@link Generation}. */
      readonly generation: Generation;
      /** Keeps an unused connection for a while. */
      readonly mayLinger: boolean;
    }
  /** Uploads what there is, then ends by itself. */
  | {
      /** Tells them apart. */
      readonly type: "finish";
      /** Which session. */
      readonly session: SessionId;
      /** See {@link Generation}. */
      readonly generation: Generation;
    }
  /** Something was committed: objects or a subscription set. */
  | {
      /** Tells them apart. */
      readonly type: "committed";
      /** Which session. */
      readonly session: SessionId;
    }
  | {
      /** Tells them apart. */
      readonly type: "wait-upload";
      /** Which session. */
      readonly session: SessionId;
      /** Number of the wait. */
      readonly wait: number;
      /** Client version that is to be uploaded. */
      readonly targetVersion: number;
      /** Whose versions these are: a client reset gives the file another identity, and may give it other versions. */
      readonly fileIdentity: string;
    }
  | {
      /** Tells them apart. */
      readonly type: "wait-download";
      /** Which session. */
      readonly session: SessionId;
      /** Number of the wait. */
      readonly wait: number;
    }
  /** Begins a client reset as if the server had demanded it. */
  | {
      /** Tells them apart. */
      readonly type: "demand-reset";
      /** Which session. */
      readonly session: SessionId;
      /** See {@link Generation}. */
      readonly generation: Generation;
      /** What the server has said, or would. */
      readonly demand: ResetDemand;
    }
  /** Answer to `reset-ready`: the file may change; or, with a reason, it must not. */
  | {
      /** Tells them apart. */
      readonly type: "reset-answer";
      /** Which session. */
      readonly session: SessionId;
      /** See {@link Generation}. */
      readonly generation: Generation;
      /** Why the file must not change; `null` if it may. */
      readonly refusal: string | null;
    }
  /** The application has what it wanted of the snapshot that `reset-done` named. */
  | {
      /** Tells them apart. */
      readonly type: "reset-seen";
      /** Which session. */
      readonly session: SessionId;
      /** Snapshot of the version before. */
      readonly before: SnapshotId;
    }
  /** Ends the waiting between attempts; `null` for all sessions. */
  | {
      /** Tells them apart. */
      readonly type: "reconnect";
      /** Which session. */
      readonly session: SessionId | null;
    }
  | {
      /** Tells them apart. */
      readonly type: "stop";
    };

/** Numbers of a progress report. */
export interface ProgressReport {
  /** Bytes that the server has acknowledged. */
  readonly uploaded: number;
  /** The same with those that it has not. */
  readonly uploadable: number;
  /** From 0 to 1, since everything was last uploaded. */
  readonly uploadEstimate: number;
  /** Bytes that are here. */
  readonly downloaded: number;
  /** The same with those that are estimated to come. */
  readonly downloadable: number;
  /** From 0 to 1; the server's. */
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
      /** Tells them apart. */
      readonly type: "connection";
      /** Which session. */
      readonly session: SessionId;
      /** See {@link Generation}. */
      readonly generation: Generation;
      /** The new state. */
      readonly state: ConnectionState;
    }
  /** The file has a new version, or subscription sets changed their state. */
  | {
      /** Tells them apart. */
      readonly type: "changed";
      /** Which session. */
      readonly session: SessionId;
    }
  | {
      /** Tells them apart. */
      readonly type: "progress";
      /** Which session. */
      readonly session: SessionId;
      /** The numbers. */
      readonly report: ProgressReport;
    }
  | {
      /** Tells them apart. */
      readonly type: "wait-done";
      /** Which session. */
      readonly session: SessionId;
      /** Number of the wait. */
      readonly wait: number;
    }
  | {
      /** Tells them apart. */
      readonly type: "error";
      /** Which session. */
      readonly session: SessionId;
      /** See {@link Generation}. */
      readonly generation: Generation;
      /** What is done about it. */
      readonly consequence: ErrorConsequence;
      /** What happened. */
      readonly error: SyncErrorInformation;
    }
  /** The fresh copy of a client reset is there: the file is about to change, once that is answered. */
  | {
      /** Tells them apart. */
      readonly type: "reset-ready";
      /** Which session. */
      readonly session: SessionId;
      /** See {@link Generation}. */
      readonly generation: Generation;
    }
  /** The file has its new shape. The snapshot is of the version before, and valid until `reset-seen`. */
  | {
      /** Tells them apart. */
      readonly type: "reset-done";
      /** Which session. */
      readonly session: SessionId;
      /** See {@link Generation}. */
      readonly generation: Generation;
      /** Snapshot of the version before. */
      readonly before: SnapshotId;
      /** Whether what was not uploaded was brought back. */
      readonly isRecovered: boolean;
    }
  /** The loop holds the file no longer; the generation is that of the command that ended it. */
  | {
      /** Tells them apart. */
      readonly type: "closed";
      /** Which session. */
      readonly session: SessionId;
      /** See {@link Generation}. */
      readonly generation: Generation;
    }
  /** The session has uploaded everything after `finish`. */
  | {
      /** Tells them apart. */
      readonly type: "finished";
      /** Which session. */
      readonly session: SessionId;
      /** See {@link Generation}. */
      readonly generation: Generation;
    }
  | {
      /** Tells them apart. */
      readonly type: "token-needed";
      /** See {@link SessionSettings.userKey}. */
      readonly userKey: string;
    }
  | {
      /** Tells them apart. */
      readonly type: "location-needed";
      /** See {@link SessionSettings.userKey}. */
      readonly userKey: string;
    }
  | {
      /** Tells them apart. */
      readonly type: "url-verified";
      /** See {@link SessionSettings.userKey}. */
      readonly userKey: string;
    }
  /** The loop itself broke. */
  | {
      /** Tells them apart. */
      readonly type: "failed";
      /** What broke. */
      readonly message: string;
    };

/** Carries commands and events between the two sides. */
export interface SyncTransport {
  /** Hands a command to the loop. */
  post(command: SyncCommand): void;
  /** Whether the process may end while this runs. */
  keepAlive(isNeeded: boolean): void;
}
