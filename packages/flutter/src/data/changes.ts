/**
 * What listeners of objects and collections are told.
 *
 * @module
 */

import type { ClassLayout, Column, CollectionChanges, Database } from "@tidemark/engine";
import { call, RealmException } from "../errors.js";

/** Changes of an object. The first event names no properties. */
export interface RealmObjectChanges<T> {
  /** The object. */
  readonly object: T;
  /** Names of the properties that changed. */
  readonly properties: readonly string[];
  /** Whether the object is gone; nothing follows then. */
  readonly isDeleted: boolean;
}

/** Changes of elements in an order. The first event has none. */
export interface CollectionChange {
  /** Indexes in the new collection. */
  readonly inserted: readonly number[];
  /** Indexes in the old collection. */
  readonly deleted: readonly number[];
  /** Indexes in the old collection of elements that changed. */
  readonly modified: readonly number[];
  /** Indexes of the same elements in the new collection. */
  readonly newModified: readonly number[];
  /** What changed its place; it is among the deleted and the inserted too. */
  readonly moved: readonly {
    /** Index before. */
    readonly from: number;
    /** Index afterwards. */
    readonly to: number;
  }[];
  /** Whether everything was taken out. */
  readonly isCleared: boolean;
}

/** Changes of results. */
export interface RealmResultsChanges<T> extends CollectionChange {
  /** The results. */
  readonly results: T;
}

/** Changes of a list. */
export interface RealmListChanges<T> extends CollectionChange {
  /** The list. */
  readonly list: T;
  /** Whether the object that held it is gone. */
  readonly isCollectionDeleted: boolean;
}

/** Changes of a set. */
export interface RealmSetChanges<T> extends CollectionChange {
  /** The set. */
  readonly set: T;
  /** Whether the object that held it is gone. */
  readonly isCollectionDeleted: boolean;
}

/** Changes of a map, by key. The first event has none. */
export interface RealmMapChanges<T> {
  /** The map. */
  readonly map: T;
  /** Keys that are new. */
  readonly inserted: readonly string[];
  /** Keys that are gone. */
  readonly deleted: readonly string[];
  /** Keys that have another value. */
  readonly modified: readonly string[];
  /** Whether everything was taken out. */
  readonly isCleared: boolean;
  /** Whether the object that held it is gone. */
  readonly isCollectionDeleted: boolean;
}

/** @internal The SDK's form of the engine's changes. */
export function changeOf(changes: CollectionChanges, length: number): CollectionChange {
  return {
    inserted: [...changes.insertions],
    deleted: [...changes.deletions],
    modified: [...changes.oldModifications],
    newModified: [...changes.newModifications],
    moved: changes.moves.map(({ from, to }) => ({ from, to })),
    isCleared: length === 0 && changes.deletions.length > 0,
  };
}

/**
 * @internal Refuses key paths that are empty or name what is not there.
 * @throws {@link RealmException}
 */
export function checkKeyPaths(database: Database, layout: ClassLayout, keyPaths: readonly string[]): void {
  for (const keyPath of keyPaths) {
    if (keyPath.trim() === "") throw new RealmException("It is not allowed to have empty key paths.");
  }
  call(() => database.notifier.checkKeyPaths(layout.name, keyPaths));
}

/**
 * @internal The same for a collection.
 * @throws {@link RealmException} for collections of values, too.
 */
export function checkElementPaths(database: Database, column: Column, keyPaths: readonly string[]): void {
  const layout = column.type === "link" ? database.storedLayout(column.target ?? "") : undefined;
  if (layout === undefined) throw new RealmException("Key paths are only for collections of objects.");
  checkKeyPaths(database, layout, keyPaths);
}
