/**
 * SQLite by better-sqlite3: prepared statements, a write-ahead log, and commits that are on the disk when they return.
 *
 * @module
 */

import { rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Column, type DatabaseSide, scanned, type Scan, type Sort } from "./database-side.js";
import type { Item } from "./items.js";
import { requirePeer } from "./peer-packages.js";

/** As much of better-sqlite3 as is used. */
interface Statement {
  run(...values: unknown[]): unknown;
  get(...values: unknown[]): unknown;
  all(...values: unknown[]): unknown[];
  iterate(...values: unknown[]): Iterable<unknown>;
  pluck(): Statement;
}

interface Sqlite {
  pragma(text: string): unknown;
  exec(text: string): void;
  prepare(text: string): Statement;
  close(): void;
}

type SqliteClass = new (path: string) => Sqlite;

/** A row as SQLite has it: it knows neither booleans nor dates. */
type StoredItem = Omit<Item, "b" | "t"> & { readonly b: number; readonly t: number };

const filters: Readonly<Record<Scan, readonly [condition: string, ...values: (number | string)[]]>> = {
  "int-range": ["n >= ? AND n < ?", scanned.rangeFrom, scanned.rangeTo],
  "int-range-indexed": ["n >= ? AND n < ?", scanned.rangeFrom, scanned.rangeTo],
  "int-equal": ["n = ?", scanned.equal],
  "int-equal-indexed": ["n = ?", scanned.equal],
  "string-equal": ["name = ?", scanned.name],
  "string-equal-indexed": ["name = ?", scanned.name],
  // Its LIKE does not tell upper from lower case, for ASCII.
  contains: ["note LIKE ?", `%${scanned.contained}%`],
  begins: ["name GLOB ?", `${scanned.prefix}*`],
  "date-range": ["t >= ?", scanned.since.getTime()],
  or: ["n < ? OR b = 1", scanned.below],
};

const orders: Readonly<Record<Sort, string>> = {
  int: "SELECT _id FROM item ORDER BY n, _id",
  string: "SELECT _id FROM item ORDER BY name DESC",
  limited: "SELECT _id FROM item ORDER BY d DESC LIMIT 100",
  distinct: "SELECT min(_id) FROM item GROUP BY n",
};

const table =
  "(_id INTEGER PRIMARY KEY, name TEXT NOT NULL, n INTEGER NOT NULL, d REAL NOT NULL, b INTEGER NOT NULL, " +
  "t INTEGER NOT NULL, note TEXT NOT NULL)";

function sumOfStored({ _id, name, n, d, b, t, note }: StoredItem): number {
  return _id + name.length + n + d + b + t + note.length;
}

class SqliteSide implements DatabaseSide {
  readonly name = "sqlite";
  readonly #class: SqliteClass;
  readonly #path: string;
  #database: Sqlite;
  readonly #statements = new Map<string, Statement>();

  constructor(folder: string, isIndexed: boolean) {
    this.#class = requirePeer<SqliteClass>("better-sqlite3", "better-sqlite3");
    this.#path = join(folder, `items-${isIndexed ? "indexed" : "plain"}.sqlite`);
    for (const ending of ["", "-wal", "-shm"]) rmSync(this.#path + ending, { force: true });
    this.#database = this.#open();
    this.#database.exec(`CREATE TABLE item ${table}`);
    if (isIndexed) this.#database.exec("CREATE INDEX by_n ON item(n); CREATE INDEX by_name ON item(name)");
  }

  #open(): Sqlite {
    const database = new this.#class(this.#path);
    database.pragma("journal_mode = WAL");
    database.pragma("synchronous = FULL");
    return database;
  }

  /** A prepared statement. */
  #prepared(text: string, isPlucked = false): Statement {
    let statement = this.#statements.get(text);
    if (statement === undefined) {
      statement = this.#database.prepare(text);
      if (isPlucked) statement.pluck();
      this.#statements.set(text, statement);
    }
    return statement;
  }

  #transaction<T>(work: () => T): T {
    this.#prepared("BEGIN").run();
    const result = work();
    this.#prepared("COMMIT").run();
    return result;
  }

  fileBytes(): number {
    const sizes = ["", "-wal"].map((ending) => statSync(this.#path + ending, { throwIfNoEntry: false })?.size ?? 0);
    return sizes.reduce((sum, size) => sum + size, 0);
  }

  #insertOne(): (row: Item) => void {
    const statement = this.#prepared("INSERT INTO item VALUES (?, ?, ?, ?, ?, ?, ?)");
    return ({ _id, name, n, d, b, t, note }) => void statement.run(_id, name, n, d, b ? 1 : 0, t.getTime(), note);
  }

  insert(rows: Iterable<Item>): void {
    const insertOne = this.#insertOne();
    this.#transaction(() => {
      for (const row of rows) insertOne(row);
    });
  }

  insertOneByOne(rows: readonly Item[]): void {
    rows.forEach(this.#insertOne());
  }

  find(keys: readonly number[]): number {
    const statement = this.#prepared("SELECT _id FROM item WHERE _id = ?");
    return this.#transaction(() => {
      let found = 0;
      for (const key of keys) if (statement.get(key) !== undefined) found += 1;
      return found;
    });
  }

  findAndRead(keys: readonly number[], column: Column): number {
    return this.read(keys, column);
  }

  findAndReadAll(keys: readonly number[]): number {
    const statement = this.#prepared("SELECT * FROM item WHERE _id = ?");
    return this.#transaction(() => {
      let sum = 0;
      for (const key of keys) sum += sumOfStored(statement.get(key) as StoredItem);
      return sum;
    });
  }

  hold(): void {
    // There are no objects that would stay current.
  }

  read(keys: readonly number[], column: Column): number {
    const statement = this.#prepared(`SELECT ${column} FROM item WHERE _id = ?`, true);
    return this.#transaction(() => {
      let sum = 0;
      if (column === "n") for (const key of keys) sum += statement.get(key) as number;
      else for (const key of keys) sum += (statement.get(key) as string).length;
      return sum;
    });
  }

  iterate(column: Column | "all"): number {
    let sum = 0;
    if (column === "all") {
      for (const row of this.#prepared("SELECT * FROM item").iterate()) sum += sumOfStored(row as StoredItem);
      return sum;
    }
    for (const value of this.#prepared(`SELECT ${column} FROM item`, true).iterate()) {
      sum += typeof value === "string" ? value.length : (value as number);
    }
    return sum;
  }

  scan(scan: Scan): number {
    const [condition, ...values] = filters[scan];
    return this.#prepared(`SELECT _id FROM item WHERE ${condition}`, true).all(...values).length;
  }

  sort(sort: Sort): number {
    return this.#prepared(orders[sort], true).all().length;
  }

  sum(): number {
    return this.#prepared("SELECT sum(n) FROM item", true).get() as number;
  }

  update(count: number): void {
    const statement = this.#prepared("UPDATE item SET n = n + 1 WHERE _id = ?");
    this.#transaction(() => {
      for (let key = 0; key < count; key += 1) statement.run(key);
    });
  }

  deleteOneByOne(keys: readonly number[]): number {
    const statement = this.#prepared("DELETE FROM item WHERE _id = ?");
    this.#transaction(() => {
      for (const key of keys) statement.run(key);
    });
    return this.#prepared("SELECT count(*) FROM item", true).get() as number;
  }

  shut(): void {
    this.close();
  }

  open(): void {
    this.#database = this.#open();
    this.find([0]);
  }

  close(): void {
    this.#statements.clear();
    this.#database.close();
  }
}

/** Makes the side; {@link installPeer} must have brought the package. */
export function sqliteSide(folder: string, isIndexed = false): DatabaseSide {
  return new SqliteSide(folder, isIndexed);
}
