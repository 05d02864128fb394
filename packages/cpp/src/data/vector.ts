/**
 * Vectors of an object: `std::vector` in a managed object.
 *
 * @module
 */

import { bindingKey, handleKey, type List, ObjectHandle, unwrap } from "@tidemark/engine";
import { ownerOf, wrappers } from "../binding.js";
import { guard } from "../errors.js";
import type { query_fn } from "../query/expression.js";
import { managed_collection, observeOrdered, requireIndex } from "./collection.js";
import { detachValue } from "./detach.js";
import { withIndexes } from "./indexed.js";
import type { managed_value } from "./managed.js";
import type { collection_change, notification_token } from "./notification.js";
import type { results } from "./results.js";
import { resultsOf } from "./value-results.js";
import { areSame, Importer, readValue } from "./values.js";

/** The struct among the types of an element. */
export type object_in<E> = E extends {
  /** @internal */
  readonly [handleKey]: unknown;
}
  ? never
  : E;

/**
 * A live vector. What changes it throws `logic_error` outside of a write transaction. `E` is the type of the elements
 * that are given; objects are read as managed ones.
 */
export class managed_vector<E> extends managed_collection implements Iterable<managed_value<E>> {
  /** The element at an index; throws `out_of_range` beyond the end. */
  [index: number]: managed_value<E>;

  /** How many elements there are. */
  size(): number {
    return guard(() => listOf(this).length);
  }

  /** Whether there is no element. */
  empty(): boolean {
    return this.size() === 0;
  }

  /**
   * The element at an index: `operator[]`.
   *
   * @throws out_of_range `Index out of range.`
   */
  at(index: number): managed_value<E> {
    return guard(() => {
      const list = listOf(this);
      requireIndex(index, list.length);
      return readValue(list.column, this[bindingKey].wrap(list.get(index))) as managed_value<E>;
    });
  }

  /** The elements of the moment at which it begins. */
  *[Symbol.iterator](): IterableIterator<managed_value<E>> {
    const list = listOf(this);
    const values = guard(() => list.values());
    for (const value of values) yield readValue(list.column, this[bindingKey].wrap(value)) as managed_value<E>;
  }

  /**
   * Assigns the element at an index.
   *
   * @throws out_of_range
   */
  set(index: number, value: E): void {
    guard(() => {
      const list = listOf(this);
      requireIndex(index, list.length);
      list.set(index, importOf(list, value), "all");
    });
  }

  /** Adds an element at the end. */
  push_back(value: E): void {
    guard(() => {
      const list = listOf(this);
      list.insert(list.length, importOf(list, value), "all");
    });
  }

  /** Puts an element before the one at an index. An addition: a shift of one element merges better than assignments. */
  insert(index: number, value: E): void {
    guard(() => {
      const list = listOf(this);
      requireIndex(index, list.length + 1);
      list.insert(index, importOf(list, value), "all");
    });
  }

  /** Removes the last element; nothing if there is none. */
  pop_back(): void {
    guard(() => {
      const list = listOf(this);
      list.database.requireWrite();
      if (list.length > 0) list.erase(list.length - 1);
    });
  }

  /**
   * Removes the element at an index.
   *
   * @throws out_of_range
   */
  erase(index: number): void {
    guard(() => {
      const list = listOf(this);
      requireIndex(index, list.length);
      list.erase(index);
    });
  }

  /** Removes all elements. */
  clear(): void {
    guard(() => listOf(this).clear());
  }

  /** Index of the first element that is equal; `undefined` if there is none. */
  find(value: E): number | undefined {
    return guard(() => {
      const wanted = unwrap(value);
      const index = listOf(this)
        .values()
        .findIndex((one) => (one instanceof ObjectHandle ? one.equals(wanted) : areSame(one, wanted ?? null)));
      return index < 0 ? undefined : index;
    });
  }

  /** A copy that is not managed. */
  detach(): E[] {
    return guard(() => detachValue(ownerOf(this), listOf(this), new Map())) as E[];
  }

  /** The elements as results. */
  as_results(): results<object_in<E>> {
    return resultsOf(this[bindingKey], listOf(this)) as results<object_in<E>>;
  }

  /** The objects that pass a query. @throws invalid_argument for vectors of values and of embedded objects. */
  where(query: string, args?: readonly unknown[]): results<object_in<E>>;
  /** Those that pass a typed condition. */
  where(query: query_fn<object_in<E>>): results<object_in<E>>;
  where(query: string | query_fn<object_in<E>>, args?: readonly unknown[]): results<object_in<E>> {
    const objects = this.as_results();
    return typeof query === "string" ? objects.where(query, args) : objects.where(query);
  }

  /**
   * Calls back soon, with no changes, and then after each change, until the token is told to end it.
   *
   * @param key_paths not in realm-cpp: only changes of these properties of the objects count as modifications, `name`,
   * `owner.name`, `*`. No path at all leaves insertions and deletions.
   * @throws invalid_argument if a path names what is not there.
   */
  observe(callback: (change: collection_change<this>) => void, key_paths?: readonly string[]): notification_token {
    return observeOrdered(this, listOf(this), callback, key_paths);
  }
}

function listOf(vector: { readonly [handleKey]: unknown }): List {
  return vector[handleKey] as List;
}

function importOf(list: List, value: unknown): unknown {
  return new Importer(list.database).element(list.column, value);
}

wrappers.list = (binding, handle) => withIndexes(new managed_vector(binding, handle));
