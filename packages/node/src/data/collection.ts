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
  type KeyPaths,
  type List,
  ValueResults,
  type ValueSet,
  type Handle,
  handleKey,
  holdsObjects,
  indexedForm,
  type Order,
  ObjectHandle,
  packParameters,
  Results as EngineResults,
  sortedByPaths,
  sortedByThemselves,
  unwrap,
} from "@tidemark/engine";
import { assertFunction, assertString } from "../assert.js";
import type { Binding } from "../binding.js";
import { call } from "../errors.js";
import { keyPathsOf, ListenerMap } from "./listeners.js";
import { valueToJson } from "./object.js";
import type { Results } from "./results.js";

/** Indexes of what has changed. All are empty in the first call of a listener. */
export interface CollectionChangeSet {
  /** What was inserted, by its indexes afterwards. */
  insertions: number[];
  /** What was deleted, by its indexes before. */
  deletions: number[];
  /** What was changed, by its indexes afterwards. */
  newModifications: number[];
  /** The same by its indexes before. */
  oldModifications: number[];
}

/** Told of changes of a collection: once soon after it is added, then after each change. */
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

/** Those that arrays of an application's own `lib` may not have: they are declared below. */
type LateMethod = "findLast" | "findLastIndex";
type ArrayMethods<T> = Pick<ReadonlyArray<T>, Exclude<(typeof arrayMethods)[number], LateMethod>>;

/** Elements in an order. */
// Array methods are added below the class, and keys that are symbols cannot be declared in it.
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging
export interface OrderedCollection<T> extends ArrayMethods<T> {
  /** The element at an index. */
  readonly [index: number]: T;
  /** As of arrays. */
  findLast<S extends T>(predicate: (value: T, index: number, all: readonly T[]) => value is S): S | undefined;
  /** As of arrays. */
  findLast(predicate: (value: T, index: number, all: readonly T[]) => unknown): T | undefined;
  /** As of arrays. */
  findLastIndex(predicate: (value: T, index: number, all: readonly T[]) => unknown): number;
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

/** What results, lists and sets have in common: they are live, and read as arrays are. */
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging
export abstract class OrderedCollection<T> {
  readonly #listeners = new ListenerMap<unknown>();

  /** @internal */
  constructor(binding: Binding, handle: Handle) {
    Object.defineProperty(this, handleKey, { value: handle, configurable: true });
    Object.defineProperty(this, bindingKey, { value: binding, configurable: true });
  }

  /** @internal */
  protected abstract ordered(): OrderedHandle;
  /** @internal The elements of this moment as results of the engine; only for objects. */
  protected abstract asResults(): EngineResults;
  /** @internal */
  protected abstract observe(keyPaths: KeyPaths, listener: (changes: CollectionChanges) => void): () => void;
  /** Type of the elements, by its name in schemas. */
  abstract get type(): string;
  /** Whether elements may be null. */
  abstract get optional(): boolean;

  /** How many elements there are. It cannot be assigned. */
  get length(): number {
    return call(() => this.ordered().length);
  }

  /** @throws always. */
  set length(_: number) {
    throw new Error("Cannot assign to read only property 'length'");
  }

  /** Whether it can be read: the realm is open, and the object that holds it exists. */
  isValid(): boolean {
    return this.ordered().isValid();
  }

  /** Whether there are no elements. */
  isEmpty(): boolean {
    return this.length === 0;
  }

  /** @internal The element at an index, as the SDK shows it. */
  protected element(index: number): T | undefined {
    return this[bindingKey].wrap(this.ordered().get(index)) as T | undefined;
  }

  /** The elements of the moment at which it begins. */
  [Symbol.iterator](): IterableIterator<T> {
    return this.values();
  }

  /** The elements of the moment at which it begins. */
  *values(): IterableIterator<T> {
    const binding = this[bindingKey];
    const handle = this[handleKey];
    if (handle instanceof EngineResults) {
      for (const page of handle.pages()) for (const object of page) yield binding.wrap(object) as T;
      return;
    }
    for (const value of snapshotOf(this.ordered())) yield binding.wrap(value) as T;
  }

  /** The indexes. */
  *keys(): IterableIterator<number> {
    for (let index = 0; index < this.length; index += 1) yield index;
  }

  /** Indexes and elements. */
  *entries(): IterableIterator<[number, T]> {
    let index = 0;
    for (const value of this.values()) {
      yield [index, value];
      index += 1;
    }
  }

  /** Index of an element; −1 if it is not there. */
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

  /** For results, their query in Realm Query Language. */
  description(): string {
    const handle = this[handleKey];
    return handle instanceof EngineResults ? handle.describe() : `${this.type} collection of ${this.length}`;
  }

  /** The smallest element, or value of a property; `undefined` if there is none. */
  min(property?: string): number | Date | undefined {
    return this.#aggregate("min", property) as number | Date | undefined;
  }

  /** The greatest element, or value of a property; `undefined` if there is none. */
  max(property?: string): number | Date | undefined {
    return this.#aggregate("max", property) as number | Date | undefined;
  }

  /** The sum of the elements, or of a property; 0 if there are none. */
  sum(property?: string): number {
    return this.#aggregate("sum", property) as number;
  }

  /** The mean of the elements, or of a property; `undefined` if there are none. */
  avg(property?: string): number | undefined {
    return this.#aggregate("avg", property) as number | undefined;
  }

  #aggregate(kind: Aggregate, property: string | undefined): unknown {
    if (property === undefined) return aggregateOf(kind, this.values());
    const handle = this[handleKey];
    // What values the application sees decides; those that are plain it sees as the engine has them.
    if (handle instanceof EngineResults && handle.layout.columnByPublicName(property)?.isPlain === true) {
      return call(() => handle.aggregate(kind, property));
    }
    const values = [...this.values()] as Readonly<Record<string, unknown>>[];
    return aggregateOf(
      kind,
      values.map((value) => value[property]),
    );
  }

  /**
   * The elements that pass a query in Realm Query Language, with `$0`, `$1`, … for the values.
   *
   * @throws if it cannot be understood.
   */
  filtered(query: string, ...values: unknown[]): Results<T> {
    assertString(query, "query");
    return call(() => {
      const source = this.asResults();
      const parameters = packParameters(source.database, values.map(unwrap));
      return this[bindingKey].results(source.refine(query, parameters)) as Results<T>;
    });
  }

  /**
   * The elements in the order of a property, or of several; values in their own, which is called `self`.
   *
   * @throws if no property is given for objects, one that does not exist or has no order, or another than `self` for
   * values.
   */
  sorted(by: boolean | string | readonly SortDescriptor[] = false, isReversed: boolean = false): Results<T> {
    const isReverse = typeof by === "boolean" ? by : isReversed;
    const descriptors = typeof by === "object" ? by : [[typeof by === "string" ? by : "self", isReverse] as const];
    const orders = descriptors.map((descriptor) => {
      const [keyPath, isDescending] = typeof descriptor === "string" ? [descriptor, false] : descriptor;
      return { keyPath, isDescending };
    });
    return call(() => this.#inOrder(orders));
  }

  #inOrder(orders: readonly Order[]): Results<T> {
    const binding = this[bindingKey];
    if (this.holdsObjects()) return binding.results(sortedByPaths(this.asResults(), orders)) as Results<T>;
    return binding.values(sortedByThemselves(this.asValues(), orders)) as Results<T>;
  }

  /** The elements of this moment: later changes of the collection do not show. */
  snapshot(): Results<T> {
    return call(() => {
      const binding = this[bindingKey];
      if (!this.holdsObjects()) return binding.values(this.asValues().snapshot()) as Results<T>;
      return binding.results(this.asResults().snapshot()) as Results<T>;
    });
  }

  /** @internal Whether the elements are objects that stand for themselves. */
  protected holdsObjects(): boolean {
    const handle = this[handleKey];
    return handle instanceof EngineResults || holdsObjects(handle as List | ValueSet);
  }

  /** @internal The elements as values of the engine. */
  protected asValues(): ValueResults {
    return new ValueResults(this[handleKey] as List | ValueSet, "given");
  }

  /**
   * Calls back soon, with no changes, and then after each change. An object counts as modified if one of its properties
   * changed, or one of an object that it links to, over at most four links.
   *
   * @param keyPaths only changes of these properties count as modifications: `name`, `owner.name`, `*`, `owner.*`. No
   * path at all leaves insertions and deletions. Of no effect for collections of values.
   * @throws if the callback is registered already, or a path names what is not there.
   */
  addListener(callback: CollectionChangeCallback<T>, keyPaths?: string | string[]): void {
    assertFunction(callback, "callback");
    const begin = (): (() => void) =>
      this[bindingKey].track(
        this.observe(keyPathsOf(keyPaths), ({ insertions, deletions, newModifications, oldModifications }) => {
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

  /** Ends calling back. A callback that is not registered is no error. */
  removeListener(callback: CollectionChangeCallback<T>): void {
    this.#listeners.remove(callback);
  }

  /** Ends calling back whomever. */
  removeAllListeners(): void {
    this.#listeners.clear();
  }

  /** @internal The collection as the application holds it, with access by index. */
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

/** Names of the engine's types in the SDK. */
export const typeNames: Readonly<Record<string, string>> = {
  link: "object",
  binary: "data",
  timestamp: "date",
  decimal: "decimal128",
};

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
