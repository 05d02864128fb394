/**
 * Integers whose changes add up when several devices make them.
 *
 * @module
 */

import type { Column, ObjectHandle } from "@tidemark/engine";
import { call } from "../errors.js";
import type { Long } from "../schema/property.js";

/** Where the value of a counter is kept. */
export interface CounterStore {
  get(): Long;
  set(value: Long): void;
  add(amount: Long): void;
}

class PlainCounter implements CounterStore {
  #value: Long;

  constructor(value: Long) {
    this.#value = value;
  }

  get(): Long {
    return this.#value;
  }

  set(value: Long): void {
    this.#value = value;
  }

  add(amount: Long): void {
    const sum = BigInt(this.#value) + BigInt(amount);
    this.#value = Number.isSafeInteger(Number(sum)) ? Number(sum) : sum;
  }
}

/** A counter of an object. */
export class StoredCounter implements CounterStore {
  readonly #handle: ObjectHandle;
  readonly #column: Column;
  readonly #requireWrite: () => void;

  constructor(handle: ObjectHandle, column: Column, requireWrite: () => void) {
    this.#handle = handle;
    this.#column = column;
    this.#requireWrite = requireWrite;
  }

  get(): Long {
    return call(() => this.#handle.get(this.#column)) as Long;
  }

  set(value: Long): void {
    this.#requireWrite();
    call(() => this.#handle.set(this.#column, value));
  }

  add(amount: Long): void {
    this.#requireWrite();
    call(() => this.#handle.add(this.#column, amount));
  }
}

/**
 * An integer of an object whose changes add up when several devices make them. It can be changed where its object can
 * be.
 */
export class MutableRealmInt {
  readonly #store: CounterStore;

  /** @internal */
  constructor(store: CounterStore) {
    this.#store = store;
  }

  /** A counter that is not stored yet. */
  static create(value: Long): MutableRealmInt {
    return new MutableRealmInt(new PlainCounter(value));
  }

  /** The value now. */
  get(): Long {
    return this.#store.get();
  }

  /** Overwrites the value: what other devices added before this does not count. */
  set(value: Long): void {
    this.#store.set(value);
  }

  /** Adds to the value. */
  increment(amount: Long = 1): void {
    this.#store.add(amount);
  }

  /** Takes from the value. */
  decrement(amount: Long = 1): void {
    this.#store.add(-amount);
  }

  /** Less than 0, 0, or more, as the values compare. */
  compareTo(other: MutableRealmInt): number {
    const [mine, theirs] = [this.get(), other.get()];
    return mine < theirs ? -1 : Number(mine > theirs);
  }

  /** Whether both have the same value. */
  equals(other: unknown): boolean {
    return other instanceof MutableRealmInt && this.compareTo(other) === 0;
  }

  /** The value, for people. */
  toString(): string {
    return `RealmInt{${this.get()}}`;
  }
}
