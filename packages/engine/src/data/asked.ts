/**
 * Questions to the core about single places of an object that the open write transaction has changed: its row may be
 * long, and would have to be written and read anew after each change.
 *
 * @module
 */

import { ByteWriter } from "../values/bytes.js";
import { type Page, pageOf } from "../values/unpack.js";
import type { Address } from "./batch.js";
import type { Database } from "./database.js";

/** How many elements a collection has. */
export interface Sizes {
  /** Those that the application sees. */
  readonly visible: number;
  /** With those that link to absent objects. */
  readonly real: number;
}

const kinds = ["", "list", "set", "dictionary"] as const;

const pathWriter = new ByteWriter(64);

function pathOf({ path }: Address): Uint8Array {
  pathWriter.clear();
  for (const step of path) pathWriter.step(step);
  return pathWriter.view();
}

/** How many elements the collection at a place has; `undefined` if there is none of the kind. */
export function askSizes(database: Database, address: Address, kind: "list" | "set" | "dictionary"): Sizes | undefined {
  database.flush();
  const { classIndex, object, column } = address;
  const answer = database.store.collectionSizes(database.view, classIndex, object.key, column, pathOf(address));
  const { view } = pageOf(answer);
  if (view.byteLength === 0 || kinds[view.getUint8(8)] !== kind) return undefined;
  return { visible: view.getUint32(0, true), real: view.getUint32(4, true) };
}

/** The packed value at a place; `undefined` if there is none. */
export function askValue(database: Database, address: Address): Page | undefined {
  database.flush();
  const { classIndex, object, column } = address;
  const answer = database.store.valueAt(database.view, classIndex, object.key, column, pathOf(address));
  return answer.length === 0 ? undefined : pageOf(answer);
}

/** Whether the set at a place has an element with these bytes. */
export function askContains(database: Database, address: Address, packed: Uint8Array): boolean {
  database.flush();
  const { classIndex, object, column } = address;
  return database.store.setContains(database.view, classIndex, object.key, column, pathOf(address), packed);
}
