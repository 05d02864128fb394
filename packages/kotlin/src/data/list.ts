/**
 * Lists.
 *
 * @module
 */

import { bindingKey, type Handle, handleKey, type List } from "@tidemark/engine";
import { type Binding, requireUsable, requireWritable, wrappers } from "../binding.js";
import { call } from "../errors.js";
import type { Flow } from "../flow/flow.js";
import { emptyCollections } from "../schema/property.js";
import { anyOf, type AnyValue, RealmAny } from "./any.js";
import { toPublic } from "./bind.js";
import type { ListChange } from "./changes.js";
import { areEqual, OrderedRealmCollection, requireIndex } from "./collection.js";
import { declareCollection } from "./collection-types.js";
import { listFlow } from "./flows.js";
import { Importer } from "./importer.js";
import type { RealmQuery } from "./query.js";
import { queryOfCollection } from "./query.js";

/** Where the elements of a list are kept. */
interface ListStore {
  readonly size: number;
  get(index: number): unknown;
  insert(index: number, element: unknown): void;
  set(index: number, element: unknown): void;
  removeAt(index: number): void;
  clear(): void;
}

class PlainList implements ListStore {
  readonly #elements: unknown[] = [];

  /** How many elements there are. */
  get size(): number {
    return this.#elements.length;
  }

  get(index: number): unknown {
    return this.#elements[index];
  }

  insert(index: number, element: unknown): void {
    this.#elements.splice(index, 0, element);
  }

  set(index: number, element: unknown): void {
    this.#elements[index] = element;
  }

  removeAt(index: number): void {
    this.#elements.splice(index, 1);
  }

  clear(): void {
    this.#elements.length = 0;
  }
}

class StoredList implements ListStore {
  readonly #binding: Binding;
  readonly #list: List;

  constructor(binding: Binding, list: List) {
    this.#binding = binding;
    this.#list = list;
  }

  get size(): number {
    requireUsable(this.#binding);
    return call(() => this.#list.length);
  }

  get(index: number): unknown {
    requireUsable(this.#binding);
    const element = call(() => this.#list.get(index));
    return toPublic(this.#binding, this.#list.column, element);
  }

  #write(write: (list: List) => void): void {
    requireWritable(this.#binding);
    call(() => write(this.#list));
  }

  #import(element: unknown): unknown {
    return new Importer(this.#binding).value(this.#list.column, element);
  }

  insert(index: number, element: unknown): void {
    this.#write((list) => list.insert(index, this.#import(element)));
  }

  set(index: number, element: unknown): void {
    this.#write((list) => list.set(index, this.#import(element)));
  }

  removeAt(index: number): void {
    this.#write((list) => list.erase(index));
  }

  clear(): void {
    this.#write((list) => list.clear());
  }
}

/** What ties a list to its realm; absent in lists that are not stored. */
// Keys that are symbols cannot be declared in the class.
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging, no-unused-vars
export interface RealmList<T> {
  /** @internal */
  readonly [handleKey]?: Handle | undefined;
  /** @internal */
  readonly [bindingKey]?: Binding | undefined;
}

/** A list: of an object that is stored, or one made by {@link realmListOf}. */
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging
export class RealmList<T> extends OrderedRealmCollection<T> {
  readonly #store: ListStore;

  /** @internal */
  constructor(stored?: { readonly binding: Binding; readonly list: List }) {
    super();
    this.#store = stored === undefined ? new PlainList() : new StoredList(stored.binding, stored.list);
    if (stored === undefined) return;
    Object.defineProperty(this, handleKey, { value: stored.list });
    Object.defineProperty(this, bindingKey, { value: stored.binding });
  }

  get size(): number {
    return this.#store.size;
  }

  /** @internal */
  protected override elementAt(index: number): T {
    return this.#store.get(index) as T;
  }

  /** The elements in their order. */
  *[Symbol.iterator](): IterableIterator<T> {
    for (let index = 0; index < this.size; index += 1) yield this.elementAt(index);
  }

  /** Adds an element at the end. @returns true. */
  add(element: T): boolean;
  /** Adds an element at an index. @throws {@link IndexOutOfBoundsException} */
  add(index: number, element: T): void;
  add(...given: readonly [T] | readonly [number, T]): boolean {
    const [index, element] = given.length === 1 ? [this.size, given[0]] : given;
    if (index !== this.size) requireIndex(index, this.size);
    this.#store.insert(index, element);
    return true;
  }

  /** Adds elements at the end. @returns whether there were any. */
  addAll(elements: Iterable<T>): boolean {
    const all = [...elements];
    for (const element of all) this.add(element);
    return all.length > 0;
  }

  /** Replaces an element: Kotlin's `list[index] = element`. Returns the one that was there. */
  set(index: number, element: T): T {
    const before = this.get(index);
    this.#store.set(index, element);
    return before;
  }

  /** Removes the first element that is equal. @returns whether there was one. */
  remove(element: T): boolean {
    const index = this.indexOf(element);
    if (index >= 0) this.#store.removeAt(index);
    return index >= 0;
  }

  /**
   * Removes the element at an index.
   *
   * @returns it.
   * @throws {@link IndexOutOfBoundsException}
   */
  removeAt(index: number): T {
    const before = this.get(index);
    this.#store.removeAt(index);
    return before;
  }

  /** Removes all elements that are equal to some. @returns whether there were any. */
  removeAll(elements: Iterable<T>): boolean {
    const unwanted = [...elements];
    const before = this.size;
    for (let index = before - 1; index >= 0; index -= 1) {
      const element = this.elementAt(index);
      if (unwanted.some((one) => areEqual(one, element))) this.#store.removeAt(index);
    }
    return this.size < before;
  }

  /** Removes all elements. */
  clear(): void {
    this.#store.clear();
  }

  /**
   * Queries the objects of the list.
   *
   * @throws {@link IllegalArgumentException} if the list is not stored, or holds no objects.
   */
  query(filter: string = "TRUEPREDICATE", ...args: readonly unknown[]): RealmQuery<T> {
    return queryOfCollection<T>(this, filter, args);
  }

  /**
   * Follows the list: an `InitialList` first, an `UpdatedList` for each change, a `DeletedList` with its object.
   *
   * @param keyPaths only changes of these properties of the objects in it count as changes of elements.
   * @throws {@link IllegalArgumentException} if a path names what is not there, or the elements are no objects.
   */
  asFlow(keyPaths?: readonly string[]): Flow<ListChange<T>> {
    return listFlow(this, keyPaths);
  }
}

/** A list that is not stored yet. */
export function realmListOf<T>(...elements: readonly T[]): RealmList<T> {
  const list = new RealmList<T>();
  list.addAll(elements);
  return list;
}

declareCollection("LIST", (value) => value instanceof RealmList);
/** A list as a value of a property of whatever type. */
export function realmAnyListOf(...values: readonly (AnyValue | RealmAny | null)[]): RealmAny {
  return RealmAny.create(realmListOf(...values.map(anyOf)));
}

emptyCollections.list = () => new RealmList();
wrappers.list = (binding, list) => new RealmList({ binding, list });
