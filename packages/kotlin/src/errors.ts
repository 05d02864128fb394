/**
 * Exceptions of the language and of the database, and the one table from the engine's codes to them. Those of the
 * server are in `app/exceptions.ts` and `sync/exceptions.ts`.
 *
 * @module
 */

import {
  EngineError,
  type EngineErrorCode,
  refuseAsync as refusePromise,
  ServiceError,
  SyncFailure,
} from "@tidemark/engine";
import { serviceExceptionOf } from "./app/exceptions.js";
import { syncExceptionOf } from "./sync/exceptions.js";

/** Something is not in the state that a call needs. */
export class IllegalStateException extends Error {
  /** Name of the class. */
  override readonly name: string = "IllegalStateException";
}

/** An argument is not allowed. */
export class IllegalArgumentException extends Error {
  /** Name of the class. */
  override readonly name: string = "IllegalArgumentException";
}

/** A position is outside of a collection. */
export class IndexOutOfBoundsException extends Error {
  /** Name of the class. */
  override readonly name: string = "IndexOutOfBoundsException";
}

/** A flow or a collection has no such element. */
export class NoSuchElementException extends Error {
  /** Name of the class. */
  override readonly name: string = "NoSuchElementException";
}

/** The SDK has this, Tidemark does not (yet); `COMPAT.md` says which calls these are. */
export class UnsupportedOperationException extends Error {
  /** Name of the class. */
  override readonly name: string = "UnsupportedOperationException";
}

/** A call took longer than it was given. */
export class TimeoutCancellationException extends Error {
  /** Name of the class. */
  override readonly name: string = "TimeoutCancellationException";
}

/** A realm that was to be opened with its data did not get it in time. */
export class DownloadingRealmTimeOutException extends Error {
  /** Name of the class. */
  override readonly name: string = "DownloadingRealmTimeOutException";

  /** @internal */
  constructor(path: string, timeout: string) {
    super(`Realm did not manage to download all initial data in time: ${path}, timeout: ${timeout}.`);
  }
}

type Make = (message: string, options: ErrorOptions) => Error;

const illegalState: Make = (message, options) => new IllegalStateException(message, options);
const illegalArgument: Make = (message, options) => new IllegalArgumentException(message, options);

const table: Readonly<Record<EngineErrorCode, Make>> = {
  invalidated: illegalState,
  closed: illegalState,
  "not-in-write": illegalState,
  "already-in-write": illegalState,
  "read-only": illegalState,
  "type-mismatch": illegalArgument,
  "missing-property": illegalArgument,
  "unknown-class": illegalArgument,
  "unknown-property": illegalArgument,
  "duplicate-primary-key": illegalArgument,
  "read-only-property": illegalArgument,
  "out-of-bounds": (message, options) => new IndexOutOfBoundsException(message, options),
  "limit-exceeded": illegalArgument,
  "invalid-argument": illegalArgument,
  "invalid-schema": illegalArgument,
  "schema-mismatch": illegalState,
  "schema-version": illegalState,
  "invalid-query": illegalArgument,
  "no-subscription": illegalArgument,
  "duplicate-subscription": illegalState,
  "incompatible-configuration": illegalArgument,
  "file-in-use": illegalState,
  "file-damaged": illegalState,
  "file-key-needed": illegalState,
  "file-key-wrong": illegalState,
  "file-not-encrypted": illegalState,
  "invalid-key": illegalArgument,
  "file-exists": illegalArgument,
  "disk-full": illegalState,
  "file-device": illegalState,
  "unsynced-changes": illegalState,
  "logged-out": illegalState,
  "user-removed": illegalArgument,
  http: illegalState,
  service: illegalState,
  timeout: illegalState,
  cancelled: illegalState,
  "duplicate-listener": illegalState,
};

/** The SDK's exception for an error of the engine; anything else as it is. */
export function mapError(error: unknown): unknown {
  if (error instanceof ServiceError) return serviceExceptionOf(error);
  if (error instanceof EngineError) return table[error.code](error.message, { cause: error });
  if (error instanceof SyncFailure) return syncExceptionOf(error.information, { cause: error });
  return error;
}

/** Runs a call, mapping what it throws. */
export function call<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw mapError(error);
  }
}

/** Refuses what an async callback returned. @throws {@link IllegalArgumentException} if it is a promise. */
export function refuseAsync(result: unknown, text: string): void {
  refusePromise(result, () => new IllegalArgumentException(text));
}

/** Waits for a promise, mapping what it rejects with. */
export async function settle<T>(promise: Promise<T>): Promise<T> {
  try {
    return await promise;
  } catch (error) {
    throw mapError(error);
  }
}
