/**
 * Sets of an object.
 *
 * @module
 */

import { EngineError } from "../errors.js";
import { ByteWriter } from "../values/bytes.js";
import { Linkable, packValue } from "../values/pack.js";
import { tag } from "../values/tags.js";
import { columnOffset, type Page, pageOf, readCollectionHead, readLink, skipValue } from "../values/unpack.js";
import { operation } from "./batch.js";
import type { UpdateMode } from "./create.js";
import { elementsOf, fingerprint } from "./list.js";
import { collectionParts, noWay } from "./nested.js";
import { type Holder, linkedObject, readElement, resolveObject, touched } from "./object.js";
import type { Column } from "./schema.js";

/** The elements at one moment. */
interface Elements {
  readonly epoch: number;
  readonly page: Page | undefined;
  readonly offsets: readonly number[];
  readonly keys: readonly number[] | undefined;
}

/** A live set. */
export class ValueSet {
  /** What holds it. */
  readonly holder: Holder;
  /** The column that holds it. */
  readonly column: Column;
  #elements: Elements | undefined;

  constructor(holder: Holder, column: Column) {
    this.holder = holder;
    this.column = column;
  }

  /** The open file. */
  get database(): Holder["database"] {
    return this.holder.database;
  }

  /** Whether what holds it still exists. */
  isValid(): boolean {
    return this.holder.isValid();
  }

  #read(): Elements {
    const { database } = this.holder;
    database.requireOpen();
    if (this.#elements?.epoch === database.dataEpoch) return this.#elements;
    const { page, offset } = this.holder.row();
    const at = columnOffset(page, offset, this.column.index);
    const offsets: number[] = [];
    const keys: number[] = [];
    if (at >= 0 && page.bytes[at] === tag.set) {
      const { count, first } = readCollectionHead(page, at);
      let element = first;
      for (let index = 0; index < count; index += 1) {
        const key = this.#targetKey(page, element);
        if (key !== -1) offsets.push(element);
        if (key !== undefined && key >= 0) keys.push(key);
        element = skipValue(page, element);
      }
    }
    this.#elements = { epoch: database.dataEpoch, page, offsets, keys: keys.length > 0 ? keys : undefined };
    return this.#elements;
  }

  /** Key of the target in sets of links, −1 if it does not exist; `undefined` for other values. */
  #targetKey(page: Page, offset: number): number | undefined {
    if (this.column.type !== "link" || page.bytes[offset] !== tag.link) return undefined;
    const { className, packedKey } = readLink(page, offset);
    const { database } = this.holder;
    const layout = database.storedLayout(className);
    return layout === undefined ? -1 : database.store.find(database.view, layout.index, packedKey);
  }

  /** How many elements there are. */
  get length(): number {
    return this.#read().offsets.length;
  }

  /** Keys of the objects, for a set of links. */
  keys(): Float64Array {
    this.database.flush();
    return Float64Array.from(this.#read().keys ?? []);
  }

  /** The element at an index. */
  get(index: number): unknown {
    const { page, offsets, keys } = this.#read();
    const offset = offsets[index];
    if (offset === undefined || page === undefined) return undefined;
    if (keys !== undefined) return linkedObject(this.database, this.column, keys[index]);
    return readElement({ holder: this.holder, column: this.column, way: noWay }, page, offset, undefined);
  }

  /** The elements. */
  values(): unknown[] {
    return this.#read().offsets.map((_, index) => this.get(index));
  }

  /** @internal */
  fingerprints(): string[] {
    const { page, offsets } = this.#read();
    if (page === undefined) return [];
    return offsets.map((offset) => fingerprint(page, offset));
  }

  #pack(value: unknown): Uint8Array {
    const { column, database } = this;
    const parts = column.type === "mixed" ? collectionParts(value, database.conventions) : undefined;
    if (parts !== undefined) {
      const kind = parts.kind === "list" ? "Lists" : "Dictionaries";
      throw new EngineError("type-mismatch", `${kind} within a Set are not supported.`);
    }
    const writer = new ByteWriter(64);
    const { type, isNullable, target, publicName } = column;
    packValue(writer, type, isNullable && type !== "link", value, database.conventions, target, publicName);
    return writer.copy();
  }

  /** Whether an element is there. */
  has(value: unknown): boolean {
    const plain = this.database.conventions.unwrap(value);
    if (this.column.type === "link" && !(plain instanceof Linkable)) return false;
    const wanted = fingerprint(pageOf(this.#pack(plain)), 0);
    return this.fingerprints().includes(wanted);
  }

  #requireWrite(): void {
    this.database.requireWrite();
    this.database.checkWrite(this.holder.layout);
  }

  /** Adds an element, in a write transaction. */
  add(value: unknown, mode: UpdateMode = "never"): void {
    this.#requireWrite();
    const plain = resolveObject(this.database, this.column, this.database.conventions.unwrap(value), mode);
    this.#mutate(operation.setInsert, this.#pack(plain));
  }

  /** Removes a value; false if it was not there. */
  erase(value: unknown): boolean {
    this.#requireWrite();
    if (!this.has(value)) return false;
    this.#mutate(operation.setErase, this.#pack(this.database.conventions.unwrap(value)));
    return true;
  }

  #mutate(code: number, packed: Uint8Array): void {
    const { batch } = this.database;
    batch.begin(code, this.holder.address(this.column)).bytes(packed);
    batch.end();
    touched(this.holder);
  }

  /** Removes all elements, in a write transaction. */
  clear(): void {
    this.#requireWrite();
    const { batch } = this.database;
    batch.begin(operation.clear, this.holder.address(this.column));
    batch.end();
    touched(this.holder);
  }

  /** Replaces all elements, in a write transaction. */
  assign(value: unknown, mode: UpdateMode = "never"): void {
    const elements = value instanceof ValueSet ? value.values() : elementsOf(value, this.column);
    this.clear();
    for (const element of elements) this.add(element, mode);
  }
}
