/**
 * What others are told about a session.
 *
 * @module
 */

/** Where a session stands. */
export type SessionPhase =
  /** BIND asked for a file ident, which is being made. */
  | "allocating"
  /** The client's IDENT is awaited. */
  | "waiting"
  /** The client's IDENT was received. */
  | "identified"
  /** An error was sent: everything but UNBIND is ignored. */
  | "failed"
  | "ended";

/** What the status page shows of a session. */
export interface SessionStatus {
  readonly session: number;
  readonly fileIdent: string;
  readonly phase: SessionPhase;
  readonly downloadServerVersion: number;
  readonly uploadClientVersion: number;
  readonly queryVersion: number;
  readonly isBootstrapping: boolean;
}
