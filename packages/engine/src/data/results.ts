/**
 * Live results: the objects of a class, or of a collection, that pass a chain of queries.
 *
 * @module
 */

import type { Decimal128 } from "bson";
import { EngineError, errorCodeOf, messageOf } from "../errors.js";
import { ByteWriter } from "../values/bytes.js";
import type { Conventions } from "../values/conventions.js";
import { aggregateOfDecimals, decimalOfNumber } from "../values/decimal-arithmetic.js";
import { isDecimal, packMixed } from "../values/pack.js";
import { tag } from "../values/tags.js";
import { type Page, pageOf, readScalar, skipValue } from "../values/unpack.js";
import type { ClassChanges } from "./change-summary.js";
import { type CollectionChanges, indexOfKey, patchKeys } from "./changes.js";
import type { Database } from "./database.js";
import type { DictionaryTargets } from "./dictionary-targets.js";
import type { KeySequence } from "./key-sequence.js";
import type { List } from "./list.js";
import { aggregateOfNumbers } from "./number-column.js";
import { ObjectHandle } from "./object.js";
import type { ClassLayout, Column } from "./schema.js";
import { patchCost, patchSorted } from "./sorted-patch.js";
import type { ValueSet } from "./value-set.js";

/** Where the objects come from. */
export type ResultsSource =
  | {
      /** All objects of the class. */
      readonly kind: "class";
    }
  | {
      /** Those of a collection. */
      readonly kind: "collection";
      /** The list or set of links, or what a dictionary leads to. */
      readonly collection: List | ValueSet | DictionaryTargets;
    }
  | {
      /** The objects of one moment. */
      readonly kind: "keys";
      /** Their keys. */
      readonly keys: Float64Array;
    };

/** One query of the chain. */
export interface Stage {
  /** In Realm Query Language. */
  readonly text: string;
  /** `u32 count`, then packed values. */
  readonly parameters: Uint8Array;
}

/** A place in the order of results. */
export interface Order {
  /** Names in the application, from property to property: `owner.name`. */
  readonly keyPath: string;
  /** Whether the greatest comes first. */
  readonly isDescending: boolean;
}

/** What can be made of many values. */
export type Aggregate = "min" | "max" | "sum" | "avg";

/** Fewer changes than this are always looked at one by one. */
const patchedMin = 64;

/**
 * How a query looks at objects: each by itself, keeping the order of creation; each by itself, in an order of their
 * own values; or in another way. Errs on the safe side.
 */
function natureOf(text: string): "plain" | "sorted" | "other" {
  // What a string says, and the point of a number, mean nothing here.
  const bare = text.replaceAll(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/g, "''").replaceAll(/\b\d+\.\d+/g, "0");
  const sort = /\bsort\s*\([^()]*\)\s*$/i.exec(bare);
  const predicate = sort === null ? bare : bare.slice(0, sort.index);
  // A path that is an argument may lead anywhere.
  if (/[.@]|\$K\d|\b(?:sort|distinct|limit|subquery)\b/i.test(predicate)) return "other";
  if (sort === null) return "plain";
  return /\.|\$K\d/.test(sort[0]) ? "other" : "sorted";
}

function ascending(a: number, b: number): number {
  return a - b;
}

/** Objects read by one call while iterating. */
const pageLength = 256;

const noParameters = new Uint8Array(4);

/** Live results. */
export class Results {
  /** The open file. */
  readonly database: Database;
  /** Where the objects come from. */
  readonly source: ResultsSource;
  /** The queries, one after the other. */
  readonly stages: readonly Stage[];
  readonly #layout: ClassLayout;
  #keys: Float64Array | (() => Float64Array) | undefined;
  #epoch = -1;

  constructor(database: Database, layout: ClassLayout, source: ResultsSource, stages: readonly Stage[]) {
    this.database = database;
    this.#layout = layout;
    this.source = source;
    this.stages = stages;
  }

  /** The class of the objects, with the columns that it has by now. */
  get layout(): ClassLayout {
    return this.database.storedLayout(this.#layout.name) ?? this.#layout;
  }

  /** Whether what the results came from still exists. */
  isValid(): boolean {
    if (this.database.isClosed) return false;
    return this.source.kind !== "collection" || this.source.collection.isValid();
  }

  /**
   * How a change shows: `plain` and `sorted` results can be patched, looking at nothing but the changed objects.
   *
   * @internal
   */
  get nature(): "plain" | "sorted" | "other" {
    if (this.source.kind !== "class") return "other";
    const natures = this.stages.map(({ text }) => natureOf(text));
    if (natures.includes("other")) return "other";
    return natures.includes("sorted") ? "sorted" : "plain";
  }

  /** What must be unchanged for known keys to be right. */
  #currentEpoch(): number {
    const { source } = this;
    if (source.kind === "keys" && this.stages.length === 0) return 0;
    return source.kind === "class" && this.stages.length === 0 ? this.layout.membershipEpoch : this.database.dataEpoch;
  }

  /** Keys of the objects, in order. */
  keys(): Float64Array {
    this.database.requireOpen();
    const epoch = this.#currentEpoch();
    if (this.#keys === undefined || this.#epoch !== epoch) {
      this.database.flush();
      this.#keys = this.#evaluate();
      this.#epoch = epoch;
    }
    if (typeof this.#keys === "function") this.#keys = this.#keys();
    return this.#keys;
  }

  /**
   * The keys after some changes, from the keys before them: for plain results.
   *
   * @param modified objects whose changes are to be told.
   * @returns `undefined` if there are so many changes that everything is looked at instead.
   * @internal
   */
  patch(
    before: Float64Array,
    changes: ClassChanges,
    modified: Iterable<number>,
  ): ReturnType<typeof patchKeys> | undefined {
    const changed = changes.inserted.length + changes.modified.size;
    if (changed + changes.deleted.length > before.length / 2 + patchedMin) return undefined;
    const left = changes.deleted.filter((key) => indexOfKey(before, key) >= 0);
    const came: number[] = [];
    const passing = this.stages.length === 0 ? undefined : this.#passing(changes);
    for (const key of changes.inserted) {
      if (passing?.has(key) !== false && indexOfKey(before, key) < 0) came.push(key);
    }
    if (passing !== undefined) {
      for (const key of changes.modified.keys()) {
        const wasThere = indexOfKey(before, key) >= 0;
        if (wasThere && !passing.has(key)) left.push(key);
        if (!wasThere && passing.has(key)) came.push(key);
      }
    }
    const patched = patchKeys(before, left.sort(ascending), came.sort(ascending), modified);
    this.#adopt(patched.keys);
    return patched;
  }

  /**
   * Brings the keys up to date: for sorted results. Says what came, went and moved.
   *
   * @returns `undefined` if there are so many changes that everything is looked at instead.
   * @internal
   */
  patchSorted(sequence: KeySequence, changes: ClassChanges): CollectionChanges | undefined {
    const touched = [...changes.inserted, ...changes.modified.keys()];
    if (touched.length * patchCost > sequence.length + patchedMin * patchCost) return undefined;
    const told = patchSorted(sequence, {
      deleted: changes.deleted,
      touched,
      rank: (keys) => this.#run(keys),
    });
    this.#adopt(() => sequence.toArray());
    return told;
  }

  /** Takes in what the keys are now; a function is asked when somebody wants to know. */
  #adopt(keys: Float64Array | (() => Float64Array)): void {
    this.#keys = keys;
    this.#epoch = this.#currentEpoch();
  }

  /** Those of the changed objects that pass the queries. */
  #passing(changes: ClassChanges): Set<number> {
    return new Set(this.#run(Float64Array.from([...changes.inserted, ...changes.modified.keys()])));
  }

  #run(given: Float64Array): Float64Array {
    let keys = given;
    for (const { text, parameters } of this.stages) keys = this.#query(text, parameters, keys);
    return keys;
  }

  #evaluate(): Float64Array {
    const { source, stages } = this;
    const [first] = stages;
    let keys: Float64Array | null = null;
    if (source.kind === "keys") keys = source.keys;
    else if (source.kind === "collection") keys = source.collection.keys();
    else if (first === undefined) return this.#query("TRUEPREDICATE", noParameters, null);
    for (const stage of stages) keys = this.#query(stage.text, stage.parameters, keys);
    return keys ?? new Float64Array(0);
  }

  #query(text: string, parameters: Uint8Array, restrict: Float64Array | null): Float64Array {
    const { store, view } = this.database;
    try {
      return store.query(view, this.layout.index, text, parameters, restrict);
    } catch (error) {
      throw queryError(error);
    }
  }

  /** How many objects there are now. */
  get length(): number {
    const { database } = this;
    if (this.source.kind === "class" && this.stages.length === 0) {
      database.requireOpen();
      const epoch = this.#currentEpoch();
      if (this.#keys instanceof Float64Array && this.#epoch === epoch) return this.#keys.length;
      database.flush();
      return database.store.count(database.view, this.layout.index);
    }
    return this.keys().length;
  }

  /** The object at an index; `undefined` beyond the end. */
  get(index: number): ObjectHandle | undefined {
    const key = this.keys()[index];
    return key === undefined ? undefined : new ObjectHandle(this.database, this.layout, key);
  }

  /** The objects of this moment, read a page at a time; those deleted meanwhile are left out. */
  *objects(): Generator<ObjectHandle> {
    for (const page of this.pages()) yield* page;
  }

  /** The same by pages, for those who go through them fast. */
  *pages(): Generator<readonly ObjectHandle[]> {
    const keys = this.keys();
    for (let start = 0; start < keys.length; start += pageLength) {
      yield readObjects(this.database, this.layout, keys.subarray(start, start + pageLength));
    }
  }

  /** Adds a query to the chain. Checks it at once. */
  refine(text: string, parameters: Uint8Array): Results {
    this.database.requireOpen();
    const stage: Stage = { text, parameters };
    checkQuery(this.database, this.layout, stage);
    return new Results(this.database, this.layout, this.source, [...this.stages, stage]);
  }

  /** The same in an order: by the first key path, where that is equal by the next. */
  sorted(orders: readonly Order[]): Results {
    if (orders.length === 0) return this;
    const texts = orders.map(({ keyPath, isDescending }) => {
      return `${this.#storedPath(keyPath)} ${isDescending ? "DESC" : "ASC"}`;
    });
    return this.refine(`TRUEPREDICATE SORT(${texts.join(", ")})`, noParameters);
  }

  /** Of objects with the same values at these key paths, the first one. */
  distinct(keyPaths: readonly string[]): Results {
    const texts = keyPaths.map((keyPath) => this.#storedPath(keyPath));
    return this.refine(`TRUEPREDICATE DISTINCT(${texts.join(", ")})`, noParameters);
  }

  /** The first so many. */
  limited(count: number): Results {
    return this.refine(`TRUEPREDICATE LIMIT(${count})`, noParameters);
  }

  /** A key path with the names of the file; names that are not known stay, for the query to refuse them. */
  #storedPath(keyPath: string): string {
    let layout: ClassLayout | undefined = this.layout;
    const names = keyPath.split(".").map((name) => {
      const column: Column | undefined = layout?.columnByPublicName(name);
      layout = column?.target === undefined ? undefined : this.database.storedLayout(column.target);
      return column?.name ?? name;
    });
    return names.join(".");
  }

  /** What a property of all objects comes to; `undefined` if there is no value, for a sum 0. */
  aggregate(kind: Aggregate, publicName: string): unknown {
    const column = this.layout.columnByPublicName(publicName);
    if (column === undefined) {
      throw new EngineError("invalid-argument", `Property '${publicName}' does not exist on '${this.layout.name}'`);
    }
    if (!column.isPlain) return aggregateOf(kind, this.#column(column));
    const keys = this.#given();
    if (kind === "sum") {
      const sum = this.database.store.sum(this.database.view, this.layout.index, column.index, keys);
      if (!Number.isNaN(sum)) return sum;
    }
    const page = this.#plainPage(column, keys);
    const numbers = aggregateOfNumbers(kind, page);
    return numbers === undefined ? aggregateOf(kind, this.#valuesOf(page)) : numbers.value;
  }

  *#column(column: Column): Generator {
    for (const object of this.objects()) yield object.get(column);
  }

  /** The keys that say whose columns are meant; `null` for all objects of the class. */
  #given(): Float64Array | null {
    this.database.requireOpen();
    this.database.flush();
    return this.source.kind === "class" && this.stages.length === 0 ? null : this.keys();
  }

  /** Values of a column that holds single ones, packed: read without making objects. */
  #plainPage(column: Column, keys: Float64Array | null): Page {
    const { database, layout } = this;
    return pageOf(database.store.column(database.view, layout.index, column.index, keys));
  }

  #valuesOf(page: Page): unknown[] {
    const values: unknown[] = [];
    for (let offset = 0; offset < page.bytes.length; offset = skipValue(page, offset)) {
      values.push(readScalar(page, offset, this.database.conventions));
    }
    return values;
  }

  /** These objects, whatever happens to the database. */
  snapshot(): Results {
    return new Results(this.database, this.layout, { kind: "keys", keys: this.keys() }, []);
  }

  /** The query as one text without parameters: what a subscription sends. */
  describe(): string {
    const { store, view } = this.database;
    if (this.source.kind !== "class") {
      throw new EngineError("invalid-argument", "Subscriptions can only be made for results of a whole class.");
    }
    const texts = this.stages.map((stage) => {
      try {
        return store.describeQuery(view, this.layout.index, stage.text, stage.parameters);
      } catch (error) {
        throw queryError(error);
      }
    });
    const predicates = texts.filter((text) => text !== "TRUEPREDICATE" && text !== "");
    if (predicates.length === 0) return "TRUEPREDICATE";
    return predicates.length === 1 ? (predicates[0] ?? "") : predicates.map((text) => `(${text})`).join(" and ");
  }

  /** Where an object stands, or −1. */
  indexOf(object: ObjectHandle): number {
    if (object.database !== this.database || object.layout.name !== this.layout.name) return -1;
    if (object.key < 0) this.database.flush();
    return this.keys().indexOf(object.key);
  }

  /** Erases all objects of this moment. */
  eraseAll(): void {
    this.database.requireWrite();
    const { database, layout } = this;
    const keys = this.keys().slice();
    database.flush();
    for (const key of keys) {
      if (this.source.kind !== "class" && !new ObjectHandle(database, layout, key).isValid()) continue;
      database.batch.erase({ key, classIndex: layout.index });
      layout.touch(key);
    }
    layout.noteRemoval();
    database.dataEpoch += 1;
  }
}

/** Reads objects with their rows in one call. */
export function readObjects(database: Database, layout: ClassLayout, keys: Float64Array): ObjectHandle[] {
  database.flush();
  const page = pageOf(database.store.rows(database.view, layout.index, keys));
  const objects: ObjectHandle[] = [];
  let offset = 0;
  for (const key of keys) {
    const length = page.view.getUint32(offset, true);
    if (length > 0) {
      const object = new ObjectHandle(database, layout, key);
      object.seed(page, offset + 4);
      objects.push(object);
    }
    offset += 4 + length;
  }
  return objects;
}

/** Packs the arguments of a query; an array is a list of values, as for `IN`. */
export function packParameters(database: Database, values: readonly unknown[]): Uint8Array {
  if (values.length === 0) return noParameters;
  const { conventions } = database;
  const writer = new ByteWriter(64);
  writer.u32(values.length);
  for (const value of values) {
    if (Array.isArray(value)) packList(writer, value, conventions);
    else packMixed(writer, value, conventions, undefined, "int-if-whole");
  }
  return writer.copy();
}

function packList(writer: ByteWriter, values: readonly unknown[], conventions: Conventions): void {
  writer.u8(tag.list);
  const start = writer.length;
  writer.u32(0);
  writer.u32(values.length);
  for (const value of values) packMixed(writer, value, conventions, undefined, "int-if-whole");
  writer.patchU32(start, writer.length - start - 4);
}

/** What values come to. Those that are neither numbers nor points in time do not count. */
export function aggregateOf(
  kind: Aggregate,
  values: Iterable<unknown>,
): number | bigint | Date | Decimal128 | undefined {
  const all: readonly unknown[] = Array.isArray(values) ? values : [...values];
  const counted = all.filter(isCounted);
  if (counted.length < all.length) {
    const decimals = decimalsAmong(all);
    if (decimals !== undefined) return aggregateOfDecimals(kind, decimals);
  }
  if (kind === "sum") return sumOf(counted);
  const [first, ...rest] = counted;
  if (first === undefined) return undefined;
  if (kind === "avg") return Number(sumOf(counted)) / counted.length;
  return rest.reduce((best, value) => ((kind === "min" ? value < best : value > best) ? value : best), first);
}

/** Numbers as decimals, if a decimal is among them. */
function decimalsAmong(values: readonly unknown[]): Decimal128[] | undefined {
  if (!values.some(isDecimal)) return undefined;
  return values.flatMap((value) => {
    if (isDecimal(value)) return [value];
    return typeof value === "number" || typeof value === "bigint" ? [decimalOfNumber(value)] : [];
  });
}

function isCounted(value: unknown): value is number | bigint | Date {
  return typeof value === "number" || typeof value === "bigint" || value instanceof Date;
}

/** Exact where all values are integers that JavaScript's numbers cannot hold. */
function sumOf(values: readonly (number | bigint | Date)[]): number | bigint {
  if (!values.some((value) => typeof value === "bigint")) {
    let sum = 0;
    for (const value of values) sum += Number(value);
    return sum;
  }
  return values.reduce<bigint>((sum, value) => sum + BigInt(value instanceof Date ? value.getTime() : value), 0n);
}

const noObjects = new Float64Array(0);

/** Lets the core parse and bind a query without looking at any object. */
function checkQuery(database: Database, layout: ClassLayout, stage: Stage): void {
  try {
    database.store.query(database.view, layout.index, stage.text, stage.parameters, noObjects);
  } catch (error) {
    throw queryError(error);
  }
}

function queryError(error: unknown): unknown {
  if (errorCodeOf(error) !== "invalid-query") return error;
  return new EngineError("invalid-query", messageOf(error), { cause: error });
}
