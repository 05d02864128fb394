/**
 * Errors of synchronisation, as handlers get them.
 *
 * @module
 */

import { EngineError, type SyncErrorInformation, type User as EngineUser } from "@tidemark/engine";
import { RealmValue, type RealmValueContent } from "../data/realm-value.js";
import { engine } from "../engine.js";
import { RealmError } from "../errors.js";

/**
 * Numbers of errors, as realm-core has them.
 *
 * @enum
 */
export const SyncErrorCode = {
  /** Something that has no number of its own. */
  runtimeError: 1000,
  /** Of the other kind of sync. */
  badPartitionValue: 1029,
  /** Client and server do not understand each other. */
  protocolInvariantFailed: 1038,
  /** The server could not read an upload. */
  badChangeset: 1015,
  /** The server has refused a query. */
  invalidSubscriptionQuery: 1031,
  /** The file has to start over. */
  clientReset: 1032,
  /** The classes do not fit those of the server. */
  invalidSchemaChange: 1036,
  /** The user may not sync. */
  permissionDenied: 1037,
  /** The rules have changed. */
  serverPermissionsChanged: 1040,
  /** The file belongs to another user. */
  userMismatch: 1041,
  /** A write was not allowed. */
  writeNotAllowed: 1044,
  /** A client reset could not be done. */
  autoClientResetFailed: 1028,
  /** The app uses the other kind of sync. */
  wrongSyncType: 1043,
  /** The server has undone writes. */
  compensatingWrite: 1033,
} as const;
export type SyncErrorCode = (typeof SyncErrorCode)[keyof typeof SyncErrorCode];

/** Something went wrong with synchronisation. */
export class SyncError extends RealmError {
  /** One of {@link SyncErrorCode}, or another of the original's codes. */
  declare readonly code: number;
  /** What a handler of a client reset threw. */
  readonly innerError: unknown;

  constructor(message: string, code: number, innerError?: unknown) {
    super(message, { code, ...(innerError === undefined ? {} : { cause: innerError }) });
    this.innerError = innerError;
  }
}

/** The file cannot be synced any more as it is, or a client reset has not gone as it should. */
export class ClientResetError extends SyncError {
  readonly #user: EngineUser;
  /** Where the file is. */
  readonly originalFilePath: string;
  /** Where it will be: by {@link ClientResetError.resetRealm}, or with the next start of the app. */
  readonly backupFilePath: string | undefined;

  /** @internal */
  constructor(information: SyncErrorInformation, user: EngineUser, path: string, innerError?: unknown) {
    super(information.message, information.status, innerError);
    this.#user = user;
    this.originalFilePath = path;
    this.backupFilePath = information.recoveryPath;
  }

  /**
   * Moves the file to {@link ClientResetError.backupFilePath}, so that the next opening downloads everything.
   *
   * @returns `false` if the file is open: every realm of it must be closed before; or if nothing is to be reset.
   */
  resetRealm(): boolean {
    try {
      engine().initiateClientReset(this.#user.app, this.originalFilePath);
      return true;
    } catch (error) {
      if (error instanceof EngineError && error.code === "invalid-argument") return false;
      throw error;
    }
  }
}

/** One write that the server undid. */
export interface CompensatingWriteInfo {
  /** Name of the class. */
  readonly objectType: string;
  /** Why, in the server's words. */
  readonly reason: string;
  /** Value of the primary key. */
  readonly primaryKey: RealmValue;
}

/** The server has undone writes that the user may not make. */
export class CompensatingWriteError extends SyncError {
  /** What was undone. */
  readonly compensatingWrites: readonly CompensatingWriteInfo[];

  /** @internal */
  constructor(information: SyncErrorInformation) {
    super(information.message, information.status);
    this.compensatingWrites = information.writes.map(({ objectName, reason, primaryKey }) => ({
      objectType: objectName,
      reason,
      primaryKey: RealmValue.from(primaryKey as RealmValueContent),
    }));
  }
}

/** What a handler gets. */
export function syncErrorOf(
  information: SyncErrorInformation,
  user: EngineUser,
  path: string,
  innerError?: unknown,
): SyncError {
  if (information.writes.length > 0) return new CompensatingWriteError(information);
  if (information.isClientReset) return new ClientResetError(information, user, path, innerError);
  return new SyncError(information.message, information.status);
}
