/**
 * Lists of an object, as the application sees them: slots that link to absent objects are hidden.
 *
 * @module
 */

import { EngineError } from "../errors.js";
import { packValue, prepareValue, typeMismatch } from "../values/pack.js";
import { type Page, skipValue } from "../values/unpack.js";
import { askSizes, askValue, type Sizes } from "./asked.js";
import { type Address, operation } from "./batch.js";
import { checkElement } from "./check.js";
import type { UpdateMode } from "./create.js";
import {
  type Elements,
  elementsAt,
  isAsked,
  isStanding,
  noElements,
  type Stamp,
  stampOf,
  targetOf,
} from "./elements.js";
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
import { type Holder, linkedObject, type ObjectHandle, readElement, rootOf, touched, writeObject } from "./object.js";
import type { Column } from "./schema.js";

/** How many elements a list has, as far as the core was asked or the list's own edits tell. */
interface KnownSizes extends Sizes {
  readonly stamp: Stamp;
}

/** A whole list is read once that costs less than this many questions for each of its elements would. */
const questionCost = 8;

/** A live list. One inside a mixed value is found by its way from the column. */
export class List implements CollectionPlace {
  /** What holds it. */
  readonly holder: Holder;
  /** The column that holds it. */
  readonly column: Column;
  /** The way from the column's value to the list; empty for a list of the column. */
  readonly way: Way;
  #elements: (Elements & { readonly stamp: Stamp }) | undefined;
  #sizes: KnownSizes | undefined;
  /** How many elements the core was asked for since the list was read as a whole. */
  #asked = 0;

  constructor(holder: Holder, column: Column, way: Way = noWay) {
    this.holder = holder;
    this.column = column;
    this.way = way;
  }

  /** The open file. */
  get database(): Holder["database"] {
    return this.holder.database;
  }

  /** Whether what holds it still exists. */
  isValid(): boolean {
    return isCollectionThere(this, "list");
  }

  get #root(): ObjectHandle {
    return rootOf(this.holder);
  }

  #isStanding(known: { readonly stamp: Stamp }, hasHidden: boolean): boolean {
    return isStanding(known.stamp, this.#root, targetOf(this.holder, this.column), hasHidden);
  }

  #stamp(): Stamp {
    return stampOf(this.#root, targetOf(this.holder, this.column));
  }

  /** The elements as they were read last, if they are still so. */
  #known(): Elements | undefined {
    const elements = this.#elements;
    return elements !== undefined && this.#isStanding(elements, elements.hasHidden) ? elements : undefined;
  }

  /** Whether the core is asked for single elements. */
  get #isAsked(): boolean {
    return this.#known() === undefined && isAsked(this.#root, targetOf(this.holder, this.column));
  }

  #read(): Elements {
    this.database.requireOpen();
    const known = this.#known();
    if (known !== undefined) return known;
    // The row may name objects that the core has not deleted yet.
    this.database.flush();
    const { page, offset: at } = findCollection(this, "list");
    const elements = at < 0 ? noElements : elementsAt(this.#root, this.column, page, at);
    this.#elements = { ...elements, stamp: this.#stamp() };
    this.#asked = 0;
    return elements;
  }

  /** Sizes of the list that are known without reading it. */
  #knownSizes(): KnownSizes | undefined {
    const sizes = this.#sizes;
    return sizes !== undefined && this.#isStanding(sizes, sizes.real > sizes.visible) ? sizes : undefined;
  }

  /** How many elements there are. */
  get length(): number {
    this.database.requireOpen();
    const known = this.#knownSizes();
    if (known !== undefined) return known.visible;
    if (this.#isAsked) {
      const sizes = askSizes(this.database, this.#address(), "list");
      if (sizes !== undefined) {
        this.#sizes = { ...sizes, stamp: this.#stamp() };
        return sizes.visible;
      }
    }
    const { offsets, hasHidden } = this.#read();
    const { length } = offsets;
    // How many are hidden matters to nobody.
    this.#sizes = { visible: length, real: hasHidden ? length + 1 : length, stamp: this.#stamp() };
    return length;
  }

  /** An edit of this list's own was written: the sizes before it are known, if they were. */
  #edited(before: KnownSizes | undefined, grown: number): void {
    touched(this.holder);
    if (before === undefined) return;
    const { visible, real } = before;
    this.#sizes = { visible: visible + grown, real: real + grown, stamp: this.#stamp() };
  }

  /** Keys of the linked objects, in order; for lists of links. */
  keys(): Float64Array {
    this.database.flush();
    return Float64Array.from(this.#read().keys ?? []);
  }

  /** The element, or `undefined` beyond the end. */
  get(index: number): unknown {
    if (this.#isAsked) {
      if (!Number.isInteger(index) || index < 0 || index >= this.length) return undefined;
      this.#asked += 1;
      if (this.#asked * questionCost < this.length) return this.#ask(index);
    }
    const { page, offsets, keys } = this.#read();
    const offset = offsets[index];
    if (offset === undefined || page === undefined) return undefined;
    if (keys !== undefined) return linkedObject(this.database, this.column, keys[index]);
    return readElement(this, page, offset, index);
  }

  #ask(index: number): unknown {
    const { holder, column, way, database } = this;
    const page = askValue(database, this.#address(index));
    return page === undefined ? undefined : readElement({ holder, column, way }, page, 0, index);
  }

  /** All elements. */
  values(): unknown[] {
    const { length } = this.#read().offsets;
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
    const before = this.#knownSizes();
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
    this.#edited(before, code === operation.listInsert ? 1 : 0);
  }

  /** Removes an element, in a write transaction. */
  erase(index: number): void {
    this.#requireWrite();
    this.#requireIndex(index, this.length);
    const { batch } = this.database;
    const before = this.#knownSizes();
    batch.begin(operation.listErase, this.#address(index));
    batch.end();
    this.#edited(before, -1);
  }

  /** Moves an element, in a write transaction. */
  move(from: number, to: number): void {
    this.#requireWrite();
    const { length } = this;
    this.#requireIndex(from, length);
    this.#requireIndex(to, length);
    if (from === to) return;
    const { batch } = this.database;
    const before = this.#knownSizes();
    batch.begin(operation.listMove, this.#address(from)).u32(to);
    batch.end();
    this.#edited(before, 0);
  }

  /** Removes all elements, in a write transaction. */
  clear(): void {
    this.#requireWrite();
    const { batch } = this.database;
    batch.begin(operation.clear, this.#address());
    batch.end();
    touched(this.holder);
    this.#sizes = { visible: 0, real: 0, stamp: this.#stamp() };
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
