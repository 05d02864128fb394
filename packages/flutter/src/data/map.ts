/**
 * Maps of objects: texts to values.
 *
 * @module
 */

import {
  bindingKey,
  Dictionary,
  type DictionaryChanges,
  type Handle,
  handleKey,
  type KeyPaths,
  resultsOfCollection,
} from "@tidemark/engine";
import { call, RealmStateError } from "../errors.js";
import type { Realm } from "../realm.js";
import type { Stream } from "../stream.js";
import { type Binding, changesStream, frozenForm, realmOf, wrappers } from "./binding.js";
import { checkElementPaths, type RealmMapChanges } from "./changes.js";
import { refined, shown } from "./collection.js";
import { storeElement } from "./manage.js";
import { entriesOf, MemoryMap } from "./memory.js";
import { collections, type RealmValue } from "./realm-value.js";
import type { RealmResults } from "./results.js";
import { isSame } from "./same.js";

/** What ties a map to its realm. */
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging, no-unused-vars
export interface RealmMap<T> {
  /** @internal */
  readonly [handleKey]: Handle | undefined;
  /** @internal */
  readonly [bindingKey]: Binding | undefined;
}

/** A map property, or a map that waits for its object to be added to a realm. `map[key]` of Dart is `map.get(key)`. */
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging
export class RealmMap<T = unknown> implements Iterable<[string, T]> {
  readonly #store: Dictionary | MemoryMap;

  /** @internal */
  constructor(binding: Binding | undefined, store: Dictionary | MemoryMap) {
    const handle = store instanceof Dictionary ? store : undefined;
    Object.defineProperty(this, handleKey, { value: handle, configurable: true });
    Object.defineProperty(this, bindingKey, { value: binding, configurable: true });
    this.#store = store;
  }

  #managed(): { readonly binding: Binding; readonly dictionary: Dictionary } {
    const binding = this[bindingKey];
    if (binding === undefined || !(this.#store instanceof Dictionary)) {
      throw new RealmStateError("Unmanaged maps cannot be queried, frozen or listened to");
    }
    return { binding, dictionary: this.#store };
  }

  /** How many entries there are. */
  get length(): number {
    return call(() => this.#store.size);
  }

  /** Whether there are no entries. */
  get isEmpty(): boolean {
    return this.length === 0;
  }

  /** Whether there are any. */
  get isNotEmpty(): boolean {
    return this.length > 0;
  }

  /** Whether it still stands for something: its realm is open, and the object that holds it exists. */
  get isValid(): boolean {
    return this.#store.isValid();
  }

  /** Whether it belongs to a realm. */
  get isManaged(): boolean {
    return this[bindingKey] !== undefined;
  }

  /** Whether it shows one version for ever. */
  get isFrozen(): boolean {
    return this[bindingKey]?.file.database.isFrozen ?? false;
  }

  /** The realm that it belongs to. @throws `RealmStateError` if it belongs to none. */
  get realm(): Realm {
    return realmOf(this.#managed().binding);
  }

  #shown(value: unknown): T {
    const column = this.#store instanceof Dictionary ? this.#store.column : undefined;
    return shown(this[bindingKey], column, value) as T;
  }

  /** The value of a key, `null` if there is none: what `map[key]` is in Dart. */
  get(key: string): T | null {
    return call(() => (this.#store.has(key) ? this.#shown(this.#store.get(key)) : null));
  }

  /** What `map[key] = value` does in Dart. An object that belongs to no realm yet is added to this one. */
  set(key: string, value: T): void {
    call(() => storeElement(this[bindingKey], this.#store, value, (stored) => this.#store.set(key, stored), key));
  }

  /** Sets the values of keys. */
  addAll(entries: Iterable<readonly [string, T]> | Readonly<Record<string, T>>): void {
    for (const [key, value] of entriesOf(entries)) this.set(key, value as T);
  }

  /** Whether a key is there. */
  containsKey(key: string): boolean {
    return call(() => this.#store.has(key));
  }

  /** Whether the same value is there. */
  containsValue(value: T): boolean {
    return this.values.some((one) => isSame(one, value));
  }

  /** Removes an entry; its value, or `null` if there was none. */
  remove(key: string): T | null {
    const value = this.get(key);
    call(() => this.#store.erase(key));
    return value;
  }

  /** Removes all entries. */
  clear(): void {
    call(() => this.#store.clear());
  }

  /** The keys. */
  get keys(): string[] {
    return call(() => this.#store.keys());
  }

  /** The values. */
  get values(): T[] {
    return this.entries.map(([, value]) => value);
  }

  /** Keys and values. */
  get entries(): [string, T][] {
    return call(() => this.#store.keys().map((key) => [key, this.#shown(this.#store.get(key))]));
  }

  /** Keys and values. */
  [Symbol.iterator](): Iterator<[string, T]> {
    return this.entries[Symbol.iterator]();
  }

  /** Calls back with each entry. */
  forEach(action: (key: string, value: T) => void): void {
    for (const [key, value] of this.entries) action(key, value);
  }

  /** Changes, from the first one with nothing in it on. Ends with the realm. */
  get changes(): Stream<RealmMapChanges<RealmMap<T>>> {
    return this.#changes(undefined);
  }

  /**
   * The same; only changes of some properties of the objects count as modifications: `name`, `owner.name`, `*`. No path
   * at all leaves what is inserted and deleted.
   *
   * @throws `RealmException` if a path is empty or names what is not there, and for a map of values.
   */
  changesFor(keyPaths?: readonly string[]): Stream<RealmMapChanges<RealmMap<T>>> {
    const { dictionary } = this.#managed();
    if (keyPaths !== undefined) checkElementPaths(dictionary.database, dictionary.column, keyPaths);
    return this.#changes(keyPaths);
  }

  #changes(keyPaths: KeyPaths): Stream<RealmMapChanges<RealmMap<T>>> {
    const { binding, dictionary } = this.#managed();
    if (this.isFrozen) throw new RealmStateError("The map is frozen and cannot emit changes");
    return changesStream(binding, (sink) => {
      const tell = ({ insertions, deletions, modifications }: DictionaryChanges): void => {
        const isCollectionDeleted = !dictionary.isValid();
        const isEmpty = isCollectionDeleted || dictionary.size === 0;
        sink.add({
          map: this,
          inserted: [...insertions],
          deleted: [...deletions],
          modified: [...modifications],
          isCleared: isEmpty && deletions.length > 0,
          isCollectionDeleted,
        });
      };
      return dictionary.database.notifier.onDictionary(dictionary, tell, keyPaths);
    });
  }

  /** The objects of the map that pass a query. @throws `RealmException` for a map of values. */
  query(query: string, values: readonly unknown[] = []): RealmResults<NonNullable<T>> {
    const { binding, dictionary } = this.#managed();
    return call(() => {
      return binding.results(refined(resultsOfCollection(dictionary), query, values)) as RealmResults<NonNullable<T>>;
    });
  }

  /** The map as it is now, for ever. Close `frozen.realm` when it is not needed. */
  freeze(): RealmMap<T> {
    const { binding, dictionary } = this.#managed();
    return this.isFrozen ? this : (frozenForm(binding, dictionary) as RealmMap<T>);
  }
}

collections.makeMap = (entries) => new RealmMap<RealmValue>(undefined, new MemoryMap(entries));
collections.kinds.push((value) => (value instanceof RealmMap ? "map" : undefined));
wrappers.dictionary = (binding, handle) => new RealmMap(binding, handle);
