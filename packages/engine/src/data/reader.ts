/**
 * Reading single objects: rows are gathered in pages, so that an object at hand costs neither bytes of its own nor a
 * call when it is read.
 *
 * @module
 */

import type { CoreStore, HotReads, SnapshotId } from "../core.js";
import { ByteWriter } from "../values/bytes.js";
import type { Conventions } from "../values/conventions.js";
import { packValue } from "../values/pack.js";
import { type Page, pageOf } from "../values/unpack.js";
import type { Column } from "./schema.js";

/** Bytes of a page: one object that is kept keeps its page. */
const pageBytes = 8 * 1024;

/** A page that has less left than this is not written to any more. */
const leftBytesMin = 1024;

/** In front of a found row stands its object's key. */
const objectBytes = 8;

/** What is read of an object that is found by its primary key. */
type Wanted = "key" | "row";

/** Stands for a row that was not read: it may be long, and is read when it is needed. */
export const unread: Page = pageOf(new Uint8Array(0));

/** Reads objects of one open file. */
export class ObjectReader {
  readonly #store: CoreStore;
  /** `undefined` if the core has no such functions. */
  readonly #hot: HotReads | undefined;
  readonly #keyWriter = new ByteWriter(64);
  #shared: Page = pageOf(new Uint8Array(0));
  #used = 0;
  /** Where the row that was read last stands. */
  page: Page = this.#shared;
  /** Where it begins. */
  offset = 0;

  constructor(store: CoreStore) {
    this.#store = store;
    this.#hot = store.hotReads?.();
  }

  /** Packs a primary key for the next look-up. */
  setKey(column: Column, value: unknown, conventions: Conventions): void {
    const writer = this.#keyWriter;
    writer.clear();
    packValue(writer, column.type, column.isNullable, value, conventions, undefined, column.publicName);
  }

  /** The same. @returns the packed key, until the next call. */
  packKey(column: Column, value: unknown, conventions: Conventions): Uint8Array {
    this.setKey(column, value, conventions);
    return this.#keyWriter.view();
  }

  /** The greatest integer among the primary keys of a class, −∞ if it has none; NaN if the core does not say. */
  greatestKey(view: SnapshotId, classIndex: number): number {
    return this.#hot === undefined ? Number.NaN : this.#hot.greatestKey(this.#shared.bytes, 0, view, classIndex);
  }

  /**
   * The object with the key that was packed last, or −1. If its row is wanted, that stands at {@link page} and
   * {@link offset} then, unless the page is {@link unread}.
   */
  find(view: SnapshotId, classIndex: number, wanted: Wanted): number {
    const { length } = this.#keyWriter;
    if (this.#hot === undefined || length > leftBytesMin) {
      this.page = unread;
      return this.#store.find(view, classIndex, this.#keyWriter.view());
    }
    const { bytes } = this.#room();
    const at = this.#used;
    this.#keyWriter.copyTo(bytes, at);
    if (wanted === "key") return this.#hot.find(bytes, at, view, classIndex, length);
    const rowLength = this.#hot.findRow(bytes, at, view, classIndex, length);
    if (rowLength < 0) return -1;
    const key = this.#shared.view.getFloat64(at, true);
    if (rowLength === 0) {
      this.page = unread;
      return key;
    }
    return this.#take(at + objectBytes, rowLength) || this.#readAlone(view, classIndex, key) ? key : -1;
  }

  /** Reads an object's row; it stands at {@link page} and {@link offset} then. Returns whether there is one. */
  read(view: SnapshotId, classIndex: number, key: number): boolean {
    if (this.#hot === undefined) return this.#readAlone(view, classIndex, key);
    const { bytes } = this.#room();
    const length = this.#hot.row(bytes, this.#used, view, classIndex, key);
    if (length < 0) return false;
    return this.#take(this.#used, length) || this.#readAlone(view, classIndex, key);
  }

  /** The page that rows are gathered in, with some room. */
  #room(): Page {
    if (this.#used + leftBytesMin > this.#shared.bytes.length) {
      this.#shared = pageOf(new Uint8Array(pageBytes));
      this.#used = 0;
    }
    return this.#shared;
  }

  /** Takes a row that was written to the shared page. Returns false if there was no room for it. */
  #take(offset: number, length: number): boolean {
    if (offset + length > pageBytes) return false;
    this.page = this.#shared;
    this.offset = offset;
    this.#used = offset + length;
    return true;
  }

  /** Reads a row into a page of its own. */
  #readAlone(view: SnapshotId, classIndex: number, key: number): boolean {
    const bytes = this.#store.row(view, classIndex, key);
    if (bytes === null) return false;
    this.page = pageOf(bytes);
    this.offset = 0;
    return true;
  }
}
