/**
 * Sets of objects.
 *
 * @module
 */

import {
  bindingKey,
  type CollectionChanges,
  type Column,
  type KeyPaths,
  resultsOfCollection,
  ValueSet,
} from "@tidemark/engine";
import { call } from "../errors.js";
import type { Stream } from "../stream.js";
import { type Binding, changesStream, wrappers } from "./binding.js";
import { changeOf, checkElementPaths, type RealmSetChanges } from "./changes.js";
import { type OrderedStore, RealmCollection, refined } from "./collection.js";
import { storeElement } from "./manage.js";
import type { MemorySet } from "./memory.js";
import { collections } from "./realm-value.js";
import type { RealmResults } from "./results.js";
import { resultsOf } from "./value-results.js";

/** A set property, or a set that waits for its object to be added to a realm. */
export class RealmSet<T = unknown> extends RealmCollection<T> {
  readonly #store: ValueSet | MemorySet;

  /** @internal */
  constructor(binding: Binding | undefined, store: ValueSet | MemorySet) {
    super(binding, store instanceof ValueSet ? store : undefined);
    this.#store = store;
  }

  /** @internal */
  protected override ordered(): OrderedStore {
    return this.#store;
  }

  /** @internal */
  protected override column(): Column | undefined {
    return this.#store instanceof ValueSet ? this.#store.column : undefined;
  }

  /** @internal */
  protected override all(): Iterable<unknown> {
    return Array.from({ length: this.#store.length }, (_, index) => this.#store.get(index));
  }

  get #set(): ValueSet {
    return this.managed().handle as ValueSet;
  }

  /** Whether an element is there. */
  override contains(element: T): boolean {
    return call(() => this.#store.has(element));
  }

  /** Adds an element; `false` if it is there. An object that belongs to no realm yet is added to this one. */
  add(element: T): boolean {
    return call(() => {
      const { length } = this.#store;
      storeElement(this[bindingKey], this.#store, element, (value) => this.#store.add(value));
      return this.#store.length > length;
    });
  }

  /** Adds elements. */
  addAll(elements: Iterable<T>): void {
    for (const element of elements) this.add(element);
  }

  /** Removes an element; `false` if it was not there. */
  remove(element: T): boolean {
    return call(() => this.#store.erase(element));
  }

  /** Removes elements. */
  removeAll(elements: Iterable<T>): void {
    for (const element of elements) this.remove(element);
  }

  /** Removes all elements. */
  clear(): void {
    call(() => this.#store.clear());
  }

  /** The elements of this moment as a set of JavaScript. */
  toSet(): Set<T> {
    return new Set(this);
  }

  /** The elements as results: of objects, or of values, which cannot be queried. */
  asResults(): RealmResults<T> {
    return resultsOf<T>(this.managed().binding, this.#set);
  }

  /** The objects that pass a query. @throws `RealmException` for a set of values. */
  query(query: string, values: readonly unknown[] = []): RealmResults<T> {
    const { binding } = this.managed();
    return call(() => binding.results(refined(resultsOfCollection(this.#set), query, values)) as RealmResults<T>);
  }

  /** Changes, from the first one with nothing in it on. Ends with the realm. */
  get changes(): Stream<RealmSetChanges<RealmSet<T>>> {
    return this.#changes(undefined);
  }

  /**
   * The same; only changes of some properties of the objects count as modifications: `name`, `owner.name`, `*`. No path
   * at all leaves what is inserted and deleted.
   *
   * @throws `RealmException` if a path is empty or names what is not there, and for a set of values.
   */
  changesFor(keyPaths?: readonly string[]): Stream<RealmSetChanges<RealmSet<T>>> {
    if (keyPaths !== undefined) checkElementPaths(this.#set.database, this.#set.column, keyPaths);
    return this.#changes(keyPaths);
  }

  #changes(keyPaths: KeyPaths): Stream<RealmSetChanges<RealmSet<T>>> {
    const { binding } = this.observable();
    const set = this.#set;
    return changesStream(binding, (sink) => {
      const tell = (changes: CollectionChanges): void => {
        const isCollectionDeleted = !set.isValid();
        const length = isCollectionDeleted ? 0 : set.length;
        sink.add({ set: this, ...changeOf(changes, length), isCollectionDeleted });
      };
      return set.database.notifier.onCollection(set, tell, keyPaths);
    });
  }

  /** The set as it is now, for ever. Close `frozen.realm` when it is not needed. */
  freeze(): RealmSet<T> {
    return (this.frozen() as RealmSet<T> | undefined) ?? this;
  }
}

collections.kinds.push((value) => (value instanceof RealmSet ? "set" : undefined));
wrappers.set = (binding, handle) => new RealmSet(binding, handle);
