/**
 * Accounts with e-mail address and password.
 *
 * @module
 */

import { type App as EngineApp, EmailPasswordCalls } from "@tidemark/engine";
import { assertString } from "../assert.js";
import { settle } from "../errors.js";

/** Registration and passwords. */
export class EmailPasswordAuth {
  readonly #calls: EmailPasswordCalls;

  /** @internal */
  constructor(app: EngineApp) {
    this.#calls = new EmailPasswordCalls(app);
  }

  /**
   * Registers an address. Tidemark's server needs no confirmation.
   *
   * @throws if the address is taken or the password does not do.
   */
  async registerUser(details: { email: string; password: string }): Promise<void> {
    assertString(details.email, "email");
    assertString(details.password, "password");
    await settle(this.#calls.register(details.email, details.password));
  }

  /** Confirms an address with what a message to it contained. Tidemark's server sends none. */
  async confirmUser(details: { token: string; tokenId: string }): Promise<void> {
    await settle(this.#calls.confirm(details));
  }

  /** Has that message sent again. */
  async resendConfirmationEmail(details: { email: string }): Promise<void> {
    await settle(this.#calls.resendConfirmation(details.email));
  }

  /** Has the app's function for confirmation run again. */
  async retryCustomConfirmation(details: { email: string }): Promise<void> {
    await settle(this.#calls.retryCustomConfirmation(details.email));
  }

  /** Sets a password with what a message has contained. */
  async resetPassword(details: { password: string; token: string; tokenId: string }): Promise<void> {
    await settle(this.#calls.completeReset(details.password, details));
  }

  /** Has that message sent. */
  async sendResetPasswordEmail(details: { email: string }): Promise<void> {
    await settle(this.#calls.sendReset(details.email));
  }

  /** Has the app's function for resets run, with any values. */
  async callResetPasswordFunction(details: { email: string; password: string }, ...values: unknown[]): Promise<void> {
    await settle(this.#calls.callResetFunction(details.email, details.password, values));
  }
}
