/**
 * Looking values through before the first of them is written: what is refused leaves nothing half-written.
 *
 * @module
 */

import { EngineError } from "../errors.js";
import { ByteWriter } from "../values/bytes.js";
import { Linkable, packValue, prepareValue, typeMismatch } from "../values/pack.js";
import type { Database } from "./database.js";
import { Dictionary, dictionaryKey } from "./dictionary.js";
import { List } from "./list.js";
import { checkMixed } from "./nested.js";
import { EmbeddedHandle, isRequired } from "./object.js";
import { ValueSet } from "./value-set.js";
import type { ClassLayout, Column } from "./schema.js";

const scratch = new ByteWriter(64);

/** Checks one value of a column: its own or an element. */
function checkSingle(database: Database, column: Column, value: unknown, name: string, isElement: boolean): void {
  const { conventions } = database;
  const { type, target } = column;
  if (type === "mixed") return checkMixed(value, conventions, name);
  const given = conventions.unwrap(value);
  if (type === "link" && typeof given === "object" && given !== null && !(given instanceof Linkable)) {
    const layout = database.storedLayout(target ?? "");
    if (given instanceof EmbeddedHandle && given.layout.name === layout?.name) return;
    if (layout !== undefined && layout.kind !== "asymmetric") {
      return checkFields(database, layout, given as Readonly<Record<string, unknown>>, "all");
    }
  }
  const isInDictionary = column.collection === "dictionary";
  const isNullable = type === "link" && isElement ? isInDictionary : column.isNullable;
  prepareValue(given, conventions);
  scratch.clear();
  packValue(scratch, type, isNullable, given, conventions, target, name);
}

/**
 * Checks a value that is to be assigned to a column.
 *
 * @throws {@link EngineError} as assigning would. Iterables that can be gone through only once are not looked at.
 */
export function checkValue(database: Database, column: Column, value: unknown): void {
  const { publicName } = column;
  if (column.collection === "single") return checkSingle(database, column, value, publicName, false);
  const given = database.conventions.unwrap(value);
  if (column.collection !== "dictionary") {
    if (!Array.isArray(given)) {
      const isIterable = typeof given === "object" && given !== null && Symbol.iterator in given;
      if (isIterable || given === null || given instanceof List || given instanceof ValueSet) return;
      throw typeMismatch("iterable", given, publicName);
    }
    given.forEach((element, index) => checkElement(database, column, element, index));
    return;
  }
  if (given instanceof Dictionary) return;
  if (typeof given !== "object" || given === null) throw typeMismatch("an object", given, publicName);
  for (const [key, element] of Object.entries(given)) {
    dictionaryKey(key);
    checkElement(database, column, element, key);
  }
}

/** Checks an element of a collection. */
export function checkElement(database: Database, column: Column, value: unknown, place: number | string): void {
  const name = column.collection === "set" ? column.publicName : `${column.publicName}[${JSON.stringify(place)}]`;
  checkSingle(database, column, value, name, true);
}

/**
 * Checks the values of an object.
 *
 * @param which whether those that are not given are checked too: a new object needs them.
 */
export function checkFields(
  database: Database,
  layout: ClassLayout,
  values: Readonly<Record<string, unknown>>,
  which: "all" | "given",
): void {
  for (const column of layout.columns) {
    const given = values[column.publicName];
    if (given !== undefined) checkValue(database, column, given);
    else if (which === "all" && column.default === undefined && isRequired(column)) throw missingValue(layout, column);
  }
}

/** The error for a value that has to be given. */
export function missingValue(layout: ClassLayout, { publicName }: Column): EngineError {
  return new EngineError("missing-property", `Missing value for property '${layout.name}.${publicName}'`);
}
