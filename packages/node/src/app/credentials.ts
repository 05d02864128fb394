/**
 * Ways to log in.
 *
 * @module
 */

import { credentials, type Credentials as EngineCredentials } from "@tidemark/engine";
import { assertObject, assertString } from "../assert.js";

/** Credentials of a user. */
export class Credentials {
  /** @internal */
  readonly internal: EngineCredentials;

  private constructor(internal: EngineCredentials) {
    this.internal = internal;
  }

  /** @param reuse whether an anonymous user that is logged in may be taken. */
  static anonymous(reuse: boolean = true): Credentials {
    return new Credentials(credentials.anonymous(reuse));
  }

  static emailPassword(credentials: { email: string; password: string }): Credentials;
  static emailPassword(email: string, password: string): Credentials;
  static emailPassword(given: string | { email: string; password: string }, password?: string): Credentials {
    const pair = typeof given === "object" ? given : { email: given, password: password ?? "" };
    assertString(pair.email, "email");
    assertString(pair.password, "password");
    return new Credentials(credentials.emailPassword(pair.email, pair.password));
  }

  static apiKey(key: string): Credentials {
    assertString(key, "key");
    return new Credentials(credentials.apiKey(key));
  }

  static jwt(token: string): Credentials {
    assertString(token, "token");
    return new Credentials(credentials.jwt(token));
  }

  static function(payload: Record<string, unknown>): Credentials {
    assertObject(payload, "payload");
    return new Credentials(credentials.customFunction(payload));
  }

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

  static facebook(token: string): Credentials {
    assertString(token, "token");
    return new Credentials(credentials.facebook(token));
  }

  static apple(token: string): Credentials {
    assertString(token, "token");
    return new Credentials(credentials.apple(token));
  }
}
