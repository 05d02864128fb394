/**
 * Errors of App Services by name and number, as the original's SDKs show them.
 *
 * @module
 */

import type { ServiceError } from "../errors.js";

const numbers = {
  MissingAuthReq: 4300,
  InvalidSession: 4301,
  UserAppDomainMismatch: 4302,
  DomainNotAllowed: 4303,
  ReadSizeLimitExceeded: 4304,
  InvalidParameter: 4305,
  MissingParameter: 4306,
  TwilioError: 4307,
  GCMError: 4308,
  HTTPError: 4309,
  AWSError: 4310,
  MongoDBError: 4311,
  ArgumentsNotAllowed: 4312,
  FunctionExecutionError: 4313,
  NoMatchingRuleFound: 4314,
  InternalServerError: 4315,
  AuthProviderNotFound: 4316,
  AuthProviderAlreadyExists: 4317,
  ServiceNotFound: 4318,
  ServiceTypeNotFound: 4319,
  ServiceAlreadyExists: 4320,
  ServiceCommandNotFound: 4321,
  ValueNotFound: 4322,
  ValueAlreadyExists: 4323,
  ValueDuplicateName: 4324,
  FunctionNotFound: 4325,
  FunctionAlreadyExists: 4326,
  FunctionDuplicateName: 4327,
  FunctionSyntaxError: 4328,
  FunctionInvalid: 4329,
  IncomingWebhookNotFound: 4330,
  IncomingWebhookAlreadyExists: 4331,
  IncomingWebhookDuplicateName: 4332,
  RuleNotFound: 4333,
  APIKeyNotFound: 4334,
  RuleAlreadyExists: 4335,
  RuleDuplicateName: 4336,
  AuthProviderDuplicateName: 4337,
  RestrictedHost: 4338,
  APIKeyAlreadyExists: 4339,
  IncomingWebhookAuthFailed: 4340,
  ExecutionTimeLimitExceeded: 4341,
  NotCallable: 4342,
  UserAlreadyConfirmed: 4343,
  UserNotFound: 4344,
  UserDisabled: 4345,
  AuthError: 4346,
  BadRequest: 4347,
  AccountNameInUse: 4348,
  InvalidPassword: 4349,
  SchemaValidationFailedWrite: 4350,
  AppUnknownError: 4351,
  MaintenanceInProgress: 4352,
  UserpassTokenInvalid: 4353,
  InvalidServerResponse: 4354,
  AppServerError: 4355,
} as const;

/** A name that a server may send: one of those with a number. */
export type ServiceErrorName = keyof typeof numbers;

/** Numbers by the names that a server sends. */
export const serviceErrorNumbers: Readonly<Record<ServiceErrorName, number>> = numbers;

/** What an SDK calls an error of a server. */
export interface NamedServiceError {
  /** The server's name. */
  readonly name: ServiceErrorName;
  /** The SDKs' number. */
  readonly number: number;
}

/**
 * Name and number of an error that a server has answered; `undefined` if there was no answer. Names that no SDK knows
 * are `AppServerError`; a text without a name is `AppUnknownError`; neither is `HTTPError`.
 */
export function namedServiceError({ status, serviceCode, hasText }: ServiceError): NamedServiceError | undefined {
  if (status === 0) return undefined;
  const unnamed = hasText ? "AppUnknownError" : "HTTPError";
  const name = serviceCode === undefined ? unnamed : isKnown(serviceCode) ? serviceCode : "AppServerError";
  return { name, number: serviceErrorNumbers[name] };
}

function isKnown(name: string): name is ServiceErrorName {
  return Object.hasOwn(serviceErrorNumbers, name);
}
