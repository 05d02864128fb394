/**
 * What results, lists and sets have in common: reading by index, iterating, Dart's methods of iterables.
 *
 * @module
 */

import {
  bindingKey,
  type Column,
  type Handle,
  handleKey,
  packParameters,
  type Results as EngineResults,
  unwrap,
} from "@tidemark/engine";
import { call, RealmStateError } from "../errors.js";
import type { Realm } from "../realm.js";
import { type Binding, frozenForm, realmOf } from "./binding.js";
import { RealmValue, type RealmValueContent } from "./realm-value.js";
import { isSame } from "./same.js";

/** Where the elements are: with the engine, or in memory. */
export interface OrderedStore {
  readonly length: number;
  get(index: number): unknown;
  isValid(): boolean;
}

/** A value of a column as the application sees it. */
export function shown(binding: Binding | undefined, column: Column | undefined, value: unknown): unknown {
  const wrapped = binding === undefined ? value : binding.wrap(value);
  return column?.type === "mixed" ? RealmValue.from(wrapped as RealmValueContent) : wrapped;
}

/** What ties a collection to its realm. */
// Keys that are symbols cannot be declared in the class.
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging, no-unused-vars
export interface RealmCollection<T> {
  /** @internal */
  readonly [handleKey]: Handle | undefined;
  /** @internal */
  readonly [bindingKey]: Binding | undefined;
}

/** Elements in an order, live: they show what the realm holds at the moment. */
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging
export abstract class RealmCollection<T> implements Iterable<T> {
  /** @internal */
  constructor(binding: Binding | undefined, handle: Handle | undefined) {
    Object.defineProperty(this, handleKey, { value: handle, configurable: true });
    Object.defineProperty(this, bindingKey, { value: binding, configurable: true });
  }

  /** @internal */
  protected abstract ordered(): OrderedStore;
  /** @internal The column that holds the collection. */
  protected abstract column(): Column | undefined;
  /** @internal Values, read together where that is faster. */
  protected abstract all(): Iterable<unknown>;

  /** @internal What is managed; what is not cannot be listened to, queried or frozen. */
  protected managed(): { readonly binding: Binding; readonly handle: Handle } {
    const binding = this[bindingKey];
    const handle = this[handleKey];
    if (binding === undefined || handle === undefined) {
      throw new RealmStateError("Unmanaged collections cannot be queried, frozen or listened to");
    }
    return { binding, handle };
  }

  /** @internal What can be listened to. */
  protected observable(): { readonly binding: Binding; readonly handle: Handle } {
    if (this.isFrozen) throw new RealmStateError("The collection is frozen and cannot emit changes");
    return this.managed();
  }

  /** How many elements there are. */
  get length(): number {
    return call(() => this.ordered().length);
  }

  /** Whether there are no elements. */
  get isEmpty(): boolean {
    return this.length === 0;
  }

  /** Whether there are any. */
  get isNotEmpty(): boolean {
    return this.length > 0;
  }

  /** Whether it still stands for something: its realm is open, and the object that holds it exists. */
  get isValid(): boolean {
    return this.ordered().isValid();
  }

  /** Whether it belongs to a realm. */
  get isManaged(): boolean {
    return this[bindingKey] !== undefined;
  }

  /** Whether it shows one version for ever. */
  get isFrozen(): boolean {
    return this[bindingKey]?.file.database.isFrozen ?? false;
  }

  /** The realm that it belongs to. @throws {@link RealmStateError} if it belongs to none. */
  get realm(): Realm {
    return realmOf(this.managed().binding);
  }

  /** @internal */
  protected shown(value: unknown): T {
    return shown(this[bindingKey], this.column(), value) as T;
  }

  /** The element at an index. @throws `RangeError` beyond the ends. */
  elementAt(index: number): T {
    return call(() => {
      const { length } = this.ordered();
      if (!Number.isInteger(index) || index < 0 || index >= length) {
        throw new RangeError(`RangeError (index): Index out of range: index should be less than ${length}: ${index}`);
      }
      return this.shown(this.ordered().get(index));
    });
  }

  /** The first element. @throws {@link RealmStateError} if there is none. */
  get first(): T {
    if (this.isEmpty) throw new RealmStateError("No element");
    return this.elementAt(0);
  }

  /** The first element; `null` if there is none. */
  get firstOrNull(): T | null {
    return this.isEmpty ? null : this.elementAt(0);
  }

  /** The last element. @throws {@link RealmStateError} if there is none. */
  get last(): T {
    if (this.isEmpty) throw new RealmStateError("No element");
    return this.elementAt(this.length - 1);
  }

  /** The last element; `null` if there is none. */
  get lastOrNull(): T | null {
    return this.isEmpty ? null : this.last;
  }

  /** The only element. @throws {@link RealmStateError} unless there is exactly one. */
  get single(): T {
    if (this.length > 1) throw new RealmStateError("Too many elements");
    return this.first;
  }

  /** The elements of the moment at which it begins. */
  *[Symbol.iterator](): IterableIterator<T> {
    const values = call(() => this.all());
    for (const value of values) yield this.shown(value);
  }

  /** The place of the first element that is the same, or −1. */
  indexOf(element: T): number {
    return call(() => {
      let index = 0;
      for (const value of this) {
        if (isSame(value, element)) return index;
        index += 1;
      }
      return -1;
    });
  }

  /** Whether the same element is there. */
  contains(element: T): boolean {
    return this.indexOf(element) >= 0;
  }

  /** What a function makes of the elements of this moment. */
  map<R>(convert: (element: T) => R): R[] {
    return Array.from(this, (element) => convert(element));
  }

  /** The elements of this moment that pass a test. */
  where(test: (element: T) => boolean): T[] {
    return [...this].filter((element) => test(element));
  }

  /** Whether any element passes a test. */
  any(test: (element: T) => boolean): boolean {
    for (const element of this) if (test(element)) return true;
    return false;
  }

  /** Whether all elements pass a test. */
  every(test: (element: T) => boolean): boolean {
    return !this.any((element) => !test(element));
  }

  /** Calls back with each element. */
  forEach(action: (element: T) => void): void {
    for (const element of this) action(element);
  }

  /** The elements of this moment. */
  toList(): T[] {
    return [...this];
  }

  /** @internal The same of a frozen realm; itself if it is frozen. */
  protected frozen(): unknown {
    if (this.isFrozen) return undefined;
    const { binding, handle } = this.managed();
    return frozenForm(binding, handle);
  }
}

/** Results refined by a query with arguments `$0`, `$1`, …. */
export function refined(source: EngineResults, query: string, values: readonly unknown[]): EngineResults {
  const plain = values.map((value) => unwrap(RealmValue.storedOf(value)));
  return source.refine(query, packParameters(source.database, plain));
}

/** The error for an index of an insertion or removal. */
export function requireIndex(index: number, end: number): void {
  if (!Number.isInteger(index) || index < 0 || index >= end) {
    throw new RangeError(`RangeError (index): Invalid value: Not in inclusive range 0..${end - 1}: ${index}`);
  }
}
