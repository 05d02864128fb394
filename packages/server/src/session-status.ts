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
  /** The session, by the number that the client gave it. */
  readonly session: number;
  /** Ident of the client file. */
  readonly fileIdent: string;
  /** Where it stands. */
  readonly phase: SessionPhase;
  /** Server version up to which the client was sent everything. */
  readonly downloadServerVersion: number;
  /** Client version up to which uploads are acknowledged. */
  readonly uploadClientVersion: number;
  /** Number of the subscription set. */
  readonly queryVersion: number;
  /** Whether a bootstrap is under way. */
  readonly isBootstrapping: boolean;
}
