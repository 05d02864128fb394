/**
 * What a local database does in the benchmarks, the same for every side.
 *
 * @module
 */

import type { Item } from "./items.js";

/** Which way an item's values are looked at. */
export type Column = "n" | "name";

/** Queries of class `Item`, each with how many objects it finds among 100,000. */
export const scans = [
  "int-range",
  "int-equal",
  "string-equal",
  "contains",
  "begins",
  "date-range",
  "or",
  "int-equal-indexed",
  "int-range-indexed",
  "string-equal-indexed",
] as const;

/** Name of a query. */
export type Scan = (typeof scans)[number];

/** Orders of all items. */
export const sorts = ["int", "string", "limited", "distinct"] as const;

/** Name of an order. */
export type Sort = (typeof sorts)[number];

/**
 * One side of the comparison. What has a result answers it in a form in which all sides must agree: how many there
 * are, or a sum.
 */
export interface DatabaseSide {
  /** What figures call it. */
  readonly name: string;
  /** Bytes of its files now; `undefined` if it has none. */
  fileBytes(): number | undefined;
  /** Adds rows in one transaction. */
  insert(rows: Iterable<Item>): void;
  /** Adds rows, each in a durable transaction of its own. */
  insertOneByOne?(rows: readonly Item[]): void;
  /** Objects with these keys; answers how many there are. */
  find(keys: readonly number[]): number;
  /** Finds objects and reads one property of each; answers the sum, of a text's length. */
  findAndRead(keys: readonly number[], column: Column): number;
  /** Finds objects and reads all properties of each; answers a sum of something of each. */
  findAndReadAll(keys: readonly number[]): number;
  /** Gets all objects at hand, as far as it can, for {@link DatabaseSide.read}. */
  hold(count: number): void;
  /** Reads a property of objects at hand, by their keys in this order. */
  read(keys: readonly number[], column: Column): number;
  /** Goes through all objects and reads one property; or all of them. */
  iterate(column: Column | "all"): number;
  /** Keys of all objects that pass a query; answers how many. */
  scan(scan: Scan): number;
  /** Keys of all objects in an order; answers how many. */
  sort(sort: Sort): number;
  /** Sum of `n`. */
  sum(): number;
  /** Adds 1 to `n` of all objects in one transaction. */
  update(count: number): void;
  /** Deletes objects by their keys in one transaction; answers how many are left. */
  deleteOneByOne(keys: readonly number[]): number;
  /** Closes its file. */
  shut?(): void;
  /** Opens it again, until something was read. */
  open?(): void;
  /** Gives everything back. */
  close(): void;
}

interface Scanned {
  readonly rangeFrom: number;
  readonly rangeTo: number;
  readonly equal: number;
  readonly name: string;
  readonly contained: string;
  readonly prefix: string;
  readonly since: Date;
  readonly below: number;
}

/** Values of the queries. */
export const scanned: Scanned = {
  rangeFrom: 100,
  rangeTo: 200,
  equal: 500,
  name: "name-77777",
  contained: "needle",
  prefix: "name-1",
  since: new Date(1_600_050_000_000),
  below: 10,
};

/** How many objects of `count` a query finds, by looking at the rows. */
export function expectedMatches(scan: Scan, rows: readonly Item[]): number {
  return rows.filter((row) => matches(scan, row)).length;
}

/** Whether a row passes a query. */
export function matches(scan: Scan, row: Item): boolean {
  switch (scan) {
    case "int-range":
    case "int-range-indexed":
      return row.n >= scanned.rangeFrom && row.n < scanned.rangeTo;
    case "int-equal":
    case "int-equal-indexed":
      return row.n === scanned.equal;
    case "string-equal":
    case "string-equal-indexed":
      return row.name === scanned.name;
    case "contains":
      return row.note.toLowerCase().includes(scanned.contained);
    case "begins":
      return row.name.startsWith(scanned.prefix);
    case "date-range":
      return row.t >= scanned.since;
    case "or":
      return row.n < scanned.below || row.b;
  }
}
