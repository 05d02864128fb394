/**
 * Ways to log in.
 *
 * @module
 */

import type { ProviderType } from "@tidemark/protocol";

/** What is sent to log in. */
export interface Credentials {
  readonly provider: ProviderType;
  readonly payload: Readonly<Record<string, unknown>>;
  /** Whether a logged-in anonymous user may be taken instead of making a new one. */
  readonly isReusable?: boolean;
}

export function anonymous(isReusable: boolean = true): Credentials {
  return { provider: "anon-user", payload: {}, isReusable };
}

export function emailPassword(email: string, password: string): Credentials {
  return { provider: "local-userpass", payload: { username: email, password } };
}

export function apiKey(key: string): Credentials {
  return { provider: "api-key", payload: { key } };
}

export function jwt(token: string): Credentials {
  return { provider: "custom-token", payload: { token } };
}

/** The document is passed to the app's authentication function. */
export function customFunction(payload: Readonly<Record<string, unknown>>): Credentials {
  return { provider: "custom-function", payload };
}

export function google(payload: { readonly authCode: string } | { readonly idToken: string }): Credentials {
  const sent = "authCode" in payload ? { authCode: payload.authCode } : { id_token: payload.idToken };
  return { provider: "oauth2-google", payload: sent };
}

export function facebook(accessToken: string): Credentials {
  return { provider: "oauth2-facebook", payload: { accessToken } };
}

export function apple(idToken: string): Credentials {
  return { provider: "oauth2-apple", payload: { id_token: idToken } };
}
