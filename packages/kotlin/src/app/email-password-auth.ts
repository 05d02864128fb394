/**
 * Accounts with e-mail address and password.
 *
 * @module
 */

import type { App as EngineApp } from "@tidemark/engine";
import { settle } from "../errors.js";

/** Registration and passwords: `app.emailPasswordAuth`. All calls reject with a {@link ServiceException}. */
export class EmailPasswordAuth {
  readonly #app: EngineApp;

  /** @internal */
  constructor(app: EngineApp) {
    this.#app = app;
  }

  #call(action: string, body: Readonly<Record<string, unknown>>): Promise<void> {
    return settle(this.#app.callEmailPassword(action, body));
  }

  /** @throws {@link UserAlreadyExistsException} if somebody has registered with the address. */
  registerUser(email: string, password: string): Promise<void> {
    return this.#call("register", { email, password });
  }

  confirmUser(token: string, tokenId: string): Promise<void> {
    return this.#call("confirm", { token, tokenId });
  }

  resendConfirmationEmail(email: string): Promise<void> {
    return this.#call("confirm/send", { email });
  }

  retryCustomConfirmation(email: string): Promise<void> {
    return this.#call("confirm/call", { email });
  }

  sendResetPasswordEmail(email: string): Promise<void> {
    return this.#call("reset/send", { email });
  }

  callResetPasswordFunction(email: string, newPassword: string, ...args: readonly unknown[]): Promise<void> {
    return this.#call("reset/call", { email, password: newPassword, arguments: args });
  }

  resetPassword(token: string, tokenId: string, newPassword: string): Promise<void> {
    return this.#call("reset", { token, tokenId, password: newPassword });
  }
}
