/**
 * Accounts with e-mail address and password.
 *
 * @module
 */

import type { App as EngineApp } from "@tidemark/engine";
import { assertString } from "../assert.js";
import { settle } from "../errors.js";

/** Registration and passwords. */
export class EmailPasswordAuth {
  readonly #app: EngineApp;

  /** @internal */
  constructor(app: EngineApp) {
    this.#app = app;
  }

  #call(action: string, body: Readonly<Record<string, unknown>>): Promise<void> {
    return settle(this.#app.callEmailPassword(action, body));
  }

  async registerUser(details: { email: string; password: string }): Promise<void> {
    assertString(details.email, "email");
    assertString(details.password, "password");
    await this.#call("register", { email: details.email, password: details.password });
  }

  async confirmUser(details: { token: string; tokenId: string }): Promise<void> {
    await this.#call("confirm", { token: details.token, tokenId: details.tokenId });
  }

  async resendConfirmationEmail(details: { email: string }): Promise<void> {
    await this.#call("confirm/send", { email: details.email });
  }

  async retryCustomConfirmation(details: { email: string }): Promise<void> {
    await this.#call("confirm/call", { email: details.email });
  }

  async resetPassword(details: { password: string; token: string; tokenId: string }): Promise<void> {
    const { password, token, tokenId } = details;
    await this.#call("reset", { password, token, tokenId });
  }

  async sendResetPasswordEmail(details: { email: string }): Promise<void> {
    await this.#call("reset/send", { email: details.email });
  }

  async callResetPasswordFunction(details: { email: string; password: string }, ...values: unknown[]): Promise<void> {
    const { email, password } = details;
    await this.#call("reset/call", { email, password, arguments: values });
  }
}
