/**
 * Writes small changesets for tests, byte by byte as a client does: classes with int keys, strings, ints, lists of
 * strings.
 *
 * @module
 */

const encoder = new TextEncoder();

const opcode = {
  addTable: 0x00,
  createObject: 0x02,
  eraseObject: 0x03,
  update: 0x04,
  addColumn: 0x06,
  arrayInsert: 0x08,
  internString: 0x3f,
} as const;

const valueType = { int: 0x01, string: 0x03 } as const;
const collection = { single: 0, list: 1 } as const;

/** Largest number that fits the one byte that is written for it here. */
const numberMax = 63;

/** One changeset in the making. */
export class Changeset {
  readonly #bytes: number[] = [];
  readonly #strings = new Map<string, number>();

  /** A class with an int key `_id`. */
  table(name: string): this {
    const [table, key] = [this.#intern(name), this.#intern("_id")];
    this.#bytes.push(opcode.addTable, table, 0, key, valueType.int, 0);
    return this;
  }

  /** A column that is not nullable. */
  column(table: string, name: string, type: "int" | "string", kind: "single" | "list" = "single"): this {
    const [tableIndex, field] = [this.#intern(table), this.#intern(name)];
    this.#bytes.push(opcode.addColumn, tableIndex, field, valueType[type], 0, collection[kind]);
    return this;
  }

  create(table: string, key: number): this {
    return this.#object(opcode.createObject, table, key);
  }

  erase(table: string, key: number): this {
    return this.#object(opcode.eraseObject, table, key);
  }

  set(table: string, key: number, field: string, value: string | number): this {
    const fieldIndex = this.#internAll(table, field);
    this.#object(opcode.update, table, key);
    this.#bytes.push(fieldIndex, 0);
    this.#value(value);
    this.#bytes.push(0);
    return this;
  }

  insert(table: string, key: number, field: string, index: number, value: string, priorSize: number): this {
    const fieldIndex = this.#internAll(table, field);
    this.#object(opcode.arrayInsert, table, key);
    this.#bytes.push(fieldIndex, 1, index);
    this.#value(value);
    this.#bytes.push(priorSize);
    return this;
  }

  bytes(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }

  #internAll(table: string, field: string): number {
    this.#intern(table);
    return this.#intern(field);
  }

  #object(code: number, table: string, key: number): this {
    const tableIndex = this.#intern(table);
    this.#bytes.push(code, tableIndex, valueType.int, small(key));
    return this;
  }

  #value(value: string | number): void {
    if (typeof value === "number") {
      this.#bytes.push(valueType.int, small(value));
      return;
    }
    const text = encoder.encode(value);
    this.#bytes.push(valueType.string, small(text.length), ...text);
  }

  #intern(text: string): number {
    const known = this.#strings.get(text);
    if (known !== undefined) return known;
    const index = this.#strings.size;
    this.#strings.set(text, index);
    const bytes = encoder.encode(text);
    this.#bytes.push(opcode.internString, index, small(bytes.length), ...bytes);
    return index;
  }
}

/** The class that tests use. */
export function citySchema(): Uint8Array {
  return new Changeset()
    .table("City")
    .column("City", "name", "string")
    .column("City", "country", "string")
    .column("City", "tags", "string", "list")
    .bytes();
}

/** A city with its values. */
export function newCity(key: number, name: string, country: string): Uint8Array {
  return new Changeset()
    .create("City", key)
    .set("City", key, "name", name)
    .set("City", key, "country", country)
    .bytes();
}

function small(value: number): number {
  if (!Number.isInteger(value) || value < 0 || value > numberMax) throw new RangeError(`${value} does not fit`);
  return value;
}
