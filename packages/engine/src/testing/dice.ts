/**
 * Chance that can be repeated.
 *
 * @module
 */

/** A small generator: each call gives a whole number from 0 on that is below `sides`. */
export function dice(seed: number): (sides: number) => number {
  let state = seed;
  return (sides) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * sides);
  };
}
