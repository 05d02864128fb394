/**
 * Exceptions of calls to the server, as in realm-kotlin 2.3: `[Service][Name(number)] text.`
 *
 * @module
 */

import type { ServiceError } from "@tidemark/engine";

/** Anything that goes wrong between the app and its server. */
export class AppException extends Error {
  /** Name of the class. */
  override readonly name: string = "AppException";
  /** Number of the error as in the message. An addition to what realm-kotlin has. */
  readonly code: number | undefined;

  /** @internal */
  constructor(message: string, code?: number, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The server refused a call, or could not be reached. */
export class ServiceException extends AppException {
  override readonly name: string = "ServiceException";
}

/** The server could not be reached. Trying again may help. */
export class ConnectionException extends ServiceException {
  override readonly name: string = "ConnectionException";
}

/** The server does not understand the call. */
export class BadRequestException extends ServiceException {
  override readonly name: string = "BadRequestException";
}

/** Logging in or registering was refused. */
export class AuthException extends ServiceException {
  override readonly name: string = "AuthException";
}

/** The e-mail address is confirmed already. */
export class UserAlreadyConfirmedException extends AuthException {
  override readonly name: string = "UserAlreadyConfirmedException";
}

/** There is no such user. */
export class UserNotFoundException extends AuthException {
  override readonly name: string = "UserNotFoundException";
}

/** Somebody has registered with this e-mail address. */
export class UserAlreadyExistsException extends AuthException {
  override readonly name: string = "UserAlreadyExistsException";
}

/** The password, key or token is wrong. */
export class InvalidCredentialsException extends AuthException {
  override readonly name: string = "InvalidCredentialsException";
}

/** The credentials belong to another user already. */
export class CredentialsCannotBeLinkedException extends ServiceException {
  override readonly name: string = "CredentialsCannotBeLinkedException";
}

/** A function of the app does not exist or has failed. */
export class FunctionExecutionException extends ServiceException {
  override readonly name: string = "FunctionExecutionException";
}

type ServiceExceptionClass = new (message: string, code: number | undefined, options: ErrorOptions) => ServiceException;

interface ServiceCode {
  /** As the SDK calls it; the server's name if not given. */
  readonly name?: string;
  /** As the SDK numbers it; the HTTP status if not known. */
  readonly number?: number;
  readonly exception: ServiceExceptionClass;
}

/** The server's names of errors. */
const codes: Readonly<Record<string, ServiceCode>> = {
  AccountNameInUse: { number: 4348, exception: UserAlreadyExistsException },
  AuthError: { number: 4346, exception: AuthException },
  BadRequest: { exception: BadRequestException },
  FunctionExecutionError: { exception: FunctionExecutionException },
  FunctionNotFound: { exception: FunctionExecutionException },
  InvalidParameter: { exception: BadRequestException },
  InvalidPassword: { name: "InvalidEmailPassword", number: 4349, exception: InvalidCredentialsException },
  InvalidSession: { exception: ServiceException },
  MissingParameter: { exception: BadRequestException },
  UserAlreadyConfirmed: { exception: UserAlreadyConfirmedException },
  UserNotFound: { exception: UserNotFoundException },
};

const byStatus: Readonly<Record<number, ServiceExceptionClass>> = {
  400: BadRequestException,
  401: AuthException,
  403: AuthException,
};

/** @internal The exception for an error that the server answered, or for no answer. */
export function serviceExceptionOf(error: ServiceError): ServiceException {
  const options = { cause: error };
  const text = error.message.endsWith(".") ? error.message : `${error.message}.`;
  if (error.status === 0) return new ConnectionException(`[Service][ConnectionFailed] ${text}`, undefined, options);
  const serviceCode = error.serviceCode ?? "Unknown";
  const known = codes[serviceCode];
  const number = known?.number ?? error.status;
  const link = error.link === undefined ? "" : ` Server log entry: ${error.link}`;
  const message = `[Service][${known?.name ?? serviceCode}(${number})] ${text}${link}`;
  const exception = known?.exception ?? byStatus[error.status] ?? ServiceException;
  return new exception(message, number, options);
}
