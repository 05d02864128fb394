/**
 * What results, lists and sets have in common: reading by index, iterating, the read-only methods of arrays.
 *
 * @module
 */

import {
  type Aggregate,
  aggregateOf,
  bindingKey,
  type CollectionChanges,
  EngineError,
  type Handle,
  handleKey,
  indexedForm,
  ObjectHandle,
  packParameters,
  Results as EngineResults,
  unwrap,
} from "@tidemark/engine";
import { assertFunction, assertString } from "../assert.js";
import type { Binding } from "../binding.js";
import { call } from "../errors.js";
import { ListenerMap } from "./listeners.js";
import { valueToJson } from "./object.js";
import type { Results } from "./results.js";

/** Indexes of changes. */
export interface CollectionChangeSet {
  insertions: number[];
  deletions: number[];
  newModifications: number[];
  oldModifications: number[];
}

export type CollectionChangeCallback<T> = (collection: OrderedCollection<T>, changes: CollectionChangeSet) => void;

/** A property, or a property with whether the order is reversed. */
export type SortDescriptor = string | readonly [string, boolean];

/** Array methods that only read: they work on the elements of the moment. */
const arrayMethods = [
  "at",
  "concat",
  "every",
  "filter",
  "find",
  "findIndex",
  "findLast",
  "findLastIndex",
  "flat",
  "flatMap",
  "forEach",
  "includes",
  "join",
  "lastIndexOf",
  "map",
  "reduce",
  "reduceRight",
  "slice",
  "some",
] as const;

type ArrayMethods<T> = Pick<ReadonlyArray<T>, (typeof arrayMethods)[number]>;

/** Elements in an order. */
// Array methods are added below the class, and keys that are symbols cannot be declared in it.
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging
export interface OrderedCollection<T> extends ArrayMethods<T> {
  readonly [index: number]: T;
  /** @internal */
  readonly [handleKey]: Handle;
  /** @internal */
  readonly [bindingKey]: Binding;
}

/** The engine's side of an ordered collection. */
export interface OrderedHandle {
  readonly length: number;
  get(index: number): unknown;
  isValid(): boolean;
}

/** What results, lists and sets have in common. */
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging
export abstract class OrderedCollection<T> {
  readonly #listeners = new ListenerMap<unknown>();

  constructor(binding: Binding, handle: Handle) {
    Object.defineProperty(this, handleKey, { value: handle, configurable: true });
    Object.defineProperty(this, bindingKey, { value: binding, configurable: true });
  }

  protected abstract ordered(): OrderedHandle;
  /** The elements of this moment as results of the engine; only for objects. */
  protected abstract asResults(): EngineResults;
  protected abstract observe(listener: (changes: CollectionChanges) => void): () => void;
  abstract get type(): string;
  abstract get optional(): boolean;

  get length(): number {
    return call(() => this.ordered().length);
  }

  set length(_: number) {
    throw new Error("Cannot assign to read only property 'length'");
  }

  isValid(): boolean {
    return this.ordered().isValid();
  }

  isEmpty(): boolean {
    return this.length === 0;
  }

  /** The element at an index, as the SDK shows it. */
  protected element(index: number): T | undefined {
    return this[bindingKey].wrap(this.ordered().get(index)) as T | undefined;
  }

  *[Symbol.iterator](): IterableIterator<T> {
    yield* this.values();
  }

  *values(): IterableIterator<T> {
    const binding = this[bindingKey];
    const handle = this[handleKey];
    if (handle instanceof EngineResults) {
      for (const object of handle.objects()) yield binding.wrap(object) as T;
      return;
    }
    for (const value of snapshotOf(this.ordered())) yield binding.wrap(value) as T;
  }

  *keys(): IterableIterator<number> {
    for (let index = 0; index < this.length; index += 1) yield index;
  }

  *entries(): IterableIterator<[number, T]> {
    let index = 0;
    for (const value of this.values()) {
      yield [index, value];
      index += 1;
    }
  }

  indexOf(searched: T, fromIndex: number = 0): number {
    const plain = unwrap(searched);
    const handle = this[handleKey];
    if (plain instanceof ObjectHandle && handle instanceof EngineResults) return handle.indexOf(plain);
    const values = snapshotOf(this.ordered());
    return values.findIndex((value, index) => index >= fromIndex && isSame(value, plain));
  }

  /** All elements as plain values. */
  toJSON(_key?: string, known: Map<string, unknown> = new Map()): unknown[] {
    return [...this.values()].map((value) => valueToJson(value, known));
  }

  description(): string {
    const handle = this[handleKey];
    return handle instanceof EngineResults ? handle.describe() : `${this.type} collection of ${this.length}`;
  }

  min(property?: string): number | Date | undefined {
    return this.#aggregate("min", property) as number | Date | undefined;
  }

  max(property?: string): number | Date | undefined {
    return this.#aggregate("max", property) as number | Date | undefined;
  }

  sum(property?: string): number {
    return this.#aggregate("sum", property) as number;
  }

  avg(property?: string): number | undefined {
    return this.#aggregate("avg", property) as number | undefined;
  }

  #aggregate(kind: Aggregate, property: string | undefined): unknown {
    if (property === undefined) return aggregateOf(kind, this.values());
    const values = [...this.values()] as Readonly<Record<string, unknown>>[];
    return aggregateOf(
      kind,
      values.map((value) => value[property]),
    );
  }

  /** The elements that pass a query. */
  filtered(query: string, ...values: unknown[]): Results<T> {
    assertString(query, "query");
    return call(() => {
      const source = this.asResults();
      const parameters = packParameters(source.database, values.map(unwrap));
      return this[bindingKey].results(source.refine(query, parameters)) as Results<T>;
    });
  }

  /** The elements in the order of a property, or of several. */
  sorted(by: boolean | string | readonly SortDescriptor[] = false, isReversed: boolean = false): Results<T> {
    const source = call(() => this.asResults());
    if (typeof by === "boolean") {
      throw new EngineError("invalid-argument", "Sorting collections of values without a property is not supported");
    }
    const descriptors = typeof by === "string" ? [[by, isReversed] as const] : by;
    const orders = descriptors.map((descriptor) => {
      const [keyPath, isDescending] = typeof descriptor === "string" ? [descriptor, false] : descriptor;
      return { keyPath, isDescending };
    });
    return call(() => this[bindingKey].results(source.sorted(orders)) as Results<T>);
  }

  /** The elements of this moment: later changes of the collection do not show. */
  snapshot(): Results<T> {
    return call(() => this[bindingKey].results(this.asResults().snapshot()) as Results<T>);
  }

  addListener(callback: CollectionChangeCallback<T>, _keyPaths?: string | string[]): void {
    assertFunction(callback, "callback");
    const begin = (): (() => void) =>
      this[bindingKey].track(
        this.observe(({ insertions, deletions, newModifications, oldModifications }) => {
          const changes = {
            insertions: [...insertions],
            deletions: [...deletions],
            newModifications: [...newModifications],
            oldModifications: [...oldModifications],
          };
          callback(this.self(), changes);
        }),
      );
    call(() => this.#listeners.add(callback, begin));
  }

  removeListener(callback: CollectionChangeCallback<T>): void {
    this.#listeners.remove(callback);
  }

  removeAllListeners(): void {
    this.#listeners.clear();
  }

  /** The collection as the application holds it, with access by index. */
  protected self(): OrderedCollection<T> {
    return indexedForm(this);
  }
}

for (const name of arrayMethods) {
  Object.defineProperty(OrderedCollection.prototype, name, {
    configurable: true,
    writable: true,
    value(this: OrderedCollection<unknown>, ...values: unknown[]): unknown {
      const method = Array.prototype[name] as (...values: unknown[]) => unknown;
      return method.apply([...this.values()], values);
    },
  });
}

function snapshotOf(handle: OrderedHandle): unknown[] {
  return Array.from({ length: handle.length }, (_, index) => handle.get(index));
}

function isSame(a: unknown, b: unknown): boolean {
  if (a instanceof ObjectHandle) return a.equals(b);
  if (a instanceof Date) return b instanceof Date && a.getTime() === b.getTime();
  if (typeof a === "object" && a !== null && "equals" in a && typeof a.equals === "function") {
    return Boolean((a as { equals(other: unknown): unknown }).equals(b));
  }
  return Object.is(a, b);
}
