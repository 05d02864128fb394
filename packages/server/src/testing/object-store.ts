/**
 * Objects of one class in a store of the core that lives in memory, to ask queries of them in tests.
 *
 * @module
 */

import { core } from "@tidemark/native";
import type { ClassInformation } from "../schema/classes.js";

/** A value of a column, with its type. */
export type Cell =
  | { readonly type: "null" }
  | { readonly type: "int"; readonly value: bigint }
  | { readonly type: "bool"; readonly value: boolean }
  | { readonly type: "string"; readonly value: string }
  | { readonly type: "binary"; readonly value: Uint8Array }
  | { readonly type: "timestamp"; readonly seconds: bigint; readonly nanoseconds: number }
  | { readonly type: "float" | "double"; readonly value: number }
  /** `coefficient × 10^exponent`. */
  | { readonly type: "decimal"; readonly coefficient: bigint; readonly exponent: number }
  /** Hexadecimal digits without anything between. */
  | { readonly type: "objectId" | "uuid"; readonly value: string };

/** An object without its key: a cell for single columns, several for lists and sets. */
export type CellObject = Readonly<Record<string, Cell | readonly Cell[]>>;

const lockMs = 10_000;

/** A store with one class whose primary key is an int `_id`. */
export class ObjectStore {
  readonly #store: ReturnType<typeof core.openStore>;
  readonly #information: ClassInformation;

  constructor(information: ClassInformation) {
    this.#information = information;
    this.#store = core.openStore(null, JSON.stringify({ synced: true }));
    this.#store.beginWrite(lockMs);
    this.#store.updateSchema(JSON.stringify([information]));
    this.#store.commitWrite(1);
  }

  /** Adds objects; their keys are their places, from 0. */
  add(objects: readonly CellObject[]): void {
    this.#store.beginWrite(lockMs);
    objects.forEach((object, key) => this.#store.mutate(this.#creation(object, key)));
    this.#store.commitWrite(1);
  }

  /** Places of the objects that a query matches. */
  query(text: string): readonly number[] {
    const snapshot = this.#store.beginRead();
    try {
      return [...this.#store.query(snapshot, 0, text, new Uint8Array(0), null)].sort((a, b) => a - b);
    } finally {
      this.#store.endRead(snapshot);
    }
  }

  #creation(object: CellObject, key: number): Uint8Array {
    const parts: Buffer[] = [Buffer.of(1, 0, 0, 0), pack({ type: "int", value: BigInt(key) })];
    this.#information.columns.forEach((column, index) => {
      const cells = object[column.name];
      if (cells === undefined) return;
      if (!Array.isArray(cells)) {
        parts.push(Buffer.of(3), target(index, null), Buffer.of(0), pack(cells as Cell));
        return;
      }
      const isList = column.collection === "list";
      (cells as readonly Cell[]).forEach((cell, at) => {
        parts.push(Buffer.of(isList ? 5 : 9), target(index, isList ? at : null), pack(cell));
      });
    });
    return Buffer.concat(parts);
  }
}

/** A column of the object that was created last, or a place in its list. */
function target(column: number, listIndex: number | null): Buffer {
  const part = Buffer.alloc(listIndex === null ? 13 : 18);
  part.writeDoubleLE(-1, 2);
  part.writeUInt16LE(column, 10);
  if (listIndex !== null) {
    part.writeUInt8(1, 12);
    part.writeUInt32LE(listIndex, 14);
  }
  return part;
}

function pack(cell: Cell): Buffer {
  switch (cell.type) {
    case "null":
      return Buffer.of(0);
    case "int":
      return sized(1, 8, (part) => part.writeBigInt64LE(cell.value, 1));
    case "bool":
      return Buffer.of(2, Number(cell.value));
    case "string":
      return prefixed(3, Buffer.from(cell.value));
    case "binary":
      return prefixed(4, cell.value);
    case "timestamp":
      return sized(5, 12, (part) => {
        part.writeBigInt64LE(cell.seconds, 1);
        part.writeInt32LE(cell.nanoseconds, 9);
      });
    case "float":
      return sized(6, 4, (part) => part.writeFloatLE(cell.value, 1));
    case "double":
      return sized(7, 8, (part) => part.writeDoubleLE(cell.value, 1));
    case "decimal":
      return sized(8, 21, (part) => {
        const magnitude = cell.coefficient < 0n ? -cell.coefficient : cell.coefficient;
        part.writeBigUInt64LE(BigInt.asUintN(64, magnitude), 1);
        part.writeBigUInt64LE(magnitude >> 64n, 9);
        part.writeInt32LE(cell.exponent, 17);
        part.writeUInt8(Number(cell.coefficient < 0n), 21);
      });
    case "objectId":
      return Buffer.concat([Buffer.of(0x0a), Buffer.from(cell.value, "hex")]);
    case "uuid":
      return Buffer.concat([Buffer.of(0x0b), Buffer.from(cell.value, "hex")]);
  }
}

function sized(tag: number, bytes: number, write: (part: Buffer) => void): Buffer {
  const part = Buffer.alloc(1 + bytes);
  part.writeUInt8(tag);
  write(part);
  return part;
}

function prefixed(tag: number, bytes: Uint8Array): Buffer {
  return Buffer.concat([sized(tag, 4, (part) => part.writeUInt32LE(bytes.length, 1)), bytes]);
}
