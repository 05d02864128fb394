/**
 * Ways to log in: `realm::App::credentials`.
 *
 * @module
 */

import { credentials as ways, type Credentials as EngineCredentials } from "@tidemark/engine";

/** What is sent to log in. */
// The SDK has it as a class with static functions.
// oxlint-disable-next-line typescript/no-extraneous-class
export class credentials {
  /** @internal */
  readonly internal: EngineCredentials;

  private constructor(internal: EngineCredentials) {
    this.internal = internal;
  }

  /** A user without a name; one who is logged in on this device already is taken. */
  static anonymous(): credentials {
    return new credentials(ways.anonymous());
  }

  static api_key(key: string): credentials {
    return new credentials(ways.apiKey(key));
  }

  static facebook(access_token: string): credentials {
    return new credentials(ways.facebook(access_token));
  }

  static apple(id_token: string): credentials {
    return new credentials(ways.apple(id_token));
  }

  static google_auth_code(auth_code: string): credentials {
    return new credentials(ways.google({ authCode: auth_code }));
  }

  static google_id_token(id_token: string): credentials {
    return new credentials(ways.google({ idToken: id_token }));
  }

  /** A JSON Web Token of another issuer. */
  static custom(token: string): credentials {
    return new credentials(ways.jwt(token));
  }

  static username_password(username: string, password: string): credentials {
    return new credentials(ways.emailPassword(username, password));
  }

  /** A document for the app's own function of authentication. */
  static function(payload: Readonly<Record<string, unknown>>): credentials {
    return new credentials(ways.customFunction(payload));
  }
}
