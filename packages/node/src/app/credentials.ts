/**
 * Ways to log in.
 *
 * @module
 */

import { credentials, type Credentials as EngineCredentials } from "@tidemark/engine";
import { assertObject, assertString } from "../assert.js";

/**
 * A way to log in. Tidemark's server takes anonymous users and addresses with passwords; for the others it says that
 * the provider is not there.
 */
export class Credentials {
  /** @internal */
  readonly internal: EngineCredentials;

  private constructor(internal: EngineCredentials) {
    this.internal = internal;
  }

  /**
   * A user without a name.
   *
   * @param reuse whether an anonymous user that is logged in on this device is taken; `true` by default.
   */
  static anonymous(reuse: boolean = true): Credentials {
    return new Credentials(credentials.anonymous(reuse));
  }

  /** An address and a password that were registered. */
  static emailPassword(credentials: { email: string; password: string }): Credentials;
  /** The same with two parameters. */
  static emailPassword(email: string, password: string): Credentials;
  static emailPassword(given: string | { email: string; password: string }, password?: string): Credentials {
    const pair = typeof given === "object" ? given : { email: given, password: password ?? "" };
    assertString(pair.email, "email");
    assertString(pair.password, "password");
    return new Credentials(credentials.emailPassword(pair.email, pair.password));
  }

  /** A key that the server has issued. */
  static apiKey(key: string): Credentials {
    assertString(key, "key");
    return new Credentials(credentials.apiKey(key));
  }

  /** A token of another issuer. */
  static jwt(token: string): Credentials {
    assertString(token, "token");
    return new Credentials(credentials.jwt(token));
  }

  /** What a function of the app understands. */
  static function(payload: Record<string, unknown>): Credentials {
    assertObject(payload, "payload");
    return new Credentials(credentials.customFunction(payload));
  }

  /** A code or a token of Google. @throws if both are given, or neither. */
  static google(tokenOrCode: { authCode: string } | { idToken: string }): Credentials {
    assertObject(tokenOrCode, "tokenOrCode");
    if ("authCode" in tokenOrCode && "idToken" in tokenOrCode) {
      throw new Error("Must not supply both an authCode and idToken");
    }
    if ("authCode" in tokenOrCode || "idToken" in tokenOrCode) {
      return new Credentials(credentials.google(tokenOrCode));
    }
    throw new Error("Must supply either an authCode or an idToken");
  }

  /** An access token of Facebook. */
  static facebook(token: string): Credentials {
    assertString(token, "token");
    return new Credentials(credentials.facebook(token));
  }

  /** An id token of Apple. */
  static apple(token: string): Credentials {
    assertString(token, "token");
    return new Credentials(credentials.apple(token));
  }
}
