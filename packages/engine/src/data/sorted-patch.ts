/**
 * What changed in sorted results, when it is known which objects changed: those are looked up anew among the others,
 * which stay in their order.
 *
 * @module
 */

import { type CollectionChanges, longestIncreasing, noChanges } from "./changes.js";
import type { KeySequence } from "./key-sequence.js";

/** Objects beside which a changed one is put to find its place, in one look at it. */
const pivotsMax = 16;

/** Looks at a changed object cost about so much as looks at others; with more changes all are looked at. */
export const patchCost = 128;

/** What happened to objects. */
export interface SortedPatch {
  /** Keys of objects that are gone. */
  readonly deleted: readonly number[];
  /** Keys of objects that are new or changed themselves. */
  readonly touched: readonly number[];
  /** Those of some objects (in order of creation) that belong to the results, in order. */
  rank(keys: Float64Array): Float64Array;
}

interface Interval {
  low: number;
  high: number;
}

/** Brings a sequence up to date and says what came, went and moved. */
export function patchSorted(sequence: KeySequence, patch: SortedPatch): CollectionChanges {
  const oldIndexes = new Map<number, number>();
  for (const key of [...patch.deleted, ...patch.touched]) {
    const index = sequence.indexOf(key);
    if (index >= 0) oldIndexes.set(key, index);
  }
  for (const key of oldIndexes.keys()) sequence.remove(key);
  const oldGaps = new Map(
    [...oldIndexes].sort(([, a], [, b]) => a - b).map(([key, index], count) => [key, index - count] as const),
  );
  const places = findPlaces(sequence, patch);
  places.forEach(({ key, gap }, count) => sequence.insert(gap + count, key));
  const stays = stayingKeys(places, oldIndexes, oldGaps);
  const deletions = [...oldIndexes].filter(([key]) => !stays.has(key)).map(([, index]) => index);
  const insertions: number[] = [];
  const moves: CollectionChanges["moves"][number][] = [];
  places.forEach(({ key, gap }, count) => {
    const [from, to] = [oldIndexes.get(key), gap + count];
    if (stays.has(key)) return;
    insertions.push(to);
    if (from !== undefined) moves.push({ from, to });
  });
  return { ...noChanges, deletions: deletions.sort((a, b) => a - b), insertions, moves };
}

/** Where the touched objects belong among the others, in order. */
function findPlaces(sequence: KeySequence, patch: SortedPatch): { readonly key: number; readonly gap: number }[] {
  const passing = patch.rank(Float64Array.from(patch.touched).sort());
  const intervals = new Map<number, Interval>();
  for (const key of passing) intervals.set(key, { low: 0, high: sequence.length });
  for (;;) {
    const open = [...intervals].filter(([, { low, high }]) => low < high);
    if (open.length === 0) break;
    const pivots = pivotsOf(
      sequence,
      open.map(([, interval]) => interval),
    );
    const asked = Float64Array.from([...open.map(([key]) => key), ...pivots.keys()]).sort();
    narrow(patch.rank(asked), pivots, intervals);
  }
  return [...intervals].map(([key, { low }]) => ({ key, gap: low }));
}

/** Objects spread over intervals, with their indexes. */
function pivotsOf(sequence: KeySequence, intervals: readonly Interval[]): Map<number, number> {
  const indexes = new Set<number>();
  for (const { low, high } of intervals) {
    const count = Math.min(pivotsMax, high - low);
    for (let step = 0; step < count; step += 1) indexes.add(low + Math.floor(((step + 0.5) * (high - low)) / count));
  }
  return new Map([...indexes].map((index) => [sequence.at(index) ?? -1, index]));
}

function narrow(
  ranked: Float64Array,
  pivots: ReadonlyMap<number, number>,
  intervals: ReadonlyMap<number, Interval>,
): void {
  let low = 0;
  for (const key of ranked) {
    const pivot = pivots.get(key);
    const interval = intervals.get(key);
    if (pivot !== undefined) low = Math.max(low, pivot + 1);
    else if (interval !== undefined) interval.low = Math.max(interval.low, low);
  }
  let high = Infinity;
  for (const key of ranked.toReversed()) {
    const pivot = pivots.get(key);
    const interval = intervals.get(key);
    if (pivot !== undefined) high = Math.min(high, pivot);
    else if (interval !== undefined) interval.high = Math.min(interval.high, high);
  }
}

/** Keys of touched objects that are still between the same others, in the same order among themselves. */
function stayingKeys(
  places: readonly { readonly key: number; readonly gap: number }[],
  oldIndexes: ReadonlyMap<number, number>,
  oldGaps: ReadonlyMap<number, number>,
): Set<number> {
  const candidates = places.filter(({ key, gap }) => oldGaps.get(key) === gap);
  const marks = longestIncreasing(candidates.map(({ key }) => oldIndexes.get(key) ?? 0));
  return new Set(candidates.filter((_, index) => marks?.[index] ?? true).map(({ key }) => key));
}
