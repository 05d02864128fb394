/**
 * Values on their way in and out: structs become what the engine takes, and `null` becomes `undefined` where C++ has
 * `std::nullopt`.
 *
 * @module
 */

import { type ClassLayout, type Column, type Database, handleKey, primaryKeyColumn } from "@tidemark/engine";
import { logic_error } from "../errors.js";
import { model_key } from "../schema/model.js";

type Fields = Readonly<Record<string, unknown>>;

/** What a single value reads as: `undefined` for an absent optional, `null` for no object or a null mixed. */
export function readValue(column: Column, value: unknown): unknown {
  return value === null && column.type !== "link" && column.type !== "mixed" ? undefined : value;
}

const circle = "Objects that are not managed and link to each other in a circle cannot be added at once.";

/** Makes engine values of the application's: structs all the way down. */
export class Importer {
  readonly #database: Database;
  /** Structs that are being taken apart. */
  readonly #open = new Set<object>();
  readonly #done = new Map<object, Fields>();

  constructor(database: Database) {
    this.#database = database;
  }

  /** The values of an object that is to be created. */
  object(layout: ClassLayout, struct: object): Fields {
    const known = this.#done.get(struct);
    if (known !== undefined) return known;
    if (this.#open.has(struct)) {
      throw new logic_error("InvalidArgument", circle);
    }
    this.#open.add(struct);
    const given = struct as Fields;
    const columns = layout.primaryKey === undefined ? layout.columns : [layout.primaryKey, ...layout.columns];
    const entries = columns
      .filter(({ publicName }) => publicName in given)
      .map((column) => [column.publicName, this.value(column, given[column.publicName])] as const);
    const values = Object.fromEntries(entries);
    this.#open.delete(struct);
    this.#done.set(struct, values);
    return values;
  }

  /** The value of a column. */
  value(column: Column, value: unknown): unknown {
    if (isManaged(value)) return value;
    switch (column.collection) {
      case "single":
        return this.#single(column, value);
      case "dictionary":
        return Object.fromEntries(entriesOf(value).map(([key, one]) => [key, this.#single(column, one)]));
      default:
        return isIterable(value) ? [...value].map((element) => this.#single(column, element)) : value;
    }
  }

  #single(column: Column, value: unknown): unknown {
    // An absent key takes the place of a value that was given, when the object exists.
    if (value === undefined) return column.index === primaryKeyColumn && !column.isNullable ? undefined : null;
    if (column.type !== "link" || typeof value !== "object" || value === null || isManaged(value)) return value;
    const layout = this.#database.storedLayout(column.target ?? "");
    const { class_name: name = layout?.name } = (value as { [model_key]?: { class_name?: string } })[model_key] ?? {};
    if (layout === undefined || name !== layout.name) {
      throw new logic_error("TypeMismatch", `Expected '${column.publicName}' to be a ${column.target ?? "link"}`);
    }
    return this.object(layout, value);
  }

  /** The value of an element of a collection. */
  element(column: Column, value: unknown): unknown {
    return this.#single(column, value);
  }
}

function isManaged(value: unknown): boolean {
  return typeof value === "object" && value !== null && handleKey in value;
}

function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof value === "object" && value !== null && Symbol.iterator in value;
}

function entriesOf(value: unknown): (readonly [string, unknown])[] {
  if (value instanceof Map) return [...(value as Map<string, unknown>)];
  return typeof value === "object" && value !== null ? Object.entries(value) : [];
}

/** Whether two single values are the same. */
export function areSame(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (a instanceof Date) return b instanceof Date && a.getTime() === b.getTime();
  if (a instanceof Uint8Array) {
    return b instanceof Uint8Array && a.length === b.length && a.every((byte, index) => byte === b[index]);
  }
  if ("equals" in a && typeof a.equals === "function") return Boolean((a as { equals(o: unknown): unknown }).equals(b));
  return "_bsontype" in a && "_bsontype" in b && text(a) === text(b);
}

function text(value: object): string {
  return (value as { toString(): string }).toString();
}
