/**
 * Queries: what to look for, evaluated when the answer is asked for.
 *
 * @module
 */

import {
  bindingKey,
  handleKey,
  type Aggregate,
  aggregateOf,
  compareInOrder,
  type Column,
  type Database,
  type Dictionary,
  holdsObjects,
  isPlainPath,
  type List,
  packParameters,
  pathText,
  resolveHandle,
  type Results,
  resultsOfCollection,
  type ValueSet,
} from "@tidemark/engine";
import { type Binding, type Managed, type Owner, requireUsable, scopeOf } from "../binding.js";
import { Decimal128 } from "../bson.js";
import type { Duration } from "../duration.js";
import { call, IllegalArgumentException, IllegalStateException } from "../errors.js";
import type { Flow } from "../flow/flow.js";
import { subscribeOptionsOf, type WaitForSync } from "../sync/subscribe.js";
import type { ResultsChange, SingleQueryChange } from "./changes.js";
import { RealmAny } from "./any.js";
import { RealmInstant } from "./instant.js";
import { areEqual } from "./collection.js";
import { resultsFlow, singleFlow, valueFlow } from "./flows.js";
import type { RealmResults } from "./results.js";

/**
 * Which way an order goes.
 *
 * @enum
 */
export const Sort = {
  /** The smallest first. */
  ASCENDING: "ASCENDING",
  /** The greatest first. */
  DESCENDING: "DESCENDING",
} as const;
export type Sort = (typeof Sort)[keyof typeof Sort];

/** Where a query looks. */
export interface QueryOrigin {
  readonly owner: Owner;
  readonly kind: "frozen" | "live";
  /** The version to look at: the newest, or always the same. */
  binding(): Binding;
  /** The same to ask for a value, of which nothing is kept. */
  database(): Database;
}

/** What values add up to. */
export type SumOf<V> = NonNullable<V> extends Decimal128 | RealmAny ? Decimal128 : number | bigint;

/** Properties of a model that can be named. */
type PropertyOf<T> = keyof T & string;

/** A value computed from the objects that pass a query. */
export class RealmScalarQuery<V> {
  readonly #find: () => V;
  readonly #follow: () => Flow<V>;

  /** @internal */
  constructor(find: () => V, follow: () => Flow<V>) {
    this.#find = find;
    this.#follow = follow;
  }

  /** The value, in the newest version of the realm. */
  find(): V {
    return this.#find();
  }

  /** Follows the value: as it is first, then whenever it is another one. */
  asFlow(): Flow<V> {
    return this.#follow();
  }
}

/** The first object that passes a query. */
export class RealmSingleQuery<T> {
  readonly #query: RealmQuery<T>;

  /** @internal */
  constructor(query: RealmQuery<T>) {
    this.#query = query;
  }

  /** The object, or null. */
  find(): T | null {
    return this.#query.find().getOrNull(0);
  }

  /**
   * Follows the object: a `PendingObject` while there is none, an `InitialObject` when there is one or another, an
   * `UpdatedObject` for each change, a `DeletedObject` when none is left.
   *
   * @param keyPaths only changes of these properties are told: `name`, `owner.name`, `*`, `owner.*`.
   * @throws {@link IllegalArgumentException} if a path names what is not there.
   */
  asFlow(keyPaths?: readonly string[]): Flow<SingleQueryChange<T>> {
    return this.#query.followFirst(keyPaths);
  }
}

/** A query. Never changes: methods that narrow it down return another one. */
export class RealmQuery<T> {
  readonly #origin: QueryOrigin;
  readonly #results: Results;

  private constructor(origin: QueryOrigin, results: Results) {
    this.#origin = origin;
    this.#results = results;
  }

  /** @internal */
  static over<T>(origin: QueryOrigin, results: Results): RealmQuery<T> {
    return new RealmQuery<T>(origin, results);
  }

  /** @internal */
  get internal(): Results {
    return this.#results;
  }

  /** @internal */
  followFirst(keyPaths: readonly string[] | undefined): Flow<SingleQueryChange<T>> {
    this.#requireFrozen("observed");
    return singleFlow<T>(this.#origin.owner, this.#results, keyPaths);
  }

  #with(results: Results): RealmQuery<T> {
    return new RealmQuery<T>(this.#origin, results);
  }

  /** The results in the version that is asked. */
  #resultsIn(database: Database): Results {
    const results = resolveHandle(database, this.#results);
    if (results === undefined) throw new IllegalStateException("What the query looks at does not exist any more");
    return results;
  }

  /**
   * Of these objects those that pass another query.
   *
   * @param filter in Realm Query Language, with `$0`, `$1`, … for the arguments.
   * @throws {@link IllegalArgumentException} if it cannot be understood.
   */
  query(filter: string, ...args: readonly unknown[]): RealmQuery<T> {
    if (filter === "TRUEPREDICATE" && args.length === 0) return this;
    return this.#with(call(() => this.#results.refine(filter, packParameters(this.#results.database, args))));
  }

  /** Orders by a property, the smallest first unless said otherwise. */
  sort(property: string, order?: Sort): RealmQuery<T>;
  /** Orders by several properties: `sort(["age", Sort.DESCENDING], ["name", Sort.ASCENDING])`. */
  sort(...orders: readonly (readonly [property: string, order: Sort])[]): RealmQuery<T>;
  sort(...given: readonly unknown[]): RealmQuery<T> {
    const [first, order = Sort.ASCENDING] = given;
    const orders = (typeof first === "string" ? [[first, order]] : given) as readonly (readonly [string, Sort])[];
    const wanted = orders.map(([keyPath, one]) => ({ keyPath, isDescending: one === Sort.DESCENDING }));
    return this.#with(call(() => this.#results.sorted(wanted)));
  }

  /** Of objects with the same values of these properties the first one. */
  distinct(property: string, ...extraProperties: readonly string[]): RealmQuery<T> {
    return this.#with(call(() => this.#results.distinct([property, ...extraProperties])));
  }

  /** The first so many. */
  limit(count: number): RealmQuery<T> {
    if (!Number.isSafeInteger(count) || count < 0) throw new IllegalArgumentException(`Not a limit: ${count}`);
    return this.#with(call(() => this.#results.limited(count)));
  }

  /** The first one. */
  first(): RealmSingleQuery<T> {
    return new RealmSingleQuery(this);
  }

  /** The objects, in the newest version of the realm. */
  find(): RealmResults<T> {
    const binding = this.#origin.binding();
    requireUsable(binding);
    return binding.results(this.#resultsIn(binding.file.database)) as RealmResults<T>;
  }

  /**
   * Follows the results: an `InitialResults` first, an `UpdatedResults` for each change.
   *
   * @param keyPaths only changes of these properties of the objects are told: `name`, `owner.name`, `*`, `owner.*`.
   * Without them all are, those of objects behind up to four links too.
   * @throws {@link IllegalArgumentException} if a path names what is not there.
   */
  asFlow(keyPaths?: readonly string[]): Flow<ResultsChange<T>> {
    this.#requireFrozen("observed");
    return resultsFlow<T>(this.#origin.owner, this.#results, keyPaths);
  }

  #requireFrozen(what: string): void {
    if (this.#origin.kind === "live") {
      throw new IllegalStateException(`Queries cannot be ${what} inside of a write transaction.`);
    }
  }

  #value<V>(valueOf: (results: Results) => V): RealmScalarQuery<V> {
    const find = (): V => call(() => valueOf(this.#resultsIn(this.#origin.database())));
    const follow = (): Flow<V> => {
      this.#requireFrozen("observed");
      return valueFlow(this.#origin.owner, this.#results, valueOf, areEqual);
    };
    return new RealmScalarQuery(find, follow);
  }

  /** How many objects there are. */
  count(): RealmScalarQuery<number> {
    return this.#value((results) => results.length);
  }

  /** The smallest value of a property: a number, a point in time or any value; null if there is none. */
  min<Name extends PropertyOf<T>>(property: Name): RealmScalarQuery<NonNullable<T[Name]> | null> {
    return this.#extreme("min", property);
  }

  /** The largest value of a property: a number, a point in time or any value; null if there is none. */
  max<Name extends PropertyOf<T>>(property: Name): RealmScalarQuery<NonNullable<T[Name]> | null> {
    return this.#extreme("max", property);
  }

  #extreme<V>(kind: "min" | "max", property: string): RealmScalarQuery<V | null> {
    const column = this.#numeric(kind, property);
    const isOrdered = column.type === "timestamp" || column.type === "mixed";
    if (!isOrdered) return this.#value((results) => aggregated<V>(results, kind, property) ?? null);
    return this.#value((results) => extremeInOrder(results, kind, property) as V | null);
  }

  /**
   * The sum of a property's values: a number, or a bigint where a number is not exact; of decimals and of values of any
   * type, whose numbers count, a decimal. 0 if there is none.
   */
  sum<Name extends PropertyOf<T>>(property: Name): RealmScalarQuery<SumOf<T[Name]>> {
    const { type } = this.#numeric("sum", property);
    if (type === "timestamp") throw new IllegalArgumentException("Cannot perform 'sum' on properties of RealmInstant");
    if (type === "decimal" || type === "mixed") return this.#value((results) => decimalSum(results, property) as never);
    return this.#value((results) => (aggregated<number | bigint>(results, "sum", property) ?? 0) as SumOf<T[Name]>);
  }

  /** @throws {@link IllegalArgumentException} unless values of the property can be compared. */
  #numeric(kind: Aggregate, property: string): Column {
    const column = this.#results.layout.columnByPublicName(property);
    const types = ["int", "float", "double", "timestamp", "decimal", "mixed"];
    if (column !== undefined && column.collection === "single" && types.includes(column.type)) return column;
    const name = `${this.#results.layout.name}.${property}`;
    throw new IllegalArgumentException(`Cannot perform '${kind}' on '${name}': it holds no numbers`);
  }

  /** The query as one text, with the arguments in it. */
  description(): string {
    return call(() => this.#results.describe());
  }

  /**
   * Has these objects synchronised from now on, and returns them. As in realm-kotlin nothing is committed if the same
   * subscription exists.
   *
   * @param name of the subscription; without one it is known by its query.
   * @param updateExisting whether another query of that name is replaced.
   * @param mode when to wait for the data; by default where the subscription is new.
   * @param timeout how long to wait; milliseconds if it is a number, for ever by default.
   * @throws {@link TimeoutCancellationException} if the time is over; the subscription stays.
   * @throws {@link IllegalStateException} inside of a write transaction, or if the name has another query.
   */
  async subscribe(
    name: string | null = null,
    updateExisting: boolean = false,
    mode?: WaitForSync,
    timeout?: Duration | number,
  ): Promise<RealmResults<T>> {
    this.#requireFrozen("subscribed to");
    const { owner } = this.#origin;
    await owner.subscribe(this.#results, subscribeOptionsOf(name, updateExisting, mode, timeout));
    return RealmQuery.over<T>(newestOf(owner), this.#results).find();
  }
}

function aggregated<V>(results: Results, kind: Aggregate, property: string): V | undefined {
  return results.aggregate(kind, property) as V | undefined;
}

/** The first or last value, which an order finds. */
function extremeInOrder(results: Results, kind: "min" | "max", property: string): unknown {
  const column = results.layout.columnByPublicName(property);
  if (column === undefined) return null;
  const values: unknown[] = [];
  const given = results.refine(`${pathText(column.name, values)} != null`, packParameters(results.database, values));
  if (!isPlainPath(column.name)) return extremeOneByOne(given, kind, column);
  const value = given
    .sorted([{ keyPath: property, isDescending: kind === "max" }])
    .get(0)
    ?.get(column);
  return value ?? null;
}

/** The same where no order can be by the property's name. */
function extremeOneByOne(given: Results, kind: "min" | "max", column: Column): unknown {
  const sign = kind === "min" ? -1 : 1;
  let best: unknown = null;
  for (const object of given.objects()) {
    const value = object.get(column);
    if (best === null || sign * compareInOrder(comparable(value), comparable(best)) > 0) best = value;
  }
  return best;
}

function comparable(value: unknown): unknown {
  const plain = value instanceof RealmAny ? value.value : value;
  if (!(plain instanceof RealmInstant)) return plain;
  // Among values of any type points in time have a place of their own, to the millisecond.
  if (value instanceof RealmAny) return plain.toDate();
  return BigInt(plain.epochSeconds) * 1_000_000_000n + BigInt(plain.nanosecondsOfSecond);
}

/** The sum of what numbers there are. */
function decimalSum(results: Results, property: string): Decimal128 {
  const column = results.layout.columnByPublicName(property);
  const values = column === undefined ? [] : Array.from(results.objects(), (object) => object.get(column));
  const numbers = values.map((value) => (value instanceof RealmAny ? numberIn(value) : value));
  const zero = Decimal128.fromString("0");
  // The zero makes decimals of whole numbers too, and takes no digits away.
  return aggregateOf("sum", [zero, ...numbers]) as Decimal128;
}

function numberIn(any: RealmAny): unknown {
  const isNumber = ["INT", "FLOAT", "DOUBLE", "DECIMAL128"].includes(any.type);
  return isNumber ? any.value : undefined;
}

/** A query over the objects of a list, set or dictionary that is stored. */
export function queryOfCollection<T>(collection: Managed, filter: string, args: readonly unknown[]): RealmQuery<T> {
  const { [handleKey]: handle, [bindingKey]: binding } = collection;
  if (handle === undefined || binding === undefined) {
    throw new IllegalArgumentException("Unmanaged lists, sets and dictionaries cannot be queried");
  }
  const given = handle as List | ValueSet | Dictionary;
  if (!holdsObjects(given)) {
    throw new IllegalArgumentException("Only lists, sets and dictionaries of objects can be queried");
  }
  return RealmQuery.over<T>(originOf(binding), resultsOfCollection(given)).query(filter, ...args);
}

/** Always the same version, or the transaction. */
export function originOf(binding: Binding): QueryOrigin {
  const { owner, kind } = scopeOf(binding);
  const database = (): Database => {
    requireUsable(binding);
    return binding.file.database;
  };
  return { owner, kind, binding: () => binding, database };
}

/** Whichever version is the newest. */
export function newestOf(owner: Owner): QueryOrigin {
  // Outside of a transaction the file itself shows the newest version: no other has to be opened for a value.
  const database = (): Database => {
    const { database: live } = owner.file;
    return live.isInWrite ? owner.current().file.database : live;
  };
  return { owner, kind: "frozen", binding: () => owner.current(), database };
}
