/**
 * Sets of objects.
 *
 * @module
 */

import {
  type CollectionChanges,
  type KeyPaths,
  handleKey,
  type Results as EngineResults,
  resultsOfCollection,
  type ValueSet,
  withIndexes,
} from "@tidemark/engine";
import { type Binding, wrappers } from "../binding.js";
import { call } from "../errors.js";
import { OrderedCollection, type OrderedHandle, typeNames } from "./collection.js";

/** A set of an object. It is live, and changed in write transactions. */
export class RealmSet<T = unknown> extends OrderedCollection<T> {
  /** @internal */
  // oxlint-disable-next-line no-useless-constructor
  constructor(binding: Binding, handle: ValueSet) {
    super(binding, handle);
  }

  get #set(): ValueSet {
    return this[handleKey] as ValueSet;
  }

  /** @internal */
  protected override ordered(): OrderedHandle {
    return this.#set;
  }

  /** @internal */
  protected override asResults(): EngineResults {
    return resultsOfCollection(this.#set);
  }

  /** @internal */
  protected override observe(keyPaths: KeyPaths, listener: (changes: CollectionChanges) => void): () => void {
    return this.#set.database.notifier.onCollection(this.#set, listener, keyPaths);
  }

  /** Type of the elements, by its name in schemas. */
  get type(): string {
    const { type } = this.#set.column;
    return typeNames[type] ?? type;
  }

  /** Whether elements may be null. */
  get optional(): boolean {
    return this.#set.column.isNullable;
  }

  /** How many elements there are. */
  get size(): number {
    return this.length;
  }

  /** Adds an element, unless it is there. */
  add(value: T): this {
    call(() => this.#set.add(value));
    return this;
  }

  /** Removes an element. @returns whether it was there. */
  delete(value: T): boolean {
    return call(() => this.#set.erase(value));
  }

  /** Whether an element is there. */
  has(value: T): boolean {
    return call(() => this.#set.has(value));
  }

  /** Removes all elements. */
  clear(): void {
    call(() => this.#set.clear());
  }
}

wrappers.set = (binding, handle) => {
  const set = new RealmSet(binding, handle);
  return withIndexes(set, {
    read: (index) => binding.wrap(call(() => handle.get(index))),
    write: () => {
      throw new Error("Set elements cannot be assigned by index");
    },
  });
};
