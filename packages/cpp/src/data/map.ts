/**
 * Maps of an object: `std::map<std::string, T>` in a managed object.
 *
 * @module
 */

import { bindingKey, type Dictionary, type DictionaryChanges, handleKey } from "@tidemark/engine";
import { ownerOf, wrappers } from "../binding.js";
import { guard, out_of_range } from "../errors.js";
import { managed_collection } from "./collection.js";
import { detachValue } from "./detach.js";
import type { managed_value } from "./managed.js";
import { type dictionary_collection_change, notification_token } from "./notification.js";
import { Importer, readValue } from "./values.js";

/** A live map. What changes it throws `logic_error` outside of a write transaction. */
export class managed_map<E> extends managed_collection implements Iterable<readonly [string, managed_value<E>]> {
  /** How many entries there are. */
  size(): number {
    return guard(() => dictionaryOf(this).size);
  }

  /** The entries of the moment at which it begins. */
  *[Symbol.iterator](): IterableIterator<readonly [string, managed_value<E>]> {
    for (const key of guard(() => dictionaryOf(this).keys())) yield [key, this.#read(key)];
  }

  #read(key: string): managed_value<E> {
    const dictionary = dictionaryOf(this);
    return guard(() => readValue(dictionary.column, this[bindingKey].wrap(dictionary.get(key))) as managed_value<E>);
  }

  /**
   * The value of a key: `operator[]`.
   *
   * @throws out_of_range if there is no such key.
   */
  at(key: string): managed_value<E> {
    if (!this.contains_key(key)) throw new out_of_range("KeyNotFound", `No such key: '${key}'`);
    return this.#read(key);
  }

  /** The value of a key; `undefined` if there is none: `find`. */
  find(key: string): managed_value<E> | undefined {
    return this.contains_key(key) ? this.#read(key) : undefined;
  }

  /** Assigns the value of a key: `map[key] = value`. */
  set(key: string, value: E): void {
    guard(() => {
      const dictionary = dictionaryOf(this);
      dictionary.set(key, new Importer(dictionary.database).element(dictionary.column, value), "all");
    });
  }

  /** Removes a key; nothing if there is none. */
  erase(key: string): void {
    guard(() => void dictionaryOf(this).erase(key));
  }

  /** Removes all keys. */
  clear(): void {
    guard(() => dictionaryOf(this).clear());
  }

  /** Whether there is such a key. */
  contains_key(key: string): boolean {
    return guard(() => dictionaryOf(this).has(key));
  }

  /** A copy that is not managed. */
  detach(): ReadonlyMap<string, E> {
    return guard(() => detachValue(ownerOf(this), dictionaryOf(this), new Map())) as ReadonlyMap<string, E>;
  }

  /**
   * Calls back soon, with no changes, and then after each change, until the token is told to end it.
   *
   * @param key_paths not in realm-cpp: only changes of these properties of the objects count as modifications, `name`,
   * `owner.name`, `*`. No path at all leaves insertions and deletions.
   * @throws invalid_argument if a path names what is not there.
   */
  observe(
    callback: (change: dictionary_collection_change<this>) => void,
    key_paths?: readonly string[],
  ): notification_token {
    return guard(() => {
      const dictionary = dictionaryOf(this);
      dictionary.database.requireOpen();
      const tell = (changes: DictionaryChanges): void => {
        const isRootDeleted = !dictionary.isValid();
        const { deletions, insertions, modifications } = changes;
        const count = deletions.length + insertions.length + modifications.length;
        const empty = (): boolean => count === 0 && !isRootDeleted;
        callback({ ...changes, collection: this, collection_root_was_deleted: isRootDeleted, empty });
      };
      const end = dictionary.database.notifier.onDictionary(dictionary, tell, key_paths);
      return new notification_token(this[bindingKey].track(end));
    });
  }
}

function dictionaryOf(map: { readonly [handleKey]: unknown }): Dictionary {
  return map[handleKey] as Dictionary;
}

wrappers.dictionary = (binding, handle) => new managed_map(binding, handle);
