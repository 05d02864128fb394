/**
 * Ways to log in.
 *
 * @module
 */

import { credentials, type Credentials as EngineCredentials } from "@tidemark/engine";
import { AuthProviderType } from "../enums.js";
import { RealmException } from "../errors.js";

/** A way to log in. Tidemark's server takes anonymous users and addresses with passwords. */
export class Credentials {
  /** @internal */
  readonly internal: EngineCredentials;
  /** Which way it is. */
  readonly provider: AuthProviderType;

  private constructor(provider: AuthProviderType, internal: EngineCredentials) {
    this.provider = provider;
    this.internal = internal;
  }

  /** An anonymous user that is logged in is taken, unless `reuseCredentials` is false. */
  static anonymous({ reuseCredentials = true }: { readonly reuseCredentials?: boolean } = {}): Credentials {
    return new Credentials(AuthProviderType.anonymous, credentials.anonymous(reuseCredentials));
  }

  /** An address and a password that were registered. */
  static emailPassword(email: string, password: string): Credentials {
    return new Credentials(AuthProviderType.emailPassword, credentials.emailPassword(email, password));
  }

  /** A key that the server has issued. */
  static apiKey(key: string): Credentials {
    return new Credentials(AuthProviderType.apiKey, credentials.apiKey(key));
  }

  /** A token of another issuer. */
  static jwt(token: string): Credentials {
    return new Credentials(AuthProviderType.jwt, credentials.jwt(token));
  }

  /**
   * What a function of the app understands.
   *
   * @param payload JSON text of an object.
   * @throws {@link RealmException} if it is anything else.
   */
  static function(payload: string): Credentials {
    let parsed: unknown;
    try {
      parsed = JSON.parse(payload);
    } catch (error) {
      throw new RealmException("The payload of a custom function must be JSON", { cause: error });
    }
    if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) {
      throw new RealmException("The payload of a custom function must be a JSON object");
    }
    return new Credentials(
      AuthProviderType.function,
      credentials.customFunction(parsed as Readonly<Record<string, unknown>>),
    );
  }

  /** A code of Google, for the server to exchange. */
  static googleAuthCode(authCode: string): Credentials {
    return new Credentials(AuthProviderType.google, credentials.google({ authCode }));
  }

  /** An id token of Google. */
  static googleIdToken(idToken: string): Credentials {
    return new Credentials(AuthProviderType.google, credentials.google({ idToken }));
  }

  /** An access token of Facebook. */
  static facebook(accessToken: string): Credentials {
    return new Credentials(AuthProviderType.facebook, credentials.facebook(accessToken));
  }

  /** An id token of Apple. */
  static apple(idToken: string): Credentials {
    return new Credentials(AuthProviderType.apple, credentials.apple(idToken));
  }
}
