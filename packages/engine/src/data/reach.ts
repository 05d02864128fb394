/**
 * Which objects a change reaches: those that changed, and those that link to them. Links are followed against their
 * direction, from what changed, so that the time it takes follows the change and not the collection.
 *
 * @module
 */

import type { SnapshotId } from "../core.js";
import type { ChangeSummary } from "./change-summary.js";
import type { Database } from "./database.js";
import type { Watch, WatchStep } from "./key-paths.js";
import type { ClassLayout, Column } from "./schema.js";
import { printAt, storedRow, targetsAt } from "./stored.js";

/** What changed between two versions, as listeners look at it. Valid while they are told. */
export class Reach {
  /** The open file. */
  readonly database: Database;
  /** What changed. */
  readonly summary: ChangeSummary;
  /** The version before. */
  readonly past: SnapshotId;
  readonly #objects = new Map<Watch, ReadonlySet<number>>();
  readonly #steps = new Map<WatchStep, ReadonlySet<number>>();

  constructor(database: Database, summary: ChangeSummary, past: SnapshotId) {
    this.database = database;
    this.summary = summary;
    this.past = past;
  }

  /** The version now. */
  get now(): SnapshotId {
    return this.database.view;
  }

  /** Keys of the objects that existed before and in which something that is watched changed. */
  objects(watch: Watch): ReadonlySet<number> {
    const known = this.#objects.get(watch);
    if (known !== undefined) return known;
    const found = new Set<number>();
    if (watch.isWhole) {
      for (const key of this.summary.classChanges(watch.layout.name)?.modified.keys() ?? []) found.add(key);
    }
    for (const step of watch.steps) for (const key of this.step(watch, step)) found.add(key);
    this.#objects.set(watch, found);
    return found;
  }

  /** Keys of the objects in which one watched property, or what lies behind it, changed. */
  step(watch: Watch, step: WatchStep): ReadonlySet<number> {
    const known = this.#steps.get(step);
    if (known !== undefined) return known;
    const found = step.kind === "column" ? this.#column(watch.layout, step) : this.#backlink(watch.layout, step);
    this.#steps.set(step, found);
    return found;
  }

  #column(layout: ClassLayout, { path, target }: WatchStep & { readonly kind: "column" }): Set<number> {
    const found = new Set<number>();
    const [root] = path;
    for (const [key, columns] of this.summary.classChanges(layout.name)?.modified ?? []) {
      // The core names columns of the root only.
      if (columns.includes(root.index) && (path.length === 1 || this.differs(layout, key, path))) found.add(key);
    }
    const targets = target === undefined ? undefined : this.objects(target);
    if (target === undefined || targets === undefined || targets.size === 0) return found;
    const { store } = this.database;
    const keys = Float64Array.from(targets);
    for (const key of store.origins(this.now, target.layout.index, keys, layout.index, root.index)) {
      if (path.length === 1 || this.#links(layout, key, path, target.layout, targets)) found.add(key);
    }
    return found;
  }

  /** Whether what a path leads to differs between the versions. */
  differs(layout: ClassLayout, key: number, path: readonly Column[]): boolean {
    const [before, after] = [this.past, this.now].map((view) => storedRow(this.database, view, layout, key));
    return printAt(before, path) !== printAt(after, path);
  }

  #links(
    layout: ClassLayout,
    key: number,
    path: readonly Column[],
    target: ClassLayout,
    targets: ReadonlySet<number>,
  ): boolean {
    const row = storedRow(this.database, this.now, layout, key);
    for (const found of targetsAt(this.database, this.now, row, path, target)) if (targets.has(found)) return true;
    return false;
  }

  #backlink(layout: ClassLayout, step: WatchStep & { readonly kind: "backlink" }): Set<number> {
    const { origin, column, target } = step;
    const found = new Set<number>();
    const targetsOf = (view: SnapshotId, key: number): Set<number> =>
      targetsAt(this.database, view, storedRow(this.database, view, origin, key), [column], layout);
    const changes = this.summary.classChanges(origin.name);
    const relinked = [...(changes?.modified ?? [])].flatMap(([key, columns]) =>
      columns.includes(column.index) ? [key] : [],
    );
    for (const key of [...(changes?.inserted ?? []), ...(changes?.deleted ?? []), ...relinked]) {
      const [before, after] = [targetsOf(this.past, key), targetsOf(this.now, key)];
      for (const one of before) if (!after.has(one)) found.add(one);
      for (const one of after) if (!before.has(one)) found.add(one);
    }
    for (const key of target === undefined ? [] : this.objects(target)) {
      for (const one of targetsOf(this.now, key)) found.add(one);
    }
    return found;
  }
}
