/**
 * What is thrown and what futures are rejected with, and the one table from the engine's codes to that.
 *
 * @module
 */

import {
  EngineError,
  type EngineErrorCode,
  ServiceError,
  type SyncErrorInformation,
  SyncFailure,
  syncStatusCode,
} from "@tidemark/engine";

/** How something ended, as `realm::status`. A value. */
export class status {
  readonly #code: string;
  readonly #reason: string;

  /** @internal */
  constructor(code: string, reason: string) {
    this.#code = code;
    this.#reason = reason;
  }

  /** Whether it ended well. */
  is_ok(): boolean {
    return this.#code === "OK";
  }

  /** What went wrong, in words; empty if nothing did. */
  reason(): string {
    return this.#reason;
  }

  /** Name of what went wrong, such as `OperationAborted`; `OK` if nothing did. */
  code_string(): string {
    return this.#code;
  }
}

/** @internal The status of what ended well. */
export const okStatus: status = new status("OK", "");

/** Everything that this package throws, as `realm::Exception`. */
export class exception extends Error {
  /** Stable name of the error: that of {@link exception.code_string}. */
  readonly code: string;

  /** @internal */
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }

  /** The message, as of `std::exception`. */
  what(): string {
    return this.message;
  }

  /** The message. */
  reason(): string {
    return this.message;
  }

  /** Name of the error, such as `OperationAborted`. */
  code_string(): string {
    return this.code;
  }

  /** The same as a status. */
  to_status(): status {
    return new status(this.code, this.message);
  }
}

/** The caller's mistake. */
export class logic_error extends exception {}

/** An argument that cannot be taken. */
export class invalid_argument extends logic_error {}

/** An index beyond the end. */
export class out_of_range extends logic_error {}

/** Something that only shows while the program runs. */
export class runtime_error extends exception {}

/**
 * A call to the app's server that failed. `message` is a property here and not a method as in C++, since errors of
 * JavaScript have it; {@link exception.what} is the same.
 */
export class app_error extends exception {
  readonly #status: number;
  readonly #serviceCode: string | undefined;
  readonly #link: string;

  /** @internal */
  constructor(error: EngineError) {
    const service = error instanceof ServiceError ? error : undefined;
    super(service?.serviceCode ?? (service === undefined ? clientCode(error.code) : "HTTPError"), error.message, {
      cause: error,
    });
    this.#status = service?.status ?? 0;
    this.#serviceCode = service?.serviceCode;
    this.#link = service?.link ?? "";
  }

  /** Address of the server's log of the request; empty if there is none. */
  link_to_server_logs(): string {
    return this.#link;
  }

  /** Whether the server's answer could not be read. */
  is_json_error(): boolean {
    return this.#status >= 200 && this.#status < 300 && this.#serviceCode === undefined;
  }

  /** Whether the app's service refused. */
  is_service_error(): boolean {
    return this.#serviceCode !== undefined;
  }

  /** Whether the server answered with another status than success. */
  is_http_error(): boolean {
    return this.#status >= 300 && this.#serviceCode === undefined;
  }

  /** Whether a transport of the application failed, or there was no connection. */
  is_custom_error(): boolean {
    return this.#status === 0 && this.code === "HTTPError";
  }

  /** Whether it failed here, before anything was sent. */
  is_client_error(): boolean {
    return this.#status === 0 && !this.is_custom_error();
  }
}

function clientCode(code: EngineErrorCode): string {
  return code === "user-removed" ? "ClientUserNotFound" : "ClientUserNotLoggedIn";
}

type Make = (error: EngineError) => exception;

function as(kind: typeof exception, code: string): Make {
  return (error) => new kind(code, error.message, { cause: error });
}

/** The engine's codes in the terms of the C++ SDK. */
const table: Readonly<Record<EngineErrorCode, Make>> = {
  invalidated: as(logic_error, "StaleAccessor"),
  closed: as(logic_error, "ClosedRealm"),
  "not-in-write": as(logic_error, "WrongTransactionState"),
  "already-in-write": as(logic_error, "WrongTransactionState"),
  "read-only": as(logic_error, "ReadOnlyDB"),
  "type-mismatch": as(invalid_argument, "TypeMismatch"),
  "missing-property": as(invalid_argument, "MissingPropertyValue"),
  "unknown-class": as(logic_error, "NoSuchTable"),
  "unknown-property": as(logic_error, "InvalidProperty"),
  "duplicate-primary-key": as(logic_error, "ObjectAlreadyExists"),
  "read-only-property": as(logic_error, "ReadOnlyProperty"),
  "out-of-bounds": as(out_of_range, "OutOfBounds"),
  "limit-exceeded": as(invalid_argument, "LimitExceeded"),
  "invalid-argument": as(invalid_argument, "InvalidArgument"),
  "invalid-schema": as(logic_error, "SchemaValidationFailed"),
  "schema-mismatch": as(logic_error, "SchemaMismatch"),
  "schema-version": as(logic_error, "InvalidSchemaVersion"),
  "invalid-query": as(invalid_argument, "InvalidQuery"),
  "no-subscription": as(runtime_error, "NoSubscriptionForWrite"),
  "duplicate-subscription": as(logic_error, "InvalidArgument"),
  "incompatible-configuration": as(logic_error, "MismatchedConfig"),
  "file-in-use": as(runtime_error, "FileOperationFailed"),
  "file-damaged": as(runtime_error, "InvalidDatabase"),
  "file-key-needed": as(runtime_error, "InvalidDatabase"),
  "file-key-wrong": as(runtime_error, "InvalidDatabase"),
  "file-not-encrypted": as(runtime_error, "InvalidDatabase"),
  "invalid-key": as(invalid_argument, "InvalidArgument"),
  "file-exists": as(runtime_error, "FileAlreadyExists"),
  "disk-full": as(runtime_error, "OutOfDiskSpace"),
  "file-device": as(runtime_error, "FileOperationFailed"),
  "unsynced-changes": as(runtime_error, "IllegalOperation"),
  "logged-out": (error) => new app_error(error),
  "user-removed": (error) => new app_error(error),
  http: (error) => new app_error(error),
  service: (error) => new app_error(error),
  timeout: as(runtime_error, "OperationAborted"),
  cancelled: as(runtime_error, "OperationAborted"),
  "duplicate-listener": as(logic_error, "InvalidArgument"),
};

const statusNames: ReadonlyMap<number, string> = new Map(
  Object.entries(syncStatusCode).map(([name, code]) => [code, `${name.charAt(0).toUpperCase()}${name.slice(1)}`]),
);

/** @internal What became of synchronisation, as a status. */
export function statusOf({ status: code, message }: SyncErrorInformation): status {
  return new status(statusNames.get(code) ?? "UnknownError", message);
}

/** @internal The SDK's error for anything that was thrown; errors of the application stay what they are. */
export function mapError(error: unknown): unknown {
  if (error instanceof EngineError) return table[error.code](error);
  if (error instanceof SyncFailure) {
    const { information } = error;
    return new runtime_error(statusOf(information).code_string(), information.message, { cause: error });
  }
  return error;
}

/** @internal Anything that was thrown as a status. */
export function statusOfError(error: unknown): status {
  const mapped = mapError(error);
  return mapped instanceof exception ? mapped.to_status() : new status("UnknownError", String(mapped));
}

/** @internal Runs a call, mapping what it throws. */
export function guard<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw mapError(error);
  }
}

/** @internal The error for what this package does not offer. */
export function notSupported(what: string): runtime_error {
  return new runtime_error("NotSupported", `${what} is not supported.`);
}
