/**
 * Dictionaries: texts to values.
 *
 * @module
 */

import { bindingKey, type Dictionary, type Handle, handleKey } from "@tidemark/engine";
import { type Binding, requireUsable, requireWritable, wrappers } from "../binding.js";
import { call } from "../errors.js";
import type { Flow } from "../flow/flow.js";
import { emptyCollections } from "../schema/property.js";
import { anyOf, type AnyValue, RealmAny } from "./any.js";
import { toPublic } from "./bind.js";
import type { MapChange } from "./changes.js";
import { areEqual } from "./collection.js";
import { declareCollection } from "./collection-types.js";
import { mapFlow } from "./flows.js";
import { Importer } from "./importer.js";
import { queryOfCollection, type RealmQuery } from "./query.js";

/** Where the entries of a dictionary are kept. */
interface DictionaryStore {
  keys(): string[];
  has(key: string): boolean;
  get(key: string): unknown;
  set(key: string, value: unknown): void;
  remove(key: string): void;
  clear(): void;
}

class PlainDictionary implements DictionaryStore {
  readonly #entries = new Map<string, unknown>();

  keys(): string[] {
    return [...this.#entries.keys()];
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  get(key: string): unknown {
    return this.#entries.get(key);
  }

  set(key: string, value: unknown): void {
    this.#entries.set(key, value);
  }

  remove(key: string): void {
    this.#entries.delete(key);
  }

  clear(): void {
    this.#entries.clear();
  }
}

class StoredDictionary implements DictionaryStore {
  readonly #binding: Binding;
  readonly #dictionary: Dictionary;

  constructor(binding: Binding, dictionary: Dictionary) {
    this.#binding = binding;
    this.#dictionary = dictionary;
  }

  #read<T>(read: (dictionary: Dictionary) => T): T {
    requireUsable(this.#binding);
    return call(() => read(this.#dictionary));
  }

  keys(): string[] {
    return this.#read((dictionary) => dictionary.keys());
  }

  has(key: string): boolean {
    return this.#read((dictionary) => dictionary.has(key));
  }

  get(key: string): unknown {
    const value = this.#read((dictionary) => dictionary.get(key));
    return toPublic(this.#binding, this.#dictionary.column, value);
  }

  #write(write: (dictionary: Dictionary) => void): void {
    requireWritable(this.#binding);
    call(() => write(this.#dictionary));
  }

  set(key: string, value: unknown): void {
    const { column } = this.#dictionary;
    this.#write((dictionary) => dictionary.set(key, new Importer(this.#binding).value(column, value)));
  }

  remove(key: string): void {
    this.#write((dictionary) => dictionary.erase(key));
  }

  clear(): void {
    this.#write((dictionary) => dictionary.clear());
  }
}

/** What ties a dictionary to its realm; absent in dictionaries that are not stored. */
// Keys that are symbols cannot be declared in the class.
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging, no-unused-vars
export interface RealmDictionary<T> {
  /** @internal */
  readonly [handleKey]?: Handle | undefined;
  /** @internal */
  readonly [bindingKey]?: Binding | undefined;
}

/** A dictionary: of an object that is stored, or one made by {@link realmDictionaryOf}. */
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging
export class RealmDictionary<T> implements Iterable<[string, T]> {
  readonly #store: DictionaryStore;

  /** @internal */
  constructor(stored?: { readonly binding: Binding; readonly dictionary: Dictionary }) {
    this.#store =
      stored === undefined ? new PlainDictionary() : new StoredDictionary(stored.binding, stored.dictionary);
    if (stored === undefined) return;
    Object.defineProperty(this, handleKey, { value: stored.dictionary });
    Object.defineProperty(this, bindingKey, { value: stored.binding });
  }

  /** How many entries there are. */
  get size(): number {
    return this.#store.keys().length;
  }

  /** Whether there are no entries. */
  isEmpty(): boolean {
    return this.size === 0;
  }

  /** The keys. */
  keys(): string[] {
    return this.#store.keys();
  }

  /** The values. */
  values(): T[] {
    return this.keys().map((key) => this.#store.get(key) as T);
  }

  /** Keys and values. */
  *entries(): IterableIterator<[string, T]> {
    for (const key of this.keys()) yield [key, this.#store.get(key) as T];
  }

  /** Keys and values. */
  [Symbol.iterator](): IterableIterator<[string, T]> {
    return this.entries();
  }

  /** Whether a key is there. */
  containsKey(key: string): boolean {
    return this.#store.has(key);
  }

  /** Whether an equal value is there. */
  containsValue(value: T): boolean {
    return this.values().some((one) => areEqual(one, value));
  }

  /** The value of a key, or null: Kotlin's `dictionary[key]`. */
  get(key: string): T | null {
    return (this.#store.get(key) ?? null) as T | null;
  }

  /** Sets the value of a key: Kotlin's `dictionary[key] = value`. */
  set(key: string, value: T): void {
    this.#store.set(key, value);
  }

  /** The same; returns the value that was there, or null. */
  put(key: string, value: T): T | null {
    const before = this.get(key);
    this.set(key, value);
    return before;
  }

  /** Sets the values of keys. */
  putAll(entries: Iterable<readonly [string, T]>): void {
    for (const [key, value] of Array.from(entries)) this.set(key, value);
  }

  /** Removes a key; returns the value that was there, or null. */
  remove(key: string): T | null {
    const before = this.get(key);
    if (this.containsKey(key)) this.#store.remove(key);
    return before;
  }

  /** Removes all entries. */
  clear(): void {
    this.#store.clear();
  }

  /**
   * Queries the objects of the dictionary.
   *
   * @throws {@link IllegalArgumentException} if the dictionary is not stored, or holds no objects.
   */
  query(filter: string = "TRUEPREDICATE", ...args: readonly unknown[]): RealmQuery<NonNullable<T>> {
    return queryOfCollection<NonNullable<T>>(this, filter, args);
  }

  /**
   * Follows the dictionary: an `InitialMap` first, an `UpdatedMap` for each change, a `DeletedMap` with its object.
   *
   * @param keyPaths only changes of these properties of the objects in it count as changes of elements.
   * @throws {@link IllegalArgumentException} if a path names what is not there, or the elements are no objects.
   */
  asFlow(keyPaths?: readonly string[]): Flow<MapChange<T>> {
    return mapFlow(this, keyPaths);
  }
}

/** A dictionary that is not stored yet. */
export function realmDictionaryOf<T>(...entries: readonly (readonly [string, T])[]): RealmDictionary<T> {
  const dictionary = new RealmDictionary<T>();
  dictionary.putAll(entries);
  return dictionary;
}

/** A dictionary as a value of a property of whatever type. */
export function realmAnyDictionaryOf(...entries: readonly (readonly [string, AnyValue | RealmAny | null])[]): RealmAny {
  return RealmAny.create(realmDictionaryOf(...entries.map(([key, value]) => [key, anyOf(value)] as const)));
}

declareCollection("DICTIONARY", (value) => value instanceof RealmDictionary);
emptyCollections.dictionary = () => new RealmDictionary();
wrappers.dictionary = (binding, dictionary) => new RealmDictionary({ binding, dictionary });
