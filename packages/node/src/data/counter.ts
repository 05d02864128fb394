/**
 * Counters: integers whose changes add up when several devices make them.
 *
 * @module
 */

import type { Column, ObjectHandle } from "@tidemark/engine";
import { assertNumber } from "../assert.js";
import { call } from "../errors.js";

/** An integer of an object whose changes add up when several devices make them. */
export class Counter {
  readonly #handle: ObjectHandle;
  readonly #column: Column;

  /** @internal */
  constructor(handle: ObjectHandle, column: Column) {
    this.#handle = handle;
    this.#column = column;
  }

  /** The value now. It cannot be assigned. */
  get value(): number {
    return Number(this.#handle.get(this.#column));
  }

  /** @throws always. */
  set value(_: number) {
    throw new Error("To update the value, use the methods on the Counter.");
  }

  /** Adds to the value, in a write transaction. */
  increment(by: number = 1): void {
    assertNumber(by, "by");
    call(() => this.#handle.add(this.#column, by));
  }

  /** Takes from the value, in a write transaction. */
  decrement(by: number = 1): void {
    assertNumber(by, "by");
    call(() => this.#handle.add(this.#column, -by));
  }

  /** Overwrites the value, in a write transaction: what other devices added before this does not count. */
  set(value: number): void {
    assertNumber(value, "value");
    call(() => this.#handle.set(this.#column, value));
  }

  /** @internal An existing counter is changed by its methods only. */
  static refuseAssignment(current: unknown, value: unknown): void {
    if (current === null || value === null) return;
    throw new Error(
      "You can only reset a Counter instance when initializing a previously null Counter or resetting a nullable Counter to null. To update the value of the Counter, use its instance methods.",
    );
  }
}
