/**
 * A hash of what a device's file holds: objects in order of key, fields by name, lists by their real slots.
 *
 * It reads the rows as they are stored, below the SDK: the SDK hides slots of lists whose target does not exist, and
 * two files that differ only there would be told apart too late.
 *
 * @module
 */

import { createHash } from "node:crypto";
import type { CoreStore, SchemaInformation, SnapshotId } from "@tidemark/engine";
import { loadNativeCore } from "@tidemark/engine/node";

/** State of a class over a query. */
export interface Digest {
  readonly objects: number;
  /** SHA-256 as hex. */
  readonly hash: string;
}

/** Hashes the objects of a class that match a query. The file may be open in this process. */
export function digestOf(path: string, className: string, query: string): Digest {
  const store = loadNativeCore().openStore(path, JSON.stringify({ synced: true }));
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
  // Columns stand in the order in which each file met them.
  const order = columns.map((_, index) => index).sort((left, right) => compare(columns[left], columns[right]));
  const objects = store.query(snapshot, classIndex, `${query} SORT(_id ASC)`, new Uint8Array(4), null);
  const hash = createHash("sha256");
  for (const object of objects) {
    const bytes = store.row(snapshot, classIndex, object);
    if (bytes === null) throw new Error(`object ${object} matches but is not there`);
    for (const part of inOrder(bytes, order)) hash.update(part);
  }
  return { objects: objects.length, hash: hash.digest("hex") };
}

function compare(left: { readonly name: string } | undefined, right: { readonly name: string } | undefined): number {
  const [a, b] = [left?.name ?? "", right?.name ?? ""];
  return a < b ? -1 : Number(a > b);
}

/** The packed key and the packed columns in the given order, as `docs/boundary.md` lays them out. */
function* inOrder(bytes: Uint8Array, order: readonly number[]): Iterable<Uint8Array> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const keyLength = view.getUint32(0, true);
  yield bytes.subarray(4, 4 + keyLength);
  const row = 4 + keyLength;
  const count = view.getUint16(row, true);
  const values = row + 2 + count * 4;
  for (const column of order) {
    // A column the row does not hold has its default, which takes no bytes.
    if (column >= count) continue;
    const start = column === 0 ? 0 : view.getUint32(row + 2 + (column - 1) * 4, true);
    const end = view.getUint32(row + 2 + column * 4, true);
    yield bytes.subarray(values + start, values + end);
  }
}
