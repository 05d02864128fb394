/**
 * What the core answers about single places of collections.
 *
 * @module
 */

import type { ClassIndex, ObjectKey, SnapshotId } from "./core.js";

/** Reads parts of objects whose rows may be long. */
export interface CollectionReads {
  /**
   * How many elements a collection has, in the column of an object or at a path from there: `u32` those that are seen,
   * `u32` all, `u8` 1 for a list, 2 for a set, 3 for a dictionary; no bytes if no collection is there. The open write
   * transaction's view answers this and the next two without looking through the collection.
   *
   * @param path as in mutations (`docs/boundary.md`), without its length.
   */
  collectionSizes(
    snapshot: SnapshotId,
    classIndex: ClassIndex,
    object: ObjectKey,
    column: number,
    path: Uint8Array,
  ): Uint8Array;
  /** The packed value in the column of an object or at a path from there; no bytes if there is none. */
  valueAt(
    snapshot: SnapshotId,
    classIndex: ClassIndex,
    object: ObjectKey,
    column: number,
    path: Uint8Array,
  ): Uint8Array;
  /** Whether a set has an element that is packed in these bytes. */
  setContains(
    snapshot: SnapshotId,
    classIndex: ClassIndex,
    object: ObjectKey,
    column: number,
    path: Uint8Array,
    value: Uint8Array,
  ): boolean;
}
