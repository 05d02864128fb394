/**
 * Chance that can be repeated.
 *
 * @module
 */

/** A small seeded generator. */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = Math.imul(seed, 0x9e37_79b1) >>> 0;
  }

  /** A whole number from 0 to below the limit. */
  below(limit: number): number {
    // A linear congruential generator; its high bits are good enough to choose edits.
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((this.#state / 2 ** 32) * limit);
  }

  /** One of some values. */
  choose<T>(values: readonly T[]): T {
    const value = values[this.below(values.length)];
    if (value === undefined) throw new RangeError("nothing to choose from");
    return value;
  }
}
