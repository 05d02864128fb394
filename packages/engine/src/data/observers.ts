/**
 * What single listeners know, and what a change means to them.
 *
 * @module
 */

import type { ClassChanges } from "./change-summary.js";
import {
  type CollectionChanges,
  compareDistinct,
  compareEntries,
  compareKeys,
  compareValues,
  type DictionaryChanges,
  hasChanges,
  noChanges,
  withModifications,
} from "./changes.js";
import type { Dictionary } from "./dictionary.js";
import { connectedClasses, type Watch, type Watches } from "./key-paths.js";
import { KeySequence } from "./key-sequence.js";
import { foldEdits } from "./list-edits.js";
import { isNested } from "./nested.js";
import type { List } from "./list.js";
import { type EmbeddedHandle, type Holder, ObjectHandle, rootOf } from "./object.js";
import type { Reach } from "./reach.js";
import type { Results } from "./results.js";
import type { Column } from "./schema.js";
import {
  differingColumns,
  printAt,
  rootColumn,
  storedElements,
  storedEntries,
  storedHolder,
  targetsAt,
} from "./stored.js";
import type { ValueResults } from "./value-results.js";
import { ValueSet } from "./value-set.js";

/** One listener, whatever it listens to. */
export interface Observer {
  /**
   * Says what to call, if anything.
   *
   * @param reach what changed since the last call of this; nothing if nothing did.
   */
  collect(reach: Reach | undefined): (() => void) | undefined;
}

/** Changes of an object. */
export interface ObjectChanges {
  /** Whether the object is gone. */
  readonly isDeleted: boolean;
  /** Names in the application. */
  readonly changedProperties: readonly string[];
}

/** Properties that a listener wants to hear of; nothing for all. */
export type KeyPaths = readonly string[] | undefined;

function firstCall(listener: (changes: CollectionChanges) => void): () => void {
  return () => listener(noChanges);
}

function callWith(
  changes: CollectionChanges,
  listener: (changes: CollectionChanges) => void,
): (() => void) | undefined {
  return hasChanges(changes) ? () => listener(changes) : undefined;
}

/** Everything was deleted. */
function allDeleted(length: number): CollectionChanges {
  return { ...noChanges, deletions: Array.from({ length }, (_, index) => index) };
}

/** Listens to results. */
export class ResultsObserver implements Observer {
  readonly #results: Results;
  readonly #watches: Watches;
  readonly #keyPaths: KeyPaths;
  readonly #listener: (changes: CollectionChanges) => void;
  readonly #nature: Results["nature"];
  /** What the listener knows; of sorted results a sequence, once something has changed. */
  #known: Float64Array | KeySequence | undefined;
  #connected: ReadonlySet<string> | undefined;

  constructor(results: Results, watches: Watches, keyPaths: KeyPaths, listener: (changes: CollectionChanges) => void) {
    this.#results = results;
    this.#watches = watches;
    this.#keyPaths = keyPaths;
    this.#listener = listener;
    this.#nature = results.nature;
    watches.of(results.layout.name, keyPaths);
  }

  collect(reach: Reach | undefined): (() => void) | undefined {
    const results = this.#results;
    if (!results.isValid()) {
      const length = this.#known?.length ?? 0;
      if (length > 0) this.#known = new Float64Array(0);
      return callWith(allDeleted(length), this.#listener);
    }
    if (this.#known === undefined) {
      this.#known = results.keys();
      return firstCall(this.#listener);
    }
    if (reach === undefined || !this.#mayConcern(reach)) return undefined;
    return callWith(this.#changes(reach, this.#known), this.#listener);
  }

  /** Whether a class changed that the results may have to do with. */
  #mayConcern({ database, summary }: Reach): boolean {
    if (summary.hasSchemaChange) this.#connected = undefined;
    this.#connected ??= connectedClasses(database, this.#results.layout.name);
    const connected = this.#connected;
    // A collection changes with its owner.
    return this.#results.source.kind === "collection" || summary.classNames.some((name) => connected.has(name));
  }

  #changes(reach: Reach, known: Float64Array | KeySequence): CollectionChanges {
    const results = this.#results;
    const watch = this.#watches.of(results.layout.name, this.#keyPaths);
    const { summary } = reach;
    const modified = watch === undefined ? new Set<number>() : reach.objects(watch);
    const own = summary.classChanges(results.layout.name) ?? unchanged;
    if (this.#nature === "plain" && known instanceof Float64Array) {
      const patched = results.patch(known, own, modified);
      if (patched !== undefined) {
        this.#known = patched.keys;
        return patched.changes;
      }
    }
    if (this.#nature === "sorted") {
      const sequence = known instanceof KeySequence ? known : new KeySequence(known);
      this.#known = sequence;
      const changes = results.patchSorted(sequence, own);
      if (changes !== undefined) return withModifications(changes, indexesOf(sequence, modified));
    }
    const before = known instanceof KeySequence ? known.toArray() : known;
    const after = results.keys();
    this.#known = after;
    return compareKeys(before, after, (key) => modified.has(key));
  }
}

const unchanged: ClassChanges = {
  inserted: [],
  deleted: [],
  modified: new Map(),
  isDeleted: () => false,
  editsOf: () => undefined,
};

function indexesOf(sequence: KeySequence, keys: ReadonlySet<number>): number[] {
  const indexes: number[] = [];
  for (const key of keys) {
    const index = sequence.indexOf(key);
    if (index >= 0) indexes.push(index);
  }
  return indexes;
}

/** Whether what existed at the last call is gone; its row, which may be long, is only read if that must be. */
function isGone(reach: Reach | undefined, holder: Holder): boolean {
  if (reach === undefined) return false;
  const root = rootOf(holder);
  const changes = reach.summary.classChanges(root.layout.name);
  if (holder === root || changes?.modified.has(root.key) !== true) {
    return changes?.isDeleted(root.key) ?? false;
  }
  return !holder.isValid();
}

/** The same of a collection: one inside a value goes with that, too. */
function isCollectionGone(reach: Reach | undefined, collection: List | ValueSet | Dictionary): boolean {
  if (collection instanceof ValueSet || !isNested(collection)) return isGone(reach, collection.holder);
  return reach !== undefined && !collection.isValid();
}

/** Whether the value that a collection is part of was touched. */
function isTouched(reach: Reach, collection: List | ValueSet | Dictionary): boolean {
  const root = rootOf(collection.holder);
  const columns = reach.summary.classChanges(root.layout.name)?.modified.get(root.key);
  return columns?.includes(rootColumn(collection.holder, collection.column).index) ?? false;
}

/** Listens to a list or set. */
export class CollectionObserver implements Observer {
  readonly #collection: List | ValueSet;
  readonly #watches: Watches;
  readonly #keyPaths: KeyPaths;
  readonly #listener: (changes: CollectionChanges) => void;
  /** `gone`: the listener was told that everything was deleted. */
  #state: "new" | "known" | "gone" = "new";

  constructor(
    collection: List | ValueSet,
    watches: Watches,
    keyPaths: KeyPaths,
    listener: (changes: CollectionChanges) => void,
  ) {
    this.#collection = collection;
    this.#watches = watches;
    this.#keyPaths = keyPaths;
    this.#listener = listener;
    this.#watch();
  }

  /** What is watched of the objects in the collection; nothing if it holds values. */
  #watch(): Watch | undefined {
    const { type, target } = this.#collection.column;
    return type === "link" && target !== undefined ? this.#watches.of(target, this.#keyPaths) : undefined;
  }

  collect(reach: Reach | undefined): (() => void) | undefined {
    if (this.#state === "known" ? isCollectionGone(reach, this.#collection) : !this.#collection.isValid()) {
      if (this.#state !== "known") return undefined;
      this.#state = "gone";
      if (reach === undefined) return undefined;
      return callWith(allDeleted(storedElements(reach.past, this.#collection).prints.length), this.#listener);
    }
    if (this.#state === "new") {
      this.#state = "known";
      return firstCall(this.#listener);
    }
    if (reach === undefined) return undefined;
    const isBack = this.#state === "gone";
    this.#state = "known";
    const changes = isBack || isTouched(reach, this.#collection) ? this.#edits(reach) : noChanges;
    return callWith(this.#withTargets(changes, reach), this.#listener);
  }

  /** What came, went and was replaced. */
  #edits(reach: Reach): CollectionChanges {
    const collection = this.#collection;
    const { holder, column } = collection;
    const isOwn = column.collection === "list" && !(collection instanceof ValueSet) && !isNested(collection);
    if (isOwn && holder instanceof ObjectHandle) {
      const edits = reach.summary.classChanges(holder.layout.name)?.editsOf(holder.key, column.index);
      if (edits !== undefined) return foldEdits(edits);
    }
    const before = storedElements(reach.past, collection);
    const after = storedElements(reach.now, collection);
    if (isDistinct(before.keys) && isDistinct(after.keys)) return compareKeys(before.keys, after.keys, () => false);
    const compare = collection instanceof ValueSet ? compareDistinct : compareValues;
    return compare(before.prints, after.prints);
  }

  /** Adds the elements behind whose links something changed. */
  #withTargets(changes: CollectionChanges, reach: Reach): CollectionChanges {
    const watch = this.#watch();
    if (watch === undefined || watch.layout.kind === "embedded") return changes;
    const targets = reach.objects(watch);
    if (targets.size === 0) return changes;
    return withModifications(changes, this.#positions(reach, watch, targets));
  }

  #positions({ database, now }: Reach, { layout }: Watch, targets: ReadonlySet<number>): Iterable<number> {
    const { holder, column } = this.#collection;
    if (!(holder instanceof ObjectHandle)) {
      const keys = storedElements(now, this.#collection).keys ?? new Float64Array(0);
      return [...keys.keys()].filter((index) => targets.has(keys[index] ?? -1));
    }
    const { store } = database;
    const wanted = Float64Array.from(targets);
    return store.linkPositions(now, holder.layout.index, holder.key, column.index, layout.index, wanted);
  }
}

/** Listens to values in an order. */
export class ValuesObserver implements Observer {
  readonly #values: ValueResults;
  readonly #listener: (changes: CollectionChanges) => void;
  #known: readonly string[] | undefined;

  constructor(values: ValueResults, listener: (changes: CollectionChanges) => void) {
    this.#values = values;
    this.#listener = listener;
  }

  collect(reach: Reach | undefined): (() => void) | undefined {
    const values = this.#values;
    if (!values.isValid()) {
      const length = this.#known?.length ?? 0;
      if (length > 0) this.#known = [];
      return callWith(allDeleted(length), this.#listener);
    }
    if (this.#known === undefined) {
      this.#known = values.values().map(printOfValue);
      return firstCall(this.#listener);
    }
    if (reach === undefined || !isTouched(reach, values.collection)) return undefined;
    const before = this.#known;
    this.#known = values.values().map(printOfValue);
    return callWith(compareValues(before, this.#known), this.#listener);
  }
}

function printOfValue(value: unknown): string {
  if (value instanceof ArrayBuffer) return String(new Uint8Array(value));
  if (value instanceof Date) return `date ${value.getTime()}`;
  return `${typeof value} ${String(value)}`;
}

function isDistinct(keys: Float64Array | undefined): keys is Float64Array {
  return keys !== undefined && new Set(keys).size === keys.length;
}

/** Listens to a dictionary. */
export class DictionaryObserver implements Observer {
  readonly #dictionary: Dictionary;
  readonly #watches: Watches;
  readonly #keyPaths: KeyPaths;
  readonly #listener: (changes: DictionaryChanges) => void;
  #state: "new" | "known" | "gone" = "new";

  constructor(
    dictionary: Dictionary,
    watches: Watches,
    keyPaths: KeyPaths,
    listener: (changes: DictionaryChanges) => void,
  ) {
    this.#dictionary = dictionary;
    this.#watches = watches;
    this.#keyPaths = keyPaths;
    this.#listener = listener;
    this.#watch();
  }

  #watch(): Watch | undefined {
    const { type, target } = this.#dictionary.column;
    return type === "link" && target !== undefined ? this.#watches.of(target, this.#keyPaths) : undefined;
  }

  collect(reach: Reach | undefined): (() => void) | undefined {
    if (this.#state === "known" ? isCollectionGone(reach, this.#dictionary) : !this.#dictionary.isValid()) {
      if (this.#state !== "known") return undefined;
      this.#state = "gone";
      return reach === undefined ? undefined : this.#call(this.#changes(reach, true));
    }
    if (this.#state === "new") {
      this.#state = "known";
      return () => this.#listener({ deletions: [], insertions: [], modifications: [] });
    }
    if (reach === undefined) return undefined;
    const isBack = this.#state === "gone";
    this.#state = "known";
    return this.#call(this.#changes(reach, isBack || isTouched(reach, this.#dictionary)));
  }

  #call(changes: DictionaryChanges): (() => void) | undefined {
    const count = changes.deletions.length + changes.insertions.length + changes.modifications.length;
    return count > 0 ? () => this.#listener(changes) : undefined;
  }

  #changes(reach: Reach, mayDiffer: boolean): DictionaryChanges {
    const watch = this.#watch();
    const isLinks = watch !== undefined && watch.layout.kind !== "embedded";
    const targets = isLinks ? reach.objects(watch) : new Set<number>();
    if (!mayDiffer && targets.size === 0) return { deletions: [], insertions: [], modifications: [] };
    const before = storedEntries(reach.past, this.#dictionary);
    const after = storedEntries(reach.now, this.#dictionary);
    return compareEntries(before, after, (one, other) => one.print === other.print && !targets.has(other.target ?? -1));
  }
}

/** Listens to an object. */
export class ObjectObserver implements Observer {
  readonly #object: ObjectHandle | EmbeddedHandle;
  readonly #watches: Watches;
  readonly #keyPaths: KeyPaths;
  readonly #listener: (changes: ObjectChanges) => void;
  #isTold: boolean;
  #isGone = false;

  /** @param isKnown whether the listener knows the object as of the last delivery: its first call is a change then. */
  constructor(
    object: ObjectHandle | EmbeddedHandle,
    watches: Watches,
    keyPaths: KeyPaths,
    listener: (changes: ObjectChanges) => void,
    isKnown: boolean,
  ) {
    this.#object = object;
    this.#watches = watches;
    this.#keyPaths = keyPaths;
    this.#listener = listener;
    this.#isTold = isKnown;
    if (keyPaths !== undefined) watches.of(object.layout.name, keyPaths);
  }

  collect(reach: Reach | undefined): (() => void) | undefined {
    if (this.#isGone) return undefined;
    if (this.#isTold ? isGone(reach, this.#object) : !this.#object.isValid()) {
      this.#isGone = true;
      return () => this.#listener({ isDeleted: true, changedProperties: [] });
    }
    if (!this.#isTold) {
      this.#isTold = true;
      return () => this.#listener({ isDeleted: false, changedProperties: [] });
    }
    const changedProperties = reach === undefined ? [] : this.#changed(reach);
    return changedProperties.length > 0 ? () => this.#listener({ isDeleted: false, changedProperties }) : undefined;
  }

  #changed(reach: Reach): readonly string[] {
    if (this.#keyPaths === undefined) return this.#changedColumns(reach).map(({ publicName }) => publicName);
    const watch = this.#watches.of(this.#object.layout.name, this.#keyPaths);
    const steps = (watch?.steps ?? []).filter((step) => watch !== undefined && this.#isReached(reach, watch, step));
    return [...new Set(steps.map(({ name }) => name))];
  }

  /** The object's own columns that changed. */
  #changedColumns(reach: Reach): readonly Column[] {
    const { layout } = this.#object;
    const root = rootOf(this.#object);
    const touched = reach.summary.classChanges(root.layout.name)?.modified.get(root.key);
    if (touched === undefined) return [];
    if (this.#object instanceof ObjectHandle) {
      return touched.flatMap((index) => layout.columns[index] ?? []);
    }
    const [before, after] = [reach.past, reach.now].map((view) => storedHolder(view, this.#object));
    return differingColumns(layout, before, after);
  }

  #isReached(reach: Reach, watch: Watch, step: Watch["steps"][number]): boolean {
    const object = this.#object;
    if (object instanceof ObjectHandle) return reach.step(watch, step).has(object.key);
    if (step.kind === "backlink") return false;
    const [before, after] = [reach.past, reach.now].map((view) => storedHolder(view, object));
    if (printAt(before, step.path) !== printAt(after, step.path)) return true;
    if (step.target === undefined) return false;
    const targets = reach.objects(step.target);
    const linked = targetsAt(reach.database, reach.now, after, step.path, step.target.layout);
    return [...linked].some((key) => targets.has(key));
  }
}
