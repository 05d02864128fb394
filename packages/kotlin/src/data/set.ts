/**
 * Sets.
 *
 * @module
 */

import { bindingKey, type Handle, handleKey, type ValueSet } from "@tidemark/engine";
import { type Binding, requireUsable, requireWritable, wrappers } from "../binding.js";
import { call } from "../errors.js";
import type { Flow } from "../flow/flow.js";
import { emptyCollections } from "../schema/property.js";
import { toPublic } from "./bind.js";
import type { SetChange } from "./changes.js";
import { areEqual, RealmCollection } from "./collection.js";
import { declareCollection } from "./collection-types.js";
import { setFlow } from "./flows.js";
import { Importer } from "./importer.js";
import { queryOfCollection, type RealmQuery } from "./query.js";

/** Where the elements of a set are kept. */
interface SetStore {
  readonly size: number;
  elements(): unknown[];
  has(element: unknown): boolean;
  add(element: unknown): void;
  remove(element: unknown): void;
  clear(): void;
}

class PlainSet implements SetStore {
  #elements: unknown[] = [];

  /** How many elements there are. */
  get size(): number {
    return this.#elements.length;
  }

  elements(): unknown[] {
    return [...this.#elements];
  }

  has(element: unknown): boolean {
    return this.#elements.some((one) => areEqual(one, element));
  }

  add(element: unknown): void {
    this.#elements.push(element);
  }

  remove(element: unknown): void {
    this.#elements = this.#elements.filter((one) => !areEqual(one, element));
  }

  clear(): void {
    this.#elements = [];
  }
}

class StoredSet implements SetStore {
  readonly #binding: Binding;
  readonly #set: ValueSet;

  constructor(binding: Binding, set: ValueSet) {
    this.#binding = binding;
    this.#set = set;
  }

  get size(): number {
    requireUsable(this.#binding);
    return call(() => this.#set.length);
  }

  elements(): unknown[] {
    requireUsable(this.#binding);
    const values = call(() => this.#set.values());
    return values.map((value) => toPublic(this.#binding, this.#set.column, value));
  }

  has(element: unknown): boolean {
    requireUsable(this.#binding);
    return call(() => this.#set.has(element));
  }

  add(element: unknown): void {
    requireWritable(this.#binding);
    call(() => this.#set.add(new Importer(this.#binding).value(this.#set.column, element)));
  }

  remove(element: unknown): void {
    requireWritable(this.#binding);
    call(() => this.#set.erase(element));
  }

  clear(): void {
    requireWritable(this.#binding);
    call(() => this.#set.clear());
  }
}

/** What ties a set to its realm; absent in sets that are not stored. */
// Keys that are symbols cannot be declared in the class.
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging, no-unused-vars
export interface RealmSet<T> {
  /** @internal */
  readonly [handleKey]?: Handle | undefined;
  /** @internal */
  readonly [bindingKey]?: Binding | undefined;
}

/** A set: of an object that is stored, or one made by {@link realmSetOf}. */
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging
export class RealmSet<T> extends RealmCollection<T> {
  readonly #store: SetStore;

  /** @internal */
  constructor(stored?: { readonly binding: Binding; readonly set: ValueSet }) {
    super();
    this.#store = stored === undefined ? new PlainSet() : new StoredSet(stored.binding, stored.set);
    if (stored === undefined) return;
    Object.defineProperty(this, handleKey, { value: stored.set });
    Object.defineProperty(this, bindingKey, { value: stored.binding });
  }

  get size(): number {
    return this.#store.size;
  }

  *[Symbol.iterator](): IterableIterator<T> {
    yield* this.#store.elements() as T[];
  }

  /** Whether an equal element is there. */
  override contains(element: T): boolean {
    return this.#store.has(element);
  }

  /** @returns false if it was there already. */
  add(element: T): boolean {
    const isNew = !this.contains(element);
    if (isNew) this.#store.add(element);
    return isNew;
  }

  /** Adds elements. @returns whether any is new. */
  addAll(elements: Iterable<T>): boolean {
    return [...elements].map((element) => this.add(element)).includes(true);
  }

  /** @returns false if it was not there. */
  remove(element: T): boolean {
    const isThere = this.contains(element);
    if (isThere) this.#store.remove(element);
    return isThere;
  }

  /** Removes elements. @returns whether any was there. */
  removeAll(elements: Iterable<T>): boolean {
    return [...elements].map((element) => this.remove(element)).includes(true);
  }

  /** Removes all elements. */
  clear(): void {
    this.#store.clear();
  }

  /**
   * Queries the objects of the set.
   *
   * @throws {@link IllegalArgumentException} if the set is not stored, or holds no objects.
   */
  query(filter: string = "TRUEPREDICATE", ...args: readonly unknown[]): RealmQuery<T> {
    return queryOfCollection<T>(this, filter, args);
  }

  /**
   * Follows the set: an `InitialSet` first, an `UpdatedSet` for each change, a `DeletedSet` with its object.
   *
   * @param keyPaths only changes of these properties of the objects in it count as changes of elements.
   * @throws {@link IllegalArgumentException} if a path names what is not there, or the elements are no objects.
   */
  asFlow(keyPaths?: readonly string[]): Flow<SetChange<T>> {
    return setFlow(this, keyPaths);
  }
}

/** A set that is not stored yet. */
export function realmSetOf<T>(...elements: readonly T[]): RealmSet<T> {
  const set = new RealmSet<T>();
  set.addAll(elements);
  return set;
}

declareCollection("SET", (value) => value instanceof RealmSet);
emptyCollections.set = () => new RealmSet();
wrappers.set = (binding, set) => new RealmSet({ binding, set });
