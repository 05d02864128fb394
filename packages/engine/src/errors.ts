/**
 * Errors of the engine. Facades map `code` to the errors of their SDK in one table.
 *
 * @module
 */

import { TidemarkError } from "@tidemark/protocol";

/** What can go wrong, apart from what the server reports. */
export type EngineErrorCode =
  /** The object, collection or realm handle no longer stands for anything. */
  | "invalidated"
  | "closed"
  | "not-in-write"
  | "already-in-write"
  | "read-only"
  /** A value does not fit the property it is given to. */
  | "type-mismatch"
  | "missing-property"
  | "unknown-class"
  | "unknown-property"
  | "duplicate-primary-key"
  | "read-only-property"
  | "out-of-bounds"
  /** A text or binary is longer than what can be stored. */
  | "limit-exceeded"
  | "invalid-argument"
  | "invalid-schema"
  | "schema-mismatch"
  /** The file has a higher version of the schema, or another one, than the application gives. */
  | "schema-version"
  | "invalid-query"
  | "no-subscription"
  | "duplicate-subscription"
  | "incompatible-configuration"
  | "file-in-use"
  | "file-damaged"
  /** The file is encrypted and no key was given, or another one; or it is not encrypted and there was one. */
  | "file-key-needed"
  | "file-key-wrong"
  | "file-not-encrypted"
  /** An encryption key has another length than 64 bytes. */
  | "invalid-key"
  | "file-exists"
  /** No space is left on the device, or it has failed. What was committed before is kept. */
  | "disk-full"
  | "file-device"
  /** A copy for other devices would take along what was not uploaded. */
  | "unsynced-changes"
  | "logged-out"
  | "user-removed"
  | "http"
  | "service"
  | "timeout"
  | "cancelled"
  /** A listener was registered twice. */
  | "duplicate-listener";

/** An error of the engine. */
export class EngineError extends TidemarkError {
  /** What went wrong; stable. */
  declare readonly code: EngineErrorCode;

  /** Narrows the codes to those of the engine. */
  // oxlint-disable-next-line no-useless-constructor
  constructor(code: EngineErrorCode, message: string, options?: ErrorOptions) {
    super(code, message, options);
  }
}

/** A call that the server answered with an error, or did not answer. */
export class ServiceError extends EngineError {
  /** HTTP status, 0 if there was no answer. */
  readonly status: number;
  /** The server's own name of the error, `error_code`. */
  readonly serviceCode: string | undefined;
  /** Where the server has written of it. */
  readonly link: string | undefined;
  /** Whether the message is the server's own, and not made here of what it answered. */
  readonly hasText: boolean;

  constructor(
    message: string,
    details: {
      readonly status: number;
      readonly serviceCode?: string | undefined;
      readonly link?: string | undefined;
      readonly hasText?: boolean;
    },
    options?: ErrorOptions,
  ) {
    super(details.status === 0 ? "http" : "service", message, options);
    this.status = details.status;
    this.serviceCode = details.serviceCode;
    this.link = details.link;
    this.hasText = details.hasText ?? true;
  }
}

/**
 * Numbers that SDKs show for errors of synchronisation, as realm-core has them.
 *
 * @enum
 */
export const syncStatusCode = {
  /** Something that has no number of its own. */
  runtimeError: 1000,
  /** The server could not read an upload, or the client a download. */
  badChangeset: 1015,
  /** The server has refused a set of subscriptions. */
  subscriptionFailed: 1016,
  /** A class was written to which nobody has subscribed. */
  noSubscriptionForWrite: 1026,
  /** The session was stopped before a wait was over. */
  operationAborted: 1027,
  /** A client reset could not be done. */
  autoClientResetFailed: 1028,
  /** Of partition-based sync. */
  badSyncPartitionValue: 1029,
  /** The connection was closed. */
  connectionClosed: 1030,
  /** The server has refused a query. */
  invalidSubscriptionQuery: 1031,
  /** The file has to start over. */
  syncClientResetRequired: 1032,
  /** The server has undone writes. */
  syncCompensatingWrite: 1033,
  /** No connection came about. */
  syncConnectFailed: 1034,
  /** No connection came about in time. */
  syncConnectTimeout: 1035,
  /** The classes do not fit those of the server. */
  syncInvalidSchemaChange: 1036,
  /** The user may not sync. */
  syncPermissionDenied: 1037,
  /** Client and server do not understand each other. */
  syncProtocolInvariantFailed: 1038,
  /** They have no version of the protocol in common. */
  syncProtocolNegotiationFailed: 1039,
  /** The rules have changed. */
  syncServerPermissionsChanged: 1040,
  /** The file belongs to another user. */
  syncUserMismatch: 1041,
  /** The server's certificate was not accepted. */
  tlsHandshakeFailed: 1042,
  /** The app uses another kind of sync. */
  wrongSyncType: 1043,
  /** A write was not allowed. */
  syncWriteNotAllowed: 1044,
  /** The file could not be brought to another version of the schema. */
  syncSchemaMigrationError: 1046,
  /** Something is larger than the server takes. */
  limitExceeded: 1023,
  /** No new access token could be had: the user is logged out. */
  authError: 4346,
} as const;

/** An object write that the server undid. */
export interface CompensatedWrite {
  /** Class of the object. */
  readonly objectName: string;
  /** Why, in the server's words. */
  readonly reason: string;
  /** Value of the primary key; in what the loop says, the text that the server sent. */
  readonly primaryKey: unknown;
}

/** What the session reports to the application's error handler, and what pending waits fail with. */
export interface SyncErrorInformation {
  /** One of {@link syncStatusCode}. */
  readonly status: number;
  /** The text. */
  readonly message: string;
  /** Whether the session has ended. */
  readonly isFatal: boolean;
  /** Where the server has written of it; may be empty. */
  readonly logUrl: string;
  /** Code of the protocol, if the server sent one. */
  readonly protocolCode?: number;
  /** Whether the file cannot go on without a reset, or a reset has not gone as it should. */
  readonly isClientReset: boolean;
  /** Where the file is moved by the next start of the app, or before it if the application says so. */
  readonly recoveryPath?: string;
  /** What the server has undone. */
  readonly writes: readonly CompensatedWrite[];
}

/** A failure of synchronisation as an error. */
export class SyncFailure extends TidemarkError {
  /** What happened. */
  readonly information: SyncErrorInformation;

  constructor(information: SyncErrorInformation) {
    super("sync", information.message);
    this.information = information;
  }
}

/** The failure that pending waits get when their session stops. */
export function operationAborted(message: string = "Sync session became inactive"): SyncFailure {
  return new SyncFailure(simpleFailure(syncStatusCode.operationAborted, message, false));
}

/** Information of a failure without details. */
export function simpleFailure(status: number, message: string, isFatal: boolean): SyncErrorInformation {
  return { status, message, isFatal, logUrl: "", isClientReset: false, writes: [] };
}

/** The code of any thrown thing, if it has one. */
export function errorCodeOf(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/** The message of any thrown thing. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The value, which cannot be absent here; `reason` says why. */
export function must<T>(value: T | null | undefined, reason: string): T {
  if (value === null || value === undefined) throw new Error(`broken invariant: ${reason}`);
  return value;
}
