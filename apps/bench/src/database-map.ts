/**
 * A plain `Map` of plain objects: what a program could do at best, without a database.
 *
 * @module
 */

import { type Column, type DatabaseSide, matches, type Scan, type Sort } from "./database-side.js";
import type { Item } from "./items.js";

/** Everything that an item says, as one number. */
export function sumOfAll({ _id, name, n, d, b, t, note }: Item): number {
  return _id + name.length + n + d + (b ? 1 : 0) + t.getTime() + note.length;
}

/** Makes the side. */
export function mapSide(): DatabaseSide {
  const map = new Map<number, Item>();
  const valueOf = (key: number, column: Column): number => {
    const row = map.get(key);
    if (row === undefined) return 0;
    return column === "n" ? row.n : row.name.length;
  };
  const total = (keys: readonly number[], column: Column): number => {
    let sum = 0;
    for (const key of keys) sum += valueOf(key, column);
    return sum;
  };
  return {
    name: "map",
    fileBytes: () => undefined,
    insert: (rows) => {
      for (const row of rows) map.set(row._id, { ...row });
    },
    find: (keys) => {
      let found = 0;
      for (const key of keys) if (map.get(key) !== undefined) found += 1;
      return found;
    },
    findAndRead: total,
    findAndReadAll: (keys) => {
      let sum = 0;
      for (const key of keys) {
        const row = map.get(key);
        if (row !== undefined) sum += sumOfAll(row);
      }
      return sum;
    },
    hold: () => undefined,
    read: total,
    iterate: (column) => {
      let sum = 0;
      for (const row of map.values())
        sum += column === "all" ? sumOfAll(row) : column === "n" ? row.n : row.name.length;
      return sum;
    },
    scan: (scan: Scan) => {
      const found: number[] = [];
      for (const row of map.values()) if (matches(scan, row)) found.push(row._id);
      return found.length;
    },
    sort: (sort) => sorted([...map.values()], sort).length,
    sum: () => {
      let sum = 0;
      for (const { n } of map.values()) sum += n;
      return sum;
    },
    update: (count) => {
      for (let key = 0; key < count; key += 1) {
        const row = map.get(key);
        if (row !== undefined) row.n += 1;
      }
    },
    deleteOneByOne: (keys) => {
      for (const key of keys) map.delete(key);
      return map.size;
    },
    close: () => map.clear(),
  };
}

function sorted(rows: Item[], sort: Sort): Item[] {
  switch (sort) {
    case "int":
      return rows.sort((a, b) => a.n - b.n || a._id - b._id);
    case "string":
      return rows.sort((a, b) => (a.name < b.name ? 1 : -1));
    case "limited":
      return rows.sort((a, b) => b.d - a.d).slice(0, 100);
    case "distinct": {
      const first = new Map<number, Item>();
      for (const row of rows) if (!first.has(row.n)) first.set(row.n, row);
      return [...first.values()];
    }
  }
}
