/**
 * Creating objects, or updating those that exist.
 *
 * @module
 */

import { EngineError } from "../errors.js";
import { ByteWriter, copyBytes } from "../values/bytes.js";
import type { Conventions } from "../values/conventions.js";
import { packValue } from "../values/pack.js";
import { tag } from "../values/tags.js";
import { checkFields, missingValue } from "./check.js";
import type { Database } from "./database.js";
import { List } from "./list.js";
import { ObjectHandle, fill, isRequired, writeColumn } from "./object.js";
import { must } from "../errors.js";
import type { ClassLayout, Column } from "./schema.js";

/** What to do if the object exists: refuse, write only what differs, or write everything given. */
export type UpdateMode = "never" | "modified" | "all";

/** What tells keys of one class apart. */
function keyIdentity(database: Database, column: Column, value: unknown): unknown {
  if (typeof value === "number") return Number.isInteger(value) && !Number.isSafeInteger(value) ? BigInt(value) : value;
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  if (typeof value !== "object" || value === null) return value ?? null;
  const text = (value as { toHexString?: () => string }).toHexString?.();
  return text ?? database.reader.packKey(column, value, database.conventions).join();
}

/** The object with a primary key, or undefined. */
export function findObject(database: Database, layout: ClassLayout, value: unknown): ObjectHandle | undefined {
  database.requireOpen();
  const column = layout.primaryKey;
  if (column === undefined) {
    throw new EngineError("invalid-argument", `Expected a primary key on "${layout.name}"`);
  }
  const { batch, reader } = database;
  const pending = batch.createdObject(layout.index, keyIdentity(database, column, value));
  if (pending instanceof ObjectHandle) return pending;
  reader.setKey(column, value, database.conventions);
  const key = reader.find(database.view, layout.index, "row");
  if (key < 0 || batch.isErased(layout.index, key)) return undefined;
  const object = new ObjectHandle(database, layout, key);
  // What the core has not seen yet is sent when the object is read.
  if (!batch.isDirty(object)) object.seed(reader.page, reader.offset);
  return object;
}

/**
 * Whether the key is an integer beyond all keys of the class, so that nobody has it. The greatest one is looked up once
 * in a write transaction, unless that creates one object only.
 */
function isBeyondAll(database: Database, layout: ClassLayout, column: Column, identity: unknown): boolean {
  if (column.type !== "int" || !Number.isSafeInteger(identity)) return false;
  const { view } = database;
  if (layout.greatestKeyView !== view) {
    layout.greatestKeyView = view;
    layout.greatestKey = Infinity;
    return false;
  }
  if (layout.greatestKey === Infinity) {
    database.flush();
    layout.greatestKey = database.reader.greatestKey(view, layout.index);
  }
  return (identity as number) > layout.greatestKey;
}

/** An object is created with a key. */
function noteKey(layout: ClassLayout, identity: unknown): void {
  if (typeof identity === "number" && identity > layout.greatestKey) layout.greatestKey = identity;
}

/** Whether there is an object with a primary key. @throws if no object can have it. */
function isTaken(database: Database, layout: ClassLayout, column: Column, value: unknown, identity: unknown): boolean {
  if (isBeyondAll(database, layout, column, identity)) return false;
  const { batch, conventions, reader } = database;
  reader.setKey(column, value, conventions);
  if (batch.createdObject(layout.index, identity) !== undefined) return true;
  const key = reader.find(database.view, layout.index, "key");
  return key >= 0 && !batch.isErased(layout.index, key);
}

/** Creates an object, or updates it as the mode says. Asymmetric objects are sent and not kept. */
export function createObject(
  database: Database,
  layout: ClassLayout,
  values: Readonly<Record<string, unknown>>,
  mode: UpdateMode,
): ObjectHandle {
  database.requireWrite();
  if (layout.kind === "embedded") {
    throw new EngineError(
      "invalid-argument",
      `Cannot create an object of embedded type '${layout.name}': give its values to the property that holds it`,
    );
  }
  database.checkWrite(layout);
  const { primaryKey } = layout;
  if (primaryKey === undefined) return createWithoutKey(database, layout, values);
  const keyValue = keyOf(primaryKey, layout, values);
  if (layout.isFlat && mode === "never") return createFlat(database, layout, primaryKey, keyValue, values);
  const existing = layout.kind === "asymmetric" ? undefined : findObject(database, layout, keyValue);
  if (existing !== undefined) {
    if (mode === "never") throw duplicate(layout, keyValue);
    checkFields(database, layout, values, "given");
    update(existing, values, mode);
    return existing;
  }
  const packedKey = copyBytes(database.reader.packKey(primaryKey, keyValue, database.conventions));
  // What was sent of an event cannot be taken back.
  if (layout.kind === "asymmetric") checkFields(database, layout, values, "all");
  const object = new ObjectHandle(database, layout, -1, packedKey);
  const identity = keyIdentity(database, primaryKey, keyValue);
  database.batch.create(object, false, packedKey, identity);
  noteKey(layout, identity);
  layout.touchMembership();
  database.dataEpoch += 1;
  fillOrErase(object, values, mode);
  return object;
}

/** Gives a new object its values. If one is refused, the object goes too. */
function fillOrErase(object: ObjectHandle, values: Readonly<Record<string, unknown>>, mode: UpdateMode): void {
  try {
    fill(object, values, mode);
  } catch (error) {
    if (!object.database.batch.isBroken) object.erase();
    throw error;
  }
}

function duplicate(layout: ClassLayout, keyValue: unknown): EngineError {
  return new EngineError(
    "duplicate-primary-key",
    `Attempting to create an object of type '${layout.name}' with an existing primary key value '${keyLabel(keyValue)}'.`,
  );
}

/** How a value came about, as a creation with values says it. */
const state = { absent: 0, given: 1, declared: 2 } as const;

/** The values of an object that is being created, and how each came about. */
interface Gathered {
  readonly values: unknown[];
  readonly states: number[];
}

/** Used again for the next object; who finds none, since an object is created while another one is, makes it. */
let spare: Gathered | undefined;

/** What an object of a class will hold. All code of the application's runs here: it may read and write, too. */
function gather({ conventions }: Database, layout: ClassLayout, given: Readonly<Record<string, unknown>>): Gathered {
  const gathered = spare ?? { values: [], states: [] };
  spare = undefined;
  const { columns } = layout;
  const { values, states } = gathered;
  for (let index = 0; index < columns.length; index += 1) {
    const column = columns[index] as Column;
    let value = given[column.publicName];
    let how: number = state.given;
    if (value === undefined) {
      const { default: fallback } = column;
      value = typeof fallback === "function" ? (fallback as () => unknown)() : fallback;
      how = fallback === undefined ? state.absent : state.declared;
      if (how === state.absent && isRequired(column)) throw missingValue(layout, column);
    }
    values[index] = typeof value === "object" ? conventions.unwrap(value) : value;
    states[index] = how;
  }
  return gathered;
}

/** Creates an object of a class that holds plain values only: all of it is one mutation. */
function createFlat(
  database: Database,
  layout: ClassLayout,
  primaryKey: Column,
  keyValue: unknown,
  given: Readonly<Record<string, unknown>>,
): ObjectHandle {
  const { batch, conventions } = database;
  const { columns } = layout;
  const identity = keyIdentity(database, primaryKey, keyValue);
  if (isTaken(database, layout, primaryKey, keyValue, identity)) throw duplicate(layout, keyValue);
  // Before the mutation is begun.
  const gathered = gather(database, layout, given);
  const { values, states } = gathered;
  const object = new ObjectHandle(database, layout, -1, undefined, keyValue);
  const writer = batch.beginCreateWith(layout.index);
  try {
    packPlain(writer, primaryKey, keyValue, conventions);
    writer.u16(columns.length);
    for (let index = 0; index < columns.length; index += 1) {
      const how = states[index] ?? state.absent;
      writer.u8(how);
      if (how !== state.absent) packPlain(writer, columns[index] as Column, values[index], conventions);
      values[index] = undefined;
    }
  } catch (error) {
    batch.takeBack();
    throw error;
  }
  spare = gathered;
  batch.endCreateWith(object, identity);
  noteKey(layout, identity);
  layout.touchMembership();
  database.dataEpoch += 1;
  return object;
}

function packPlain(writer: ByteWriter, column: Column, value: unknown, conventions: Conventions): void {
  packValue(writer, column.type, column.isNullable, value, conventions, undefined, column.publicName);
}

/** Classes without a primary key get a random key that the application never sees. */
function createWithoutKey(
  database: Database,
  layout: ClassLayout,
  values: Readonly<Record<string, unknown>>,
): ObjectHandle {
  const writer = new ByteWriter(32);
  writer.u8(tag.globalKey);
  for (let part = 0; part < 4; part += 1) writer.u32(Math.floor(database.clock.random() * 2 ** 32));
  const packedKey = writer.copy();
  const object = new ObjectHandle(database, layout, -1, packedKey);
  database.batch.create(object, false, packedKey, undefined);
  layout.touchMembership();
  database.dataEpoch += 1;
  fillOrErase(object, values, "never");
  return object;
}

function keyOf(column: Column, layout: ClassLayout, values: Readonly<Record<string, unknown>>): unknown {
  const given = values[column.publicName];
  if (given !== undefined) return given;
  const { default: declared } = column;
  if (declared !== undefined) return typeof declared === "function" ? (declared as () => unknown)() : declared;
  if (column.isNullable) return null;
  throw missingValue(layout, column);
}

function keyLabel(value: unknown): string {
  return String(value);
}

function update(object: ObjectHandle, values: Readonly<Record<string, unknown>>, mode: UpdateMode): void {
  for (const column of object.layout.columns) {
    const given = values[column.publicName];
    if (given === undefined) continue;
    if (mode === "modified" && isSame(object, column, given)) continue;
    writeColumn(object, column, given, false, mode);
  }
}

/** Whether assigning would change nothing. Collections other than lists of scalars count as different. */
function isSame(object: ObjectHandle, column: Column, given: unknown): boolean {
  const current = object.get(column);
  if (current instanceof List && Array.isArray(given) && column.type !== "link") {
    const values = current.values();
    return values.length === given.length && values.every((value, index) => areEqual(value, given[index]));
  }
  return column.collection === "single" && areEqual(current, object.database.conventions.unwrap(given));
}

/** Values of BSON, whose text says all of them. */
interface Textual {
  toString(): string;
}

function areEqual(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (a instanceof Date) return b instanceof Date && a.getTime() === b.getTime();
  if (a instanceof ObjectHandle) return a.equals(b);
  if (a instanceof ArrayBuffer && b instanceof ArrayBuffer) {
    const left = new Uint8Array(a);
    const right = new Uint8Array(b);
    return left.length === right.length && left.every((byte, index) => byte === right[index]);
  }
  if (typeof a === "object" && a !== null && "_bsontype" in a && typeof b === "object" && b !== null) {
    return "_bsontype" in b && (a as Textual).toString() === (b as Textual).toString();
  }
  return false;
}

/** Removes all objects of a class. */
export function eraseAll(database: Database, layout: ClassLayout): void {
  database.requireWrite();
  database.batch.eraseAll(layout.index);
  database.dataEpoch += 1;
  for (const other of database.layouts) other.touchAll(true);
}

/** The value of an object's primary key. */
export function primaryKeyOf(object: ObjectHandle): unknown {
  return object.get(must(object.layout.primaryKey, "the class has a primary key"));
}
