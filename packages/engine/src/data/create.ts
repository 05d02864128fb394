/**
 * Creating objects, or updating those that exist.
 *
 * @module
 */

import { EngineError } from "../errors.js";
import { ByteWriter } from "../values/bytes.js";
import { describeType, packValue } from "../values/pack.js";
import { tag } from "../values/tags.js";
import type { Database } from "./database.js";
import { List } from "./list.js";
import { ObjectHandle, fill, writeColumn } from "./object.js";
import { must } from "../errors.js";
import type { ClassLayout, Column } from "./schema.js";

/** What to do if the object exists: refuse, write only what differs, or write everything given. */
export type UpdateMode = "never" | "modified" | "all";

const keyWriter = new ByteWriter(64);

/** Text that tells keys of one class apart. */
function keyTextOf(value: unknown): string {
  if (typeof value === "object" && value !== null) {
    return (value as { toHexString?: () => string }).toHexString?.() ?? describeType(value);
  }
  return typeof value === "bigint" ? String(value) : `${typeof value} ${String(value)}`;
}

/** Writes a primary key for the core. */
export function packKey(database: Database, column: Column, value: unknown): Uint8Array {
  keyWriter.clear();
  packValue(keyWriter, column.type, column.isNullable, value, database.conventions, undefined, column.publicName);
  return keyWriter.copy();
}

/** The object with a primary key, or undefined. */
export function findObject(database: Database, layout: ClassLayout, value: unknown): ObjectHandle | undefined {
  database.requireOpen();
  const column = layout.primaryKey;
  if (column === undefined) {
    throw new EngineError("invalid-argument", `Expected a primary key on "${layout.name}"`);
  }
  const pending = database.batch.createdObject(layout.index, keyTextOf(value));
  if (pending instanceof ObjectHandle) return pending;
  if (database.batch.hasErasures) database.flush();
  const key = database.store.find(database.view, layout.index, packKey(database, column, value));
  return key < 0 ? undefined : new ObjectHandle(database, layout, key);
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
  const existing = layout.kind === "asymmetric" ? undefined : findObject(database, layout, keyValue);
  if (existing !== undefined) {
    if (mode === "never") {
      throw new EngineError(
        "duplicate-primary-key",
        `Attempting to create an object of type '${layout.name}' with an existing primary key value '${keyLabel(keyValue)}'.`,
      );
    }
    update(existing, values, mode);
    return existing;
  }
  const packed = packKey(database, primaryKey, keyValue);
  const object = new ObjectHandle(database, layout, -1, packed);
  database.batch.create(object, false, packed, keyTextOf(keyValue));
  layout.membershipEpoch += 1;
  database.dataEpoch += 1;
  fill(object, values, mode);
  return object;
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
  const packed = writer.copy();
  const object = new ObjectHandle(database, layout, -1, packed);
  database.batch.create(object, false, packed, packed.join());
  layout.membershipEpoch += 1;
  database.dataEpoch += 1;
  fill(object, values, "never");
  return object;
}

function keyOf(column: Column, layout: ClassLayout, values: Readonly<Record<string, unknown>>): unknown {
  const given = values[column.publicName];
  if (given !== undefined) return given;
  const { default: declared } = column;
  if (declared !== undefined) return typeof declared === "function" ? (declared as () => unknown)() : declared;
  if (column.isNullable) return null;
  throw new EngineError("missing-property", `Missing value for property '${layout.name}.${column.publicName}'`);
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
