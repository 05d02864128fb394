/**
 * What changed between two versions when the core does not remember it any more: found by comparing their objects.
 *
 * @module
 */

import type { SnapshotId } from "../core.js";
import { pageOf } from "../values/unpack.js";
import type { ChangeSummary, ClassChanges } from "./change-summary.js";
import type { Database } from "./database.js";
import { linkTargets } from "./key-paths.js";
import type { ClassLayout } from "./schema.js";
import { differingColumns } from "./stored.js";

/** Objects compared by one call. */
const pageLength = 256;

const noParameters = new Uint8Array(4);

interface Membership {
  readonly inserted: readonly number[];
  readonly deleted: readonly number[];
  /** Those that were there and are there still. */
  readonly stayed: Float64Array;
}

/** Compares classes as they are asked for, each once. */
class Comparison {
  readonly #database: Database;
  readonly #past: SnapshotId;
  readonly #pastClassCount: number;
  readonly #memberships = new Map<ClassLayout, Membership>();

  constructor(database: Database, past: SnapshotId, pastClassCount: number) {
    this.#database = database;
    this.#past = past;
    this.#pastClassCount = pastClassCount;
  }

  /** Classes keep their places, and new ones come last. */
  #wasThere({ index }: ClassLayout): boolean {
    return index < this.#pastClassCount;
  }

  #membership(layout: ClassLayout): Membership {
    const known = this.#memberships.get(layout);
    if (known !== undefined) return known;
    const { store, view } = this.#database;
    const keysIn = (from: SnapshotId): Float64Array =>
      store.query(from, layout.index, "TRUEPREDICATE", noParameters, null);
    const after = keysIn(view);
    const before = this.#wasThere(layout) ? keysIn(this.#past) : new Float64Array(0);
    const [old, now] = [new Set(before), new Set(after)];
    const found = {
      inserted: [...after].filter((key) => !old.has(key)),
      deleted: [...before].filter((key) => !now.has(key)),
      stayed: after.filter((key) => old.has(key)),
    };
    this.#memberships.set(layout, found);
    return found;
  }

  changes(layout: ClassLayout): ClassChanges {
    const { inserted, deleted, stayed } = this.#membership(layout);
    const modified = new Map<number, Set<number>>();
    const modify = (key: number, column: number): void => {
      modified.set(key, (modified.get(key) ?? new Set()).add(column));
    };
    for (let start = 0; start < stayed.length; start += pageLength) {
      this.#compareRows(layout, stayed.subarray(start, start + pageLength), modify);
    }
    this.#findRevealed(layout, new Set(stayed), modify);
    const gone = new Set(deleted);
    return {
      inserted,
      deleted,
      modified: new Map([...modified].map(([key, columns]) => [key, [...columns]] as const)),
      isDeleted: (key) => gone.has(key),
      editsOf: () => undefined,
    };
  }

  #compareRows(layout: ClassLayout, keys: Float64Array, modify: (key: number, column: number) => void): void {
    const { store, view } = this.#database;
    const [before, after] = [this.#past, view].map((from) => pageOf(store.rows(from, layout.index, keys)));
    if (before === undefined || after === undefined) return;
    let [old, now] = [0, 0];
    for (const key of keys) {
      const [oldLength, nowLength] = [before.view.getUint32(old, true), after.view.getUint32(now, true)];
      const oldRow = before.bytes.subarray(old + 4, old + 4 + oldLength);
      const nowRow = after.bytes.subarray(now + 4, now + 4 + nowLength);
      if (!areEqual(oldRow, nowRow)) {
        const [one, other] = [oldRow, nowRow].map((bytes) => {
          const page = pageOf(bytes);
          return { page, at: 4 + page.view.getUint32(0, true) };
        });
        for (const column of differingColumns(layout, one, other)) modify(key, column.index);
      }
      old += 4 + oldLength;
      now += 4 + nowLength;
    }
  }

  /** Links to objects that came or went show or hide, though the rows that hold them are the same. */
  #findRevealed(layout: ClassLayout, stayed: ReadonlySet<number>, modify: (key: number, column: number) => void): void {
    const { store, view } = this.#database;
    for (const column of layout.columns) {
      for (const target of linkTargets(this.#database, column)) {
        const { inserted, deleted } = this.#membership(target);
        const find = (from: SnapshotId, keys: readonly number[]): Float64Array =>
          store.origins(from, target.index, Float64Array.from(keys), layout.index, column.index);
        const came = inserted.length > 0 ? find(view, inserted) : [];
        const went = deleted.length > 0 && this.#wasThere(layout) ? find(this.#past, deleted) : [];
        for (const key of [...came, ...went]) if (stayed.has(key)) modify(key, column.index);
      }
    }
  }
}

function areEqual(one: Uint8Array, other: Uint8Array): boolean {
  if (one.length !== other.length) return false;
  for (let index = 0; index < one.length; index += 1) if (one[index] !== other[index]) return false;
  return true;
}

/**
 * What changed between a version and the one that is seen now.
 *
 * @param to the version that is seen now.
 */
export function missedChanges(database: Database, past: SnapshotId, to: number): ChangeSummary {
  const [before, now] = [past, database.view].map((view) => database.store.schema(view));
  const { classes } = JSON.parse(before ?? "") as { readonly classes: readonly unknown[] };
  const comparison = new Comparison(database, past, classes.length);
  const known = new Map<string, ClassChanges>();
  return {
    to,
    hasSchemaChange: before !== now,
    isEmpty: false,
    classNames: database.layouts.filter(({ kind }) => kind === "top").map(({ name }) => name),
    classChanges(name) {
      const layout = database.storedLayout(name);
      if (layout?.kind !== "top") return undefined;
      const made = known.get(name) ?? comparison.changes(layout);
      known.set(name, made);
      return made;
    },
  };
}
