/**
 * Tells listeners what changed: always in a turn of the event loop of its own, never inside a write transaction.
 *
 * @module
 */

import type { SnapshotId } from "../core.js";
import { type ChangeSummary, readChanges } from "./change-summary.js";
import type { CollectionChanges, DictionaryChanges } from "./changes.js";
import type { Database } from "./database.js";
import type { Dictionary } from "./dictionary.js";
import { Watches } from "./key-paths.js";
import type { List } from "./list.js";
import type { EmbeddedHandle, ObjectHandle } from "./object.js";
import {
  CollectionObserver,
  DictionaryObserver,
  type KeyPaths,
  type ObjectChanges,
  ObjectObserver,
  type Observer,
  ResultsObserver,
  ValuesObserver,
} from "./observers.js";
import { Reach } from "./reach.js";
import type { Results } from "./results.js";
import type { ValueResults } from "./value-results.js";
import type { ValueSet } from "./value-set.js";

/** Ends a listener. */
export type Unsubscribe = () => void;

/** A call that is to be made. */
interface DueCall {
  /** Whether its listener has not been removed. */
  readonly isWanted: () => boolean;
  readonly call: () => void;
}

/** Delivers notifications of one file. */
export class Notifier {
  readonly #database: Database;
  readonly #observers = new Set<Observer>();
  readonly #realmListeners = new Set<() => void>();
  readonly #beforeListeners = new Set<() => void>();
  readonly #schemaListeners = new Set<() => void>();
  /** The next one last. Those that are left when a listener leaves a transaction open wait for its end. */
  #due: DueCall[] = [];
  #isScheduled = false;
  #isClosed = false;
  readonly #watches: Watches;
  /** Version up to which listeners have been told. */
  #deliveredVersion: number | undefined;
  /** The file at that version: what listeners know. */
  #past: SnapshotId | undefined;

  constructor(database: Database) {
    this.#database = database;
    this.#watches = new Watches(database);
  }

  /** Ends all listeners. */
  close(): void {
    this.#isClosed = true;
    this.#observers.clear();
    this.#realmListeners.clear();
    this.#beforeListeners.clear();
    this.#schemaListeners.clear();
    this.#due = [];
    this.#keep(undefined);
  }

  /** Holds on to a snapshot instead of the last one. */
  #keep(snapshot: SnapshotId | undefined): void {
    const { store } = this.#database;
    if (snapshot !== undefined) store.shareRead(snapshot);
    if (this.#past !== undefined) store.endRead(this.#past);
    this.#past = snapshot;
  }

  /** The first listener knows the file as it is now. */
  #begin(): void {
    if (this.#past !== undefined) return;
    this.#deliveredVersion = this.#database.version;
    this.#keep(this.#database.snapshot);
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

  /** Whether listeners must not be called: a transaction that is open across turns schedules again when it ends. */
  get #mustWait(): boolean {
    return this.#isClosed || this.#database.isInWrite;
  }

  #deliver(): void {
    const database = this.#database;
    this.#callDue();
    if (this.#mustWait) return;
    let summary = this.#readChanges();
    if (summary !== undefined) {
      this.#tell(this.#beforeListeners);
      if (summary.hasSchemaChange) this.#tell(this.#schemaListeners);
      // What those changed is told in the same turn, unless they have left a transaction open.
      if (this.#mustWait) return;
      if (database.version !== summary.to) summary = this.#readChanges();
    }
    const reach = summary && this.#past !== undefined ? new Reach(database, summary, this.#past) : undefined;
    const due = [...this.#observers].flatMap((observer) => this.#dueOf(observer, reach));
    this.#deliveredVersion = database.version;
    this.#keep(this.#hasListeners ? database.snapshot : undefined);
    if (summary !== undefined) {
      const listeners = this.#realmListeners;
      for (const call of listeners) due.push({ isWanted: () => listeners.has(call), call });
    }
    // All are compared with one version before the first is told: what it does must not be seen by the others yet.
    this.#due = due.toReversed();
    this.#callDue();
  }

  #dueOf(observer: Observer, reach: Reach | undefined): DueCall[] {
    let call: (() => void) | undefined;
    // One that cannot be told must not keep the others from being told.
    this.#run(() => (call = observer.collect(reach)));
    return call === undefined ? [] : [{ isWanted: () => this.#observers.has(observer), call }];
  }

  #callDue(): void {
    while (!this.#mustWait) {
      const next = this.#due.pop();
      if (next === undefined) return;
      if (next.isWanted()) this.#run(next.call);
    }
  }

  #tell(listeners: ReadonlySet<() => void>): void {
    for (const listener of Array.from(listeners)) {
      if (this.#mustWait) return;
      if (listeners.has(listener)) this.#run(listener);
    }
  }

  /** What is thrown is thrown again from the event loop. */
  #run(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#database.clock.defer(() => {
        throw error;
      });
    }
  }

  /** Moves the snapshot to the newest version and says what changed since the last delivery, if anything did. */
  #readChanges(): ChangeSummary | undefined {
    const database = this.#database;
    const since = this.#deliveredVersion ?? database.version;
    database.advance();
    const past = this.#past;
    if (!this.#hasListeners || past === undefined || database.version === since) return undefined;
    let summary = readChanges(database, since, past);
    // Another commit may come between the snapshot and the question.
    while (summary.to > database.version) {
      database.advance();
      if (summary.to === database.version) break;
      summary = readChanges(database, since, past);
    }
    return summary.isEmpty ? undefined : summary;
  }

  #observe(observer: Observer): Unsubscribe {
    this.#begin();
    this.#observers.add(observer);
    this.schedule();
    return () => {
      this.#observers.delete(observer);
    };
  }

  #listen(listeners: Set<() => void>, listener: () => void): Unsubscribe {
    this.#begin();
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

  /** @throws {@link EngineError} `invalid-argument` if a path names what a class has not. */
  checkKeyPaths(className: string, keyPaths: KeyPaths): void {
    this.#watches.of(className, keyPaths);
  }

  /**
   * The first call has no changes and comes soon.
   *
   * @param keyPaths only changes of these properties count as modifications; without them all do, of the objects
   * behind four links too. As in `owner.name`, `*` for any property.
   * @throws {@link EngineError} `invalid-argument` if a path names what is not there.
   */
  onResults(results: Results, listener: (changes: CollectionChanges) => void, keyPaths?: KeyPaths): Unsubscribe {
    return this.#observe(new ResultsObserver(results, this.#watches, keyPaths, listener));
  }

  /** A list or set. Key paths as for {@link Notifier.onResults}; for collections of values they are of no effect. */
  onCollection(
    collection: List | ValueSet,
    listener: (changes: CollectionChanges) => void,
    keyPaths?: KeyPaths,
  ): Unsubscribe {
    return this.#observe(new CollectionObserver(collection, this.#watches, keyPaths, listener));
  }

  /** The values of a list or set in an order. */
  onValues(values: ValueResults, listener: (changes: CollectionChanges) => void): Unsubscribe {
    return this.#observe(new ValuesObserver(values, listener));
  }

  /** Calls back soon, with no changes, and then after each change of a dictionary. */
  onDictionary(
    dictionary: Dictionary,
    listener: (changes: DictionaryChanges) => void,
    keyPaths?: KeyPaths,
  ): Unsubscribe {
    return this.#observe(new DictionaryObserver(dictionary, this.#watches, keyPaths, listener));
  }

  /**
   * Calls back after each change of an object. Without key paths only its own properties count.
   *
   * @param isKnown whether the listener knows the object as of the last delivery: its first call is a change then.
   */
  onObject(
    object: ObjectHandle | EmbeddedHandle,
    listener: (changes: ObjectChanges) => void,
    isKnown: boolean = false,
    keyPaths?: KeyPaths,
  ): Unsubscribe {
    return this.#observe(new ObjectObserver(object, this.#watches, keyPaths, listener, isKnown));
  }
}
