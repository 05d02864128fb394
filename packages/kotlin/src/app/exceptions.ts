/**
 * Exceptions of calls to the server, as in realm-kotlin 2.3: `[Service][Name(number)] text.`
 *
 * @module
 */

import { namedServiceError, type ServiceError, type ServiceErrorName } from "@tidemark/engine";

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

/** Errors that have an exception of their own. */
const exceptions: Partial<Record<ServiceErrorName, ServiceExceptionClass>> = {
  AccountNameInUse: UserAlreadyExistsException,
  AuthError: AuthException,
  BadRequest: BadRequestException,
  ExecutionTimeLimitExceeded: FunctionExecutionException,
  FunctionExecutionError: FunctionExecutionException,
  FunctionNotFound: FunctionExecutionException,
  InvalidPassword: InvalidCredentialsException,
  UserAlreadyConfirmed: UserAlreadyConfirmedException,
  UserDisabled: AuthException,
  UserNotFound: UserNotFoundException,
};

/** Names that the SDK has other ones for. */
const names: Partial<Record<ServiceErrorName, string>> = {
  AppUnknownError: "Unknown",
  InvalidPassword: "InvalidEmailPassword",
};

/** The exception for an answer that says no more than its status. */
function exceptionByStatus(status: number): ServiceExceptionClass {
  if (status === 401) return InvalidCredentialsException;
  const mayHelpToTryAgain = (status >= 300 && status < 400) || status === 408 || status === 429 || status >= 500;
  return mayHelpToTryAgain ? ConnectionException : ServiceException;
}

/** @internal The exception for an error that the server answered, or for no answer. */
export function serviceExceptionOf(error: ServiceError): ServiceException {
  const options = { cause: error };
  const text = error.message.endsWith(".") ? error.message : `${error.message}.`;
  const named = namedServiceError(error);
  if (named === undefined) return new ConnectionException(`[Service][ConnectionFailed] ${text}`, undefined, options);
  const { name, number } = named;
  const link = error.link === undefined ? "" : ` Server log entry: ${error.link}`;
  const message = `[Service][${names[name] ?? name}(${number})] ${text}${link}`;
  const byStatus = name === "HTTPError" ? exceptionByStatus(error.status) : ServiceException;
  return new (exceptions[name] ?? byStatus)(message, number, options);
}
