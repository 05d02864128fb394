/**
 * Lists of an object, as the application sees them: slots that link to absent objects are hidden.
 *
 * @module
 */

import { EngineError } from "../errors.js";
import { packValue, prepareValue, typeMismatch } from "../values/pack.js";
import { tag } from "../values/tags.js";
import { type Page, readCollectionHead, readLink, skipValue } from "../values/unpack.js";
import { type Address, operation } from "./batch.js";
import { checkElement } from "./check.js";
import type { UpdateMode } from "./create.js";
import {
  addressOf,
  type CollectionPlace,
  findCollection,
  isCollectionThere,
  noWay,
  readOut,
  type Way,
  writeNested,
} from "./nested.js";
import { type Holder, linkedObject, readElement, touched, writeObject } from "./object.js";
import type { Column } from "./schema.js";

/** The visible elements at one moment. */
interface Elements {
  readonly epoch: number;
  readonly page: Page | undefined;
  /** Where each visible element begins. */
  readonly offsets: readonly number[];
  /** Keys of the targets, in lists of links. */
  readonly keys: readonly number[] | undefined;
}

/** A live list. One inside a mixed value is found by its way from the column. */
export class List implements CollectionPlace {
  /** What holds it. */
  readonly holder: Holder;
  /** The column that holds it. */
  readonly column: Column;
  /** The way from the column's value to the list; empty for a list of the column. */
  readonly way: Way;
  #elements: Elements | undefined;

  constructor(holder: Holder, column: Column, way: Way = noWay) {
    this.holder = holder;
    this.column = column;
    this.way = way;
  }

  /** @internal Where the element at a real index begins, or −1. */
  static elementOffset(page: Page, at: number, index: number): number {
    if (page.bytes[at] !== tag.list) return -1;
    const { count, first } = readCollectionHead(page, at);
    if (index >= count) return -1;
    let offset = first;
    for (let position = 0; position < index; position += 1) offset = skipValue(page, offset);
    return offset;
  }

  /** The open file. */
  get database(): Holder["database"] {
    return this.holder.database;
  }

  /** Whether what holds it still exists. */
  isValid(): boolean {
    return isCollectionThere(this, "list");
  }

  #read(): Elements {
    const { database } = this.holder;
    database.requireOpen();
    if (this.#elements?.epoch === database.dataEpoch) return this.#elements;
    const { page, offset: at } = findCollection(this, "list");
    this.#elements =
      at < 0 ? { epoch: database.dataEpoch, page: undefined, offsets: [], keys: undefined } : this.#scan(page, at);
    return this.#elements;
  }

  #scan(page: Page, at: number): Elements {
    const { database } = this.holder;
    const { count, first } = readCollectionHead(page, at);
    const isLinks = this.column.type === "link";
    const offsets: number[] = [];
    const keys: number[] = [];
    let offset = first;
    for (let index = 0; index < count; index += 1) {
      if (!isLinks || page.bytes[offset] !== tag.link) {
        offsets.push(offset);
      } else {
        const { className, packedKey } = readLink(page, offset);
        const layout = database.storedLayout(className);
        const key = layout === undefined ? -1 : database.store.find(database.view, layout.index, packedKey);
        if (key >= 0) {
          offsets.push(offset);
          keys.push(key);
        }
      }
      offset = skipValue(page, offset);
    }
    return { epoch: database.dataEpoch, page, offsets, keys: keys.length > 0 ? keys : undefined };
  }

  /** How many elements there are. */
  get length(): number {
    return this.#read().offsets.length;
  }

  /** Keys of the linked objects, in order; for lists of links. */
  keys(): Float64Array {
    this.database.flush();
    return Float64Array.from(this.#read().keys ?? []);
  }

  /** The element, or `undefined` beyond the end. */
  get(index: number): unknown {
    const { page, offsets, keys } = this.#read();
    const offset = offsets[index];
    if (offset === undefined || page === undefined) return undefined;
    if (keys !== undefined) return linkedObject(this.database, this.column, keys[index]);
    return readElement(this, page, offset, index);
  }

  /** All elements. */
  values(): unknown[] {
    const { length } = this;
    const values: unknown[] = new Array(length);
    for (let index = 0; index < length; index += 1) values[index] = this.get(index);
    return values;
  }

  /** Bytes of the elements as text, for comparing two moments. */
  fingerprints(): string[] {
    const { page, offsets } = this.#read();
    if (page === undefined) return [];
    return offsets.map((offset) => fingerprint(page, offset));
  }

  #address(index?: number): Address {
    return addressOf(this, index);
  }

  #requireWrite(): void {
    this.database.requireWrite();
    this.database.checkWrite(this.holder.layout);
  }

  #requireIndex(index: number, end: number): void {
    if (!Number.isInteger(index) || index < 0 || index >= end) {
      throw new EngineError(
        "out-of-bounds",
        `Requested index ${index} calling set() on list '${this.column.publicName}' when max is ${end - 1}`,
      );
    }
  }

  /** Replaces an element, in a write transaction. */
  set(index: number, value: unknown, mode: UpdateMode = "never"): void {
    this.#requireWrite();
    this.#requireIndex(index, this.length);
    this.#check(value, index);
    this.#write(operation.set, index, value, mode);
  }

  /** Inserts an element, in a write transaction. */
  insert(index: number, value: unknown, mode: UpdateMode = "never"): void {
    this.#requireWrite();
    this.#requireIndex(index, this.length + 1);
    this.#check(value, index);
    this.#write(operation.listInsert, index, value, mode);
  }

  /** Objects given as values are looked through before any of them is written. */
  #check(value: unknown, index: number): void {
    if (this.column.type === "link") checkElement(this.database, this.column, value, index);
  }

  #write(code: number, index: number, value: unknown, mode: UpdateMode): void {
    const { holder, column, database, way } = this;
    if (column.type === "mixed" && writeNested({ holder, column, way: [...way, index] }, code, value, false)) return;
    const plain = writeObject(holder, column, index, code, database.conventions.unwrap(value), mode);
    if (plain.isWritten) return;
    prepareValue(plain.value, database.conventions);
    const { batch } = database;
    const writer = batch.begin(code, this.#address(index));
    if (code === operation.set) writer.u8(0);
    try {
      const isNullable = column.isNullable && column.type !== "link";
      const name = `${column.publicName}[${index}]`;
      packValue(writer, column.type, isNullable, plain.value, database.conventions, column.target, name);
    } catch (error) {
      batch.takeBack();
      throw error;
    }
    batch.end();
    touched(holder);
  }

  /** Removes an element, in a write transaction. */
  erase(index: number): void {
    this.#requireWrite();
    this.#requireIndex(index, this.length);
    const { batch } = this.database;
    batch.begin(operation.listErase, this.#address(index));
    batch.end();
    touched(this.holder);
  }

  /** Moves an element, in a write transaction. */
  move(from: number, to: number): void {
    this.#requireWrite();
    const { length } = this;
    this.#requireIndex(from, length);
    this.#requireIndex(to, length);
    if (from === to) return;
    const { batch } = this.database;
    batch.begin(operation.listMove, this.#address(from)).u32(to);
    batch.end();
    touched(this.holder);
  }

  /** Removes all elements, in a write transaction. */
  clear(): void {
    this.#requireWrite();
    const { batch } = this.database;
    batch.begin(operation.clear, this.#address());
    batch.end();
    touched(this.holder);
  }

  /** Replaces all elements. */
  assign(value: unknown, mode: UpdateMode = "never"): void {
    const elements = elementsOf(value, this.column);
    this.clear();
    elements.forEach((element, index) => this.#write(operation.listInsert, index, element, mode));
  }
}

/** The elements of an iterable given for a collection. */
export function elementsOf(value: unknown, column: Column): unknown[] {
  if (value instanceof List) return value.values().map(readOut);
  if (typeof value === "object" && value !== null && Symbol.iterator in value) {
    return [...(value as Iterable<unknown>)];
  }
  if (value === null || value === undefined) return [];
  throw typeMismatch("iterable", value, column.publicName);
}

/** Bytes of a value as text. */
export function fingerprint(page: Page, offset: number): string {
  const end = skipValue(page, offset);
  let text = "";
  for (let index = offset; index < end; index += 1) text += String.fromCharCode(page.bytes[index] ?? 0);
  return text;
}
