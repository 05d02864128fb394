/**
 * Results: the objects that pass a query.
 *
 * @module
 */

import { bindingKey, handleKey, type Results } from "@tidemark/engine";
import { type Binding, requireUsable, wrappers } from "../binding.js";
import type { Duration } from "../duration.js";
import { call } from "../errors.js";
import type { Flow } from "../flow/flow.js";
import type { WaitForSync } from "../sync/subscribe.js";
import type { ResultsChange } from "./changes.js";
import { OrderedRealmCollection } from "./collection.js";
import { originOf, RealmQuery } from "./query.js";

/** What ties results to their realm. */
// Keys that are symbols cannot be declared in the class.
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging, no-unused-vars
export interface RealmResults<T> {
  /** @internal */
  readonly [handleKey]: Results;
  /** @internal */
  readonly [bindingKey]: Binding;
}

/** Objects that pass a query: of one version, or, inside of a write transaction, those that pass it now. */
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging
export class RealmResults<T> extends OrderedRealmCollection<T> {
  /** @internal */
  constructor(binding: Binding, results: Results) {
    super();
    Object.defineProperty(this, handleKey, { value: results });
    Object.defineProperty(this, bindingKey, { value: binding });
  }

  get #results(): Results {
    requireUsable(this[bindingKey]);
    return this[handleKey];
  }

  /** How many objects there are. */
  get size(): number {
    return call(() => this.#results.length);
  }

  protected override elementAt(index: number): T {
    return this[bindingKey].wrap(call(() => this.#results.get(index))) as T;
  }

  *[Symbol.iterator](): IterableIterator<T> {
    const objects = call(() => this.#results.objects());
    for (const object of objects) yield this[bindingKey].wrap(object) as T;
  }

  /**
   * Queries these results.
   *
   * @throws {@link IllegalArgumentException} if the query cannot be understood.
   */
  query(filter: string = "TRUEPREDICATE", ...args: readonly unknown[]): RealmQuery<T> {
    return RealmQuery.over<T>(originOf(this[bindingKey]), this.#results).query(filter, ...args);
  }

  /** Follows the results: an `InitialResults` first, an `UpdatedResults` for each change. */
  asFlow(keyPaths?: readonly string[]): Flow<ResultsChange<T>> {
    return this.query().asFlow(keyPaths);
  }

  /** As `RealmQuery.subscribe`. */
  async subscribe(
    name: string | null = null,
    updateExisting: boolean = false,
    mode?: WaitForSync,
    timeout?: Duration | number,
  ): Promise<RealmResults<T>> {
    return this.query().subscribe(name, updateExisting, mode, timeout);
  }
}

wrappers.results = (binding, results) => new RealmResults(binding, results);
