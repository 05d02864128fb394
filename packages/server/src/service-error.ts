/**
 * Failed calls of the HTTP API: status, code and text as clients know them.
 *
 * @module
 */

import { type ServiceErrorBody, TidemarkError } from "@tidemark/protocol";

/** A call that is answered with an error body. */
export class ServiceError extends TidemarkError {
  readonly status: number;
  /** The API's `error_code`; absent where the original sends none. */
  readonly serviceCode: string | undefined;
  /** When to try again, for the header of that name. */
  readonly retryAfterSeconds: number | undefined;

  constructor(status: number, serviceCode: string | undefined, message: string, retryAfterSeconds?: number) {
    super("service-error", message);
    this.retryAfterSeconds = retryAfterSeconds;
    this.status = status;
    this.serviceCode = serviceCode;
  }

  /** The body, with a link to the log line of the request. */
  body(link: string): ServiceErrorBody {
    return {
      error: this.message,
      ...(this.serviceCode === undefined ? {} : { error_code: this.serviceCode }),
      link,
    };
  }
}

/** The errors of this server, each with the status and texts that client suites look for. */
export const serviceErrors = {
  appNotFound: (appId: string): ServiceError =>
    new ServiceError(404, "AppNotFound", `cannot find app using Client App ID '${appId}'`),
  unauthorized: (): ServiceError => new ServiceError(401, "AuthError", "unauthorized"),
  invalidPassword: (): ServiceError => new ServiceError(401, "InvalidPassword", "unauthorized"),
  userDisabled: (): ServiceError => new ServiceError(401, "UserDisabled", "user disabled"),
  userNotFound: (): ServiceError => new ServiceError(404, "UserNotFound", "user not found"),
  providerNotFound: (provider: string): ServiceError =>
    new ServiceError(404, "AuthProviderNotFound", `authentication provider not found: '${provider}'`),
  nameInUse: (): ServiceError => new ServiceError(409, "AccountNameInUse", "name already in use"),
  passwordLength: (): ServiceError =>
    new ServiceError(400, "BadRequest", "password must be between 6 and 128 characters"),
  emailInvalid: (): ServiceError => new ServiceError(400, "BadRequest", "email invalid"),
  missingAuthentication: (): ServiceError => new ServiceError(401, "MissingAuthReq", "must authenticate first"),
  emptyBearer: (): ServiceError =>
    new ServiceError(401, undefined, "expected Authorization header with JWT (Bearer schema)"),
  invalidSession: (): ServiceError => new ServiceError(401, "InvalidSession", "invalid session"),
  sessionExpired: (): ServiceError => new ServiceError(401, "InvalidSession", "invalid session: access token expired"),
  functionNotFound: (name: string): ServiceError =>
    new ServiceError(404, "FunctionNotFound", `function not found: '${name}'`),
  badRequest: (message: string): ServiceError => new ServiceError(400, "BadRequest", message),
  customDataTooLarge: (bytes: number, bytesMax: number): ServiceError =>
    new ServiceError(400, "BadRequest", `custom user data has ${bytes} bytes of JSON, and may have ${bytesMax}`),
  notFound: (): ServiceError => new ServiceError(404, "NotFound", "not found"),
  tooLarge: (): ServiceError => new ServiceError(413, "ReadSizeLimitExceeded", "request body too large"),
  tooBusy: (): ServiceError => new ServiceError(503, "InternalServerError", "too many logins at once"),
  /** A session that cannot be told to end, as a client that is logged out may lose what it has not uploaded. */
  heldBack: (retryAfterSeconds: number): ServiceError =>
    new ServiceError(503, "MaintenanceInProgress", "users of this app are being moved here", retryAfterSeconds),
  internal: (): ServiceError => new ServiceError(500, "InternalServerError", "internal server error"),
} as const;
