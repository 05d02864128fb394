/**
 * Sets of an object: `std::set` in a managed object.
 *
 * @module
 */

import { bindingKey, handleKey, type ValueSet } from "@tidemark/engine";
import { ownerOf, wrappers } from "../binding.js";
import { guard } from "../errors.js";
import { managed_collection, observeOrdered } from "./collection.js";
import { detachValue } from "./detach.js";
import type { managed_value } from "./managed.js";
import type { collection_change, notification_token } from "./notification.js";
import type { results } from "./results.js";
import { resultsOf } from "./value-results.js";
import { Importer, readValue } from "./values.js";
import type { object_in } from "./vector.js";

/** A live set. What changes it throws `logic_error` outside of a write transaction. */
export class managed_set<E> extends managed_collection implements Iterable<managed_value<E>> {
  /** How many elements there are. */
  size(): number {
    return guard(() => setOf(this).length);
  }

  /** The elements of the moment at which it begins. */
  *[Symbol.iterator](): IterableIterator<managed_value<E>> {
    const set = setOf(this);
    const values = guard(() => set.values());
    for (const value of values) yield readValue(set.column, this[bindingKey].wrap(value)) as managed_value<E>;
  }

  /** Adds a value. Answers whether it was not there before, as the second part of `std::set::insert`'s answer. */
  insert(value: E): boolean {
    return guard(() => {
      const set = setOf(this);
      const plain = new Importer(set.database).element(set.column, value);
      const before = set.length;
      set.add(plain, "all");
      return set.length > before;
    });
  }

  /** Removes a value; answers whether it was there. */
  erase(value: E): boolean {
    return guard(() => setOf(this).erase(value ?? null));
  }

  /** Whether a value is there: `find(value) != end()`. */
  find(value: E): boolean {
    return guard(() => setOf(this).has(value ?? null));
  }

  /** Removes all values. */
  clear(): void {
    guard(() => setOf(this).clear());
  }

  /** The elements as results. */
  as_results(): results<object_in<E>> {
    return resultsOf(this[bindingKey], setOf(this)) as results<object_in<E>>;
  }

  /** A copy that is not managed. */
  detach(): ReadonlySet<E> {
    return guard(() => detachValue(ownerOf(this), setOf(this), new Map())) as ReadonlySet<E>;
  }

  /**
   * Calls back soon, with no changes, and then after each change, until the token is told to end it.
   *
   * @param key_paths not in realm-cpp: only changes of these properties of the objects count as modifications, `name`,
   * `owner.name`, `*`. No path at all leaves insertions and deletions.
   * @throws invalid_argument if a path names what is not there.
   */
  observe(callback: (change: collection_change<this>) => void, key_paths?: readonly string[]): notification_token {
    return observeOrdered(this, setOf(this), callback, key_paths);
  }
}

function setOf(set: { readonly [handleKey]: unknown }): ValueSet {
  return set[handleKey] as ValueSet;
}

wrappers.set = (binding, handle) => new managed_set(binding, handle);
