/**
 * Errors as if the server had sent them, for tests of what applications do about them.
 *
 * @module
 */

import { simpleFailure, syncStatusCode } from "../errors.js";
import type { SyncSession } from "./sync-session.js";

/** Codes of the protocol that are client resets. */
const divergingHistories = 211;
const autoClientResetFailure = 132;

/** Begins a client reset as if the server had demanded it, lets one fail, or lets the session fail. */
export function simulateError(session: SyncSession, code: number, message: string, isFatal: boolean): void {
  if (code === divergingHistories) {
    const error = { ...simpleFailure(syncStatusCode.syncClientResetRequired, message, isFatal), isClientReset: true };
    return session.demandReset(error, code);
  }
  if (code === autoClientResetFailure) {
    const error = { ...simpleFailure(syncStatusCode.autoClientResetFailed, message, isFatal), isClientReset: true };
    return session.onError(error, "stop");
  }
  session.onError(simpleFailure(code, message, isFatal), isFatal ? "stop" : "warn");
}
