/**
 * Results of values: what a list or set of values is as results.
 *
 * @module
 */

import {
  type Column,
  elementsAsResults,
  handleKey,
  indexedForm,
  type List,
  Results as EngineResults,
  type ValueResults,
  type ValueSet,
  withIndexes,
} from "@tidemark/engine";
import { call, RealmError, RealmException } from "../errors.js";
import type { Stream } from "../stream.js";
import { type Binding, changesStream, wrappers } from "./binding.js";
import { changeOf, type RealmResultsChanges } from "./changes.js";
import { type OrderedStore, RealmCollection } from "./collection.js";
import { RealmResults } from "./results.js";

/** The values of a list or set, live. */
class RealmValueResults<T> extends RealmResults<T> {
  get #values(): ValueResults {
    return this[handleKey] as ValueResults;
  }

  protected override ordered(): OrderedStore {
    return this.#values;
  }

  protected override column(): Column {
    return this.#values.column;
  }

  protected override all(): Iterable<unknown> {
    return this.#values.values();
  }

  override indexOf(element: T): number {
    return RealmCollection.prototype.indexOf.call(this, element);
  }

  override query(): never {
    throw new RealmException("Queries on collections of values are not supported");
  }

  override get changes(): Stream<RealmResultsChanges<RealmResults<T>>> {
    const { binding } = this.observable();
    const values = this.#values;
    return changesStream(binding, (sink) =>
      values.database.notifier.onValues(values, (changes) => {
        sink.add({ results: indexedForm(this), ...changeOf(changes, values.isValid() ? values.length : 0) });
      }),
    );
  }

  override changesFor(keyPaths?: readonly string[]): Stream<RealmResultsChanges<RealmResults<T>>> {
    if (keyPaths !== undefined) throw new RealmException("Key paths are only for collections of objects.");
    return this.changes;
  }

  override subscribe(): Promise<never> {
    return Promise.reject(new RealmError("Only results of objects can be subscribed to"));
  }

  override unsubscribe(): never {
    throw new RealmError("Only results of objects can be subscribed to");
  }
}

/** @internal What a list or set holds, as results. */
export function resultsOf<T>(binding: Binding, collection: List | ValueSet): RealmResults<T> {
  return call(() => {
    const results = elementsAsResults(collection);
    return results instanceof EngineResults ? binding.results(results) : binding.values(results);
  }) as RealmResults<T>;
}

wrappers.values = (binding, values) => {
  const results = new RealmValueResults(binding, values);
  return withIndexes(results, {
    read: (index) => results.elementAt(index),
    write: () => {
      throw new RealmError("Results cannot be assigned to");
    },
  });
};
