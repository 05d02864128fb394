// An encoder of changesets for `apply-vectors.mjs`, written apart from the core's. Instructions have the form
// of the vectors.
import { Buffer } from "node:buffer";

class Writer {
  bytes = [];
  names = new Map();
  pending = [];

  integer(value) {
    const negative = BigInt(value) < 0n;
    let rest = negative ? -(BigInt(value) + 1n) : BigInt(value);
    const out = [];
    for (; rest >= 64n; rest >>= 7n) out.push(0x80 | Number(rest & 0x7fn));
    out.push(Number(rest) | (negative ? 0x40 : 0));
    return out;
  }
  inline(bytes) {
    return [...this.integer(bytes.length), ...bytes];
  }
  name(text) {
    if (!this.names.has(text)) {
      const index = this.names.size;
      this.names.set(text, index);
      this.bytes.push(0x3f, ...this.integer(index), ...this.inline(Buffer.from(text, "utf8")));
    }
    return this.integer(this.names.get(text));
  }
  value(value, isKey = false) {
    const [[kind, content]] = Object.entries(value);
    const bits = (size, write) => {
      const buffer = Buffer.alloc(size);
      write(buffer);
      return [...buffer];
    };
    const reversed = (hex) => [...Buffer.from(hex, "hex")].toReversed();
    switch (kind) {
      case "null":
        return [0];
      case "int":
        return [1, ...this.integer(content)];
      case "bool":
        return [2, Number(content)];
      case "string":
        return [3, ...(isKey ? this.name(content) : this.inline(Buffer.from(content, "utf8")))];
      case "binary":
        return [4, ...this.inline(Buffer.from(content, "hex"))];
      case "timestamp":
        return [5, ...this.integer(content[0]), ...this.integer(content[1])];
      case "float":
        return [6, ...bits(4, (buffer) => buffer.writeFloatLE(Number(content)))];
      case "floatBits":
        return [6, ...reversed(content)];
      case "double":
        return [7, ...bits(8, (buffer) => buffer.writeDoubleLE(Number(content)))];
      case "doubleBits":
        return [7, ...reversed(content)];
      case "decimal":
        return [
          8,
          ...this.integer(content.coefficient),
          ...this.integer(content.exponent),
          ...this.integer(Number(content.negative)),
        ];
      case "link": {
        const table = this.name(content.table);
        return [9, ...table, ...this.value(content.pk, true)];
      }
      case "objectId":
        return [10, ...Buffer.from(content, "hex")];
      case "uuid":
        return [11, ...Buffer.from(content.replaceAll("-", ""), "hex")];
      default:
        return this.integer({ object: -2, dictionary: -3, erased: -4, list: -5, set: -6 }[content]);
    }
  }
  place({ table, pk, field, path }) {
    const head = [...this.name(table), ...this.value(pk, true), ...this.name(field), ...this.integer(path.length)];
    const step = (element) => (typeof element === "number" ? this.integer(element) : [0x40, ...this.name(element)]);
    return [...head, ...path.flatMap(step)];
  }
  push(instruction) {
    const code = opcodes.indexOf(instruction.op);
    const tags = {
      mixed: 0,
      int: 1,
      bool: 2,
      string: 3,
      binary: 4,
      timestamp: 5,
      float: 6,
      double: 7,
      decimal: 8,
      link: 9,
      objectId: 10,
      uuid: 11,
    };
    const body = () => {
      switch (instruction.op) {
        case "AddTable": {
          const { kind, pkField, pkType, pkNullable } = instruction.spec;
          const head = [...this.name(instruction.table), ["top", "embedded", "asymmetric"].indexOf(kind)];
          return kind === "embedded" ? head : [...head, ...this.name(pkField), tags[pkType], Number(pkNullable)];
        }
        case "AddColumn": {
          const { table, field, type, nullable, collectionType, target } = instruction;
          const shape = ["single", "list", "dictionary", "set"].indexOf(collectionType);
          const head = [...this.name(table), ...this.name(field), tags[type], Number(nullable), shape];
          const link = type === "link" ? this.name(target) : (this.name(""), []);
          return [...head, ...link, ...(collectionType === "dictionary" ? [3] : [])];
        }
        case "CreateObject":
        case "EraseObject":
          return [...this.name(instruction.table), ...this.value(instruction.pk, true)];
        case "Update": {
          const { priorSize, isDefault } = instruction;
          const tail = priorSize === undefined ? [Number(isDefault)] : this.integer(priorSize);
          return [...this.place(instruction), ...this.value(instruction.value), ...tail];
        }
        case "AddInteger":
          return [...this.place(instruction), ...this.integer(instruction.delta)];
        case "ArrayInsert":
          return [...this.place(instruction), ...this.value(instruction.value), ...this.integer(instruction.priorSize)];
        case "ArrayMove":
          return [...this.place(instruction), ...this.integer(instruction.to), ...this.integer(instruction.priorSize)];
        case "ArrayErase":
          return [...this.place(instruction), ...this.integer(instruction.priorSize)];
        case "Clear":
          return [
            ...this.place(instruction),
            ["single", "list", "dictionary", "set"].indexOf(instruction.collectionType),
          ];
        default:
          return [...this.place(instruction), ...this.value(instruction.value)];
      }
    };
    const encoded = body();
    this.bytes.push(code, ...encoded);
  }
}
const opcodes = [
  "AddTable",
  "EraseTable",
  "CreateObject",
  "EraseObject",
  "Update",
  "AddInteger",
  "AddColumn",
  "EraseColumn",
  "ArrayInsert",
  "ArrayMove",
  "ArrayErase",
  "Clear",
  "SetInsert",
  "SetErase",
];

/** A changeset as the vectors have it. */
export function changeset(instructions) {
  const writer = new Writer();
  for (const instruction of instructions) writer.push(instruction);
  return { hex: Buffer.from(writer.bytes).toString("hex"), instructions };
}
