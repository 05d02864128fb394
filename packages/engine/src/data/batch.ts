/**
 * Mutations of the open write transaction that the core has not seen yet.
 *
 * One crossing into the core costs more than a mutation, so they are gathered and sent before anything is read that
 * they may have changed.
 *
 * @module
 */

import type { CoreStore } from "../core.js";
import { ByteWriter } from "../values/bytes.js";

/** Operations of a batch (`docs/boundary.md`). */
export const operation = {
  create: 0x01,
  erase: 0x02,
  set: 0x03,
  addInteger: 0x04,
  listInsert: 0x05,
  listMove: 0x06,
  listErase: 0x07,
  clear: 0x08,
  setInsert: 0x09,
  setErase: 0x0a,
  eraseAll: 0x0b,
  createWith: 0x0c,
} as const;

/** What stands for an object in the making until the core has given its key. */
export interface PendingObject {
  /** −1 until then. */
  key: number;
  readonly classIndex: number;
}

/** Where a mutation applies: a column of an object, or a place inside the column's value. */
export interface Address {
  readonly classIndex: number;
  readonly object: PendingObject;
  readonly column: number;
  /** Indexes into lists, keys into dictionaries, names of an embedded object's properties. */
  readonly path: readonly (number | string)[];
}

/** What comes back for each creation: its key, and whether the object was created. */
const createdBytes = 9;

/** Beyond this the batch is sent at once. */
const batchBytesMax = 64 * 1024;

/** Gathers mutations and sends them. */
export class MutationBatch {
  readonly #store: CoreStore;
  readonly writer: ByteWriter = new ByteWriter(4096);
  #created: PendingObject[] = [];
  /** What tells the keys of those apart, for each of them. */
  #identities: unknown[] = [];
  #latest: PendingObject | undefined;
  readonly #dirty = new Set<number>();
  #hasMutations = false;
  #isBroken = false;
  /** Objects to be erased, by class. */
  readonly #erased = new Map<number, Set<number>>();
  #operationStart = 0;
  /** Objects in the making by class and key, so that they are found without sending the batch. */
  readonly #createdByKey = new Map<number, Map<unknown, PendingObject>>();
  /** How many of them are there: who only creates looks for none. */
  #sortedCount = 0;

  constructor(store: CoreStore) {
    this.#store = store;
  }

  /** Whether the transaction holds any mutation, sent or not. */
  get hasMutations(): boolean {
    return this.#hasMutations;
  }

  /** Notes that the transaction has changed something that is not a mutation. */
  noteChange(): void {
    this.#hasMutations = true;
  }

  /** Whether anything waits to be sent. */
  get isEmpty(): boolean {
    return this.writer.length === 0;
  }

  /** Whether the object has mutations that the core has not seen. */
  isDirty(object: PendingObject): boolean {
    if (this.writer.length === 0) return false;
    return object.key < 0 || this.#dirty.has(object.key) || this.isErased(object.classIndex, object.key);
  }

  /** Whether the core refused a mutation: the transaction can only be undone. */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  /** Whether an object was erased that the core still has. */
  isErased(classIndex: number, key: number): boolean {
    return this.#erased.size > 0 && this.#erased.get(classIndex)?.has(key) === true;
  }

  /** An object in the making, by its {@link keyIdentity}. */
  createdObject(classIndex: number, identity: unknown): PendingObject | undefined {
    const created = this.#created;
    for (; this.#sortedCount < created.length; this.#sortedCount += 1) {
      this.#sort(created[this.#sortedCount] as PendingObject, this.#identities[this.#sortedCount]);
    }
    return this.#createdByKey.size === 0 ? undefined : this.#createdByKey.get(classIndex)?.get(identity);
  }

  #sort(object: PendingObject, identity: unknown): void {
    if (identity === undefined) return;
    let ofClass = this.#createdByKey.get(object.classIndex);
    if (ofClass === undefined) {
      ofClass = new Map();
      this.#createdByKey.set(object.classIndex, ofClass);
    }
    ofClass.set(identity, object);
  }

  /** Begins a creation; what follows for `object` may come in the same batch. */
  create(object: PendingObject, mayExist: boolean, packedKey: Uint8Array, identity: unknown): void {
    const { writer } = this;
    writer.u8(operation.create);
    writer.u16(object.classIndex);
    writer.u8(mayExist ? 1 : 0);
    writer.bytes(packedKey);
    this.#noteCreated(object, identity);
  }

  /**
   * Begins a creation with values: the caller writes the primary key, the count of the values and each of them behind
   * it, and then calls {@link endCreateWith}, or {@link takeBack} if one does not fit.
   */
  beginCreateWith(classIndex: number): ByteWriter {
    const { writer } = this;
    this.#operationStart = writer.length;
    writer.u8(operation.createWith);
    writer.u16(classIndex);
    return writer;
  }

  /** Ends what {@link beginCreateWith} began. */
  endCreateWith(object: PendingObject, identity: unknown): void {
    this.#noteCreated(object, identity);
    this.end();
  }

  #noteCreated(object: PendingObject, identity: unknown): void {
    this.#hasMutations = true;
    this.#created.push(object);
    this.#identities.push(identity);
    this.#latest = object;
  }

  erase(object: PendingObject): void {
    const { classIndex } = object;
    this.#begin(object, operation.erase);
    this.writer.u16(classIndex);
    this.writer.f64(object.key);
    if (object.key < 0) return this.flush();
    let ofClass = this.#erased.get(classIndex);
    if (ofClass === undefined) {
      ofClass = new Set();
      this.#erased.set(classIndex, ofClass);
    }
    ofClass.add(object.key);
    this.end();
  }

  eraseAll(classIndex: number): void {
    this.#hasMutations = true;
    this.writer.u8(operation.eraseAll);
    this.writer.u16(classIndex);
    this.flush();
  }

  /** Begins a mutation; the caller writes the operands behind it and then calls {@link end}. */
  begin(code: number, address: Address): ByteWriter {
    this.#begin(address.object, code);
    const { writer } = this;
    writer.u16(address.classIndex);
    writer.f64(address.object.key);
    writer.u16(address.column);
    writer.u8(address.path.length);
    for (const element of address.path) writer.step(element);
    return writer;
  }

  /** Begins the assignment of a column that holds single values. */
  beginSet(object: PendingObject, column: number): ByteWriter {
    this.#begin(object, operation.set);
    const { writer } = this;
    writer.u16(object.classIndex);
    writer.f64(object.key);
    writer.u16(column);
    writer.u8(0);
    return writer;
  }

  /** Takes back the mutation that was begun last: its value turned out not to fit. */
  takeBack(): void {
    this.writer.truncate(this.#operationStart);
  }

  /** Sends the batch if it has grown large. */
  end(): void {
    if (this.writer.length > batchBytesMax) this.flush();
  }

  #begin(object: PendingObject, code: number): void {
    // An object that is not the newest in the making has no way to be named before the core has given its key.
    if (object.key < 0 && object !== this.#latest) this.flush();
    this.#hasMutations = true;
    // What is erased is remembered by itself.
    if (object.key >= 0 && code !== operation.erase) this.#dirty.add(object.key);
    this.#operationStart = this.writer.length;
    this.writer.u8(code);
  }

  /** Sends what has been gathered. */
  flush(): void {
    if (this.writer.length === 0) return;
    const created = this.#created;
    const batch = this.writer.view();
    let answer: Uint8Array;
    try {
      answer = this.#store.mutate(batch);
    } catch (error) {
      this.#isBroken = true;
      throw error;
    } finally {
      this.#forget();
    }
    if (created.length === 0) return;
    const view = new DataView(answer.buffer, answer.byteOffset, answer.byteLength);
    let offset = 0;
    for (const object of created) {
      object.key = view.getFloat64(offset, true);
      offset += createdBytes;
    }
  }

  /** Forgets everything: the transaction has ended. */
  reset(): void {
    this.#forget();
    this.#hasMutations = false;
    this.#isBroken = false;
  }

  #forget(): void {
    this.writer.clear();
    if (this.#created.length > 0) {
      this.#created = [];
      this.#identities = [];
      this.#sortedCount = 0;
      this.#createdByKey.clear();
    }
    this.#latest = undefined;
    this.#dirty.clear();
    this.#erased.clear();
  }
}
