/**
 * Lists of objects.
 *
 * @module
 */

import {
  bindingKey,
  type CollectionChanges,
  type KeyPaths,
  handleKey,
  type List as EngineList,
  type Results as EngineResults,
  resultsOfCollection,
  withIndexes,
} from "@tidemark/engine";
import { assertNumber } from "../assert.js";
import { type Binding, wrappers } from "../binding.js";
import { call } from "../errors.js";
import { OrderedCollection, type OrderedHandle, typeNames } from "./collection.js";

/** A list of an object. It is live, and changed in write transactions: by index, or by the methods of arrays. */
export class List<T = unknown> extends OrderedCollection<T> {
  /** The element at an index. Assigning at the end appends. */
  [index: number]: T;

  /** @internal */
  // oxlint-disable-next-line no-useless-constructor
  constructor(binding: Binding, handle: EngineList) {
    super(binding, handle);
  }

  get #list(): EngineList {
    return this[handleKey] as EngineList;
  }

  /** @internal */
  protected override ordered(): OrderedHandle {
    return this.#list;
  }

  /** @internal */
  protected override asResults(): EngineResults {
    return resultsOfCollection(this.#list);
  }

  /** @internal */
  protected override observe(keyPaths: KeyPaths, listener: (changes: CollectionChanges) => void): () => void {
    return this.#list.database.notifier.onCollection(this.#list, listener, keyPaths);
  }

  /** Type of the elements, by its name in schemas. */
  get type(): string {
    const { type } = this.#list.column;
    return typeNames[type] ?? type;
  }

  /** Whether elements may be null. */
  get optional(): boolean {
    return this.#list.column.isNullable;
  }

  /** @internal */
  write(index: number, value: unknown): void {
    call(() => {
      const list = this.#list;
      if (index < 0) throw new Error(`Index ${index} cannot be less than zero.`);
      if (index === list.length) list.insert(index, value);
      else list.set(index, value);
    });
  }

  /** Appends elements. @returns the new length. */
  push(...items: T[]): number {
    return call(() => {
      const list = this.#list;
      for (const item of items) list.insert(list.length, item);
      return list.length;
    });
  }

  /** Removes the last element. @returns it; `undefined` if there is none. */
  pop(): T | undefined {
    return this.#take(this.#list.length - 1);
  }

  /** Removes the first element. @returns it; `undefined` if there is none. */
  shift(): T | undefined {
    return this.#take(0);
  }

  #take(index: number): T | undefined {
    return call(() => {
      const list = this.#list;
      list.database.requireWrite();
      if (list.length === 0) return undefined;
      const value = this.element(index);
      list.erase(index);
      return value;
    });
  }

  /** Inserts elements at the beginning. @returns the new length. */
  unshift(...items: T[]): number {
    return call(() => {
      const list = this.#list;
      items.forEach((item, index) => list.insert(index, item));
      return list.length;
    });
  }

  /** Removes elements and inserts others in their place, as of arrays. @returns what was removed. */
  splice(start: number, deleteCount?: number, ...items: T[]): T[] {
    return call(() => {
      const list = this.#list;
      list.database.requireWrite();
      const { length } = list;
      const first = start < 0 ? Math.max(length + start, 0) : Math.min(start, length);
      const count = Math.min(Math.max(deleteCount ?? length - first, 0), length - first);
      const removed = Array.from({ length: count }, (_, index) => this.element(first + index) as T);
      for (let index = 0; index < count; index += 1) list.erase(first);
      items.forEach((item, index) => list.insert(first + index, item));
      return removed;
    });
  }

  /** Removes the element at an index. @throws beyond the end. */
  remove(index: number): void {
    assertNumber(index, "index");
    call(() => this.#list.erase(index));
  }

  /** Moves an element to another index. */
  move(from: number, to: number): void {
    assertNumber(from, "from");
    assertNumber(to, "to");
    call(() => this.#list.move(from, to));
  }

  /** Exchanges two elements, by moving both. */
  swap(index1: number, index2: number): void {
    assertNumber(index1, "index1");
    assertNumber(index2, "index2");
    call(() => {
      const [low, high] = index1 < index2 ? [index1, index2] : [index2, index1];
      if (low === high) return;
      const list = this.#list;
      list.move(low, high);
      list.move(high - 1, low);
    });
  }
}

wrappers.list = (binding, handle) => {
  const list = new List(binding, handle);
  return withIndexes(list, {
    read: (index) => list[bindingKey].wrap(call(() => handle.get(index))),
    write: (index, value) => list.write(index, value),
  });
};
