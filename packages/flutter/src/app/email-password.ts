/**
 * Accounts with e-mail address and password.
 *
 * @module
 */

import { type App as EngineApp, EmailPasswordCalls } from "@tidemark/engine";
import { settle } from "../errors.js";

/** Registration, confirmation and passwords. Every call rejects with `AppException` if the server refuses it. */
export class EmailPasswordAuthProvider {
  readonly #calls: EmailPasswordCalls;

  /** @internal */
  constructor(app: EngineApp) {
    this.#calls = new EmailPasswordCalls(app);
  }

  /** Registers an address. Tidemark's server needs no confirmation. */
  async registerUser(email: string, password: string): Promise<void> {
    await settle(() => this.#calls.register(email, password));
  }

  /** Confirms an address with what a message to it contained. */
  async confirmUser(token: string, tokenId: string): Promise<void> {
    await settle(() => this.#calls.confirm({ token, tokenId }));
  }

  /** Has that message sent again. */
  async resendUserConfirmation(email: string): Promise<void> {
    await settle(() => this.#calls.resendConfirmation(email));
  }

  /** Gives the user a new password, with what the e-mail of {@link EmailPasswordAuthProvider.resetPassword} holds. */
  async completeResetPassword(password: string, token: string, tokenId: string): Promise<void> {
    await settle(() => this.#calls.completeReset(password, { token, tokenId }));
  }

  /** Has an e-mail sent that lets the user choose a new password. */
  async resetPassword(email: string): Promise<void> {
    await settle(() => this.#calls.sendReset(email));
  }

  /** Has the app's function for resets run, with any values. */
  async callResetPasswordFunction(
    email: string,
    password: string,
    { functionArgs = [] }: { readonly functionArgs?: readonly unknown[] } = {},
  ): Promise<void> {
    await settle(() => this.#calls.callResetFunction(email, password, functionArgs));
  }

  /** Has the app's function for confirmation run again. */
  async retryCustomConfirmationFunction(email: string): Promise<void> {
    await settle(() => this.#calls.retryCustomConfirmation(email));
  }
}
