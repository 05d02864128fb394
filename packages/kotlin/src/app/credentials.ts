/**
 * Ways to log in.
 *
 * @module
 */

import { credentials, type Credentials as EngineCredentials } from "@tidemark/engine";
import { IllegalArgumentException } from "../errors.js";

/** Ways to log in. */
export const AuthenticationProvider = {
  ANONYMOUS: "ANONYMOUS",
  API_KEY: "API_KEY",
  APPLE: "APPLE",
  CUSTOM_FUNCTION: "CUSTOM_FUNCTION",
  EMAIL_PASSWORD: "EMAIL_PASSWORD",
  FACEBOOK: "FACEBOOK",
  GOOGLE: "GOOGLE",
  JWT: "JWT",
} as const;
export type AuthenticationProvider = (typeof AuthenticationProvider)[keyof typeof AuthenticationProvider];

/** What a token of Google is. */
export const GoogleAuthType = { AUTH_CODE: "AUTH_CODE", ID_TOKEN: "ID_TOKEN" } as const;
export type GoogleAuthType = (typeof GoogleAuthType)[keyof typeof GoogleAuthType];

/** The engine's names of providers. */
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

/** Credentials of a user. */
export class Credentials {
  /** @internal */
  readonly internal: EngineCredentials;
  readonly authenticationProvider: AuthenticationProvider;

  private constructor(internal: EngineCredentials) {
    this.internal = internal;
    this.authenticationProvider = providers[internal.provider] ?? AuthenticationProvider.CUSTOM_FUNCTION;
  }

  /** @param reuseExisting whether an anonymous user that is logged in on this device is taken. */
  static anonymous(reuseExisting: boolean = true): Credentials {
    return new Credentials(credentials.anonymous(reuseExisting));
  }

  static emailPassword(email: string, password: string): Credentials {
    return new Credentials(credentials.emailPassword(requireText(email, "email"), requireText(password, "password")));
  }

  static apiKey(key: string): Credentials {
    return new Credentials(credentials.apiKey(requireText(key, "key")));
  }

  static apple(idToken: string): Credentials {
    return new Credentials(credentials.apple(requireText(idToken, "idToken")));
  }

  static facebook(accessToken: string): Credentials {
    return new Credentials(credentials.facebook(requireText(accessToken, "accessToken")));
  }

  static google(token: string, type: GoogleAuthType): Credentials {
    requireText(token, "token");
    const payload = type === GoogleAuthType.AUTH_CODE ? { authCode: token } : { idToken: token };
    return new Credentials(credentials.google(payload));
  }

  static jwt(jwtToken: string): Credentials {
    return new Credentials(credentials.jwt(requireText(jwtToken, "jwtToken")));
  }

  /** The document is passed to the app's authentication function. */
  static customFunction(payload: Readonly<Record<string, unknown>>): Credentials {
    return new Credentials(credentials.customFunction(payload));
  }
}
