/**
 * Ways to log in.
 *
 * @module
 */

import type { ProviderType } from "@tidemark/protocol";

/** What is sent to log in. */
export interface Credentials {
  /** The provider, by its name in the API. */
  readonly provider: ProviderType;
  /** What the provider gets. */
  readonly payload: Readonly<Record<string, unknown>>;
  /** Whether a logged-in anonymous user may be taken instead of making a new one. */
  readonly isReusable?: boolean;
}

/**
 * A user without a name.
 *
 * @param isReusable whether one that is logged in on this device is taken.
 */
export function anonymous(isReusable: boolean = true): Credentials {
  return { provider: "anon-user", payload: {}, isReusable };
}

/** An address and a password. */
export function emailPassword(email: string, password: string): Credentials {
  return { provider: "local-userpass", payload: { username: email, password } };
}

/** A key that the server has issued. */
export function apiKey(key: string): Credentials {
  return { provider: "api-key", payload: { key } };
}

/** A token of another issuer. */
export function jwt(token: string): Credentials {
  return { provider: "custom-token", payload: { token } };
}

/** The document is passed to the app's authentication function. */
export function customFunction(payload: Readonly<Record<string, unknown>>): Credentials {
  return { provider: "custom-function", payload };
}

/** A code or a token of Google. */
export function google(payload: { readonly authCode: string } | { readonly idToken: string }): Credentials {
  const sent = "authCode" in payload ? { authCode: payload.authCode } : { id_token: payload.idToken };
  return { provider: "oauth2-google", payload: sent };
}

/** An access token of Facebook. */
export function facebook(accessToken: string): Credentials {
  return { provider: "oauth2-facebook", payload: { accessToken } };
}

/** An id token of Apple. */
export function apple(idToken: string): Credentials {
  return { provider: "oauth2-apple", payload: { id_token: idToken } };
}
