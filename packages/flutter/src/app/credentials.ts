/**
 * Ways to log in.
 *
 * @module
 */

import { credentials, type Credentials as EngineCredentials } from "@tidemark/engine";
import { AuthProviderType } from "../enums.js";
import { RealmException } from "../errors.js";

/** Credentials of a user. */
export class Credentials {
  /** @internal */
  readonly internal: EngineCredentials;
  readonly provider: AuthProviderType;

  private constructor(provider: AuthProviderType, internal: EngineCredentials) {
    this.provider = provider;
    this.internal = internal;
  }

  /** An anonymous user that is logged in is taken, unless `reuseCredentials` is false. */
  static anonymous({ reuseCredentials = true }: { readonly reuseCredentials?: boolean } = {}): Credentials {
    return new Credentials(AuthProviderType.anonymous, credentials.anonymous(reuseCredentials));
  }

  static emailPassword(email: string, password: string): Credentials {
    return new Credentials(AuthProviderType.emailPassword, credentials.emailPassword(email, password));
  }

  static apiKey(key: string): Credentials {
    return new Credentials(AuthProviderType.apiKey, credentials.apiKey(key));
  }

  static jwt(token: string): Credentials {
    return new Credentials(AuthProviderType.jwt, credentials.jwt(token));
  }

  /** @param payload JSON text of an object, which the app's function gets. */
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

  static googleAuthCode(authCode: string): Credentials {
    return new Credentials(AuthProviderType.google, credentials.google({ authCode }));
  }

  static googleIdToken(idToken: string): Credentials {
    return new Credentials(AuthProviderType.google, credentials.google({ idToken }));
  }

  static facebook(accessToken: string): Credentials {
    return new Credentials(AuthProviderType.facebook, credentials.facebook(accessToken));
  }

  static apple(idToken: string): Credentials {
    return new Credentials(AuthProviderType.apple, credentials.apple(idToken));
  }
}
