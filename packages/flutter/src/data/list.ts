/**
 * Lists of objects.
 *
 * @module
 */

import {
  bindingKey,
  type CollectionChanges,
  type Column,
  indexedForm,
  type KeyPaths,
  List as EngineList,
  resultsOfCollection,
  withIndexes,
} from "@tidemark/engine";
import { call } from "../errors.js";
import type { Stream } from "../stream.js";
import { type Binding, changesStream, wrappers } from "./binding.js";
import { changeOf, checkElementPaths, type RealmListChanges } from "./changes.js";
import { type OrderedStore, RealmCollection, refined, requireIndex } from "./collection.js";
import { storeElement } from "./manage.js";
import { MemoryList } from "./memory.js";
import { collections, type RealmValue } from "./realm-value.js";
import type { RealmResults } from "./results.js";
import { resultsOf } from "./value-results.js";

/** A list property. `list[0]` is `list.elementAt(0)`; assigning to it replaces the element. */
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging, no-unused-vars
export interface RealmList<T> {
  /** The element at an index. */
  [index: number]: T;
}

/** A list property, or a list that waits for its object to be added to a realm. */
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging
export class RealmList<T = unknown> extends RealmCollection<T> {
  readonly #store: EngineList | MemoryList;

  /** @internal */
  constructor(binding: Binding | undefined, store: EngineList | MemoryList) {
    super(binding, store instanceof EngineList ? store : undefined);
    this.#store = store;
  }

  /** @internal */
  protected override ordered(): OrderedStore {
    return this.#store;
  }

  /** @internal */
  protected override column(): Column | undefined {
    return this.#store instanceof EngineList ? this.#store.column : undefined;
  }

  /** @internal */
  protected override all(): Iterable<unknown> {
    return Array.from({ length: this.#store.length }, (_, index) => this.#store.get(index));
  }

  get #list(): EngineList {
    return this.managed().handle as EngineList;
  }

  #write(index: number, value: T, write: (value: unknown) => void): void {
    storeElement(this[bindingKey], this.#store, value, write, index);
  }

  /** Adds an element at the end. An object that belongs to no realm yet is added to this one. */
  add(element: T): void {
    this.insert(this.length, element);
  }

  /** Adds elements at the end. */
  addAll(elements: Iterable<T>): void {
    for (const element of elements) this.add(element);
  }

  /** @throws `RangeError` unless the index is within the list, or right behind it. */
  insert(index: number, element: T): void {
    call(() => {
      requireIndex(index, this.#store.length + 1);
      this.#write(index, element, (value) => this.#store.insert(index, value));
    });
  }

  /** Inserts elements from an index on. */
  insertAll(index: number, elements: Iterable<T>): void {
    [...elements].forEach((element, offset) => this.insert(index + offset, element));
  }

  /** Replaces an element: what `list[index] = element` does. */
  set(index: number, element: T): void {
    call(() => {
      requireIndex(index, this.#store.length);
      this.#write(index, element, (value) => this.#store.set(index, value));
    });
  }

  /** Removes the first element that is the same; `false` if there is none. */
  remove(element: T): boolean {
    const index = this.indexOf(element);
    if (index >= 0) this.removeAt(index);
    return index >= 0;
  }

  /**
   * Removes the element at an index.
   *
   * @returns it.
   * @throws `RangeError` beyond the ends.
   */
  removeAt(index: number): T {
    return call(() => {
      requireIndex(index, this.#store.length);
      const element = this.elementAt(index);
      this.#store.erase(index);
      return element;
    });
  }

  /**
   * Removes the last element.
   *
   * @returns it.
   * @throws `RangeError` if there is none.
   */
  removeLast(): T {
    return this.removeAt(this.length - 1);
  }

  /** Removes the elements that pass a test. */
  removeWhere(test: (element: T) => boolean): void {
    for (let index = this.length - 1; index >= 0; index -= 1) if (test(this.elementAt(index))) this.removeAt(index);
  }

  /** Moves an element, which other devices see as a move, not as a removal and an insertion. */
  move(from: number, to: number): void {
    call(() => {
      requireIndex(from, this.#store.length);
      requireIndex(to, this.#store.length);
      this.#store.move(from, to);
    });
  }

  /** Removes all elements. */
  clear(): void {
    call(() => this.#store.clear());
  }

  /** The elements as results: of objects, or of values, which cannot be queried. */
  asResults(): RealmResults<T> {
    return resultsOf<T>(this.managed().binding, this.#list);
  }

  /** The objects that pass a query. @throws `RealmException` for a list of values. */
  query(query: string, values: readonly unknown[] = []): RealmResults<T> {
    const { binding } = this.managed();
    return call(() => binding.results(refined(resultsOfCollection(this.#list), query, values)) as RealmResults<T>);
  }

  /** Changes, from the first one with nothing in it on. Ends with the realm. */
  get changes(): Stream<RealmListChanges<RealmList<T>>> {
    return this.#changes(undefined);
  }

  /**
   * The same; only changes of some properties of the objects count as modifications: `name`, `owner.name`, `*`. No path
   * at all leaves what is inserted and deleted.
   *
   * @throws `RealmException` if a path is empty or names what is not there, and for a list of values.
   */
  changesFor(keyPaths?: readonly string[]): Stream<RealmListChanges<RealmList<T>>> {
    if (keyPaths !== undefined) checkElementPaths(this.#list.database, this.#list.column, keyPaths);
    return this.#changes(keyPaths);
  }

  #changes(keyPaths: KeyPaths): Stream<RealmListChanges<RealmList<T>>> {
    const { binding } = this.observable();
    const list = this.#list;
    return changesStream(binding, (sink) => {
      const tell = (changes: CollectionChanges): void => {
        const isCollectionDeleted = !list.isValid();
        const length = isCollectionDeleted ? 0 : list.length;
        sink.add({ list: indexedForm(this), ...changeOf(changes, length), isCollectionDeleted });
      };
      return list.database.notifier.onCollection(list, tell, keyPaths);
    });
  }

  /** The list as it is now, for ever. Close `frozen.realm` when it is not needed. */
  freeze(): RealmList<T> {
    return (this.frozen() as RealmList<T> | undefined) ?? indexedForm(this);
  }

  /** @internal */
  static of(binding: Binding | undefined, store: EngineList | MemoryList): RealmList {
    const list = new RealmList(binding, store);
    return withIndexes(list, {
      read: (index) => list.elementAt(index),
      write: (index, value) => list.set(index, value),
    });
  }
}

collections.makeList = (values) => RealmList.of(undefined, new MemoryList(values)) as RealmList<RealmValue>;
collections.kinds.push((value) => (value instanceof RealmList ? "list" : undefined));
wrappers.list = (binding, handle) => RealmList.of(binding, handle);
