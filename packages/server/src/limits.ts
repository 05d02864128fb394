/**
 * Every bound the server sets, with its default.
 *
 * @module
 */

import { messageBytesMax } from "@tidemark/protocol";

/** What one client, user or connection may take up. */
export interface ServerLimits {
  /** Largest WebSocket message; a larger one closes the connection with 1009. */
  readonly messageBytesMax: number;
  /** Largest body of an UPLOAD after decompression. */
  readonly uploadBytesMax: number;
  /** Longest predicate of one class in a subscription set. */
  readonly queryBytesMax: number;
  /** Classes in one subscription set. */
  readonly subscriptionsMax: number;
  /** Open connections of one user. */
  readonly connectionsPerUserMax: number;
  /** Open connections of all users. */
  readonly connectionsMax: number;
  /** Sessions on one connection. */
  readonly sessionsPerConnectionMax: number;
  /** Sessions that were refused and not ended yet, before the connection is: each is remembered until its UNBIND. */
  readonly refusedSessionsMax: number;
  /** MARKs of one session that are answered one by one; of more, the newest is answered for all. */
  readonly marksMax: number;
  /** Bytes waiting for a slow receiver before no more downloads are made for it. */
  readonly waitingBytesMax: number;
  /** Bytes waiting for a receiver that does not read at all before it is dropped. */
  readonly waitingBytesHardMax: number;
  /**
   * Bytes waiting for all receivers together. Beyond it, nobody gets a download before the one before has left, and
   * whoever makes more than {@link waitingBytesMax} wait is dropped.
   */
  readonly waitingBytesAllMax: number;
  /** Bytes received from a connection and not yet worked through before reading from it pauses. */
  readonly pendingBytesMax: number;
  /** Uncompressed entries of the log in one DOWNLOAD, a soft limit. */
  readonly downloadBytesMax: number;
  /**
   * Uncompressed part of a bootstrap, a soft limit. The larger it is, the fewer bytes an object takes, and the more
   * memory a part needs on both sides: the original's client applies one as a whole. A part whose objects would not get
   * smaller ends after 1 MiB.
   */
  readonly bootstrapBytesMax: number;
  /** Uncompressed bytes that share one commit. */
  readonly commitBytesMax: number;
  /** Uploads that share one commit. */
  readonly commitUploadsMax: number;
  /** Downloads of one app that are made at the same time. */
  readonly concurrentDownloadsMax: number;
  /** Passwords that are hashed at the same time. */
  readonly concurrentHashesMax: number;
  /** Log-ins that may wait for their password to be hashed. */
  readonly waitingHashesMax: number;
  /** Body of an HTTP request. */
  readonly requestBytesMax: number;
  /** Apps that come into being by being asked for, where any app id is accepted. */
  readonly appsMax: number;
  /** A connection that says nothing for so long is dropped; clients ping at least every ten minutes. */
  readonly idleMs: number;
  /** A connection without any session is dropped after this. */
  readonly lingerMs: number;
  /** How long a peer may take to close after it was told to. */
  readonly closeMs: number;
  /** How often idle connections are looked for. */
  readonly reaperIntervalMs: number;
}

/** Limits that hold when none are given. */
export const defaultServerLimits: ServerLimits = {
  messageBytesMax,
  uploadBytesMax: 64 * 1024 * 1024,
  queryBytesMax: 256 * 1024,
  subscriptionsMax: 1000,
  connectionsPerUserMax: 200,
  connectionsMax: 10_000,
  sessionsPerConnectionMax: 100,
  refusedSessionsMax: 1000,
  marksMax: 100,
  waitingBytesMax: 4 * 1024 * 1024,
  waitingBytesHardMax: 64 * 1024 * 1024,
  waitingBytesAllMax: 512 * 1024 * 1024,
  pendingBytesMax: 32 * 1024 * 1024,
  downloadBytesMax: 1024 * 1024,
  bootstrapBytesMax: 8 * 1024 * 1024,
  commitBytesMax: 16 * 1024 * 1024,
  commitUploadsMax: 256,
  concurrentDownloadsMax: 4,
  concurrentHashesMax: 2,
  waitingHashesMax: 100,
  requestBytesMax: 1024 * 1024,
  appsMax: 100,
  idleMs: 30 * 60_000,
  lingerMs: 10 * 60_000,
  closeMs: 2000,
  reaperIntervalMs: 60_000,
};
