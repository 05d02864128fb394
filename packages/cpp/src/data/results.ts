/**
 * Results: the objects of a class that pass queries, live.
 *
 * @module
 */

import {
  bindingKey,
  type ClassLayout,
  type Database,
  handleKey,
  packParameters,
  Results as EngineResults,
  sortedByPaths,
  unwrap,
} from "@tidemark/engine";
import { wrappers } from "../binding.js";
import { guard } from "../errors.js";
import { describing } from "../query/describe.js";
import { conditionOf, type query_fn } from "../query/expression.js";
import { managed_collection, observeOrdered, requireIndex } from "./collection.js";
import { withIndexes } from "./indexed.js";
import type { managed_value } from "./managed.js";
import type { collection_change, notification_token } from "./notification.js";

/** A place in an order, as `realm::sort_descriptor`. */
export interface sort_descriptor {
  /** Names from property to property: `owner.name`. */
  readonly key_path: string;
  /** Whether the smallest comes first. */
  readonly ascending: boolean;
}

/** A change of results. */
export type results_change<T> = collection_change<results<T>>;

/** Live results: they show what the database holds now. Those of a vector or set of values hold values. */
export class results<T> extends managed_collection implements Iterable<managed_value<T>> {
  /** The object at an index; throws `out_of_range` beyond the end. */
  readonly [index: number]: managed_value<T>;

  /** How many objects there are. */
  size(): number {
    return guard(() => engineOf(this).length);
  }

  /**
   * The object at an index: `operator[]`.
   *
   * @throws out_of_range `Index out of range.`
   */
  at(index: number): managed_value<T> {
    return guard(() => {
      requireIndex(index, this.size());
      return this[bindingKey].wrap(engineOf(this).get(index)) as managed_value<T>;
    });
  }

  /** The objects of the moment at which it begins; those that are deleted meanwhile are left out. */
  *[Symbol.iterator](): IterableIterator<managed_value<T>> {
    for (const object of engineOf(this).objects()) yield this[bindingKey].wrap(object) as managed_value<T>;
  }

  /**
   * Those that pass a query in Realm Query Language, with `$0`, `$1` … for the arguments.
   *
   * @throws invalid_argument if the query cannot be understood.
   */
  where(query: string, args?: readonly unknown[]): results<T>;
  /** Those that pass a typed condition: `where(o => o.age.gt(2).and(o.name.eq("x")))`. */
  where(query: query_fn<T>): results<T>;
  where(query: string | query_fn<T>, args: readonly unknown[] = []): results<T> {
    return guard(() => {
      const all = engineOf(this);
      const refined =
        typeof query === "string"
          ? all.refine(query, packParameters(all.database, args.map(unwrap)))
          : refineTyped(all, query);
      return this[bindingKey].results(refined) as results<T>;
    });
  }

  /**
   * The same in the order of a property, smallest first unless said otherwise.
   *
   * @throws invalid_argument for a property that does not exist or has no order.
   */
  sort(key_path: string, ascending: boolean): results<T>;
  /** The same in the order of several properties: where the first is equal, by the next. */
  sort(descriptors: readonly sort_descriptor[]): results<T>;
  sort(by: string | readonly sort_descriptor[], ascending: boolean = true): results<T> {
    const descriptors = typeof by === "string" ? [{ key_path: by, ascending }] : by;
    const orders = descriptors.map((one) => ({ keyPath: one.key_path, isDescending: !one.ascending }));
    return guard(() => this[bindingKey].results(sortedByPaths(engineOf(this), orders)) as results<T>);
  }

  /**
   * Calls back soon, with no changes, and then after each change, until the token is told to end it.
   *
   * @param key_paths not in realm-cpp: only changes of these properties of the objects count as modifications, `name`,
   * `owner.name`, `*`. No path at all leaves insertions and deletions.
   * @throws invalid_argument if a path names what is not there.
   */
  observe(callback: (change: results_change<T>) => void, key_paths?: readonly string[]): notification_token {
    return observeOrdered(this, engineOf(this), callback, key_paths);
  }
}

/** @internal The engine's results. */
export function engineOf(wrapped: { readonly [handleKey]: unknown }): EngineResults {
  return wrapped[handleKey] as EngineResults;
}

/** @internal Results that pass a typed condition too. */
export function refineTyped<T>(all: EngineResults, query: query_fn<T>): EngineResults {
  const { text, values } = conditionOf(query, describing(all.database, all.layout)).toQuery();
  return all.refine(text, packParameters(all.database, values.map(unwrap)));
}

/** @internal All objects of a class. */
export function allOf(database: Database, layout: ClassLayout): EngineResults {
  return new EngineResults(database, layout, { kind: "class" }, []);
}

wrappers.results = (binding, handle) => withIndexes(new results(binding, handle));
