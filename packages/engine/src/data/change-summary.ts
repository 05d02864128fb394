/**
 * What the core says about the versions since listeners were told last.
 *
 * @module
 */

import type { SnapshotId } from "../core.js";
import type { Database } from "./database.js";
import { missedChanges } from "./missed-changes.js";

/** What the core says about the versions since the last delivery. */
export interface ChangeSummary {
  /** The newest version that is in it. */
  readonly to: number;
  /** Whether there are new classes or properties. */
  readonly hasSchemaChange: boolean;
  /** Whether nothing changed. */
  readonly isEmpty: boolean;
  /** Classes with changes. */
  readonly classNames: readonly string[];
  /** Changes of a class; nothing if it has none. */
  classChanges(name: string): ClassChanges | undefined;
}

/** Changes of one class. */
export interface ClassChanges {
  /** Keys of new objects. */
  readonly inserted: readonly number[];
  /** Keys of objects that are gone. */
  readonly deleted: readonly number[];
  /** Columns by key. */
  readonly modified: ReadonlyMap<number, readonly number[]>;
  /** Whether an object is gone. */
  isDeleted(key: number): boolean;
  /** How the list in a column of an object was edited, three numbers for each edit; nothing if that is not known. */
  editsOf(key: number, column: number): readonly number[] | undefined;
}

interface RawClass {
  readonly inserted: readonly number[];
  readonly deleted: readonly number[];
  readonly modified: Readonly<Record<string, readonly number[]>>;
  readonly lists?: readonly (readonly [number, number, readonly number[] | null])[];
}

interface RawChanges {
  readonly to: number;
  readonly complete: boolean;
  readonly schema: boolean;
  readonly classes: Readonly<Record<string, RawClass>>;
}

/**
 * What changed after a version.
 *
 * @param past that version, to compare with where the core does not remember enough.
 */
export function readChanges(database: Database, since: number, past: SnapshotId): ChangeSummary {
  const raw = JSON.parse(database.store.changesSince(since)) as RawChanges;
  if (!raw.complete) return missedChanges(database, past, raw.to);
  const known = new Map<string, ClassChanges>();
  const classNames = Object.keys(raw.classes);
  return {
    to: raw.to,
    hasSchemaChange: raw.schema,
    isEmpty: !raw.schema && classNames.length === 0,
    classNames,
    classChanges(name) {
      const changes = raw.classes[name];
      if (changes === undefined) return undefined;
      const made = known.get(name) ?? classChangesOf(changes);
      known.set(name, made);
      return made;
    },
  };
}

function classChangesOf({ inserted, deleted, modified, lists = [] }: RawClass): ClassChanges {
  const edits = new Map(lists.map(([key, column, list]) => [`${key}/${column}`, list ?? undefined] as const));
  const gone = new Set(deleted);
  return {
    inserted,
    deleted,
    isDeleted: (key) => gone.has(key),
    modified: new Map(Object.entries(modified).map(([key, columns]) => [Number(key), columns] as const)),
    editsOf: (key, column) => edits.get(`${key}/${column}`),
  };
}
