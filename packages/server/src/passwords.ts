/**
 * Password hashes: argon2id, a few at a time.
 *
 * @module
 */

import { hash, verify } from "@node-rs/argon2";
import { Semaphore } from "./concurrency.js";
import { serviceErrors } from "./service-error.js";

/** What a hash costs; the defaults are the library's (argon2id, 19 MiB, 2 passes). */
export interface PasswordCost {
  /** Memory of one hash, in KiB. */
  readonly memoryKib: number;
  /** Passes over it. */
  readonly passes: number;
}

export const defaultPasswordCost: PasswordCost = { memoryKib: 19_456, passes: 2 };

/** Hashes and checks passwords. A burst of logins waits, and beyond a bound is turned away. */
export class Passwords {
  readonly #cost: PasswordCost;
  readonly #turns: Semaphore;
  readonly #waitingMax: number;

  constructor(cost: PasswordCost, concurrentMax: number, waitingMax: number) {
    this.#cost = cost;
    this.#turns = new Semaphore(concurrentMax);
    this.#waitingMax = waitingMax;
  }

  /** The hash with its scheme, salt and cost in one text. */
  hash(password: string): Promise<string> {
    const { memoryKib, passes } = this.#cost;
    return this.#inTurn(() => hash(password, { memoryCost: memoryKib, timeCost: passes }));
  }

  /** Whether a password is the one that was hashed. */
  verify(hashed: string, password: string): Promise<boolean> {
    return this.#inTurn(() => verify(hashed, password));
  }

  async #inTurn<T>(task: () => Promise<T>): Promise<T> {
    if (this.#turns.waiting >= this.#waitingMax) throw serviceErrors.tooBusy();
    return this.#turns.run(task);
  }
}
