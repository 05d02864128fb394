/**
 * Results: the objects of a class or collection that pass queries, live.
 *
 * @module
 */

import {
  type CollectionChanges,
  type Column,
  handleKey,
  indexedForm,
  ObjectHandle,
  Results as EngineResults,
  unwrap,
  type ValueResults,
  withIndexes,
} from "@tidemark/engine";
import { call, RealmError } from "../errors.js";
import type { Stream } from "../stream.js";
import { subscribeTo, type SubscribeOptions, unsubscribeFrom } from "../sync/subscribe.js";
import { type Binding, changesStream, realmOf, wrappers } from "./binding.js";
import { changeOf, checkKeyPaths, type RealmResultsChanges } from "./changes.js";
import { type OrderedStore, RealmCollection, refined } from "./collection.js";

/** Live results. `results[0]` is `results.elementAt(0)`. */
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging, no-unused-vars
export interface RealmResults<T> {
  /** The object at an index. */
  readonly [index: number]: T;
}

/** Live results. */
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging
export class RealmResults<T = object> extends RealmCollection<T> {
  /** @internal */
  // oxlint-disable-next-line no-useless-constructor
  constructor(binding: Binding, handle: EngineResults | ValueResults) {
    super(binding, handle);
  }

  /** @internal */
  get internal(): EngineResults {
    return this[handleKey] as EngineResults;
  }

  /** @internal */
  protected override ordered(): OrderedStore {
    return this.internal;
  }

  /** @internal */
  protected override column(): Column | undefined {
    return undefined;
  }

  /** @internal */
  protected override all(): Iterable<unknown> {
    return this.internal.objects();
  }

  /** The place of an object, or −1. */
  override indexOf(element: T): number {
    const handle = unwrap(element);
    return handle instanceof ObjectHandle ? call(() => this.internal.indexOf(handle)) : -1;
  }

  /**
   * Those that pass a query: `results.query("age > $0 SORT(name ASC)", [3])`.
   *
   * @throws `RealmException` if the query cannot be understood.
   */
  query(query: string, values: readonly unknown[] = []): RealmResults<T> {
    const { binding } = this.managed();
    return call(() => binding.results(refined(this.internal, query, values)) as RealmResults<T>);
  }

  /**
   * Changes, from the first one with nothing in it on. Ends with the realm. An object counts as modified if one of its
   * properties changed, or one of an object behind up to four links.
   */
  get changes(): Stream<RealmResultsChanges<RealmResults<T>>> {
    return this.#changes(undefined);
  }

  /**
   * The same; only changes of some properties count as modifications: `name`, `owner.name`, `*`, `owner.*`. No path at
   * all leaves what is inserted and deleted.
   *
   * @throws `RealmException` if a path is empty or names what is not there.
   */
  changesFor(keyPaths?: readonly string[]): Stream<RealmResultsChanges<RealmResults<T>>> {
    if (keyPaths !== undefined) checkKeyPaths(this.internal.database, this.internal.layout, keyPaths);
    return this.#changes(keyPaths);
  }

  #changes(keyPaths: readonly string[] | undefined): Stream<RealmResultsChanges<RealmResults<T>>> {
    const { binding } = this.observable();
    const results = this.internal;
    const { notifier } = results.database;
    return changesStream(binding, (sink) => {
      const tell = (changes: CollectionChanges): void =>
        sink.add({ results: indexedForm(this), ...changeOf(changes, results.isValid() ? results.length : 0) });
      return notifier.onResults(results, tell, keyPaths);
    });
  }

  /** The results as they are now, for ever. Close `frozen.realm` when they are not needed. */
  freeze(): RealmResults<T> {
    return (this.frozen() as RealmResults<T> | undefined) ?? indexedForm(this);
  }

  /**
   * Syncs these results from now on. The subscription is there as soon as this returns, whatever becomes of the wait.
   *
   * @returns the same results, which know the subscription's name for {@link RealmResults.unsubscribe}.
   * @throws `RealmError` if the realm is not synced, what `waitForSynchronization` rejects with, what the token holds.
   */
  async subscribe(options: SubscribeOptions = {}): Promise<RealmResults<T>> {
    const { binding } = this.managed();
    await subscribeTo(realmOf(binding), this, options);
    const { database, layout, source, stages } = this.internal;
    const subscribed = new EngineResults(database, layout, source, stages);
    if (options.name !== undefined) subscriptionNames.set(subscribed, options.name);
    return binding.results(subscribed) as RealmResults<T>;
  }

  /**
   * Ends the subscription that {@link RealmResults.subscribe} made for these results.
   *
   * @returns whether there was one.
   */
  unsubscribe(): boolean {
    return unsubscribeFrom(realmOf(this.managed().binding), this, subscriptionNames.get(this.internal));
  }
}

/** Names of the subscriptions that results were returned for. */
const subscriptionNames = new WeakMap<EngineResults, string>();

wrappers.results = (binding, handle) => {
  const results = new RealmResults(binding, handle);
  return withIndexes(results, {
    read: (index) => results.elementAt(index),
    write: () => {
      throw new RealmError("Results cannot be assigned to");
    },
  });
};
