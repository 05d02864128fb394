/**
 * The errors of the SDK, and the one table from the engine's codes to them.
 *
 * @module
 */

import {
  EngineError,
  type EngineErrorCode,
  namedServiceError,
  ServiceError,
  type SyncErrorInformation,
  SyncFailure,
} from "@tidemark/engine";

/** What should always hold does not: an argument or a configuration is wrong. */
export class AssertionError extends Error {
  constructor(message: string = "Assertion failed", options?: ErrorOptions) {
    super(message, options);
    this.name = "AssertionError";
  }
}

/** A value has the wrong type. */
export class TypeAssertionError extends AssertionError {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "TypeAssertionError";
  }
}

/** Something took longer than it was given. */
export class TimeoutError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "TimeoutError";
  }
}

/** A constructor that only the SDK may call. */
export class IllegalConstructorError extends Error {
  constructor(type: string) {
    super(`Illegal constructor: ${type} objects are read from managed objects only.`);
    this.name = "IllegalConstructorError";
  }
}

/** A schema could not be understood. */
export class SchemaParseError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "SchemaParseError";
  }
}

/** One object schema could not be understood. */
export class ObjectSchemaParseError extends SchemaParseError {
  /** Name of the class. */
  readonly objectName: string;

  constructor(message: string, objectName: string) {
    super(`Failed to parse schema of ${objectName === "" ? "unnamed object" : `'${objectName}'`}: ${message}`);
    this.name = "ObjectSchemaParseError";
    this.objectName = objectName;
  }
}

/** One property of a schema could not be understood. */
export class PropertySchemaParseError extends SchemaParseError {
  /** Name of the class. */
  readonly objectName: string;
  /** Name of the property. */
  readonly propertyName: string;

  constructor(message: string, objectName: string, propertyName: string) {
    super(`Invalid type declaration for property '${objectName}.${propertyName}': ${message}`);
    this.name = "PropertySchemaParseError";
    this.objectName = objectName;
    this.propertyName = propertyName;
  }
}

/** An error of synchronisation: the server's, or the end of a wait. */
export class SyncError extends Error {
  /** Always false. */
  readonly isOk: boolean = false;
  /**
   * Number of the error, as realm-core has them: 1027 for an operation that was given up, 1033 for writes that were
   * undone.
   */
  readonly code: number | undefined;
  /** @deprecated Always "UNKNOWN". */
  readonly category: string = "UNKNOWN";
  /** The same as the message. */
  readonly reason: string | undefined;
  /** Where the server has written of it; may be empty. */
  readonly logUrl: string;
  /** For a client reset, `ORIGINAL_FILE_PATH` and `RECOVERY_FILE_PATH`; else empty. */
  readonly userInfo: Record<string, string>;
  /** Whether the session has ended. */
  readonly isFatal: boolean;

  constructor(information: SyncErrorInformation, options?: ErrorOptions, userInfo: Record<string, string> = {}) {
    super(information.message, options);
    this.name = "SyncError";
    this.userInfo = userInfo;
    this.code = information.status;
    this.reason = information.message;
    this.logUrl = information.logUrl;
    this.isFatal = information.isFatal;
  }
}

/** The file cannot be synced any more as it is. */
export class ClientResetError extends SyncError {
  /** Where the file will be: by `Realm.App.Sync.initiateClientReset`, or with the next start of the app. */
  readonly config: {
    /** The path. */
    readonly path: string;
    /** As the SDK has it: it is meant to be read. */
    readonly readOnly: true;
  };

  constructor(information: SyncErrorInformation, path: string) {
    const recoveryPath = information.recoveryPath ?? path;
    super(information, undefined, { ORIGINAL_FILE_PATH: path, RECOVERY_FILE_PATH: recoveryPath });
    this.name = "ClientReset";
    this.config = { path: recoveryPath, readOnly: true };
  }
}

/** One object that the server put back. */
export interface CompensatingWriteInfo {
  /** Name of its class. */
  readonly objectName: string;
  /** Why the write was not allowed. */
  readonly reason: string;
  /** Its primary key. */
  readonly primaryKey: unknown;
}

/**
 * The server has undone writes that the user may not make, or that are outside of the subscriptions. The session goes
 * on.
 */
export class CompensatingWriteError extends SyncError {
  /** What was put back. */
  readonly writes: readonly CompensatingWriteInfo[];

  constructor(information: SyncErrorInformation) {
    super(information);
    this.name = "CompensatingWriteError";
    this.writes = information.writes;
  }
}

/** @internal What the error handler gets. */
export function syncErrorOf(information: SyncErrorInformation, path: string): SyncError {
  if (information.writes.length > 0) return new CompensatingWriteError(information);
  if (information.isClientReset) return new ClientResetError(information, path);
  return new SyncError(information);
}

type Make = (error: EngineError) => Error;

const asTypeError: Make = (error) => new TypeAssertionError(error.message, { cause: error });
const asAssertion: Make = (error) => new AssertionError(error.message, { cause: error });

/** Codes that have an error class of their own; all others stay what they are. */
const table: Partial<Record<EngineErrorCode, Make>> = {
  "type-mismatch": asTypeError,
  closed: (error) => new Error(error.message, { cause: error }),
  invalidated: (error) =>
    error.message.includes("SyncSession") ? asAssertion(error) : new Error(error.message, { cause: error }),
  "invalid-schema": (error) => new SchemaParseError(error.message, { cause: error }),
};

/** A call that the server has refused: the SDK has no class for it, but errors with the numbers of App Services. */
class RefusedCall extends Error {
  readonly code: number;

  constructor(error: ServiceError, code: number) {
    super(error.message, { cause: error });
    this.code = code;
  }
}

/** @internal The SDK's error for an error of the engine. */
export function mapError(error: unknown): unknown {
  const refusal = error instanceof ServiceError ? namedServiceError(error) : undefined;
  if (refusal !== undefined) return new RefusedCall(error as ServiceError, refusal.number);
  if (error instanceof EngineError) return table[error.code]?.(error) ?? error;
  if (error instanceof SyncFailure) return new SyncError(error.information, { cause: error });
  return error;
}

/** @internal Runs a call, mapping what it throws. */
export function call<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw mapError(error);
  }
}

/** @internal Waits for a promise, mapping what it rejects with. */
export async function settle<T>(promise: Promise<T>): Promise<T> {
  try {
    return await promise;
  } catch (error) {
    throw mapError(error);
  }
}
