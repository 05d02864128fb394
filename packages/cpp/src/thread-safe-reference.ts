/**
 * References to hand on: `realm::thread_safe_reference`.
 *
 * @module
 */

import type { Wrapped } from "./binding.js";
import { logic_error } from "./errors.js";

/**
 * Stands for an object or collection until another database of the same file resolves it, once. Everything runs on one
 * thread here, so it only carries things from one open database to another.
 */
export class thread_safe_reference<T> {
  #subject: (T & Wrapped) | undefined;

  /** A reference to an object, a collection or results. */
  constructor(subject: T & Wrapped) {
    this.#subject = subject;
  }

  /** @internal */
  take(): T & Wrapped {
    const subject = this.#subject;
    if (subject === undefined) throw new logic_error("LogicError", "The reference was resolved before.");
    this.#subject = undefined;
    return subject;
  }
}
