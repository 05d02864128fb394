/**
 * Numbers that both ends of a connection agree on, and the limits a receiver sets.
 *
 * @module
 */

/** 2015-01-01T00:00:00Z in milliseconds of the Unix clock: origin timestamps count from here. */
export const syncEpochMs = 1_420_070_400_000;

/** Newest version of the protocol spoken here. */
export const protocolVersionMax = 14;

/** Oldest version of the protocol spoken here: `#` in tokens, JSON in BIND, `action` in errors. */
export const protocolVersionMin = 9;

/** First version that reads a fraction, not only an integer, as a bootstrap's progress. */
export const progressFractionVersionMin = 12;

/** First version that knows `log_message`. */
export const logMessageVersionMin = 10;

/** First version in which the server may start a bootstrap by itself, and batch state 2 is told from 1. */
export const serverBootstrapVersionMin = 14;

/** The ident that changes of the server itself carry: never given to a client file. */
export const serverFileIdent = 1n;

/** Largest ident, salt or version on the wire. */
export const int64Max = 0x7fff_ffff_ffff_ffffn;

/**
 * State of the part of a bootstrap, or of a steady message, that a DOWNLOAD carries.
 *
 * @enum
 */
export const batchState = {
  /** A part of a bootstrap; the client stores it. */
  moreToCome: 0,
  /** The last part; the client applies all of them. */
  lastInBatch: 1,
  /** Applied at once. */
  steadyState: 2,
} as const;

/** One of {@link batchState}. */
export type BatchState = (typeof batchState)[keyof typeof batchState];

/**
 * Why a session is bound: ordinary sync, or as a part of a client reset.
 *
 * @enum
 */
export const sessionReason = {
  /** Ordinary sync. */
  sync: 0,
  /** The download of a fresh copy for a client reset. */
  clientReset: 1,
} as const;

/** Bodies are compressed only when they are longer than this, as the original's clients do. */
export const compressionBytesMin = 1024;

/** What a receiver accepts, each bounded before anything is allocated for it. */
export interface ProtocolLimits {
  /** The line before the first newline. */
  readonly headBytesMax: number;
  /** JSON of BIND, and its token. */
  readonly bindBytesMax: number;
  /** Subscription set of IDENT and QUERY. */
  readonly queryBytesMax: number;
  /** Uncompressed changeset entries of one message. */
  readonly bodyBytesMax: number;
  /** Texts of errors, log messages and test commands. */
  readonly textBytesMax: number;
}

/** Limits that hold when a receiver sets none. */
export const defaultProtocolLimits: ProtocolLimits = {
  headBytesMax: 512,
  bindBytesMax: 4096,
  queryBytesMax: 4 * 1024 * 1024,
  bodyBytesMax: 64 * 1024 * 1024,
  textBytesMax: 1024 * 1024,
};

/** Largest WebSocket message that a server takes from a client. */
export const messageBytesMax: number = 16 * 1024 * 1024 + 1;

/** Turns the Unix clock into an origin timestamp; a clock before the epoch counts as the epoch. */
export function toSyncTimestamp(unixMs: number): number {
  return Math.max(0, Math.floor(unixMs - syncEpochMs));
}

/** Turns an origin timestamp into the Unix clock. */
export function fromSyncTimestamp(timestampMs: number): number {
  return timestampMs + syncEpochMs;
}
