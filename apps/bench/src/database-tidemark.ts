/**
 * Tidemark's side, as an application writes it with `@tidemark/node`.
 *
 * @module
 */

import { rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { type ObjectSchema, Realm } from "@tidemark/node";
import { sumOfAll } from "./database-map.js";
import { type Column, type DatabaseSide, scanned, type Scan, type Sort } from "./database-side.js";
import { type Item, itemSchema } from "./items.js";

type LiveItem = Realm.Object<Item> & Item;

const filters: Readonly<Record<Scan, readonly [query: string, ...values: unknown[]]>> = {
  "int-range": ["n >= $0 AND n < $1", scanned.rangeFrom, scanned.rangeTo],
  "int-range-indexed": ["n >= $0 AND n < $1", scanned.rangeFrom, scanned.rangeTo],
  "int-equal": ["n == $0", scanned.equal],
  "int-equal-indexed": ["n == $0", scanned.equal],
  "string-equal": ["name == $0", scanned.name],
  "string-equal-indexed": ["name == $0", scanned.name],
  contains: ["note CONTAINS[c] $0", scanned.contained],
  begins: ["name BEGINSWITH $0", scanned.prefix],
  "date-range": ["t >= $0", scanned.since],
  or: ["n < $0 OR b == true", scanned.below],
};

const orders: Readonly<Record<Sort, string>> = {
  int: "TRUEPREDICATE SORT(n ASC, _id ASC)",
  string: "TRUEPREDICATE SORT(name DESC)",
  limited: "TRUEPREDICATE SORT(d DESC) LIMIT(100)",
  distinct: "TRUEPREDICATE DISTINCT(n)",
};

/** The class with an index on `n` and `name`. */
const indexedSchema: ObjectSchema = {
  ...itemSchema,
  properties: {
    ...itemSchema.properties,
    name: { type: "string", indexed: true },
    n: { type: "int", indexed: true },
  },
};

class TidemarkSide implements DatabaseSide {
  readonly name = "tidemark";
  #realm: Realm;
  #held: LiveItem[] = [];

  constructor(realm: Realm) {
    this.#realm = realm;
  }

  fileBytes(): number {
    return statSync(this.#realm.path).size;
  }

  insert(rows: Iterable<Item>): void {
    const realm = this.#realm;
    realm.write(() => {
      for (const row of rows) realm.create("Item", row);
    });
  }

  insertOneByOne(rows: readonly Item[]): void {
    const realm = this.#realm;
    for (const row of rows) realm.write(() => realm.create("Item", row));
  }

  find(keys: readonly number[]): number {
    let found = 0;
    for (const key of keys) if (this.#realm.objectForPrimaryKey("Item", key) !== null) found += 1;
    return found;
  }

  #get(key: number): LiveItem {
    const found = this.#realm.objectForPrimaryKey<Item>("Item", key);
    if (found === null) throw new Error(`item ${key} is missing`);
    return found;
  }

  findAndRead(keys: readonly number[], column: Column): number {
    let sum = 0;
    if (column === "n") for (const key of keys) sum += this.#get(key).n;
    else for (const key of keys) sum += this.#get(key).name.length;
    return sum;
  }

  findAndReadAll(keys: readonly number[]): number {
    let sum = 0;
    for (const key of keys) sum += sumOfAll(this.#get(key));
    return sum;
  }

  hold(count: number): void {
    this.#held = [];
    for (let key = 0; key < count; key += 1) this.#held.push(this.#get(key));
  }

  read(keys: readonly number[], column: Column): number {
    const held = this.#held;
    let sum = 0;
    if (column === "n") for (const key of keys) sum += held[key]?.n ?? 0;
    else for (const key of keys) sum += held[key]?.name.length ?? 0;
    return sum;
  }

  iterate(column: Column | "all"): number {
    let sum = 0;
    for (const row of this.#realm.objects<Item>("Item")) {
      sum += column === "all" ? sumOfAll(row) : column === "n" ? row.n : row.name.length;
    }
    return sum;
  }

  scan(scan: Scan): number {
    const [query, ...values] = filters[scan];
    return this.#realm.objects("Item").filtered(query, ...values).length;
  }

  sort(sort: Sort): number {
    return this.#realm.objects("Item").filtered(orders[sort]).length;
  }

  sum(): number {
    return this.#realm.objects("Item").sum("n");
  }

  update(count: number): void {
    const held = this.#held;
    this.#realm.write(() => {
      for (let key = 0; key < count; key += 1) {
        const row = held[key];
        if (row !== undefined) row.n += 1;
      }
    });
  }

  deleteOneByOne(keys: readonly number[]): number {
    const realm = this.#realm;
    realm.write(() => {
      for (const key of keys) realm.delete(this.#get(key));
    });
    return realm.objects("Item").length;
  }

  shut(): void {
    this.close();
  }

  open(): void {
    this.#realm = new Realm({ path: this.#realm.path, schema: [itemSchema] });
    this.#realm.objectForPrimaryKey("Item", 0);
  }

  close(): void {
    this.#held = [];
    this.#realm.close();
  }
}

/** Makes the side with a new local file. */
export function tidemarkSide(folder: string, isIndexed = false): DatabaseSide {
  const path = join(folder, `items-${isIndexed ? "indexed" : "plain"}.realm`);
  rmSync(path, { force: true });
  return new TidemarkSide(new Realm({ path, schema: [isIndexed ? indexedSchema : itemSchema] }));
}

/** The same with a realm that is open, such as one of a device. */
export function tidemarkSideOf(realm: Realm): DatabaseSide {
  return new TidemarkSide(realm);
}
