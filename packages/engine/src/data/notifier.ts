/**
 * Tells listeners what changed: always in a turn of the event loop of its own, never inside a write transaction.
 *
 * @module
 */

import type { Database } from "./database.js";
import {
  type CollectionChanges,
  compareEntries,
  compareKeys,
  compareValues,
  type DictionaryChanges,
  hasChanges,
  noChanges,
} from "./changes.js";
import type { Dictionary } from "./dictionary.js";
import type { List } from "./list.js";
import { EmbeddedHandle, ObjectHandle } from "./object.js";
import type { Results } from "./results.js";
import type { ValueSet } from "./value-set.js";

/** What the core says about the versions since the last delivery. */
export interface ChangeSummary {
  /** False if everything may have changed. */
  readonly isComplete: boolean;
  /** Whether there are new classes or properties. */
  readonly hasSchemaChange: boolean;
  classChanges(name: string): ClassChanges | undefined;
  readonly isEmpty: boolean;
}

/** Changes of one class. */
export interface ClassChanges {
  readonly inserted: readonly number[];
  readonly deleted: readonly number[];
  /** Columns by key. */
  readonly modified: ReadonlyMap<number, readonly number[]>;
}

/** One listener, whatever it listens to. */
interface Observer {
  /** Compares with what it knew last; returns what to call, if anything. */
  collect(summary: ChangeSummary | undefined): (() => void) | undefined;
}

/** Ends a listener. */
export type Unsubscribe = () => void;

/** Changes of an object. */
export interface ObjectChanges {
  /** Whether the object is gone. */
  readonly isDeleted: boolean;
  /** Names in the application. */
  readonly changedProperties: readonly string[];
}

/** Delivers notifications of one file. */
export class Notifier {
  readonly #database: Database;
  readonly #observers = new Set<Observer>();
  readonly #realmListeners = new Set<() => void>();
  readonly #beforeListeners = new Set<() => void>();
  readonly #schemaListeners = new Set<() => void>();
  #isScheduled = false;
  #isClosed = false;
  /** Version up to which listeners have been told. */
  #deliveredVersion: number | undefined;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Ends all listeners. */
  close(): void {
    this.#isClosed = true;
    this.#observers.clear();
    this.#realmListeners.clear();
    this.#beforeListeners.clear();
    this.#schemaListeners.clear();
  }

  /** Delivers in a later turn of the event loop. */
  schedule(): void {
    if (this.#isScheduled || this.#isClosed) return;
    this.#isScheduled = true;
    this.#database.clock.defer(() => {
      this.#isScheduled = false;
      this.#deliver();
    });
  }

  get #hasListeners(): boolean {
    return (
      this.#observers.size + this.#realmListeners.size + this.#beforeListeners.size + this.#schemaListeners.size > 0
    );
  }

  #deliver(): void {
    const database = this.#database;
    // A transaction that is open across turns: its end schedules again.
    if (this.#isClosed || database.isInWrite) return;
    const summary = this.#takeChanges();
    if (summary !== undefined && !summary.isEmpty) {
      this.#call([...this.#beforeListeners]);
      if (summary.hasSchemaChange) this.#call([...this.#schemaListeners]);
    }
    const calls: [Observer, () => void][] = [];
    for (const observer of this.#observers) {
      const call = observer.collect(summary);
      if (call !== undefined) calls.push([observer, call]);
    }
    // All are compared with one version before the first is told: what it does must not be seen by the others yet.
    for (const [observer, call] of calls) if (this.#observers.has(observer)) this.#call([call]);
    if (summary !== undefined && !summary.isEmpty) this.#call([...this.#realmListeners]);
  }

  #call(listeners: readonly (() => void)[]): void {
    for (const listener of listeners) {
      if (this.#isClosed) return;
      try {
        listener();
      } catch (error) {
        this.#database.clock.defer(() => {
          throw error;
        });
      }
    }
  }

  /** Moves the snapshot to the newest version and says what changed since the last delivery. */
  #takeChanges(): ChangeSummary | undefined {
    const database = this.#database;
    const since = this.#deliveredVersion ?? database.version;
    database.advance();
    if (!this.#hasListeners || database.version === since) {
      this.#deliveredVersion = database.version;
      return undefined;
    }
    let summary = readChanges(database, since);
    // Another commit may come between the snapshot and the question.
    while (summary.to > database.version) {
      database.advance();
      if (summary.to === database.version) break;
      summary = readChanges(database, since);
    }
    this.#deliveredVersion = database.version;
    return summary;
  }

  #observe(observer: Observer): Unsubscribe {
    this.#deliveredVersion ??= this.#database.version;
    this.#observers.add(observer);
    this.schedule();
    return () => {
      this.#observers.delete(observer);
    };
  }

  #listen(listeners: Set<() => void>, listener: () => void): Unsubscribe {
    this.#deliveredVersion ??= this.#database.version;
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
    };
  }

  /** After each change of the file. */
  onChange(listener: () => void): Unsubscribe {
    return this.#listen(this.#realmListeners, listener);
  }

  /** Before listeners of objects and collections are told. */
  onBeforeNotify(listener: () => void): Unsubscribe {
    return this.#listen(this.#beforeListeners, listener);
  }

  /** Calls back when there are new classes or properties. */
  onSchemaChange(listener: () => void): Unsubscribe {
    return this.#listen(this.#schemaListeners, listener);
  }

  /** The first call has no changes and comes soon. */
  onResults(results: Results, listener: (changes: CollectionChanges) => void): Unsubscribe {
    let known: Float64Array | undefined;
    return this.#observe({
      collect: (summary) => {
        if (!results.isValid()) return this.#lastOf(known, listener, () => (known = new Float64Array(0)));
        if (known === undefined) {
          known = results.keys();
          return () => listener(noChanges);
        }
        const classChanges = summary?.classChanges(results.layout.name);
        if (summary === undefined || !mayConcern(results, summary, classChanges)) return undefined;
        const patched =
          summary.isComplete && classChanges !== undefined ? results.patch(known, classChanges) : undefined;
        const keys = patched?.keys ?? results.keys();
        const changes = patched?.changes ?? compareKeys(known, keys, (key) => isModified(summary, classChanges, key));
        known = keys;
        return hasChanges(changes) ? () => listener(changes) : undefined;
      },
    });
  }

  /** A list or set. */
  onCollection(collection: List | ValueSet, listener: (changes: CollectionChanges) => void): Unsubscribe {
    let known: readonly string[] | undefined;
    let keys: Float64Array = new Float64Array(0);
    const isLinks = collection.column.type === "link";
    const target = isLinks ? (collection.column.target ?? "") : "";
    return this.#observe({
      collect: (summary) => {
        if (!collection.isValid()) return this.#lastOf(known, listener, () => (known = []));
        if (known === undefined) {
          known = collection.fingerprints();
          keys = collection.keys();
          return () => listener(noChanges);
        }
        if (summary === undefined) return undefined;
        const before = known;
        known = collection.fingerprints();
        let changes = compareValues(before, known);
        if (isLinks) {
          const keysBefore = keys;
          keys = collection.keys();
          const classChanges = summary.classChanges(target);
          if (isDistinct(keysBefore) && isDistinct(keys)) {
            changes = compareKeys(keysBefore, keys, (key) => isModified(summary, classChanges, key));
          }
        }
        return hasChanges(changes) ? () => listener(changes) : undefined;
      },
    });
  }

  /** Calls back soon, with no changes, and then after each change of a dictionary. */
  onDictionary(dictionary: Dictionary, listener: (changes: DictionaryChanges) => void): Unsubscribe {
    let known: ReadonlyMap<string, string> | undefined;
    return this.#observe({
      collect: (summary) => {
        if (!dictionary.isValid()) {
          if (known === undefined || known.size === 0) return undefined;
          const changes = compareEntries(known, new Map());
          known = new Map();
          return () => listener(changes);
        }
        if (known === undefined) {
          known = dictionary.fingerprints();
          return () => listener({ deletions: [], insertions: [], modifications: [] });
        }
        if (summary === undefined) return undefined;
        const before = known;
        known = dictionary.fingerprints();
        const changes = compareEntries(before, known);
        const count = changes.deletions.length + changes.insertions.length + changes.modifications.length;
        return count > 0 ? () => listener(changes) : undefined;
      },
    });
  }

  /**
   * Calls back after each change of an object.
   *
   * @param isKnown whether the listener knows the object as of the last delivery: its first call is a change then.
   */
  onObject(
    object: ObjectHandle | EmbeddedHandle,
    listener: (changes: ObjectChanges) => void,
    isKnown: boolean = false,
  ): Unsubscribe {
    let isTold = isKnown;
    let isGone = false;
    return this.#observe({
      collect: (summary) => {
        if (isGone) return undefined;
        if (!object.isValid()) {
          isGone = true;
          return () => listener({ isDeleted: true, changedProperties: [] });
        }
        if (!isTold) {
          isTold = true;
          return () => listener({ isDeleted: false, changedProperties: [] });
        }
        const changedProperties = summary === undefined ? [] : changedPropertiesOf(object, summary);
        return changedProperties.length > 0 ? () => listener({ isDeleted: false, changedProperties }) : undefined;
      },
    });
  }

  /** The last call of a collection whose owner is gone: everything was deleted. */
  #lastOf(
    known: ArrayLike<unknown> | undefined,
    listener: (changes: CollectionChanges) => void,
    forget: () => void,
  ): (() => void) | undefined {
    if (known === undefined || known.length === 0) return undefined;
    const deletions = Array.from({ length: known.length }, (_, index) => index);
    forget();
    return () => listener({ ...noChanges, deletions });
  }
}

function mayConcern(results: Results, summary: ChangeSummary, changes: ClassChanges | undefined): boolean {
  // Queries may look at linked classes, and collections change with their owner.
  if (!summary.isComplete || changes !== undefined) return true;
  return !summary.isEmpty && (!results.isPlain || results.source.kind === "collection");
}

function isModified(summary: ChangeSummary, changes: ClassChanges | undefined, key: number): boolean {
  return !summary.isComplete || (changes?.modified.has(key) ?? false);
}

function isDistinct(keys: Float64Array): boolean {
  return new Set(keys).size === keys.length;
}

function changedPropertiesOf(object: ObjectHandle | EmbeddedHandle, summary: ChangeSummary): readonly string[] {
  if (object instanceof EmbeddedHandle) {
    // The core names changed columns of the root only.
    let root: EmbeddedHandle["parent"] = object;
    while (root instanceof EmbeddedHandle) root = root.parent;
    if (!(root instanceof ObjectHandle)) return [];
    const isTouched = summary.classChanges(root.layout.name)?.modified.has(root.key) ?? !summary.isComplete;
    return isTouched ? object.layout.columns.map((column) => column.publicName) : [];
  }
  const names = object.layout.columns.map((column) => column.publicName);
  if (!summary.isComplete) return names;
  const columns = summary.classChanges(object.layout.name)?.modified.get(object.key) ?? [];
  return columns.flatMap((column) => names[column] ?? []);
}

interface RawChanges {
  readonly to: number;
  readonly complete: boolean;
  readonly schema: boolean;
  readonly classes: Readonly<
    Record<
      string,
      {
        readonly inserted: readonly number[];
        readonly deleted: readonly number[];
        readonly modified: Readonly<Record<string, readonly number[]>>;
      }
    >
  >;
}

function readChanges(database: Database, since: number): ChangeSummary & { readonly to: number } {
  const raw = JSON.parse(database.store.changesSince(since)) as RawChanges;
  const known = new Map<string, ClassChanges>();
  return {
    to: raw.to,
    isComplete: raw.complete,
    hasSchemaChange: raw.schema,
    isEmpty: raw.complete && !raw.schema && Object.keys(raw.classes).length === 0,
    classChanges(name) {
      const changes = raw.classes[name];
      if (changes === undefined) return undefined;
      let made = known.get(name);
      if (made === undefined) {
        const modified = Object.entries(changes.modified).map(([key, columns]) => [Number(key), columns] as const);
        made = { inserted: changes.inserted, deleted: changes.deleted, modified: new Map(modified) };
        known.set(name, made);
      }
      return made;
    },
  };
}
