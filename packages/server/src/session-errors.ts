/**
 * The newest errors that ended sessions of one app, for those who look after it.
 *
 * @module
 */

/** One error that a client was sent. */
export interface SessionError {
  readonly atMs: number;
  /** Of the connection, as the client's log has it. */
  readonly requestId: string;
  readonly userId: string;
  readonly code: number;
  readonly message: string;
}

const keptMax = 100;

/** Keeps a bounded number of errors. */
export class SessionErrors {
  readonly #errors: SessionError[] = [];

  add(error: SessionError): void {
    this.#errors.push(error);
    if (this.#errors.length > keptMax) this.#errors.shift();
  }

  newestFirst(): readonly SessionError[] {
    return this.#errors.toReversed();
  }
}
