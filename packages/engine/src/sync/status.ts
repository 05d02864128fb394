/**
 * From what a server or socket says to the statuses that SDKs show.
 *
 * @module
 */

import { closeCode, errorCode, type ErrorInformation } from "@tidemark/protocol";
import { simpleFailure, type SyncErrorInformation, syncStatusCode } from "../errors.js";
import type { SocketFailure } from "../host.js";
import type { ErrorConsequence } from "./messages.js";
import { primaryKeyFromBase64 } from "./rejected-key.js";

const statuses: ReadonlyMap<number, number> = new Map([
  [errorCode.connectionClosed, syncStatusCode.connectionClosed],
  [errorCode.otherError, syncStatusCode.runtimeError],
  [errorCode.badDecompression, syncStatusCode.runtimeError],
  [errorCode.switchToFlxSync, syncStatusCode.wrongSyncType],
  [errorCode.switchToPbs, syncStatusCode.wrongSyncType],
  [errorCode.sessionClosed, syncStatusCode.connectionClosed],
  [errorCode.otherSessionError, syncStatusCode.runtimeError],
  [errorCode.illegalRealmPath, syncStatusCode.badSyncPartitionValue],
  [errorCode.permissionDenied, syncStatusCode.syncPermissionDenied],
  [errorCode.badClientFileIdent, syncStatusCode.syncClientResetRequired],
  [errorCode.badServerVersion, syncStatusCode.syncClientResetRequired],
  [errorCode.badClientVersion, syncStatusCode.syncClientResetRequired],
  [errorCode.divergingHistories, syncStatusCode.syncClientResetRequired],
  [errorCode.badClientFile, syncStatusCode.syncClientResetRequired],
  [errorCode.clientFileExpired, syncStatusCode.syncClientResetRequired],
  [errorCode.badChangeset, syncStatusCode.badChangeset],
  [errorCode.userMismatch, syncStatusCode.syncUserMismatch],
  [errorCode.invalidSchemaChange, syncStatusCode.syncInvalidSchemaChange],
  [errorCode.badQuery, syncStatusCode.invalidSubscriptionQuery],
  [errorCode.serverPermissionsChanged, syncStatusCode.syncServerPermissionsChanged],
  [errorCode.initialSyncNotCompleted, syncStatusCode.connectionClosed],
  [errorCode.writeNotAllowed, syncStatusCode.syncWriteNotAllowed],
  [errorCode.compensatingWrite, syncStatusCode.syncCompensatingWrite],
  [errorCode.migrateToFlx, syncStatusCode.wrongSyncType],
  [errorCode.revertToPbs, syncStatusCode.wrongSyncType],
  [errorCode.badSchemaVersion, syncStatusCode.syncSchemaMigrationError],
  [errorCode.schemaVersionChanged, syncStatusCode.syncSchemaMigrationError],
]);

/** The server said 200, restart: the original's clients come back after exactly this. */
export const restartDelayMs = 1000;

const resetActions: readonly string[] = ["ClientReset", "ClientResetNoRecovery", "MigrateToFLX", "RevertToPBS"];

/** What the application sees of a `json_error`. */
export function serverError(code: number, information: ErrorInformation): SyncErrorInformation {
  const { message, logURL, tryAgain, action, rejectedUpdates } = information;
  return {
    status: statuses.get(code) ?? syncStatusCode.syncProtocolInvariantFailed,
    message: logURL === "" ? message : `${message} Logs: ${logURL}`,
    isFatal: !tryAgain,
    logUrl: logURL,
    protocolCode: code,
    isClientReset: resetActions.includes(action),
    writes: (rejectedUpdates ?? []).map(({ reason, table, pk }) => ({
      objectName: table,
      reason,
      primaryKey: primaryKeyFromBase64(pk),
    })),
  };
}

/** What follows from the action of a `json_error` that ends a session or connection. */
export function consequenceOf(information: ErrorInformation): ErrorConsequence {
  switch (information.action) {
    case "Transient":
    case "RefreshUser":
    case "RefreshLocation":
    case "MigrateSchema":
      return "transient";
    case "Warning":
      return "warn";
    case "LogOutUser":
      return "log-out";
    default:
      return "stop";
  }
}

/** How a broken socket is taken. */
export interface SocketVerdict {
  /** Tells reasons apart for the back-off. */
  readonly reason: string;
  readonly error: SyncErrorInformation;
  readonly consequence: ErrorConsequence;
  /** Asked for before the next attempt. */
  readonly needs: "nothing" | "token" | "location";
}

/** Judges the end of a socket (wire protocol §1.4, §1.5). */
export function socketVerdict(failure: SocketFailure, isUrlVerified: boolean): SocketVerdict {
  if (failure.kind === "http") return httpVerdict(failure.status, failure.message, isUrlVerified);
  if (failure.kind === "close") return closeVerdict(failure.closeCode, failure.message);
  const isTls = failure.kind === "tls";
  return {
    reason: failure.kind,
    error: simpleFailure(
      isTls ? syncStatusCode.tlsHandshakeFailed : syncStatusCode.syncConnectFailed,
      failure.message,
      false,
    ),
    // What ends a connection that was there is transient, as in the original; one that cannot be made is not.
    consequence: failure.kind === "read" ? "transient" : "unreachable",
    needs: failure.kind === "read" || isTls || isUrlVerified ? "nothing" : "location",
  };
}

function httpVerdict(status: number, text: string, isUrlVerified: boolean): SocketVerdict {
  const message = text === "" ? `Unexpected HTTP status ${status}` : text;
  const reason = `http ${status}`;
  const failed = simpleFailure(syncStatusCode.syncConnectFailed, message, false);
  if (status === 401) return { reason, error: failed, consequence: "transient", needs: "token" };
  if (status === 403) return { reason, error: authError(message), consequence: "log-out", needs: "nothing" };
  if (status === 301 || status === 308) return { reason, error: failed, consequence: "transient", needs: "location" };
  if ((status >= 300 && status < 400) || status >= 500) {
    return { reason, error: failed, consequence: "transient", needs: "nothing" };
  }
  if (!isUrlVerified) return { reason, error: failed, consequence: "transient", needs: "location" };
  return { reason, error: { ...failed, isFatal: true }, consequence: "warn", needs: "nothing" };
}

function closeVerdict(code: number, text: string): SocketVerdict {
  const reason = `close ${code}`;
  const message = text === "" ? `Connection closed with code ${code}` : text;
  const closed = simpleFailure(syncStatusCode.connectionClosed, message, false);
  switch (code) {
    case closeCode.normal:
    case 1006:
    case closeCode.internalError:
      return { reason, error: closed, consequence: "transient", needs: "nothing" };
    case closeCode.unauthorized:
      return { reason, error: closed, consequence: "transient", needs: "token" };
    case closeCode.forbidden:
      return { reason, error: authError(message), consequence: "log-out", needs: "nothing" };
    case closeCode.movedPermanently:
      return { reason, error: closed, consequence: "transient", needs: "location" };
    case closeCode.messageTooBig: {
      const error = { ...simpleFailure(syncStatusCode.limitExceeded, message, true), isClientReset: true };
      return { reason, error, consequence: "stop", needs: "nothing" };
    }
    default:
      return {
        reason,
        error: simpleFailure(syncStatusCode.syncProtocolInvariantFailed, message, false),
        consequence: "warn",
        needs: "nothing",
      };
  }
}

/** The error with which a user is logged out. */
export function authError(message: string): SyncErrorInformation {
  return simpleFailure(syncStatusCode.authError, message, true);
}
