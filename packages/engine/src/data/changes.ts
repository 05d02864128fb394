/**
 * What changed between two moments of a collection: pure functions.
 *
 * @module
 */

/** Keys in order of creation: positions are found by halving. Returns −1 if the key is not there. */
export function indexOfKey(sorted: Float64Array, key: number): number {
  const index = lowerBound(sorted, key);
  return sorted[index] === key ? index : -1;
}

/** How many of some ascending numbers are below another one. */
function lowerBound(sorted: ArrayLike<number>, key: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? 0) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * The changes of results in order of creation, when it is known which keys left, came, and changed.
 *
 * @param left, came sorted; those of `left` were there, those of `came` were not.
 * @param modified keys that may or may not be among the results.
 */
export function patchKeys(
  before: Float64Array,
  left: readonly number[],
  came: readonly number[],
  modified: Iterable<number>,
): { readonly keys: Float64Array; readonly changes: CollectionChanges } {
  const keys = left.length + came.length === 0 ? before : mergeKeys(before, left, came);
  const indexesIn = (where: Float64Array, wanted: Iterable<number>): number[] => {
    const indexes: number[] = [];
    for (const key of wanted) {
      const index = indexOfKey(where, key);
      if (index >= 0) indexes.push(index);
    }
    return indexes.sort(ascending);
  };
  const newKeys = new Set(came);
  const stayed = [...modified].filter((key) => !newKeys.has(key) && indexOfKey(keys, key) >= 0);
  return {
    keys,
    changes: {
      deletions: indexesIn(before, left),
      insertions: indexesIn(keys, came),
      moves: [],
      newModifications: indexesIn(keys, stayed),
      oldModifications: indexesIn(before, stayed),
    },
  };
}

/** Copies what stays in one piece between the keys that leave and come. */
function mergeKeys(before: Float64Array, left: readonly number[], came: readonly number[]): Float64Array {
  const merged = new Float64Array(before.length - left.length + came.length);
  const cuts = [
    ...left.map((key) => ({ at: lowerBound(before, key), came: undefined })),
    ...came.map((key) => ({ at: lowerBound(before, key), came: key })),
  ].sort((a, b) => a.at - b.at || (a.came ?? Infinity) - (b.came ?? Infinity));
  let from = 0;
  let length = 0;
  for (const cut of cuts) {
    merged.set(before.subarray(from, cut.at), length);
    length += cut.at - from;
    from = cut.came === undefined ? cut.at + 1 : cut.at;
    if (cut.came === undefined) continue;
    merged[length] = cut.came;
    length += 1;
  }
  merged.set(before.subarray(from), length);
  return merged;
}

/** Indexes of changes. Deletions and old modifications count in the old collection, the others in the new one. */
export interface CollectionChanges {
  /** What was deleted, by indexes before. */
  readonly deletions: number[];
  /** What was inserted, by indexes afterwards. */
  readonly insertions: number[];
  /** What was changed, by indexes afterwards. */
  readonly newModifications: number[];
  /** The same by indexes before. */
  readonly oldModifications: number[];
  /** Which of the deletions and insertions belong together: what changed its place. */
  readonly moves: {
    /** Index before. */
    readonly from: number;
    /** Index afterwards. */
    readonly to: number;
  }[];
}

export const noChanges: CollectionChanges = {
  deletions: [],
  insertions: [],
  newModifications: [],
  oldModifications: [],
  moves: [],
};

/** Whether there is anything to report. */
export function hasChanges(changes: CollectionChanges): boolean {
  return changes.deletions.length + changes.insertions.length + changes.newModifications.length > 0;
}

/**
 * Compares two lists of distinct keys. What changed its place relative to the others counts as deleted and inserted.
 *
 * @param isModified whether the object behind a key that stayed has changed.
 */
export function compareKeys(
  before: ArrayLike<number>,
  after: ArrayLike<number>,
  isModified: (key: number) => boolean,
): CollectionChanges {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start += 1;
  let end = 0;
  const room = Math.min(before.length, after.length) - start;
  while (end < room && before[before.length - 1 - end] === after[after.length - 1 - end]) end += 1;
  const changes = compareMiddle(before, after, start, end, isModified);
  // What stands at both ends in the same order can only have been modified.
  const newEnds: number[] = [];
  const oldEnds: number[] = [];
  const shift = before.length - after.length;
  for (let index = 0; index < after.length; index += 1) {
    if (index === start) index = after.length - end;
    if (index >= after.length || !isModified(after[index] ?? -1)) continue;
    newEnds.push(index);
    oldEnds.push(index < start ? index : index + shift);
  }
  if (newEnds.length === 0) return changes;
  return {
    ...changes,
    newModifications: [...changes.newModifications, ...newEnds].sort(ascending),
    oldModifications: [...changes.oldModifications, ...oldEnds].sort(ascending),
  };
}

/** Compares all but `start` keys at the beginning and `end` keys at the end. */
function compareMiddle(
  before: ArrayLike<number>,
  after: ArrayLike<number>,
  start: number,
  end: number,
  isModified: (key: number) => boolean,
): CollectionChanges {
  const oldIndexes = new Map<number, number>();
  for (let index = start; index < before.length - end; index += 1) oldIndexes.set(before[index] ?? -1, index);
  const insertions: number[] = [];
  const kept: { readonly from: number; readonly to: number; readonly key: number }[] = [];
  for (let to = start; to < after.length - end; to += 1) {
    const key = after[to] ?? -1;
    const from = oldIndexes.get(key);
    if (from === undefined) insertions.push(to);
    else {
      kept.push({ from, to, key });
      oldIndexes.delete(key);
    }
  }
  const deletions = [...oldIndexes.values()];
  const stays = longestIncreasing(kept.map(({ from }) => from));
  const newModifications: number[] = [];
  const oldModifications: number[] = [];
  const moves: CollectionChanges["moves"] = [];
  kept.forEach(({ from, to, key }, position) => {
    if (stays !== undefined && !stays[position]) {
      deletions.push(from);
      insertions.push(to);
      moves.push({ from, to });
    } else if (isModified(key)) {
      oldModifications.push(from);
      newModifications.push(to);
    }
  });
  if (stays !== undefined) insertions.sort(ascending);
  return { deletions: deletions.sort(ascending), insertions, newModifications, oldModifications, moves };
}

function ascending(a: number, b: number): number {
  return a - b;
}

/** Marks the members of a longest increasing subsequence; `undefined` if the whole sequence increases. */
export function longestIncreasing(sequence: readonly number[]): boolean[] | undefined {
  let isSorted = true;
  for (let index = 1; index < sequence.length && isSorted; index += 1) {
    isSorted = (sequence[index - 1] ?? 0) < (sequence[index] ?? 0);
  }
  if (isSorted) return undefined;
  const tails: number[] = [];
  const previous: number[] = [];
  sequence.forEach((value, index) => {
    let low = 0;
    let high = tails.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((sequence[tails[middle] ?? 0] ?? 0) < value) low = middle + 1;
      else high = middle;
    }
    previous[index] = low > 0 ? (tails[low - 1] ?? -1) : -1;
    tails[low] = index;
  });
  const marks = new Array<boolean>(sequence.length).fill(false);
  for (let at = tails[tails.length - 1] ?? -1; at >= 0; at = previous[at] ?? -1) marks[at] = true;
  return marks;
}

/** Lists longer than this in their differing middle are not compared element by element. */
const comparedMiddleMax = 400;

/** Compares two lists of values by their fingerprints. A value replaced in place counts as modified. */
export function compareValues(before: readonly string[], after: readonly string[]): CollectionChanges {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start += 1;
  let endOld = before.length;
  let endNew = after.length;
  while (endOld > start && endNew > start && before[endOld - 1] === after[endNew - 1]) {
    endOld -= 1;
    endNew -= 1;
  }
  const oldMiddle = before.slice(start, endOld);
  const newMiddle = after.slice(start, endNew);
  if (oldMiddle.length === newMiddle.length) {
    const modified: number[] = [];
    oldMiddle.forEach((value, index) => {
      if (value !== newMiddle[index]) modified.push(start + index);
    });
    return { ...noChanges, newModifications: modified, oldModifications: [...modified] };
  }
  const isLong = oldMiddle.length > comparedMiddleMax || newMiddle.length > comparedMiddleMax;
  const common = isLong ? [] : commonSubsequence(oldMiddle, newMiddle);
  const keptOld = new Set(common.map(([from]) => from));
  const keptNew = new Set(common.map(([, to]) => to));
  const rest = (values: readonly string[], kept: ReadonlySet<number>): number[] =>
    values.flatMap((_, index) => (kept.has(index) ? [] : [start + index]));
  return { ...noChanges, deletions: rest(oldMiddle, keptOld), insertions: rest(newMiddle, keptNew) };
}

function commonSubsequence(a: readonly string[], b: readonly string[]): [number, number][] {
  const width = b.length + 1;
  const lengths = new Uint16Array((a.length + 1) * width);
  const at = (row: number, column: number): number => lengths[row * width + column] ?? 0;
  for (let row = a.length - 1; row >= 0; row -= 1) {
    for (let column = b.length - 1; column >= 0; column -= 1) {
      lengths[row * width + column] =
        a[row] === b[column] ? at(row + 1, column + 1) + 1 : Math.max(at(row + 1, column), at(row, column + 1));
    }
  }
  const pairs: [number, number][] = [];
  let row = 0;
  let column = 0;
  while (row < a.length && column < b.length) {
    if (a[row] === b[column]) {
      pairs.push([row, column]);
      row += 1;
      column += 1;
    } else if (at(row + 1, column) >= at(row, column + 1)) row += 1;
    else column += 1;
  }
  return pairs;
}

/** Compares two lists of distinct values. */
export function compareDistinct(before: readonly string[], after: readonly string[]): CollectionChanges {
  const numbers = new Map<string, number>();
  const numberOf = (value: string): number => {
    const known = numbers.get(value) ?? numbers.size;
    numbers.set(value, known);
    return known;
  };
  return compareKeys(before.map(numberOf), after.map(numberOf), () => false);
}

/** Where the element at an index was before some changes; −1 if it is new, or was moved. */
export function oldIndexOf(changes: CollectionChanges, index: number): number {
  const inserted = lowerBound(changes.insertions, index);
  if (changes.insertions[inserted] === index) return -1;
  // So many of the elements that stayed come before it; the deleted ones among them are passed by.
  const rank = index - inserted;
  let low = 0;
  let high = changes.deletions.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((changes.deletions[middle] ?? 0) - middle <= rank) low = middle + 1;
    else high = middle;
  }
  return rank + low;
}

/** Adds changes of elements that stayed, by their indexes afterwards; others are left out. */
export function withModifications(changes: CollectionChanges, indexes: Iterable<number>): CollectionChanges {
  const known = new Set(changes.newModifications);
  const pairs: (readonly [number, number])[] = [];
  for (const index of indexes) {
    const old = known.has(index) ? -1 : oldIndexOf(changes, index);
    if (old >= 0) pairs.push([old, index]);
  }
  if (pairs.length === 0) return changes;
  return {
    ...changes,
    newModifications: [...changes.newModifications, ...pairs.map(([, index]) => index)].sort(ascending),
    oldModifications: [...changes.oldModifications, ...pairs.map(([index]) => index)].sort(ascending),
  };
}

/** Changes of a dictionary, by key. */
export interface DictionaryChanges {
  /** Keys that are gone. */
  readonly deletions: string[];
  /** Keys that are new. */
  readonly insertions: string[];
  /** Keys that have another value. */
  readonly modifications: string[];
}

/** Compares two dictionaries. */
export function compareEntries<T>(
  before: ReadonlyMap<string, T>,
  after: ReadonlyMap<string, T>,
  areEqual: (before: T, after: T) => boolean = (one, other) => one === other,
): DictionaryChanges {
  const insertions: string[] = [];
  const modifications: string[] = [];
  for (const [key, value] of after) {
    const known = before.get(key);
    if (known === undefined) insertions.push(key);
    else if (!areEqual(known, value)) modifications.push(key);
  }
  return { deletions: [...before.keys()].filter((key) => !after.has(key)), insertions, modifications };
}
