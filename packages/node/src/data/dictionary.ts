/**
 * Dictionaries of objects.
 *
 * @module
 */

import { bindingKey, type Dictionary as EngineDictionary, handleKey } from "@tidemark/engine";
import { assertFunction, assertString } from "../assert.js";
import { type Binding, wrappers } from "../binding.js";
import { call } from "../errors.js";
import { keyPathsOf, ListenerMap } from "./listeners.js";
import { valueToJson } from "./object.js";

/** Keys of what has changed. All are empty in the first call of a listener. */
export interface DictionaryChangeSet {
  /** Keys that are gone. */
  deletions: string[];
  /** Keys that are new. */
  insertions: string[];
  /** Keys that have another value. */
  modifications: string[];
}

/** Told of changes of a dictionary. */
export type DictionaryChangeCallback<T> = (dictionary: Dictionary<T>, changes: DictionaryChangeSet) => void;

/** Entries show as properties. */
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging, no-unused-vars
export interface Dictionary<T> {
  [key: string]: unknown;
  /** @internal */
  readonly [handleKey]: EngineDictionary;
  /** @internal */
  readonly [bindingKey]: Binding;
}

/** A dictionary of an object: values by keys, which are also its properties. It is live. */
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging
export class Dictionary<T = unknown> {
  /** @internal */
  constructor(binding: Binding, handle: EngineDictionary) {
    Object.defineProperty(this, handleKey, { value: handle, configurable: true });
    Object.defineProperty(this, bindingKey, { value: binding, configurable: true });
  }

  /** Sets all entries of an object, in a write transaction; others stay. */
  set(elements: Readonly<Record<string, T>>): this;
  /** Sets one entry. */
  set(key: string, value: T): this;
  set(keyOrElements: string | Readonly<Record<string, T>>, value?: T): this {
    call(() => {
      const entries =
        typeof keyOrElements === "object" ? Object.entries(keyOrElements) : [[keyOrElements, value] as const];
      for (const [key, element] of entries) {
        assertString(key, "key");
        this[handleKey].set(key, element);
      }
    });
    return this;
  }

  /** Removes entries, in a write transaction. A key that is not there is no error. */
  remove(key: string | readonly string[]): this {
    call(() => {
      for (const one of typeof key === "string" ? [key] : key) this[handleKey].erase(one);
    });
    return this;
  }

  /** Whether it can be read: the realm is open, and the object that holds it exists. */
  isValid(): boolean {
    return this[handleKey].isValid();
  }

  /** Keys and values. */
  entries(): IterableIterator<[string, T]> {
    const handle = this[handleKey];
    const entries = handle.keys().map((key): [string, T] => [key, this[bindingKey].wrap(handle.get(key)) as T]);
    return entries.values();
  }

  /** The keys. */
  keys(): IterableIterator<string> {
    return this[handleKey].keys()[Symbol.iterator]();
  }

  /** The values. */
  values(): IterableIterator<T> {
    return [...this.entries()].map(([, value]) => value)[Symbol.iterator]();
  }

  /** Keys and values. */
  [Symbol.iterator](): IterableIterator<[string, T]> {
    return this.entries();
  }

  /**
   * Calls back soon, with no changes, and then after each change.
   *
   * @param keyPaths only changes of these properties of the objects in it count as modifications.
   * @throws if the callback is registered already, or a path names what is not there.
   */
  addListener(callback: DictionaryChangeCallback<T>, keyPaths?: string | string[]): void {
    assertFunction(callback, "callback");
    const binding = this[bindingKey];
    const handle = this[handleKey];
    const begin = (): (() => void) =>
      binding.track(
        handle.database.notifier.onDictionary(
          handle,
          (changes) => callback(proxies.get(this) as Dictionary<T>, changes),
          keyPathsOf(keyPaths),
        ),
      );
    call(() => listenersOf(this).add(callback, begin));
  }

  /** Ends calling back. A callback that is not registered is no error. */
  removeListener(callback: DictionaryChangeCallback<T>): void {
    listenersOf(this).remove(callback);
  }

  /** Ends calling back whomever. */
  removeAllListeners(): void {
    listenersOf(this).clear();
  }

  /** The entries as plain values. */
  toJSON(_key?: string, known: Map<string, unknown> = new Map()): Record<string, unknown> {
    return Object.fromEntries([...this.entries()].map(([key, value]) => [key, valueToJson(value, known)]));
  }
}

const listeners = new WeakMap<object, ListenerMap<unknown>>();
const proxies = new WeakMap<object, object>();

function listenersOf(dictionary: object): ListenerMap<unknown> {
  let map = listeners.get(dictionary);
  if (map === undefined) {
    map = new ListenerMap();
    listeners.set(dictionary, map);
  }
  return map;
}

wrappers.dictionary = (binding, handle) => {
  const dictionary = new Dictionary(binding, handle);
  const proxy = new Proxy(dictionary, {
    get(target, key) {
      if (typeof key === "symbol" || key in Dictionary.prototype) {
        const value: unknown = Reflect.get(target, key, target);
        return typeof value === "function" && key !== "constructor" ? value.bind(target) : value;
      }
      return binding.wrap(call(() => handle.get(key)));
    },
    set(target, key, value) {
      if (typeof key === "symbol") return Reflect.set(target, key, value, target);
      call(() => handle.set(key, value));
      return true;
    },
    deleteProperty(_, key) {
      if (typeof key === "string") call(() => handle.erase(key));
      return true;
    },
    has: (target, key) => (typeof key === "string" ? handle.has(key) : Reflect.has(target, key)),
    ownKeys: () => handle.keys(),
    getOwnPropertyDescriptor(target, key) {
      if (typeof key === "symbol" || !handle.has(key)) return Reflect.getOwnPropertyDescriptor(target, key);
      return { configurable: true, enumerable: true, writable: true, value: binding.wrap(handle.get(key)) };
    },
  });
  proxies.set(dictionary, proxy);
  return proxy;
};
