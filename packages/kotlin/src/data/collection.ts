/**
 * What lists, sets and results have in common: reading.
 *
 * @module
 */

import { IndexOutOfBoundsException, NoSuchElementException } from "../errors.js";

/** @internal Whether two elements are equal: values by what they say, objects by what they are. */
export function areEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) {
    return (typeof a === "bigint" || typeof b === "bigint") && String(a) === String(b);
  }
  if (a instanceof Uint8Array) {
    return b instanceof Uint8Array && a.length === b.length && a.every((byte, index) => byte === b[index]);
  }
  const { equals } = a as { equals?: (other: unknown) => boolean };
  if (equals !== undefined) return equals.call(a, b);
  return "_bsontype" in a && "_bsontype" in b && textOf(a) === textOf(b);
}

function textOf(value: { toString(): string }): string {
  return value.toString();
}

/** Elements that can be counted and gone through. */
export abstract class RealmCollection<T> implements Iterable<T> {
  /** Number of elements. */
  abstract get size(): number;
  /** The elements in their order. */
  abstract [Symbol.iterator](): IterableIterator<T>;

  /** Whether there are no elements. */
  isEmpty(): boolean {
    return this.size === 0;
  }

  /** Whether there are any. */
  isNotEmpty(): boolean {
    return this.size > 0;
  }

  /** Whether an equal element is there. */
  contains(element: T): boolean {
    return this.some((one) => areEqual(one, element));
  }

  /** The elements of this moment. Kotlin's `toList`. */
  toArray(): T[] {
    return [...this];
  }

  /** Calls back with each element. */
  forEach(action: (element: T) => void): void {
    for (const element of this) action(element);
  }

  /** What a function makes of the elements. */
  map<R>(transform: (element: T) => R): R[] {
    return Array.from(this, transform);
  }

  /** The elements that satisfy. */
  filter(predicate: (element: T) => boolean): T[] {
    return this.toArray().filter(predicate);
  }

  /** Whether any element satisfies. Kotlin's `any`. */
  some(predicate: (element: T) => boolean): boolean {
    for (const element of this) if (predicate(element)) return true;
    return false;
  }

  /** Whether all elements satisfy. Kotlin's `all`. */
  every(predicate: (element: T) => boolean): boolean {
    return !this.some((element) => !predicate(element));
  }

  /**
   * The first element, or the first that satisfies.
   *
   * @throws {@link NoSuchElementException} if there is none.
   */
  first(predicate: (element: T) => boolean = () => true): T {
    for (const element of this) if (predicate(element)) return element;
    throw new NoSuchElementException("Collection contains no element matching the predicate.");
  }

  /** The first element, or the first that satisfies; null if there is none. */
  firstOrNull(predicate: (element: T) => boolean = () => true): T | null {
    for (const element of this) if (predicate(element)) return element;
    return null;
  }
}

/** Elements in an order. */
export abstract class OrderedRealmCollection<T> extends RealmCollection<T> {
  /** @internal The element at an index that exists. */
  protected abstract elementAt(index: number): T;

  /**
   * The element at an index: Kotlin's `list[index]`.
   *
   * @throws {@link IndexOutOfBoundsException}
   */
  get(index: number): T {
    requireIndex(index, this.size);
    return this.elementAt(index);
  }

  /** The element at an index; null beyond the end. */
  getOrNull(index: number): T | null {
    return Number.isInteger(index) && index >= 0 && index < this.size ? this.elementAt(index) : null;
  }

  /**
   * The last element.
   *
   * @throws {@link NoSuchElementException} if there is none.
   */
  last(): T {
    const { size } = this;
    if (size === 0) throw new NoSuchElementException("List is empty.");
    return this.elementAt(size - 1);
  }

  /** The last element; null if there is none. */
  lastOrNull(): T | null {
    return this.getOrNull(this.size - 1);
  }

  /** Where an element is, or −1. */
  indexOf(element: T): number {
    let index = 0;
    for (const one of this) {
      if (areEqual(one, element)) return index;
      index += 1;
    }
    return -1;
  }
}

/** @throws {@link IndexOutOfBoundsException} unless the index is that of an element. */
export function requireIndex(index: number, size: number): void {
  if (Number.isInteger(index) && index >= 0 && index < size) return;
  throw new IndexOutOfBoundsException(`Index: ${index}, size: ${size}`);
}
