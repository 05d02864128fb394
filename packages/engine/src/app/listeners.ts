/**
 * Callbacks registered by identity: one callback is registered once.
 *
 * @module
 */

import { EngineError } from "../errors.js";

/** Any function. */
export type AnyCallback = (...values: never[]) => unknown;

/** Callbacks in order of registration. */
export class Listeners<Callback extends AnyCallback> {
  readonly #callbacks = new Set<Callback>();
  /** Those that are told what has happened before they were retired, and nothing else. */
  readonly #retired = new Set<Callback>();

  /** @throws if the callback is registered already. */
  add(callback: Callback): void {
    if (this.#callbacks.has(callback)) {
      throw new EngineError("duplicate-listener", "Remove callback before adding it again");
    }
    this.#callbacks.add(callback);
  }

  /** Removes a callback. One that is not there is no error. */
  remove(callback: Callback): void {
    this.#callbacks.delete(callback);
    this.#retired.delete(callback);
  }

  /** Removes all. */
  clear(): void {
    this.#callbacks.clear();
    this.#retired.clear();
  }

  /** Removes all, but what has happened until now may still be told to them. @returns those that were there. */
  retire(): Callback[] {
    const retired = this.all();
    this.#callbacks.clear();
    for (const callback of retired) this.#retired.add(callback);
    return retired;
  }

  /** Nothing is left to be told to those. */
  forgetRetired(callbacks: readonly Callback[]): void {
    for (const callback of callbacks) this.#retired.delete(callback);
  }

  /** Whether a callback that was there when something happened is still to be told of it. */
  isWanted(callback: Callback): boolean {
    return this.#callbacks.has(callback) || this.#retired.has(callback);
  }

  /** Those of this moment. */
  all(): Callback[] {
    return [...this.#callbacks];
  }

  /** How many there are. */
  get size(): number {
    return this.#callbacks.size;
  }

  /** Calls those that are registered now and still are when their turn comes. */
  each(call: (callback: Callback) => void): void {
    for (const callback of Array.from(this.#callbacks)) if (this.#callbacks.has(callback)) call(callback);
  }
}
