/**
 * Results of values: what a vector or set of values is as results.
 *
 * @module
 */

import {
  bindingKey,
  type CollectionChanges,
  elementsAsResults,
  handleKey,
  type List,
  Results as EngineResults,
  sortedByThemselves,
  type ValueResults,
  type ValueSet,
} from "@tidemark/engine";
import { type Binding, type Wrapped, wrappers } from "../binding.js";
import { guard, invalid_argument } from "../errors.js";
import { requireIndex } from "./collection.js";
import { withIndexes } from "./indexed.js";
import type { managed_value } from "./managed.js";
import { collectionChange, notification_token } from "./notification.js";
import { results, type results_change, type sort_descriptor } from "./results.js";
import { readValue } from "./values.js";

/** The values of a vector or set, live. */
class results_of_values<T> extends results<T> {
  override size(): number {
    return guard(() => valuesOf(this).length);
  }

  override at(index: number): managed_value<T> {
    return guard(() => {
      requireIndex(index, this.size());
      return shown(this, valuesOf(this).get(index)) as managed_value<T>;
    });
  }

  override *[Symbol.iterator](): IterableIterator<managed_value<T>> {
    for (const value of guard(() => valuesOf(this).values())) yield shown(this, value) as managed_value<T>;
  }

  override where(): never {
    throw new invalid_argument("InvalidArgument", "Queries on collections of values are not supported");
  }

  override sort(by: string | readonly sort_descriptor[], ascending: boolean = true): results<T> {
    const descriptors = typeof by === "string" ? [{ key_path: by, ascending }] : by;
    const orders = descriptors.map((one) => ({ keyPath: one.key_path, isDescending: !one.ascending }));
    return guard(() => this[bindingKey].values(sortedByThemselves(valuesOf(this), orders)) as results<T>);
  }

  override observe(callback: (change: results_change<T>) => void): notification_token {
    return guard(() => {
      const values = valuesOf(this);
      values.database.requireOpen();
      const tell = (changes: CollectionChanges): void => callback(collectionChange(this, changes, !values.isValid()));
      return new notification_token(this[bindingKey].track(values.database.notifier.onValues(values, tell)));
    });
  }
}

// Not private members: the object is seen through a proxy.
function valuesOf(wrapped: { readonly [handleKey]: unknown }): ValueResults {
  return wrapped[handleKey] as ValueResults;
}

function shown(wrapped: Wrapped, value: unknown): unknown {
  return readValue(valuesOf(wrapped).column, wrapped[bindingKey].wrap(value));
}

/** @internal What a vector or set holds, as results. */
export function resultsOf(binding: Binding, collection: List | ValueSet): unknown {
  return guard(() => {
    const found = elementsAsResults(collection);
    return found instanceof EngineResults ? binding.results(found) : binding.values(found);
  });
}

wrappers.values = (binding, values) => withIndexes(new results_of_values(binding, values));
