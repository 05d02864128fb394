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

  async registerUser(details: { email: string; password: string }): Promise<void> {
    assertString(details.email, "email");
    assertString(details.password, "password");
    await settle(this.#calls.register(details.email, details.password));
  }

  async confirmUser(details: { token: string; tokenId: string }): Promise<void> {
    await settle(this.#calls.confirm(details));
  }

  async resendConfirmationEmail(details: { email: string }): Promise<void> {
    await settle(this.#calls.resendConfirmation(details.email));
  }

  async retryCustomConfirmation(details: { email: string }): Promise<void> {
    await settle(this.#calls.retryCustomConfirmation(details.email));
  }

  async resetPassword(details: { password: string; token: string; tokenId: string }): Promise<void> {
    await settle(this.#calls.completeReset(details.password, details));
  }

  async sendResetPasswordEmail(details: { email: string }): Promise<void> {
    await settle(this.#calls.sendReset(details.email));
  }

  async callResetPasswordFunction(details: { email: string; password: string }, ...values: unknown[]): Promise<void> {
    await settle(this.#calls.callResetFunction(details.email, details.password, values));
  }
}
