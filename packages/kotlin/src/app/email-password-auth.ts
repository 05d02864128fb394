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

  /** Confirms an address with what a message to it contained. Tidemark's server needs no confirmation. */
  confirmUser(token: string, tokenId: string): Promise<void> {
    return this.#call("confirm", { token, tokenId });
  }

  /** Has that message sent again. */
  resendConfirmationEmail(email: string): Promise<void> {
    return this.#call("confirm/send", { email });
  }

  /** Has the app's function for confirmation run again. */
  retryCustomConfirmation(email: string): Promise<void> {
    return this.#call("confirm/call", { email });
  }

  /** Has a message sent by which the password can be set. */
  sendResetPasswordEmail(email: string): Promise<void> {
    return this.#call("reset/send", { email });
  }

  /** Has the app's function for resets run, with any values. */
  callResetPasswordFunction(email: string, newPassword: string, ...args: readonly unknown[]): Promise<void> {
    return this.#call("reset/call", { email, password: newPassword, arguments: args });
  }

  /** Sets a password with what a message has contained. */
  resetPassword(token: string, tokenId: string, newPassword: string): Promise<void> {
    return this.#call("reset", { token, tokenId, password: newPassword });
  }
}
