/**
 * Dictionaries of an object: texts to values.
 *
 * @module
 */

import { EngineError } from "../errors.js";
import { decodeUtf8 } from "../values/bytes.js";
import { packValue, prepareValue } from "../values/pack.js";
import { tag } from "../values/tags.js";
import { columnOffset, type Page, readCollectionHead, skipValue } from "../values/unpack.js";
import { type Address, operation } from "./batch.js";
import type { UpdateMode } from "./create.js";
import { fingerprint } from "./list.js";
import { type Holder, readElement, touched, writeObject } from "./object.js";
import type { Column } from "./schema.js";

/** The entries at one moment: where each value begins. */
interface Entries {
  readonly epoch: number;
  readonly page: Page | undefined;
  readonly offsets: ReadonlyMap<string, number>;
}

/** A live dictionary. */
export class Dictionary {
  /** What holds it. */
  readonly holder: Holder;
  /** The column that holds it. */
  readonly column: Column;
  #entries: Entries | undefined;

  constructor(holder: Holder, column: Column) {
    this.holder = holder;
    this.column = column;
  }

  /** @internal Where the value of a key begins, or −1. */
  static valueOffset(page: Page, at: number, key: string): number {
    return readEntries(page, at).get(key) ?? -1;
  }

  /** The open file. */
  get database(): Holder["database"] {
    return this.holder.database;
  }

  /** Whether what holds it still exists. */
  isValid(): boolean {
    return this.holder.isValid();
  }

  #read(): Entries {
    const { database } = this.holder;
    database.requireOpen();
    if (this.#entries?.epoch === database.dataEpoch) return this.#entries;
    const { page, offset } = this.holder.row();
    const at = columnOffset(page, offset, this.column.index);
    const offsets = at < 0 ? new Map<string, number>() : readEntries(page, at);
    this.#entries = { epoch: database.dataEpoch, page, offsets };
    return this.#entries;
  }

  /** How many entries there are. */
  get size(): number {
    return this.#read().offsets.size;
  }

  /** The keys. */
  keys(): string[] {
    return [...this.#read().offsets.keys()];
  }

  /** Whether a key is there. */
  has(key: string): boolean {
    return this.#read().offsets.has(key);
  }

  /** The value of a key; `undefined` if there is none. */
  get(key: string): unknown {
    const { page, offsets } = this.#read();
    const offset = offsets.get(key);
    if (offset === undefined || page === undefined) return undefined;
    return readElement(this.holder, this.column, page, offset, key);
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
    const address = this.holder.address(this.column);
    return key === undefined ? address : { ...address, path: [...address.path, key] };
  }

  #requireWrite(): void {
    this.database.requireWrite();
    this.database.checkWrite(this.holder.layout);
  }

  /** Sets the value of a key, in a write transaction. */
  set(key: string, value: unknown, mode: UpdateMode = "never"): void {
    this.#requireWrite();
    const { holder, column, database } = this;
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
      const entries = value.keys().map((key) => [key, value.get(key)] as const);
      this.clear();
      for (const [key, element] of entries) this.set(key, element, mode);
      return;
    }
    if (typeof value !== "object" || value === null) {
      throw new EngineError("type-mismatch", `Expected '${this.column.publicName}' to be an object`);
    }
    this.clear();
    for (const [key, element] of Object.entries(value)) this.set(key, element, mode);
  }
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
