/**
 * Live objects: a key, and the row as last read.
 *
 * @module
 */

import { EngineError, must } from "../errors.js";
import { copyBytes } from "../values/bytes.js";
import { Linkable, packValue, prepareValue } from "../values/pack.js";
import { tag } from "../values/tags.js";
import { columnOffset, type Page, pageOf, readLink, readMixed, readScalar } from "../values/unpack.js";
import { askSizes, askValue } from "./asked.js";
import { type Address, operation, type PendingObject } from "./batch.js";
import { checkValue, missingValue } from "./check.js";
import type { Database } from "./database.js";
import { createObject, type UpdateMode } from "./create.js";
import { Dictionary } from "./dictionary.js";
import { elementOffset } from "./elements.js";
import { List } from "./list.js";
import { unread } from "./reader.js";
import { type ClassLayout, type Column, primaryKeyColumn } from "./schema.js";
import { type CollectionPlace, nestedCollection, noWay, writeNested } from "./nested.js";
import { ValueSet } from "./value-set.js";

/** Where a row stands now. */
export interface RowPlace {
  /** The bytes. */
  readonly page: Page;
  /** Where it begins in them. */
  readonly offset: number;
}

/** Stands for no decoded values; never written to. */
const noValues: unknown[] = [];

/** What has columns: an object, or an embedded object inside one. */
export interface Holder {
  /** The open file. */
  readonly database: Database;
  /** The class. */
  readonly layout: ClassLayout;
  /** @internal @throws if it is gone. */
  row(): RowPlace;
  /** @internal The way to a column, for a mutation. */
  address(column: Column): Address;
  /** Whether it still exists. */
  isValid(): boolean;
}

/** The object that an address begins at. */
export type RootObject = ObjectHandle;

/** A live object of a class with its own keys. */
export class ObjectHandle extends Linkable implements Holder, PendingObject {
  /** The open file. */
  readonly database: Database;
  /** The class. */
  readonly layout: ClassLayout;
  /** Index of the class. */
  readonly classIndex: number;
  /** Key in the file; −1 while the object is in the making. */
  key: number;
  #page: Page | undefined;
  #offset = 0;
  #loadedAt = -1;
  /** No object of the class has gone since it was known to exist. */
  #existsAt = -1;
  #packedKey: Uint8Array | undefined;
  /** The primary key's value of an object in the making. */
  readonly #keyValue: unknown;
  /** Scalars decoded from the row; links and collections are looked up each time. */
  #values: unknown[] = noValues;

  /**
   * @param packedKey of an object in the making, whose `key` is −1: its primary key.
   * @param keyValue the value of that, if it is not packed yet.
   */
  constructor(database: Database, layout: ClassLayout, key: number, packedKey?: Uint8Array, keyValue?: unknown) {
    super();
    this.database = database;
    this.layout = layout;
    this.classIndex = layout.index;
    this.key = key;
    this.#packedKey = packedKey;
    this.#keyValue = keyValue;
  }

  /** Name of the class. */
  get className(): string {
    return this.layout.name;
  }

  /** @internal Takes in a row that was read together with others; `offset` is that of the key's length. */
  seed(page: Page, offset: number): void {
    if (page === unread) return;
    this.#page = page;
    this.#offset = offset;
    this.#loadedAt = this.layout.epoch;
    this.#values = noValues;
    this.#packedKey = undefined;
  }

  /** Reads the row again if anything may have changed it. Returns false if the object is gone. */
  #refresh(): boolean {
    const { database, layout } = this;
    if (this.#page !== undefined && layout.isFresh(this.key, this.#loadedAt)) {
      this.#loadedAt = layout.epoch;
      return true;
    }
    if (database.batch.isDirty(this)) database.batch.flush();
    const { reader } = database;
    if (this.key < 0 || !reader.read(database.view, this.classIndex, this.key)) {
      this.#page = undefined;
      return false;
    }
    this.seed(reader.page, reader.offset);
    return true;
  }

  #require(): Page {
    this.database.requireOpen();
    if (!this.#refresh() || this.#page === undefined) throw this.#gone();
    return this.#page;
  }

  /** Whether it still exists. */
  isValid(): boolean {
    return !this.database.isClosed && (this.isAsked ? this.#exists() : this.#refresh());
  }

  /**
   * @internal Whether the core is asked for single values: the open write transaction has changed the object, and its
   * row may be long.
   */
  get isAsked(): boolean {
    const { database, layout, key } = this;
    if (!database.isInWrite || !layout.hasCollections || key < 0) return false;
    if (this.#page !== undefined && layout.isFresh(key, this.#loadedAt)) return false;
    return layout.isChangedInWrite(key);
  }

  /** Whether an object that is asked exists. */
  #exists(): boolean {
    const { database, layout } = this;
    if (this.#existsAt === layout.removalEpoch) return true;
    const column = layout.columns.find(({ collection }) => collection !== "single");
    if (column === undefined ? !this.#refresh() : !askIsThere(database, this.address(column), column)) return false;
    this.#existsAt = layout.removalEpoch;
    return true;
  }

  #ask(column: Column): unknown {
    const { database } = this;
    if (column.collection !== "single") {
      if (!this.#exists()) throw this.#gone();
      return readColumn(this, column);
    }
    if (column.index === primaryKeyColumn) {
      if (!this.#exists()) throw this.#gone();
      // It never changes, so an old row says it too.
      const { conventions } = database;
      if (this.#packedKey !== undefined) return readScalar(pageOf(this.#packedKey), 0, conventions);
      return this.#page === undefined ? this.#primaryKey() : readScalar(this.#page, this.#offset + 4, conventions);
    }
    const page = askValue(database, this.address(column));
    if (page === undefined) throw this.#gone();
    return readElement({ holder: this, column, way: noWay }, page, 0, undefined);
  }

  #gone(): EngineError {
    return new EngineError(
      "invalidated",
      `Accessing object of type ${this.layout.name} which has been invalidated or deleted`,
    );
  }

  /** @internal Where its row stands now. @throws {@link EngineError} `invalidated` if it is gone. */
  row(): RowPlace {
    const page = this.#require();
    return { page, offset: this.#offset + 4 + page.view.getUint32(this.#offset, true) };
  }

  /** @internal The primary key as the core writes it. */
  packedKey(): Uint8Array {
    if (this.#packedKey === undefined && this.key < 0 && this.#keyValue !== undefined) {
      const { conventions, reader } = this.database;
      const column = must(this.layout.primaryKey, "the class has a primary key");
      this.#packedKey = copyBytes(reader.packKey(column, this.#keyValue, conventions));
    }
    if (this.#packedKey === undefined) {
      const page = this.#require();
      const start = this.#offset + 4;
      this.#packedKey = copyBytes(page.bytes, start, start + page.view.getUint32(this.#offset, true));
    }
    return this.#packedKey;
  }

  /** @internal The way to a column, for a mutation. */
  address(column: Column): Address {
    return { classIndex: this.classIndex, object: this, column: column.index, path: [] };
  }

  /** Value of a column: a scalar, an object, or a collection. */
  get(column: Column): unknown {
    if (this.#page === undefined || this.#loadedAt !== this.layout.epoch || this.database.isClosed) {
      if (this.isAsked) return this.#ask(column);
      this.#require();
    }
    const known = this.#values[column.index];
    if (known !== undefined) return known;
    if (column.index === primaryKeyColumn) return this.#primaryKey();
    const value = readColumn(this, column);
    if (typeof value !== "object" || value === null) {
      if (this.#values === noValues) this.#values = [];
      this.#values[column.index] = value;
    }
    return value;
  }

  #primaryKey(): unknown {
    return readScalar(this.#require(), this.#offset + 4, this.database.conventions);
  }

  /** Assigns a column, in a write transaction. */
  set(column: Column, value: unknown): void {
    if (!column.isPlain && column.index !== primaryKeyColumn) checkAssignment(this, column, value);
    writeColumn(this, column, value, false);
  }

  /** Adds to an integer, so that concurrent additions add up. */
  add(column: Column, amount: number | bigint): void {
    this.database.requireWrite();
    this.database.checkWrite(this.layout);
    const { batch } = this.database;
    batch.begin(operation.addInteger, this.address(column)).i64(amount);
    batch.end();
    touched(this);
  }

  /** Removes the object. */
  erase(): void {
    this.database.requireWrite();
    this.#require();
    this.database.batch.erase(this);
    this.layout.noteRemoval();
    touched(this);
  }

  /** Whether both are the same object of the same file. */
  equals(other: unknown): boolean {
    if (!(other instanceof ObjectHandle)) return false;
    if (this.key < 0 || other.key < 0) this.database.flush();
    return this.database === other.database && this.layout.name === other.layout.name && this.key === other.key;
  }
}

/** An object inside another one, found by its way from there. */
export class EmbeddedHandle implements Holder {
  /** The open file. */
  readonly database: Database;
  /** The class. */
  readonly layout: ClassLayout;
  /** What holds it. */
  readonly parent: Holder;
  /** The column of the parent that holds it. */
  readonly column: Column;
  /** Index or key in the parent's collection; `undefined` for a single one. */
  readonly element: number | string | undefined;

  constructor(parent: Holder, column: Column, layout: ClassLayout, element: number | string | undefined) {
    this.database = parent.database;
    this.layout = layout;
    this.parent = parent;
    this.column = column;
    this.element = element;
  }

  /** Name of the class. */
  get className(): string {
    return this.layout.name;
  }

  /** @internal Way from the root object to this one. */
  place(): Address {
    const address = this.parent.address(this.column);
    return this.element === undefined ? address : { ...address, path: [...address.path, this.element] };
  }

  /** @internal The way to a column, for a mutation. */
  address(column: Column): Address {
    const place = this.place();
    return { ...place, path: [...place.path, column.name] };
  }

  #find(): RowPlace | undefined {
    if (rootOf(this).isAsked) {
      const asked = askValue(this.database, this.place());
      // What holds it says so if it is gone itself.
      if (asked === undefined) this.parent.row();
      return asked?.bytes[0] === tag.embedded ? { page: asked, offset: 5 } : undefined;
    }
    const { page, offset } = this.parent.row();
    let at = columnOffset(page, offset, this.column.index);
    if (at < 0) return undefined;
    if (typeof this.element === "number") at = elementOffset(page, at, this.element);
    else if (typeof this.element === "string") at = Dictionary.valueOffset(page, at, this.element);
    if (at < 0 || page.bytes[at] !== tag.embedded) return undefined;
    return { page, offset: at + 5 };
  }

  /** Whether it still exists. */
  isValid(): boolean {
    return this.parent.isValid() && this.#find() !== undefined;
  }

  /** @internal Where its row stands now. @throws {@link EngineError} `invalidated` if it is gone. */
  row(): RowPlace {
    const place = this.#find();
    if (place === undefined) {
      throw new EngineError(
        "invalidated",
        `Accessing object of type ${this.layout.name} which has been invalidated or deleted`,
      );
    }
    return place;
  }

  /** The value of a column. */
  get(column: Column): unknown {
    this.database.requireOpen();
    return readColumn(this, column);
  }

  /** Assigns a column, in a write transaction. */
  set(column: Column, value: unknown): void {
    if (!column.isPlain) checkAssignment(this, column, value);
    writeColumn(this, column, value, false);
  }
}

function checkAssignment({ database, layout }: Holder, column: Column, value: unknown): void {
  database.requireWrite();
  database.checkWrite(layout);
  checkValue(database, column, value);
}

/** The object at the root of a holder. */
export function rootOf(holder: Holder): ObjectHandle {
  let at = holder;
  while (at instanceof EmbeddedHandle) at = at.parent;
  return at as ObjectHandle;
}

/** Notes that the object at the root of a holder has changed. */
export function touched(holder: Holder): void {
  holder.database.dataEpoch += 1;
  const root = holder instanceof ObjectHandle ? holder : rootOf(holder);
  if (root.key >= 0) root.layout.touch(root.key);
}

/** Whether the collection of a column is there, as long as its object is. */
function askIsThere(database: Database, address: Address, { collection }: Column): boolean {
  return collection !== "single" && askSizes(database, address, collection) !== undefined;
}

function readColumn(holder: Holder, column: Column): unknown {
  if (column.collection === "list") return new List(holder, column);
  if (column.collection === "set") return new ValueSet(holder, column);
  if (column.collection === "dictionary") return new Dictionary(holder, column);
  const { page, offset } = holder.row();
  const at = columnOffset(page, offset, column.index);
  if (at < 0) return defaultOf(column);
  return readElement({ holder, column, way: noWay }, page, at, undefined);
}

/** Reads a single value, a link, an embedded object or a nested collection; an absent link's target gives null. */
export function readElement(
  { holder, column, way }: CollectionPlace,
  page: Page,
  at: number,
  element: number | string | undefined,
): unknown {
  const { database } = holder;
  switch (page.bytes[at]) {
    case tag.link:
      return findLinked(database, page, at);
    case tag.embedded: {
      const layout = database.storedLayout(column.target ?? "");
      return layout === undefined ? null : new EmbeddedHandle(holder, column, layout, element);
    }
    case tag.list:
    case tag.dictionary:
      return nestedCollection({ holder, column, way: element === undefined ? way : [...way, element] }, page, at);
    default:
      return column.type === "mixed"
        ? readMixed(page, at, database.conventions)
        : readScalar(page, at, database.conventions);
  }
}

/** The target of a link, or null if it does not exist. */
export function findLinked(database: Database, page: Page, at: number): ObjectHandle | null {
  const { className, packedKey } = readLink(page, at);
  const layout = database.storedLayout(className);
  if (layout === undefined) return null;
  database.flush();
  const key = database.store.find(database.view, layout.index, packedKey);
  return key < 0 ? null : new ObjectHandle(database, layout, key);
}

/** What a column holds in rows that are older than it. */
export function defaultOf(column: Column): unknown {
  if (column.isNullable) return null;
  switch (column.type) {
    case "int":
    case "float":
    case "double":
      return 0;
    case "bool":
      return false;
    case "string":
      return "";
    default:
      return null;
  }
}

/** The target of an element in a collection of links, whose key is known. */
export function linkedObject(database: Database, column: Column, key: number | undefined): ObjectHandle | null {
  const layout = database.storedLayout(column.target ?? "");
  return layout === undefined || key === undefined ? null : new ObjectHandle(database, layout, key);
}

/** Assigns a column. */
export function writeColumn(
  holder: Holder,
  column: Column,
  value: unknown,
  isDefault: boolean,
  mode: UpdateMode = "never",
): void {
  const { database } = holder;
  database.requireWrite();
  database.checkWrite(holder.layout);
  if (column.index === primaryKeyColumn) {
    throw new EngineError("read-only-property", "Cannot change value of primary key outside of migration");
  }
  if (column.isPlain && holder instanceof ObjectHandle) return writePlain(holder, column, value, isDefault);
  const isMixed = column.type === "mixed" && column.collection === "single";
  if (isMixed && writeNested({ holder, column, way: noWay }, operation.set, value, isDefault)) return;
  const given = database.conventions.unwrap(value);
  if (column.collection !== "single") return collectionOf(holder, column).assign(given, mode);
  const plain = writeObject(holder, column, undefined, operation.set, given, mode);
  if (plain.isWritten) return;
  prepareValue(plain.value, database.conventions);
  const { batch } = database;
  const writer = batch.begin(operation.set, holder.address(column));
  writer.u8(isDefault ? 1 : 0);
  try {
    const { type, isNullable, target, publicName } = column;
    packValue(writer, type, isNullable, plain.value, database.conventions, target, publicName);
  } catch (error) {
    batch.takeBack();
    throw error;
  }
  batch.end();
  touched(holder);
}

/** Assigns a column of an object that holds single values of one type. */
function writePlain(object: ObjectHandle, column: Column, value: unknown, isDefault: boolean): void {
  const { batch, conventions } = object.database;
  const { type, isNullable, publicName } = column;
  const writer = batch.beginSet(object, column.index);
  writer.u8(isDefault ? 1 : 0);
  try {
    packValue(writer, type, isNullable, conventions.unwrap(value), conventions, undefined, publicName);
  } catch (error) {
    batch.takeBack();
    throw error;
  }
  batch.end();
  touched(object);
}

function collectionOf(holder: Holder, column: Column): List | ValueSet | Dictionary {
  if (column.collection === "list") return new List(holder, column);
  return column.collection === "set" ? new ValueSet(holder, column) : new Dictionary(holder, column);
}

/** Either everything was written, or this value is still to be written. */
type Written = { readonly isWritten: true } | { readonly isWritten: false; readonly value: unknown };

/** Writes an embedded object in place. Any other value comes back, links given as plain values as objects. */
export function writeObject(
  holder: Holder,
  column: Column,
  element: number | string | undefined,
  code: number,
  value: unknown,
  mode: UpdateMode,
): Written {
  if (column.type !== "link") return { isWritten: false, value };
  const { database } = holder;
  const layout = database.storedLayout(column.target ?? "");
  if (layout?.kind !== "embedded" || typeof value !== "object" || value === null) {
    return { isWritten: false, value: resolveObject(database, column, value, mode) };
  }
  // A live embedded object is copied, since it cannot be in two places.
  const values = value instanceof EmbeddedHandle ? valuesOf(value) : (value as Readonly<Record<string, unknown>>);
  const address = holder.address(column);
  const target = element === undefined ? address : { ...address, path: [...address.path, element] };
  const { batch } = database;
  const writer = batch.begin(code, target);
  if (code === operation.set) writer.u8(0);
  writer.u8(tag.objectMarker);
  batch.end();
  touched(holder);
  fill(new EmbeddedHandle(holder, column, layout, element), values, mode);
  return { isWritten: true };
}

/** The object to link to: a live one as it is, one given as plain values is made first. */
export function resolveObject(database: Database, column: Column, value: unknown, mode: UpdateMode): unknown {
  if (column.type !== "link" || value instanceof Linkable || typeof value !== "object" || value === null) {
    return value;
  }
  const layout = database.storedLayout(column.target ?? "");
  if (layout?.kind !== "top") return value;
  return createObject(database, layout, value as Readonly<Record<string, unknown>>, mode);
}

function valuesOf(holder: EmbeddedHandle): Record<string, unknown> {
  return Object.fromEntries(holder.layout.columns.map((column) => [column.publicName, holder.get(column)]));
}

/** Gives a new object its values and, where they are missing, the declared defaults. */
export function fill(
  holder: ObjectHandle | EmbeddedHandle,
  values: Readonly<Record<string, unknown>>,
  mode: UpdateMode,
): void {
  for (const column of holder.layout.columns) {
    const given = values[column.publicName];
    if (given !== undefined) {
      writeColumn(holder, column, given, false, mode);
      continue;
    }
    const { default: declared } = column;
    if (declared !== undefined) {
      const value = typeof declared === "function" ? (declared as () => unknown)() : declared;
      writeColumn(holder, column, value, true, mode);
    } else if (isRequired(column)) {
      throw missingValue(holder.layout, column);
    }
  }
}

export function isRequired(column: Column): boolean {
  return column.collection === "single" && !column.isNullable && column.type !== "mixed" && column.type !== "link";
}
