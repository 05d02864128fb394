/**
 * Exceptions of synchronisation, as in realm-kotlin 2.3: `[Sync][Name(number)] text.`
 *
 * @module
 */

import { type SyncErrorInformation, syncStatusCode } from "@tidemark/engine";
import { AppException } from "../app/exceptions.js";
import { type AnyValue, RealmAny } from "../data/any.js";

/** Synchronisation has gone wrong. */
export class SyncException extends AppException {
  override readonly name: string = "SyncException";
  /** Whether the session cannot go on. */
  readonly isFatal: boolean;

  /** @internal */
  constructor(message: string, isFatal: boolean, code?: number, options?: ErrorOptions) {
    super(message, code, options);
    this.isFatal = isFatal;
  }
}

/** @deprecated A session that cannot go on; look at {@link SyncException.isFatal}. */
export class UnrecoverableSyncException extends SyncException {
  override readonly name: string = "UnrecoverableSyncException";
}

/** The app uses another kind of synchronisation, or none. */
export class WrongSyncTypeException extends UnrecoverableSyncException {
  override readonly name: string = "WrongSyncTypeException";
}

/** A subscription's query is not one that can be synchronised. */
export class BadFlexibleSyncQueryException extends SyncException {
  override readonly name: string = "BadFlexibleSyncQueryException";
}

/** A write that the server undid. */
export interface CompensatingWriteInfo {
  /** Why, in the server's words. */
  readonly reason: string;
  /** Name of the model. */
  readonly objectType: string;
  /** Value of the primary key; null if it is null. */
  readonly primaryKey: RealmAny | null;
}

/** The server has undone writes: they were not allowed, or outside of the subscriptions. */
export class CompensatingWriteException extends SyncException {
  override readonly name: string = "CompensatingWriteException";
  /** What was undone. */
  readonly writes: readonly CompensatingWriteInfo[];

  /** @internal */
  constructor(message: string, information: SyncErrorInformation, options?: ErrorOptions) {
    super(message, information.isFatal, information.status, options);
    this.writes = information.writes.map(({ objectName, primaryKey, reason }) => ({
      reason,
      objectType: objectName,
      primaryKey: primaryKey === null || primaryKey === undefined ? null : RealmAny.create(primaryKey as AnyValue),
    }));
  }
}

/**
 * The file cannot be synchronised any more as it is, and the application has to deal with it: until
 * {@link executeClientReset} or the next start of the app the realm works without a session.
 */
export class ClientResetRequiredException extends AppException {
  override readonly name: string = "ClientResetRequiredException";
  /** Where the file is. */
  readonly originalFilePath: string;
  /** Where the file will be. */
  readonly recoveryFilePath: string;
  readonly #execute: () => boolean;

  /** @internal */
  constructor(information: SyncErrorInformation, path: string, execute: () => boolean, options?: ErrorOptions) {
    super(messageOfSyncError(information), information.status, options);
    this.originalFilePath = path;
    this.recoveryFilePath = information.recoveryPath ?? path;
    this.#execute = execute;
  }

  /**
   * Moves the file to its recovery path, so that the next opening downloads everything. All realms of the file must be
   * closed.
   *
   * @returns false if nothing was moved: a realm is open, or it was moved before.
   */
  executeClientReset(): boolean {
    return this.#execute();
  }
}

/** Names by number. */
const names: Readonly<Record<number, string>> = {
  [syncStatusCode.runtimeError]: "RuntimeError",
  [syncStatusCode.badChangeset]: "BadChangeset",
  [syncStatusCode.subscriptionFailed]: "SubscriptionFailed",
  [syncStatusCode.limitExceeded]: "LimitExceeded",
  [syncStatusCode.noSubscriptionForWrite]: "NoSubscriptionForWrite",
  [syncStatusCode.operationAborted]: "OperationAborted",
  [syncStatusCode.autoClientResetFailed]: "AutoClientResetFailed",
  [syncStatusCode.badSyncPartitionValue]: "BadPartitionValue",
  [syncStatusCode.connectionClosed]: "ConnectionClosed",
  [syncStatusCode.invalidSubscriptionQuery]: "InvalidSubscriptionQuery",
  [syncStatusCode.syncClientResetRequired]: "ClientResetRequired",
  [syncStatusCode.syncCompensatingWrite]: "CompensatingWrite",
  [syncStatusCode.syncConnectFailed]: "ConnectFailed",
  [syncStatusCode.syncConnectTimeout]: "ConnectTimeout",
  [syncStatusCode.syncInvalidSchemaChange]: "InvalidSchemaChange",
  [syncStatusCode.syncPermissionDenied]: "PermissionDenied",
  [syncStatusCode.syncProtocolInvariantFailed]: "ProtocolInvariantFailed",
  [syncStatusCode.syncProtocolNegotiationFailed]: "ProtocolNegotiationFailed",
  [syncStatusCode.syncServerPermissionsChanged]: "ServerPermissionsChanged",
  [syncStatusCode.syncUserMismatch]: "UserMismatch",
  [syncStatusCode.tlsHandshakeFailed]: "TlsHandshakeFailed",
  [syncStatusCode.wrongSyncType]: "WrongSyncType",
  [syncStatusCode.syncWriteNotAllowed]: "WriteNotAllowed",
  [syncStatusCode.syncSchemaMigrationError]: "SchemaMigrationError",
  [syncStatusCode.authError]: "AuthError",
};

/** @internal `[Sync][Name(number)] text.` */
export function messageOfSyncError({ status, message }: SyncErrorInformation): string {
  const text = message.endsWith(".") ? message : `${message}.`;

  return `[Sync][${names[status] ?? "Unknown"}(${status})] ${text}`;
}

type Make = (information: SyncErrorInformation, options: ErrorOptions) => SyncException;

const unrecoverable: Make = (information, options) =>
  new UnrecoverableSyncException(messageOfSyncError(information), information.isFatal, information.status, options);

/** A bad query is told in the server's own words. */
const badQuery: Make = ({ message, isFatal, status }, options) =>
  new BadFlexibleSyncQueryException(message, isFatal, status, options);

/** Numbers that have an exception of their own. */
const table: Readonly<Record<number, Make>> = {
  [syncStatusCode.subscriptionFailed]: badQuery,
  [syncStatusCode.invalidSubscriptionQuery]: badQuery,
  [syncStatusCode.syncPermissionDenied]: unrecoverable,
  [syncStatusCode.syncProtocolInvariantFailed]: unrecoverable,
  [syncStatusCode.syncProtocolNegotiationFailed]: unrecoverable,
  [syncStatusCode.wrongSyncType]: (information, options) =>
    new WrongSyncTypeException(messageOfSyncError(information), information.isFatal, information.status, options),
  [syncStatusCode.syncCompensatingWrite]: (information, options) =>
    new CompensatingWriteException(messageOfSyncError(information), information, options),
};

/** @internal The exception for a failure of synchronisation. */
export function syncExceptionOf(information: SyncErrorInformation, options: ErrorOptions = {}): SyncException {
  const make = table[information.status];
  if (make !== undefined) return make(information, options);
  return new SyncException(messageOfSyncError(information), information.isFatal, information.status, options);
}
