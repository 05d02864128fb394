/** Writes mutation batches and packed values, as docs/boundary.md lays them down. */
export class Batch {
  #parts = [];

  #number(size, write) {
    const part = Buffer.alloc(size);
    write(part);
    this.#parts.push(part);
    return this;
  }

  u8(value) {
    return this.#number(1, (part) => part.writeUInt8(value));
  }

  u16(value) {
    return this.#number(2, (part) => part.writeUInt16LE(value));
  }

  u32(value) {
    return this.#number(4, (part) => part.writeUInt32LE(value));
  }

  f64(value) {
    return this.#number(8, (part) => part.writeDoubleLE(value));
  }

  /** Packed integer. */
  int(value) {
    return this.u8(1).#number(8, (part) => part.writeBigInt64LE(BigInt(value)));
  }

  /** Packed string. */
  string(text) {
    const bytes = Buffer.from(text);
    this.u8(3).u32(bytes.length);
    this.#parts.push(bytes);
    return this;
  }

  /** Creates an object of class 0 with an integer key. */
  create(key) {
    return this.u8(1).u16(0).u8(0).int(key);
  }

  /** Begins an assignment to a column of an object of class 0; −1 is the one just created. The value follows. */
  set(object, column) {
    return this.u8(3).u16(0).f64(object).u16(column).u8(0).u8(0);
  }

  /** Packed link to an object with an integer key. */
  link(name, key) {
    const bytes = Buffer.from(name);
    this.u8(9).u16(bytes.length);
    this.#parts.push(bytes);
    return this.int(key);
  }

  /** Begins an insertion into a list of an object of class 0. The value follows. */
  insert(object, column, index) {
    return this.u8(5).u16(0).f64(object).u16(column).u8(1).u8(0).u32(index);
  }

  /** Begins an insertion into a set of an object of class 0. The value follows. */
  add(object, column) {
    return this.u8(9).u16(0).f64(object).u16(column).u8(0);
  }

  done() {
    return Buffer.concat(this.#parts);
  }
}

/** One class with a name and an age. */
export const schema = JSON.stringify([
  {
    name: "Dog",
    kind: "top",
    primaryKey: { name: "_id", type: "int", nullable: false },
    columns: [
      { name: "name", type: "string", nullable: false, collection: "single" },
      { name: "age", type: "int", nullable: true, collection: "single" },
    ],
  },
]);
