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

  /** A key that the server has issued. */
  static api_key(key: string): credentials {
    return new credentials(ways.apiKey(key));
  }

  /** A token of Facebook. */
  static facebook(access_token: string): credentials {
    return new credentials(ways.facebook(access_token));
  }

  /** An id token of Apple. */
  static apple(id_token: string): credentials {
    return new credentials(ways.apple(id_token));
  }

  /** A code of Google, for the server to exchange. */
  static google_auth_code(auth_code: string): credentials {
    return new credentials(ways.google({ authCode: auth_code }));
  }

  /** An id token of Google. */
  static google_id_token(id_token: string): credentials {
    return new credentials(ways.google({ idToken: id_token }));
  }

  /** A JSON Web Token of another issuer. */
  static custom(token: string): credentials {
    return new credentials(ways.jwt(token));
  }

  /** A name and a password that were registered. */
  static username_password(username: string, password: string): credentials {
    return new credentials(ways.emailPassword(username, password));
  }

  /** A document for the app's own function of authentication. */
  static function(payload: Readonly<Record<string, unknown>>): credentials {
    return new credentials(ways.customFunction(payload));
  }
}
