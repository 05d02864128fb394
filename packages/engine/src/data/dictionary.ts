/**
 * Dictionaries of an object: texts to values.
 *
 * @module
 */

import { EngineError } from "../errors.js";
import { decodeUtf8 } from "../values/bytes.js";
import { packValue, prepareValue, typeMismatch } from "../values/pack.js";
import { tag } from "../values/tags.js";
import { type Page, readCollectionHead, skipValue } from "../values/unpack.js";
import { askSizes, askValue } from "./asked.js";
import { type Address, operation } from "./batch.js";
import { checkElement } from "./check.js";
import type { UpdateMode } from "./create.js";
import { isStanding, type Stamp, stampOf } from "./elements.js";
import { fingerprint } from "./list.js";
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
import { type Holder, type ObjectHandle, readElement, rootOf, touched, writeObject } from "./object.js";
import type { Column } from "./schema.js";

/** The entries in a row: where each value begins. */
interface Entries {
  readonly page: Page | undefined;
  readonly offsets: ReadonlyMap<string, number>;
}

/** A live dictionary. One inside a mixed value is found by its way from the column. */
export class Dictionary implements CollectionPlace {
  /** What holds it. */
  readonly holder: Holder;
  /** The column that holds it. */
  readonly column: Column;
  /** The way from the column's value to the dictionary; empty for a dictionary of the column. */
  readonly way: Way;
  #entries: (Entries & { readonly stamp: Stamp }) | undefined;
  #size: { readonly size: number; readonly stamp: Stamp } | undefined;

  constructor(holder: Holder, column: Column, way: Way = noWay) {
    this.holder = holder;
    this.column = column;
    this.way = way;
  }

  /** @internal Where the value of a key begins, or −1. */
  static valueOffset(page: Page, at: number, key: string): number {
    return entriesAt(page, at).get(key) ?? -1;
  }

  /** The open file. */
  get database(): Holder["database"] {
    return this.holder.database;
  }

  /** Whether what holds it still exists. */
  isValid(): boolean {
    return isCollectionThere(this, "dictionary");
  }

  get #root(): ObjectHandle {
    return rootOf(this.holder);
  }

  #isStanding(known: { readonly stamp: Stamp } | undefined): boolean {
    return known !== undefined && isStanding(known.stamp, this.#root, undefined, false);
  }

  #stamp(): Stamp {
    return stampOf(this.#root, undefined);
  }

  #read(): Entries {
    const { database } = this.holder;
    database.requireOpen();
    if (this.#entries !== undefined && this.#isStanding(this.#entries)) return this.#entries;
    const { page, offset: at } = findCollection(this, "dictionary");
    const offsets = at < 0 ? new Map<string, number>() : entriesAt(page, at);
    this.#entries = { page, offsets, stamp: this.#stamp() };
    return this.#entries;
  }

  /** Whether the core is asked for single entries. */
  get #isAsked(): boolean {
    return !this.#isStanding(this.#entries) && this.#root.isAsked;
  }

  /** How many entries there are. */
  get size(): number {
    const { database } = this;
    database.requireOpen();
    if (this.#size !== undefined && this.#isStanding(this.#size)) return this.#size.size;
    const sizes = this.#isAsked ? askSizes(database, this.#address(), "dictionary") : undefined;
    if (sizes === undefined) return this.#read().offsets.size;
    this.#size = { size: sizes.real, stamp: this.#stamp() };
    return sizes.real;
  }

  /** The value of a key, of an object that is asked. */
  #ask(key: string): Page | undefined {
    const { database } = this;
    database.requireOpen();
    const page = askValue(database, this.#address(key));
    // A dictionary that is not there any more has to say so.
    if (page === undefined && this.size === 0) this.#read();
    return page;
  }

  /** The keys. */
  keys(): string[] {
    return [...this.#read().offsets.keys()];
  }

  /** Whether a key is there. */
  has(key: string): boolean {
    if (this.#isAsked) return this.#ask(key) !== undefined;
    return this.#read().offsets.has(key);
  }

  /** The value of a key; `undefined` if there is none. */
  get(key: string): unknown {
    if (this.#isAsked) {
      const asked = this.#ask(key);
      return asked === undefined ? undefined : readElement(this, asked, 0, key);
    }
    const { page, offsets } = this.#read();
    const offset = offsets.get(key);
    if (offset === undefined || page === undefined) return undefined;
    return readElement(this, page, offset, key);
  }

  /** Bytes of the values as text, by key, for comparing two moments. */
  fingerprints(): Map<string, string> {
    const { page, offsets } = this.#read();
    const texts = new Map<string, string>();
    if (page === undefined) return texts;
    for (const [key, offset] of offsets) texts.set(key, fingerprint(page, offset));
    return texts;
  }

  #address(key?: string): Address {
    return addressOf(this, key);
  }

  #requireWrite(): void {
    this.database.requireWrite();
    this.database.checkWrite(this.holder.layout);
  }

  /** Sets the value of a key, in a write transaction. */
  set(key: string, value: unknown, mode: UpdateMode = "never"): void {
    this.#requireWrite();
    dictionaryKey(key);
    const { holder, column, database, way } = this;
    if (column.type === "link") checkElement(database, column, value, key);
    if (column.type === "mixed") {
      const place = { holder, column, way: [...way, key] };
      if (writeNested(place, operation.set, value, false)) return;
    }
    const plain = writeObject(holder, column, key, operation.set, database.conventions.unwrap(value), mode);
    if (plain.isWritten) return;
    prepareValue(plain.value, database.conventions);
    const { batch } = database;
    const writer = batch.begin(operation.set, this.#address(key));
    writer.u8(0);
    try {
      const isNullable = column.isNullable || column.type === "link";
      const name = `${column.publicName}["${key}"]`;
      packValue(writer, column.type, isNullable, plain.value, database.conventions, column.target, name);
    } catch (error) {
      batch.takeBack();
      throw error;
    }
    batch.end();
    touched(holder);
  }

  /** Removes a key, in a write transaction. @returns whether it was there. */
  erase(key: string): boolean {
    this.#requireWrite();
    if (!this.has(key)) return false;
    const { batch } = this.database;
    const writer = batch.begin(operation.set, this.#address(key));
    writer.u8(0);
    writer.u8(tag.erasedMarker);
    batch.end();
    touched(this.holder);
    return true;
  }

  /** Removes all entries, in a write transaction. */
  clear(): void {
    this.#requireWrite();
    const { batch } = this.database;
    batch.begin(operation.clear, this.#address());
    batch.end();
    touched(this.holder);
  }

  /** Replaces all entries, in a write transaction. */
  assign(value: unknown, mode: UpdateMode = "never"): void {
    if (value instanceof Dictionary) {
      const entries = value.keys().map((key) => [key, readOut(value.get(key))] as const);
      this.clear();
      for (const [key, element] of entries) this.set(key, element, mode);
      return;
    }
    if (typeof value !== "object" || value === null) {
      throw typeMismatch("an object", value, this.column.publicName);
    }
    this.clear();
    for (const [key, element] of Object.entries(value)) this.set(key, element, mode);
  }
}

/** @returns the key. @throws {@link EngineError} `invalid-argument` for one that no dictionary may have. */
export function dictionaryKey(key: string): string {
  if (key.startsWith("$")) throw new EngineError("invalid-argument", "Dictionary::insert: key must not start with '$'");
  if (key.includes(".")) throw new EngineError("invalid-argument", "Dictionary::insert: key must not contain '.'");
  return key;
}

/** By row and place in it. */
const known = new WeakMap<Page, Map<number, ReadonlyMap<string, number>>>();

function entriesAt(page: Page, at: number): ReadonlyMap<string, number> {
  let ofPage = known.get(page);
  if (ofPage === undefined) {
    ofPage = new Map();
    known.set(page, ofPage);
  }
  let entries = ofPage.get(at);
  if (entries === undefined) {
    entries = readEntries(page, at);
    ofPage.set(at, entries);
  }
  return entries;
}

function readEntries(page: Page, at: number): Map<string, number> {
  const offsets = new Map<string, number>();
  if (page.bytes[at] !== tag.dictionary) return offsets;
  const { count, first } = readCollectionHead(page, at);
  let offset = first;
  for (let index = 0; index < count; index += 1) {
    const keyStart = offset + 4;
    const keyEnd = keyStart + page.view.getUint32(offset, true);
    offsets.set(decodeUtf8(page.bytes, keyStart, keyEnd), keyEnd);
    offset = skipValue(page, keyEnd);
  }
  return offsets;
}
