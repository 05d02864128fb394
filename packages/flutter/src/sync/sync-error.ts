/**
 * Errors of synchronisation, as handlers get them.
 *
 * @module
 */

import { EngineError, type SyncErrorInformation, type User as EngineUser } from "@tidemark/engine";
import { RealmValue, type RealmValueContent } from "../data/realm-value.js";
import { engine } from "../engine.js";
import { RealmError } from "../errors.js";

/** Kinds of errors of synchronisation, by the numbers of the original's core. */
export const SyncErrorCode = {
  runtimeError: 1000,
  badPartitionValue: 1029,
  protocolInvariantFailed: 1038,
  badChangeset: 1015,
  invalidSubscriptionQuery: 1031,
  clientReset: 1032,
  invalidSchemaChange: 1036,
  permissionDenied: 1037,
  serverPermissionsChanged: 1040,
  userMismatch: 1041,
  writeNotAllowed: 1044,
  autoClientResetFailed: 1028,
  wrongSyncType: 1043,
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
  readonly objectType: string;
  readonly reason: string;
  readonly primaryKey: RealmValue;
}

/** The server has undone writes that the user may not make. */
export class CompensatingWriteError extends SyncError {
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
