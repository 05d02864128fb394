/**
 * Sets of an object.
 *
 * @module
 */

import { EngineError } from "../errors.js";
import { ByteWriter } from "../values/bytes.js";
import { Linkable, packValue } from "../values/pack.js";
import { tag } from "../values/tags.js";
import { columnOffset, pageOf } from "../values/unpack.js";
import { askContains, askSizes } from "./asked.js";
import { type Address, operation } from "./batch.js";
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
import { elementsOf, fingerprint } from "./list.js";
import { collectionParts, noWay } from "./nested.js";
import { type Holder, linkedObject, readElement, resolveObject, rootOf, touched } from "./object.js";
import type { ClassLayout, Column } from "./schema.js";

/** A live set. */
export class ValueSet {
  /** What holds it. */
  readonly holder: Holder;
  /** The column that holds it. */
  readonly column: Column;
  #elements: (Elements & { readonly stamp: Stamp }) | undefined;
  #size: { readonly visible: number; readonly hasHidden: boolean; readonly stamp: Stamp } | undefined;
  /** Bytes of the elements as text, once one was looked for among them. */
  #prints: { readonly of: Elements; readonly texts: ReadonlySet<string> } | undefined;

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

  get #target(): ClassLayout | undefined {
    return targetOf(this.holder, this.column);
  }

  #stamp(): Stamp {
    return stampOf(rootOf(this.holder), this.#target);
  }

  /** The elements as they were read last, if they are still so. */
  #known(): Elements | undefined {
    const elements = this.#elements;
    if (elements === undefined) return undefined;
    return isStanding(elements.stamp, rootOf(this.holder), this.#target, elements.hasHidden) ? elements : undefined;
  }

  #read(): Elements {
    const { database } = this.holder;
    database.requireOpen();
    const known = this.#known();
    if (known !== undefined) return known;
    // The row may name objects that the core has not deleted yet.
    database.flush();
    const { page, offset } = this.holder.row();
    const at = columnOffset(page, offset, this.column.index);
    const isThere = at >= 0 && page.bytes[at] === tag.set;
    const elements = isThere ? elementsAt(rootOf(this.holder), this.column, page, at) : noElements;
    this.#elements = { ...elements, stamp: this.#stamp() };
    return this.#elements;
  }

  /** Whether the core is asked for what is in the set. */
  get #isAsked(): boolean {
    return this.#known() === undefined && isAsked(rootOf(this.holder), this.#target);
  }

  /** How many elements there are. */
  get length(): number {
    const { database } = this;
    database.requireOpen();
    const known = this.#size;
    if (known !== undefined && isStanding(known.stamp, rootOf(this.holder), this.#target, known.hasHidden)) {
      return known.visible;
    }
    const sizes = this.#isAsked ? askSizes(database, this.#address(), "set") : undefined;
    if (sizes === undefined) return this.#read().offsets.length;
    this.#size = { visible: sizes.visible, hasHidden: sizes.real > sizes.visible, stamp: this.#stamp() };
    return sizes.visible;
  }

  #address(): Address {
    return this.holder.address(this.column);
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
    const packed = this.#pack(plain);
    if (this.#isAsked) return askContains(this.database, this.#address(), packed);
    const elements = this.#read();
    const isKnown = this.#prints?.of.page === elements.page && this.#prints?.of.offsets === elements.offsets;
    if (!isKnown) this.#prints = { of: elements, texts: new Set(this.fingerprints()) };
    return this.#prints?.texts.has(fingerprint(pageOf(packed), 0)) ?? false;
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
    batch.begin(code, this.#address()).bytes(packed);
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

  /** Replaces all elements, in a write transaction. */
  assign(value: unknown, mode: UpdateMode = "never"): void {
    const elements = value instanceof ValueSet ? value.values() : elementsOf(value, this.column);
    this.clear();
    for (const element of elements) this.add(element, mode);
  }
}
