/**
 * A new access token for a refresh token, or the refusal that costs nobody anything.
 *
 * A client whose refresh is answered with 401 logs its user out, and deletes the files of an anonymous one with all
 * that was not uploaded. So 401 is kept for those of whom we know that they may not go on.
 *
 * @module
 */

import type { AppRegistry } from "./app-registry.js";
import type { Metrics } from "./metrics.js";
import { rescueRetrySeconds } from "./rescue.js";
import { type ServiceError, serviceErrors } from "./service-error.js";
import { TokenError, type Tokens } from "./tokens.js";

/** What {@link refreshSession} needs. */
export interface RefreshContext {
  readonly registry: AppRegistry;
  readonly tokens: Tokens;
  readonly metrics: Metrics;
}

/**
 * Answers `POST …/auth/session`.
 *
 * @throws {ServiceError} 401, or 503 for a session that may not be ended.
 * @throws {TokenError} for a token that is answered with 401.
 */
export async function refreshSession(context: RefreshContext, token: string): Promise<string> {
  const { registry, tokens } = context;
  const subject = await tokens.verifyRefresh(token).catch((error: unknown) => {
    throw isHeldBack(registry, error) ? heldBack(context) : error;
  });
  const app = registry.findByDomain(subject.domainId);
  const refreshed = app === undefined ? null : await app.users.refresh(token);
  if (refreshed !== null) return refreshed;
  // Ours, but of a user or an app that is missing: perhaps what is stored here is older than the token.
  const isClosed = app === undefined ? isAnyClosed(registry) : app.rescue.isClosed;
  throw isClosed ? heldBack(context) : serviceErrors.invalidSession();
}

/**
 * Whether a token that is not accepted belongs to somebody who is still to be moved here. Which app it is of cannot be
 * told: the path names none, and the token the old service's id. Anonymous users can never log in again, so theirs are
 * refused for good only when nobody is left who could lose something: never.
 */
function isHeldBack(registry: AppRegistry, error: unknown): boolean {
  if (!(error instanceof TokenError) || error.code !== "token-foreign") return false;
  return error.isAnonymous || isAnyClosed(registry);
}

function isAnyClosed(registry: AppRegistry): boolean {
  return registry.known().some((app) => app.rescue.isClosed);
}

function heldBack({ metrics }: RefreshContext): ServiceError {
  metrics.count("rescueWaits");
  return serviceErrors.heldBack(rescueRetrySeconds);
}
