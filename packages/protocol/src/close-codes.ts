/**
 * WebSocket close codes, and what they make an original client do.
 *
 * @module
 */

/**
 * Codes a server may close with. Values 4400 to 4405 are the client's own and are never sent.
 *
 * @enum
 */
export const closeCode = {
  /** Ignored; the end of the connection that follows makes the client reconnect in silence. */
  normal: 1000,
  /** The server is being stopped: the client reconnects. */
  goingAway: 1001,
  /** The WebSocket protocol was broken. */
  protocolError: 1002,
  /** Something is not allowed. */
  policyViolation: 1008,
  /** Starts a client reset: only for a message that can never be accepted. */
  messageTooBig: 1009,
  /** Reconnects with back-off. */
  internalError: 1011,
  /** The access token is bad or has expired: the client refreshes it and reconnects. */
  unauthorized: 4001,
  /** The user is disabled or deleted: the client logs the user out. */
  forbidden: 4002,
  /** The client asks for the location again and restarts its sessions there. */
  movedPermanently: 4003,
  /** Understood by clients up to protocol 13; later ones see 1008. */
  clientTooOld: 4004,
  /** Likewise. */
  clientTooNew: 4005,
  /** Likewise. */
  protocolMismatch: 4006,
} as const;

/** One of {@link closeCode}. */
export type CloseCode = (typeof closeCode)[keyof typeof closeCode];
