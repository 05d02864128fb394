/**
 * Failed calls of the Admin API.
 *
 * @module
 */

import { ServiceError } from "../service-error.js";

/** The errors of the Admin API, each with the texts that the SDKs' suites look for. */
export const adminErrors = {
  invalid: (message: string): ServiceError => new ServiceError(400, "InvalidParameter", message),
  /** What the files of the app say is wrong. */
  configuration: (message: string): ServiceError => new ServiceError(400, "BadRequest", message),
  groupNotFound: (group: string): ServiceError => new ServiceError(404, "GroupNotFound", `group not found: '${group}'`),
  appNotFound: (id: string): ServiceError => new ServiceError(404, "AppNotFound", `app not found: '${id}'`),
  notFound: (code: string, what: string, id: string): ServiceError =>
    new ServiceError(404, code, `${what} not found: '${id}'`),
  exists: (code: string, what: string, name: string): ServiceError =>
    new ServiceError(409, code, `${what} already exists: '${name}'`),
  defaultRuleExists: (): ServiceError => new ServiceError(400, "RuleAlreadyExists", "default rule already exists"),
  noDefaultRule: (): ServiceError => new ServiceError(404, "RuleNotFound", "default rule does not exist on service"),
  defaultRuleMismatch: (): ServiceError =>
    new ServiceError(400, "InvalidParameter", "service default rule id mismatch"),
  noSyncState: (): ServiceError =>
    new ServiceError(404, "ServiceNotFound", "there are no mongodb/atlas services with provided sync state"),
  tokenInvalid: (): ServiceError => new ServiceError(401, "InvalidSession", "signature is invalid"),
  tooManyAttempts: (): ServiceError =>
    new ServiceError(429, "AuthError", "too many failed log-ins from this address: wait a minute"),
  limit: (what: string, max: number): ServiceError => new ServiceError(400, "BadRequest", `at most ${max} ${what}`),
  /** What Tidemark does not do, and why. */
  notOffered: (why: string): ServiceError => new ServiceError(501, "NotOffered", why),
} as const;
