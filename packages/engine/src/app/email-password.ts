/**
 * Accounts with e-mail address and password: registration, confirmation, resets.
 *
 * @module
 */

import type { App } from "./app.js";

/** What is proved by a link in an e-mail. */
export interface EmailToken {
  readonly token: string;
  readonly tokenId: string;
}

/** Calls of the e-mail/password provider. All reject with {@link ServiceError}. */
export class EmailPasswordCalls {
  readonly #app: App;

  constructor(app: App) {
    this.#app = app;
  }

  register(email: string, password: string): Promise<void> {
    return this.#app.callEmailPassword("register", { email, password });
  }

  confirm({ token, tokenId }: EmailToken): Promise<void> {
    return this.#app.callEmailPassword("confirm", { token, tokenId });
  }

  resendConfirmation(email: string): Promise<void> {
    return this.#app.callEmailPassword("confirm/send", { email });
  }

  retryCustomConfirmation(email: string): Promise<void> {
    return this.#app.callEmailPassword("confirm/call", { email });
  }

  /** Gives a new password to who holds the token. */
  completeReset(password: string, { token, tokenId }: EmailToken): Promise<void> {
    return this.#app.callEmailPassword("reset", { password, token, tokenId });
  }

  /** Has the e-mail with the token sent. */
  sendReset(email: string): Promise<void> {
    return this.#app.callEmailPassword("reset/send", { email });
  }

  callResetFunction(email: string, password: string, values: readonly unknown[]): Promise<void> {
    return this.#app.callEmailPassword("reset/call", { email, password, arguments: values });
  }
}
