/**
 * Ways to log in.
 *
 * @module
 */

import { credentials, type Credentials as EngineCredentials } from "@tidemark/engine";
import { IllegalArgumentException } from "../errors.js";

/**
 * Ways to log in. Tidemark's server takes `ANONYMOUS` and `EMAIL_PASSWORD`.
 *
 * @enum
 */
export const AuthenticationProvider = {
  /** Without a name. */
  ANONYMOUS: "ANONYMOUS",
  /** By a key that the server has issued. */
  API_KEY: "API_KEY",
  /** By Apple. */
  APPLE: "APPLE",
  /** By a function of the app. */
  CUSTOM_FUNCTION: "CUSTOM_FUNCTION",
  /** By an address and a password. */
  EMAIL_PASSWORD: "EMAIL_PASSWORD",
  /** By Facebook. */
  FACEBOOK: "FACEBOOK",
  /** By Google. */
  GOOGLE: "GOOGLE",
  /** By a token of another issuer. */
  JWT: "JWT",
} as const;
export type AuthenticationProvider = (typeof AuthenticationProvider)[keyof typeof AuthenticationProvider];

/**
 * What a token of Google is.
 *
 * @enum
 */
export const GoogleAuthType = {
  /** A code that the server exchanges. */
  AUTH_CODE: "AUTH_CODE",
  /** An id token. */
  ID_TOKEN: "ID_TOKEN",
} as const;
export type GoogleAuthType = (typeof GoogleAuthType)[keyof typeof GoogleAuthType];

/** @internal The engine's names of providers. */
export const providers: Readonly<Record<string, AuthenticationProvider>> = {
  "anon-user": "ANONYMOUS",
  "api-key": "API_KEY",
  "oauth2-apple": "APPLE",
  "custom-function": "CUSTOM_FUNCTION",
  "local-userpass": "EMAIL_PASSWORD",
  "oauth2-facebook": "FACEBOOK",
  "oauth2-google": "GOOGLE",
  "custom-token": "JWT",
};

function requireText(value: string, name: string): string {
  if (value === "") throw new IllegalArgumentException(`Non-empty '${name}' required.`);
  return value;
}

/** A way to log in. Empty texts are an {@link IllegalArgumentException}. */
export class Credentials {
  /** @internal */
  readonly internal: EngineCredentials;
  /** Which way it is. */
  readonly authenticationProvider: AuthenticationProvider;

  private constructor(internal: EngineCredentials) {
    this.internal = internal;
    this.authenticationProvider = providers[internal.provider] ?? AuthenticationProvider.CUSTOM_FUNCTION;
  }

  /**
   * A user without a name.
   *
   * @param reuseExisting whether an anonymous user that is logged in on this device is taken.
   */
  static anonymous(reuseExisting: boolean = true): Credentials {
    return new Credentials(credentials.anonymous(reuseExisting));
  }

  /** An address and a password that were registered. */
  static emailPassword(email: string, password: string): Credentials {
    return new Credentials(credentials.emailPassword(requireText(email, "email"), requireText(password, "password")));
  }

  /** A key that the server has issued. */
  static apiKey(key: string): Credentials {
    return new Credentials(credentials.apiKey(requireText(key, "key")));
  }

  /** An id token of Apple. */
  static apple(idToken: string): Credentials {
    return new Credentials(credentials.apple(requireText(idToken, "idToken")));
  }

  /** An access token of Facebook. */
  static facebook(accessToken: string): Credentials {
    return new Credentials(credentials.facebook(requireText(accessToken, "accessToken")));
  }

  /** A code or a token of Google. */
  static google(token: string, type: GoogleAuthType): Credentials {
    requireText(token, "token");
    const payload = type === GoogleAuthType.AUTH_CODE ? { authCode: token } : { idToken: token };
    return new Credentials(credentials.google(payload));
  }

  /** A token of another issuer. */
  static jwt(jwtToken: string): Credentials {
    return new Credentials(credentials.jwt(requireText(jwtToken, "jwtToken")));
  }

  /** The document is passed to the app's authentication function. */
  static customFunction(payload: Readonly<Record<string, unknown>>): Credentials {
    return new Credentials(credentials.customFunction(payload));
  }
}
