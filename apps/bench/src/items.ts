/**
 * The rows that the benchmarks move: class `Item`, the same for Tidemark and for every floor.
 *
 * @module
 */
import type { ObjectSchema } from "@tidemark/node";

export interface Item {
  _id: number;
  name: string;
  n: number;
  d: number;
  b: boolean;
  t: Date;
  note: string;
}

export const itemSchema: ObjectSchema = {
  name: "Item",
  primaryKey: "_id",
  properties: { _id: "int", name: "string", n: "int", d: "double", b: "bool", t: "date", note: "string" },
};

/** The i-th row. */
export function item(i: number): Item {
  return {
    _id: i,
    name: `name-${i}`,
    n: (i * 7919) % 1000,
    d: i / 2,
    b: i % 2 === 1,
    t: new Date((1_600_000_000 + i) * 1_000),
    note: `The quick brown fox item ${i}${i % 100 === 0 ? " NEEDLE here" : " jumps over"}`,
  };
}

/** Rows 0 … count − 1. */
export function items(count: number): Item[] {
  return Array.from({ length: count }, (_, i) => item(i));
}
