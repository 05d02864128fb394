/**
 * Results: the objects of a class or collection that pass queries, live.
 *
 * @module
 */

import {
  bindingKey,
  type CollectionChanges,
  EngineError,
  type KeyPaths,
  handleKey,
  type ObjectHandle,
  type Results as EngineResults,
  type ValueResults,
  withIndexes,
} from "@tidemark/engine";
import { assertString } from "../assert.js";
import { type Binding, wrappers } from "../binding.js";
import type { WaitForSync } from "../enums.js";
import { call } from "../errors.js";
import { OrderedCollection, type OrderedHandle, typeNames } from "./collection.js";
import type { Unmanaged } from "./unmanaged.js";

/** How to subscribe. */
export interface SubscriptionOptions {
  /** Name of the subscription, by which it can be found and replaced; none by default. */
  name?: string;
  /** Whether a name that stands for another query is an error; by default it stands for this one from then on. */
  throwOnUpdate?: boolean;
  /** When to wait for the data; `first-time` by default. */
  behavior?: WaitForSync;
  /** Milliseconds to wait at most; without an end by default. When they are over the promise resolves all the same. */
  timeout?: number;
}

/** Results, whatever their objects are. */
export interface Subscribable {
  /** @internal */
  readonly [handleKey]: unknown;
}

/** What a realm offers to its results. */
interface Subscriber {
  subscribeTo(results: Subscribable, options: SubscriptionOptions): () => Promise<void>;
  unsubscribeFrom(results: Subscribable, name: string | undefined): void;
}

/**
 * The objects of a class or of a collection that pass queries. Results are live: they show what the realm holds now.
 */
export class Results<T = unknown> extends OrderedCollection<T> {
  #subscriptionName: string | undefined;

  /** @internal */
  // oxlint-disable-next-line no-useless-constructor
  constructor(binding: Binding, handle: EngineResults | ValueResults) {
    super(binding, handle);
  }

  get #results(): EngineResults {
    return this[handleKey] as EngineResults;
  }

  /** @internal */
  protected override ordered(): OrderedHandle {
    return this.#results;
  }

  /** @internal */
  protected override asResults(): EngineResults {
    return this.#results;
  }

  /** @internal */
  protected override observe(keyPaths: KeyPaths, listener: (changes: CollectionChanges) => void): () => void {
    const results = this.#results;
    results.database.requireOpen();
    return results.database.notifier.onResults(results, listener, keyPaths);
  }

  /** Always `object`. */
  get type(): string {
    return "object";
  }

  /** Always false. */
  get optional(): boolean {
    return false;
  }

  /** Sets a property of all objects, in a write transaction. */
  update(propertyName: keyof Unmanaged<T>, value: Unmanaged<T>[keyof Unmanaged<T>]): void {
    assertString(propertyName, "propertyName");
    call(() => {
      const results = this.#results;
      results.database.requireWrite();
      const column = results.layout.columnByPublicName(propertyName);
      if (column === undefined) throw new Error(`No such property: ${propertyName}`);
      for (const object of [...results.objects()] as ObjectHandle[]) object.set(column, value);
    });
  }

  /**
   * Syncs these results from now on. Resolves as `options.behavior` says; never rejects for a timeout, and the data
   * then arrives later.
   *
   * @returns the same results.
   */
  async subscribe(options: SubscriptionOptions = {}): Promise<this> {
    const wait = (this[bindingKey].realm as Subscriber).subscribeTo(this, options);
    // Not before: what was refused is somebody else's.
    this.#subscriptionName = options.name;
    await wait();
    return this.self() as unknown as this;
  }

  /**
   * Syncs them no longer: removes the subscription that {@link Results.subscribe} made, or the one with their query.
   */
  unsubscribe(): void {
    (this[bindingKey].realm as Subscriber).unsubscribeFrom(this, this.#subscriptionName);
  }
}

/** Values of a list or set in an order, or of one moment. */
class ValuesInOrder<T> extends Results<T> {
  readonly #values: ValueResults;

  constructor(binding: Binding, values: ValueResults) {
    super(binding, values);
    this.#values = values;
  }

  protected override ordered(): OrderedHandle {
    return this.#values;
  }

  protected override asResults(): never {
    throw new EngineError("invalid-argument", "Queries on collections of values are not supported");
  }

  protected override holdsObjects(): boolean {
    return false;
  }

  protected override asValues(): ValueResults {
    return this.#values;
  }

  protected override observe(_: KeyPaths, listener: (changes: CollectionChanges) => void): () => void {
    const { database } = this.#values;
    database.requireOpen();
    return database.notifier.onValues(this.#values, listener);
  }

  override get type(): string {
    const { type } = this.#values.column;
    return typeNames[type] ?? type;
  }

  override get optional(): boolean {
    return this.#values.column.isNullable;
  }

  override update(): void {
    this.asResults();
  }

  override subscribe(): Promise<this> {
    return Promise.reject(new Error("Only results of objects can be subscribed to"));
  }

  override unsubscribe(): void {
    throw new Error("Only results of objects can be subscribed to");
  }
}

function indexed<T>(binding: Binding, results: Results<T>, handle: OrderedHandle): Results<T> {
  return withIndexes(results, {
    read: (index) => binding.wrap(index < 0 ? undefined : call(() => handle.get(index))),
    write: () => {
      throw new Error("Modifying results is not supported");
    },
  });
}

wrappers.results = (binding, handle) => indexed(binding, new Results(binding, handle), handle);
wrappers.values = (binding, values) => indexed(binding, new ValuesInOrder(binding, values), values);
