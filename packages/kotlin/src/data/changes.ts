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
  /** Index of the first one. */
  readonly startIndex: number;
  /** How many there are. */
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

  /** The same as {@link insertions}, neighbours taken together. */
  get insertionRanges(): readonly Range[] {
    return rangesOf(this.insertions);
  }

  /** The same as {@link changes}, neighbours taken together. */
  get changeRanges(): readonly Range[] {
    return rangesOf(this.changes);
  }

  /** The same as {@link deletions}, neighbours taken together. */
  get deletionRanges(): readonly Range[] {
    return rangesOf(this.deletions);
  }
}

/** The results when the collection of the flow began. */
export class InitialResults<T> {
  /** Tells the changes apart. */
  readonly kind = "InitialResults" as const;
  /** The results, frozen. */
  readonly list: RealmResults<T>;

  /** @internal */
  constructor(list: RealmResults<T>) {
    this.list = list;
  }
}

/** The results after a change. */
export class UpdatedResults<T> extends IndexedChange {
  /** Tells the changes apart. */
  readonly kind = "UpdatedResults" as const;
  /** The results after the change, frozen. */
  readonly list: RealmResults<T>;

  /** @internal */
  constructor(list: RealmResults<T>, changes: CollectionChanges) {
    super(changes);
    this.list = list;
  }
}

/** What a flow of results tells. */
export type ResultsChange<T> = InitialResults<T> | UpdatedResults<T>;

/** The list when the collection of the flow began. */
export class InitialList<T> {
  /** Tells the changes apart. */
  readonly kind = "InitialList" as const;
  /** The list, frozen. */
  readonly list: RealmList<T>;

  /** @internal */
  constructor(list: RealmList<T>) {
    this.list = list;
  }
}

/** The list after a change. */
export class UpdatedList<T> extends IndexedChange {
  /** Tells the changes apart. */
  readonly kind = "UpdatedList" as const;
  /** The list after the change, frozen. */
  readonly list: RealmList<T>;

  /** @internal */
  constructor(list: RealmList<T>, changes: CollectionChanges) {
    super(changes);
    this.list = list;
  }
}

/** The object of the list is gone; nothing follows. */
export class DeletedList<T> {
  /** Tells the changes apart. */
  readonly kind = "DeletedList" as const;
  /** Empty. */
  readonly list: RealmList<T>;

  /** @internal */
  constructor(list: RealmList<T>) {
    this.list = list;
  }
}

/** What a flow of a list tells. */
export type ListChange<T> = InitialList<T> | UpdatedList<T> | DeletedList<T>;

/** The set when the collection of the flow began. */
export class InitialSet<T> {
  /** Tells the changes apart. */
  readonly kind = "InitialSet" as const;
  /** The set, frozen. */
  readonly set: RealmSet<T>;

  /** @internal */
  constructor(set: RealmSet<T>) {
    this.set = set;
  }
}

/** The set after a change. */
export class UpdatedSet<T> {
  /** Tells the changes apart. */
  readonly kind = "UpdatedSet" as const;
  /** The set after the change, frozen. */
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
  /** Tells the changes apart. */
  readonly kind = "DeletedSet" as const;
  /** Empty. */
  readonly set: RealmSet<T>;

  /** @internal */
  constructor(set: RealmSet<T>) {
    this.set = set;
  }
}

/** What a flow of a set tells. */
export type SetChange<T> = InitialSet<T> | UpdatedSet<T> | DeletedSet<T>;

/** The dictionary when the collection of the flow began. */
export class InitialMap<T> {
  /** Tells the changes apart. */
  readonly kind = "InitialMap" as const;
  /** The dictionary, frozen. */
  readonly map: RealmDictionary<T>;

  /** @internal */
  constructor(map: RealmDictionary<T>) {
    this.map = map;
  }
}

/** The dictionary after a change. */
export class UpdatedMap<T> {
  /** Tells the changes apart. */
  readonly kind = "UpdatedMap" as const;
  /** The dictionary after the change, frozen. */
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
  /** Tells the changes apart. */
  readonly kind = "DeletedMap" as const;
  /** Empty. */
  readonly map: RealmDictionary<T>;

  /** @internal */
  constructor(map: RealmDictionary<T>) {
    this.map = map;
  }
}

/** What a flow of a dictionary tells. */
export type MapChange<T> = InitialMap<T> | UpdatedMap<T> | DeletedMap<T>;

/** No object satisfies the query yet. */
export class PendingObject {
  /** Tells the changes apart. */
  readonly kind = "PendingObject" as const;
  /** There is none. */
  readonly obj: null = null;
}

/** The object when the flow began, or another one that has taken its place. */
export class InitialObject<T> {
  /** Tells the changes apart. */
  readonly kind = "InitialObject" as const;
  /** The object, frozen. */
  readonly obj: T;

  /** @internal */
  constructor(obj: T) {
    this.obj = obj;
  }
}

/** The object after a change. */
export class UpdatedObject<T> {
  /** Tells the changes apart. */
  readonly kind = "UpdatedObject" as const;
  /** The object after the change, frozen. */
  readonly obj: T;
  /** Names of the properties that have changed. */
  readonly changedFields: readonly string[];

  /** @internal */
  constructor(obj: T, changedFields: readonly string[]) {
    this.obj = obj;
    this.changedFields = changedFields;
  }

  /** Whether a property has changed. */
  isFieldChanged(name: string): boolean {
    return this.changedFields.includes(name);
  }
}

/** The object is gone. */
export class DeletedObject {
  /** Tells the changes apart. */
  readonly kind = "DeletedObject" as const;
  /** There is none any more. */
  readonly obj: null = null;
}

/** What a flow of an object tells. */
export type ObjectChange<T> = InitialObject<T> | UpdatedObject<T> | DeletedObject;
/** What a flow of the first object of a query tells. */
export type SingleQueryChange<T> = PendingObject | ObjectChange<T>;

/** The realm when the collection of the flow began. */
export class InitialRealm {
  /** Tells the changes apart. */
  readonly kind = "InitialRealm" as const;
  /** The realm. */
  readonly realm: Realm;

  /** @internal */
  constructor(realm: Realm) {
    this.realm = realm;
  }
}

/** Something in the realm has changed. */
export class UpdatedRealm {
  /** Tells the changes apart. */
  readonly kind = "UpdatedRealm" as const;
  /** The realm. */
  readonly realm: Realm;

  /** @internal */
  constructor(realm: Realm) {
    this.realm = realm;
  }
}

/** What a flow of a realm tells. */
export type RealmChange = InitialRealm | UpdatedRealm;
