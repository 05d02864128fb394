/**
 * What flows tell: sealed types, told apart by `kind` or `instanceof`. All that they hold is frozen.
 *
 * @module
 */

import type { CollectionChanges, DictionaryChanges } from "@tidemark/engine";
import type { Realm } from "../realm.js";
import type { RealmDictionary } from "./dictionary.js";
import type { RealmList } from "./list.js";
import type { RealmResults } from "./results.js";
import type { RealmSet } from "./set.js";

/** Elements that follow each other. */
export interface Range {
  readonly startIndex: number;
  readonly length: number;
}

function rangesOf(indexes: readonly number[]): Range[] {
  const ranges: { startIndex: number; length: number }[] = [];
  for (const index of indexes) {
    const last = ranges.at(-1);
    if (last !== undefined && last.startIndex + last.length === index) last.length += 1;
    else ranges.push({ startIndex: index, length: 1 });
  }
  return ranges;
}

/** Which elements of an ordered collection have changed. */
abstract class IndexedChange {
  /** Indexes in the new collection. */
  readonly insertions: readonly number[];
  /** Indexes in the new collection of elements that were there and have changed. */
  readonly changes: readonly number[];
  /** Indexes in the collection before. */
  readonly deletions: readonly number[];

  constructor(changes: CollectionChanges) {
    this.insertions = changes.insertions;
    this.changes = changes.newModifications;
    this.deletions = changes.deletions;
  }

  get insertionRanges(): readonly Range[] {
    return rangesOf(this.insertions);
  }

  get changeRanges(): readonly Range[] {
    return rangesOf(this.changes);
  }

  get deletionRanges(): readonly Range[] {
    return rangesOf(this.deletions);
  }
}

/** The results when the collection of the flow began. */
export class InitialResults<T> {
  readonly kind = "InitialResults" as const;
  readonly list: RealmResults<T>;

  /** @internal */
  constructor(list: RealmResults<T>) {
    this.list = list;
  }
}

/** The results after a change. */
export class UpdatedResults<T> extends IndexedChange {
  readonly kind = "UpdatedResults" as const;
  readonly list: RealmResults<T>;

  /** @internal */
  constructor(list: RealmResults<T>, changes: CollectionChanges) {
    super(changes);
    this.list = list;
  }
}

export type ResultsChange<T> = InitialResults<T> | UpdatedResults<T>;

/** The list when the collection of the flow began. */
export class InitialList<T> {
  readonly kind = "InitialList" as const;
  readonly list: RealmList<T>;

  /** @internal */
  constructor(list: RealmList<T>) {
    this.list = list;
  }
}

/** The list after a change. */
export class UpdatedList<T> extends IndexedChange {
  readonly kind = "UpdatedList" as const;
  readonly list: RealmList<T>;

  /** @internal */
  constructor(list: RealmList<T>, changes: CollectionChanges) {
    super(changes);
    this.list = list;
  }
}

/** The object of the list is gone; nothing follows. */
export class DeletedList<T> {
  readonly kind = "DeletedList" as const;
  /** Empty. */
  readonly list: RealmList<T>;

  /** @internal */
  constructor(list: RealmList<T>) {
    this.list = list;
  }
}

export type ListChange<T> = InitialList<T> | UpdatedList<T> | DeletedList<T>;

/** The set when the collection of the flow began. */
export class InitialSet<T> {
  readonly kind = "InitialSet" as const;
  readonly set: RealmSet<T>;

  /** @internal */
  constructor(set: RealmSet<T>) {
    this.set = set;
  }
}

/** The set after a change. */
export class UpdatedSet<T> {
  readonly kind = "UpdatedSet" as const;
  readonly set: RealmSet<T>;
  /** How many elements have come. */
  readonly insertions: number;
  /** How many have left. */
  readonly deletions: number;

  /** @internal */
  constructor(set: RealmSet<T>, changes: CollectionChanges) {
    this.set = set;
    this.insertions = changes.insertions.length;
    this.deletions = changes.deletions.length;
  }
}

/** The object of the set is gone; nothing follows. */
export class DeletedSet<T> {
  readonly kind = "DeletedSet" as const;
  /** Empty. */
  readonly set: RealmSet<T>;

  /** @internal */
  constructor(set: RealmSet<T>) {
    this.set = set;
  }
}

export type SetChange<T> = InitialSet<T> | UpdatedSet<T> | DeletedSet<T>;

/** The dictionary when the collection of the flow began. */
export class InitialMap<T> {
  readonly kind = "InitialMap" as const;
  readonly map: RealmDictionary<T>;

  /** @internal */
  constructor(map: RealmDictionary<T>) {
    this.map = map;
  }
}

/** The dictionary after a change. */
export class UpdatedMap<T> {
  readonly kind = "UpdatedMap" as const;
  readonly map: RealmDictionary<T>;
  /** Keys that have come. */
  readonly insertions: readonly string[];
  /** Keys whose values have changed. */
  readonly changes: readonly string[];
  /** Keys that have left. */
  readonly deletions: readonly string[];

  /** @internal */
  constructor(map: RealmDictionary<T>, changes: DictionaryChanges) {
    this.map = map;
    this.insertions = changes.insertions;
    this.changes = changes.modifications;
    this.deletions = changes.deletions;
  }
}

/** The object of the dictionary is gone; nothing follows. */
export class DeletedMap<T> {
  readonly kind = "DeletedMap" as const;
  /** Empty. */
  readonly map: RealmDictionary<T>;

  /** @internal */
  constructor(map: RealmDictionary<T>) {
    this.map = map;
  }
}

export type MapChange<T> = InitialMap<T> | UpdatedMap<T> | DeletedMap<T>;

/** No object satisfies the query yet. */
export class PendingObject {
  readonly kind = "PendingObject" as const;
  readonly obj: null = null;
}

/** The object when the flow began, or another one that has taken its place. */
export class InitialObject<T> {
  readonly kind = "InitialObject" as const;
  readonly obj: T;

  /** @internal */
  constructor(obj: T) {
    this.obj = obj;
  }
}

/** The object after a change. */
export class UpdatedObject<T> {
  readonly kind = "UpdatedObject" as const;
  readonly obj: T;
  /** Names of the properties that have changed. */
  readonly changedFields: readonly string[];

  /** @internal */
  constructor(obj: T, changedFields: readonly string[]) {
    this.obj = obj;
    this.changedFields = changedFields;
  }

  isFieldChanged(name: string): boolean {
    return this.changedFields.includes(name);
  }
}

/** The object is gone. */
export class DeletedObject {
  readonly kind = "DeletedObject" as const;
  readonly obj: null = null;
}

export type ObjectChange<T> = InitialObject<T> | UpdatedObject<T> | DeletedObject;
export type SingleQueryChange<T> = PendingObject | ObjectChange<T>;

/** The realm when the collection of the flow began. */
export class InitialRealm {
  readonly kind = "InitialRealm" as const;
  readonly realm: Realm;

  /** @internal */
  constructor(realm: Realm) {
    this.realm = realm;
  }
}

/** Something in the realm has changed. */
export class UpdatedRealm {
  readonly kind = "UpdatedRealm" as const;
  readonly realm: Realm;

  /** @internal */
  constructor(realm: Realm) {
    this.realm = realm;
  }
}

export type RealmChange = InitialRealm | UpdatedRealm;
