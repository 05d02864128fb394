/**
 * Accounts with e-mail address and password: registration, confirmation, resets.
 *
 * @module
 */

import type { App } from "./app.js";

/** What is proved by a link in an e-mail. */
export interface EmailToken {
  /** The secret. */
  readonly token: string;
  /** What names it. */
  readonly tokenId: string;
}

/** Calls of the e-mail/password provider. All reject with {@link ServiceError}. */
export class EmailPasswordCalls {
  readonly #app: App;

  constructor(app: App) {
    this.#app = app;
  }

  /** Registers an address. */
  register(email: string, password: string): Promise<void> {
    return this.#app.callEmailPassword("register", { email, password });
  }

  /** Confirms an address. */
  confirm({ token, tokenId }: EmailToken): Promise<void> {
    return this.#app.callEmailPassword("confirm", { token, tokenId });
  }

  /** Has the message sent again by which an address is confirmed. */
  resendConfirmation(email: string): Promise<void> {
    return this.#app.callEmailPassword("confirm/send", { email });
  }

  /** Has the app's function for confirmation run again. */
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

  /** Has the app's function for resets run. */
  callResetFunction(email: string, password: string, values: readonly unknown[]): Promise<void> {
    return this.#app.callEmailPassword("reset/call", { email, password, arguments: values });
  }
}
