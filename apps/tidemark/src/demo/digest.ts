/**
 * A hash of what a device's file holds: objects in order of key, fields by name, lists by their real slots.
 *
 * It reads the rows as they are stored, below the SDK: the SDK hides slots of lists whose target does not exist, and
 * two files that differ only there would be told apart too late.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { columnOrder, type CoreStore, rowParts, type SchemaInformation, type SnapshotId } from "@tidemark/engine";
import { loadCore } from "@tidemark/engine/node";

/** State of a class over a query. */
export interface Digest {
  readonly objects: number;
  /** SHA-256 as hex. */
  readonly hash: string;
}

/** Hashes the objects of a class that match a query. The file may be open in this process. */
export function digestOf(path: string, className: string, query: string): Digest {
  const store = loadCore().openStore(path, JSON.stringify({ synced: true }));
  const snapshot = store.beginRead();
  try {
    return digestSnapshot(store, snapshot, className, query);
  } finally {
    store.endRead(snapshot);
    store.close();
  }
}

function digestSnapshot(store: CoreStore, snapshot: SnapshotId, className: string, query: string): Digest {
  const { classes } = JSON.parse(store.schema(snapshot)) as SchemaInformation;
  const classIndex = classes.findIndex(({ name }) => name === className);
  const columns = classes[classIndex]?.columns ?? [];
  const order = columnOrder(columns);
  const objects = store.query(snapshot, classIndex, `${query} SORT(_id ASC)`, new Uint8Array(4), null);
  const hash = createHash("sha256");
  for (const object of objects) {
    const bytes = store.row(snapshot, classIndex, object);
    if (bytes === null) throw new Error(`object ${object} matches but is not there`);
    for (const part of rowParts(bytes, order)) hash.update(part);
  }
  return { objects: objects.length, hash: hash.digest("hex") };
}
