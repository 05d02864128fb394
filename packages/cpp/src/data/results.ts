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
  unwrap,
} from "@tidemark/engine";
import { wrappers } from "../binding.js";
import { guard } from "../errors.js";
import { describing } from "../query/describe.js";
import { conditionOf, type query_fn } from "../query/expression.js";
import { managed_collection, observeOrdered, requireIndex } from "./collection.js";
import { withIndexes } from "./indexed.js";
import type { managed } from "./managed.js";
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

/** Live results: they show what the database holds now. */
export class results<T> extends managed_collection implements Iterable<managed<T>> {
  /** The object at an index; throws `out_of_range` beyond the end. */
  readonly [index: number]: managed<T>;

  /** How many objects there are. */
  size(): number {
    return guard(() => engineOf(this).length);
  }

  /**
   * The object at an index: `operator[]`.
   *
   * @throws out_of_range `Index out of range.`
   */
  at(index: number): managed<T> {
    return guard(() => {
      requireIndex(index, this.size());
      return this[bindingKey].wrap(engineOf(this).get(index)) as managed<T>;
    });
  }

  /** The objects of the moment at which it begins; those that are deleted meanwhile are left out. */
  *[Symbol.iterator](): IterableIterator<managed<T>> {
    for (const object of engineOf(this).objects()) yield this[bindingKey].wrap(object) as managed<T>;
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

  /** The same in the order of a property, smallest first unless said otherwise. */
  sort(key_path: string, ascending: boolean): results<T>;
  /** The same in the order of several properties: where the first is equal, by the next. */
  sort(descriptors: readonly sort_descriptor[]): results<T>;
  sort(by: string | readonly sort_descriptor[], ascending: boolean = true): results<T> {
    const descriptors = typeof by === "string" ? [{ key_path: by, ascending }] : by;
    const orders = descriptors.map((one) => ({ keyPath: one.key_path, isDescending: !one.ascending }));
    return guard(() => this[bindingKey].results(engineOf(this).sorted(orders)) as results<T>);
  }

  /** Calls back soon, with no changes, and then after each change, until the token is told to end it. */
  observe(callback: (change: results_change<T>) => void): notification_token {
    return observeOrdered(this, engineOf(this), callback);
  }
}

/** @internal The engine's results. */
export function engineOf(wrapped: results<never> | results<unknown>): EngineResults {
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
