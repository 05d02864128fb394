/**
 * Turns the edits of a list, in their order, into what a listener is told. Elements are not looked at.
 *
 * @module
 */

import { type CollectionChanges, noChanges } from "./changes.js";

/** Codes of edits, as `CoreStore.changesSince` writes them. */
const code = { insert: 0, erase: 1, set: 2, move: 3 } as const;

/** Neighbouring elements: of the old list, one of the old list that was moved, or new ones. */
interface Run {
  readonly kind: "old" | "moved" | "new";
  /** Index of the first one in the old list. */
  readonly start: number;
  /** How many; the last run of the old list has no end, since its length is not known. */
  readonly length: number;
}

class EditedList {
  #runs: Run[] = [{ kind: "old", start: 0, length: Infinity }];
  /** Known once the list was emptied. */
  #oldLength: number | undefined;
  readonly #changed = new Set<number>();

  apply(kind: number, at: number, to: number): void {
    if (kind === code.insert) this.#insert(at, { kind: "new", start: 0, length: 1 });
    else if (kind === code.erase) this.#take(at);
    else if (kind === code.set) this.#set(at);
    else if (kind === code.move) this.#move(at, to);
    else this.#clear(at);
  }

  /** Makes a run begin at an index. @returns its position. */
  #split(at: number): number {
    let begin = 0;
    for (let position = 0; position < this.#runs.length; position += 1) {
      const run = this.#runs[position];
      if (run === undefined || begin === at) return position;
      if (at < begin + run.length) {
        const length = at - begin;
        const rest = { ...run, start: run.start + length, length: run.length - length };
        this.#runs.splice(position, 1, { ...run, length }, rest);
        return position + 1;
      }
      begin += run.length;
    }
    return this.#runs.length;
  }

  #insert(at: number, run: Run): void {
    const position = this.#split(at);
    const before = this.#runs[position - 1];
    if (run.kind === "new" && before?.kind === "new") {
      this.#runs[position - 1] = { ...before, length: before.length + run.length };
    } else this.#runs.splice(position, 0, run);
  }

  #take(at: number): Run | undefined {
    const position = this.#split(at);
    this.#split(at + 1);
    return this.#runs.splice(position, 1)[0];
  }

  #move(from: number, to: number): void {
    const run = this.#take(from);
    if (run !== undefined) this.#insert(to, run.kind === "old" ? { ...run, kind: "moved" } : run);
  }

  #set(at: number): void {
    let begin = 0;
    for (const { kind, start, length } of this.#runs) {
      if (at < begin + length) {
        if (kind === "old") this.#changed.add(start + at - begin);
        return;
      }
      begin += length;
    }
  }

  #clear(size: number): void {
    const last = this.#runs.at(-1);
    if (last?.length === Infinity) {
      const others = this.#runs.slice(0, -1).reduce((sum, { length }) => sum + length, 0);
      this.#oldLength = last.start + size - others;
    }
    this.#runs = [];
  }

  changes(): CollectionChanges {
    const [deletions, insertions, moves] = [[] as number[], [] as number[], [] as CollectionChanges["moves"][number][]];
    const [newModifications, oldModifications] = [[] as number[], [] as number[]];
    const changed = [...this.#changed].sort((a, b) => a - b);
    let next = 0;
    let old = 0;
    let at = 0;
    for (const { kind, start, length } of this.#runs) {
      if (kind === "old") {
        for (; old < start; old += 1) deletions.push(old);
        old = start + length;
        while ((changed[next] ?? Infinity) < start) next += 1;
        for (; (changed[next] ?? Infinity) < old; next += 1) {
          oldModifications.push(changed[next] ?? 0);
          newModifications.push(at + (changed[next] ?? 0) - start);
        }
      } else {
        if (kind === "moved") moves.push({ from: start, to: at });
        for (let index = 0; index < length; index += 1) insertions.push(at + index);
      }
      at += length;
    }
    for (; old < (this.#oldLength ?? 0); old += 1) deletions.push(old);
    return { deletions, insertions, moves, newModifications, oldModifications };
  }
}

/** @param edits three numbers for each. */
export function foldEdits(edits: readonly number[]): CollectionChanges {
  if (edits.length === 0) return noChanges;
  const list = new EditedList();
  for (let index = 0; index < edits.length; index += 3) {
    list.apply(edits[index] ?? 0, edits[index + 1] ?? 0, edits[index + 2] ?? 0);
  }
  return list.changes();
}
