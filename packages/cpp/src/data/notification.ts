/**
 * Tokens of listeners, and what listeners are told.
 *
 * @module
 */

import type { CollectionChanges } from "@tidemark/engine";

/**
 * Ends a listener. In C++ the token's destructor does; here whoever holds it calls `unregister`, or declares it with
 * `using`. A token that is only dropped ends nothing; closing the database does.
 */
export class notification_token {
  #end: () => void;

  /** @internal */
  constructor(end: () => void) {
    this.#end = end;
  }

  /** Ends the listener. May be called again. */
  unregister(): void {
    this.#end();
    this.#end = () => undefined;
  }

  /** Ends the listener, for `using`. */
  [Symbol.dispose](): void {
    this.unregister();
  }
}

/** Changes of results, a vector or a set, by index. */
export interface collection_change<Collection> {
  /** What has changed. */
  readonly collection: Collection;
  /** Indexes before the change. */
  readonly deletions: readonly number[];
  /** Indexes after the change. */
  readonly insertions: readonly number[];
  /** Indexes before the change. */
  readonly modifications: readonly number[];
  /** Whether the object that holds the collection is gone. */
  readonly collection_root_was_deleted: boolean;
  /** Whether nothing has changed: so in the first call. */
  empty(): boolean;
}

/** Changes of a map, by key. */
export interface dictionary_collection_change<Collection> {
  /** What has changed. */
  readonly collection: Collection;
  /** Keys that are gone. */
  readonly deletions: readonly string[];
  /** Keys that are new. */
  readonly insertions: readonly string[];
  /** Keys with other values. */
  readonly modifications: readonly string[];
  /** Whether the object that holds the map is gone. */
  readonly collection_root_was_deleted: boolean;
  /** Whether nothing has changed: so in the first call. */
  empty(): boolean;
}

/** @internal */
export function collectionChange<C>(
  collection: C,
  { deletions, insertions, oldModifications }: CollectionChanges,
  isRootDeleted: boolean,
): collection_change<C> {
  return {
    collection,
    deletions,
    insertions,
    modifications: oldModifications,
    collection_root_was_deleted: isRootDeleted,
    empty: () => deletions.length + insertions.length + oldModifications.length === 0 && !isRootDeleted,
  };
}
