/**
 * The errors of the SDK, and the one table from the engine's codes to them.
 *
 * Exceptions are conditions that an application may meet and recover from; errors are mistakes in the program.
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

/** What every error of this package may say beside its message. */
export interface ErrorDetails extends ErrorOptions {
  /** Stable; numbers are those of {@link SyncErrorCode} and its kin, texts those of the engine. */
  readonly code?: number | string | undefined;
}

/** Something went wrong that the application can recover from. */
export class RealmException extends Error {
  /** Stable; `undefined` where the message says everything. */
  readonly code: number | string | undefined;

  constructor(message: string, { code, ...options }: ErrorDetails = {}) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** The program uses Realm in a way that can never work. */
export class RealmError extends Error {
  /** Stable; `undefined` where the message says everything. */
  readonly code: number | string | undefined;

  constructor(message: string, { code, ...options }: ErrorDetails = {}) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** What was used belongs to a realm that is closed. */
export class RealmClosedError extends RealmError {}

/** What was used is not in a state that allows it: an object that no realm manages, say. */
export class RealmStateError extends RealmError {}

/** A property was assigned that only its own methods change: a list, a set, a map, backlinks. */
export class RealmUnsupportedSetError extends RealmError {
  constructor(property: string) {
    super(`Cannot assign to '${property}': a collection is changed by its own methods`);
  }
}

/** A callback of the application threw while the SDK was running it. */
export class UserCallbackException extends RealmException {
  /** What the callback threw. */
  readonly userException: unknown;

  constructor(userException: unknown) {
    const text = "An exception occurred while executing a user-provided callback. See userException for more details";
    super(text, { cause: userException });
    this.userException = userException;
  }
}

/** A wait was given up because its token was cancelled. What was waited for goes on. */
export class CancelledException extends RealmException {
  constructor(message: string = "Operation was cancelled") {
    super(message, { code: "cancelled" });
  }
}

/** A wait was given up because its time was over. What was waited for goes on. */
export class TimeoutException extends RealmException {
  constructor(message: string = "Operation timed out") {
    super(message, { code: "timeout" });
  }
}

/** An object of the program is not in a state that allows a call, as Dart's own error says it: a second `listen`. */
export class StateError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "StateError";
  }
}

/** The server refused a call, or did not answer. */
export class AppException extends RealmException {
  /** HTTP status; 0 if there was no answer. */
  readonly statusCode: number;
  /** Where the server has written of it. */
  readonly linkToServerLogs: string | undefined;

  constructor(message: string, statusCode: number, linkToServerLogs?: string, details: ErrorDetails = {}) {
    super(message, details);
    this.statusCode = statusCode;
    this.linkToServerLogs = linkToServerLogs;
  }

  /** Message, status and link. */
  override toString(): string {
    const link = this.linkToServerLogs === undefined ? "" : `, link to server logs: ${this.linkToServerLogs}`;
    return `AppException: ${this.message}, status code: ${this.statusCode}${link}`;
  }
}

type Make = (error: EngineError) => Error;

/** Codes that are no {@link RealmException}. */
const table: Partial<Record<EngineErrorCode, Make>> = {
  closed: (error) =>
    new RealmClosedError("Cannot access realm that has been closed", { code: error.code, cause: error }),
};

/** The SDK's error for an error of the engine; anything else as it is. */
export function mapError(error: unknown): unknown {
  if (error instanceof ServiceError) {
    return new AppException(error.message, error.status, error.link, {
      code: error.serviceCode ?? error.code,
      cause: error,
    });
  }
  if (error instanceof EngineError) {
    return table[error.code]?.(error) ?? new RealmException(error.message, { code: error.code, cause: error });
  }
  if (error instanceof SyncFailure) {
    return new RealmException(error.message, { code: error.information.status, cause: error });
  }
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

/** Refuses what an async callback returned. @throws {@link RealmError} if it is a promise. */
export function refuseAsync(result: unknown, text: string): void {
  refusePromise(result, () => new RealmError(text));
}

/** Waits for what a call promises, mapping what it throws or rejects with. */
export async function settle<T>(begin: () => Promise<T>): Promise<T> {
  try {
    return await begin();
  } catch (error) {
    throw mapError(error);
  }
}
