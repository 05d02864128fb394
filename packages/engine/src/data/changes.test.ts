import { expect, test } from "vitest";
import { dice } from "../testing/dice.js";
import { type CollectionChanges, compareEntries, compareKeys, compareValues, patchKeys } from "./changes.js";

/** What an application does with changes: takes out, then puts in. */
function applied<T>(before: readonly T[], after: readonly T[], changes: CollectionChanges): T[] {
  const result = [...before];
  for (const index of changes.deletions.toReversed()) result.splice(index, 1);
  for (const index of changes.insertions) result.splice(index, 0, after[index] as T);
  return result;
}

function shuffled(roll: (sides: number) => number, length: number): number[] {
  const keys = Array.from({ length: 12 }, (_, key) => key).sort(() => roll(3) - 1);
  return keys.slice(0, length);
}

test("deletions and insertions turn the old keys into the new ones; modifications name what changed", () => {
  for (let seed = 1; seed < 2_000; seed += 1) {
    const roll = dice(seed);
    const before = shuffled(roll, roll(12));
    const after = roll(3) === 0 ? before.filter(() => roll(3) > 0) : shuffled(roll, roll(12));
    const modified = new Set([roll(12), roll(12)]);
    const changes = compareKeys(before, after, (key) => modified.has(key));
    expect(applied(before, after, changes), `seed ${seed}`).toEqual(after);
    const inserted = new Set(changes.insertions.map((index) => after[index]));
    const expected = after.flatMap((key, index) => (modified.has(key) && !inserted.has(key) ? [index] : []));
    expect(changes.newModifications, `seed ${seed}`).toEqual(
      expected.filter((index) => before.includes(after[index] ?? -1)),
    );
    const olds = changes.oldModifications.map((index) => before[index]);
    expect(olds.sort(), `seed ${seed}`).toEqual(changes.newModifications.map((index) => after[index]).sort());
  }
});

test("one key that moves is the only one deleted and inserted", () => {
  const changes = compareKeys([1, 2, 3, 4, 5], [2, 3, 4, 5, 1], () => false);
  expect(changes).toEqual({
    deletions: [0],
    insertions: [4],
    newModifications: [],
    oldModifications: [],
    moves: [{ from: 0, to: 4 }],
  });
});

test("values: what is replaced in place is modified, all else is deleted and inserted", () => {
  expect(compareValues(["a", "b", "c"], ["a", "x", "c"])).toMatchObject({ newModifications: [1], deletions: [] });
  for (let seed = 1; seed < 2_000; seed += 1) {
    const roll = dice(seed);
    const before = Array.from({ length: roll(8) }, () => String(roll(4)));
    const after = Array.from({ length: roll(8) }, () => String(roll(4)));
    const changes = compareValues(before, after);
    const result = applied(before, after, changes);
    for (const index of changes.newModifications) result[index] = after[index] ?? "";
    expect(result, `seed ${seed}`).toEqual(after);
  }
});

test("patching gives what comparing gives", () => {
  for (let seed = 1; seed < 2_000; seed += 1) {
    const roll = dice(seed);
    const before = Array.from({ length: 10 }, (_, key) => key).filter(() => roll(2) === 0);
    const left = before.filter(() => roll(4) === 0);
    const came = Array.from({ length: 14 }, (_, key) => key).filter((key) => !before.includes(key) && roll(4) === 0);
    const modified = Array.from({ length: 14 }, (_, key) => key).filter(() => roll(5) === 0);
    const patched = patchKeys(Float64Array.from(before), left, came, modified);
    const after = [...before.filter((key) => !left.includes(key)), ...came].sort((a, b) => a - b);
    expect([...patched.keys], `seed ${seed}`).toEqual(after);
    expect(patched.changes, `seed ${seed}`).toEqual(compareKeys(before, after, (key) => modified.includes(key)));
  }
});

test("entries by key", () => {
  const before = new Map([
    ["a", "1"],
    ["b", "2"],
    ["c", "3"],
  ]);
  const after = new Map([
    ["a", "1"],
    ["c", "4"],
    ["d", "5"],
  ]);
  expect(compareEntries(before, after)).toEqual({ deletions: ["b"], insertions: ["d"], modifications: ["c"] });
});
