/**
 * Small changesets as clients write them, for clients that have no database: class `Note` with an int key, a number
 * that subscriptions ask for, and a text.
 *
 * @module
 */

const opcode = { addTable: 0x00, createObject: 0x02, update: 0x04, addColumn: 0x06, internString: 0x3f } as const;
const valueType = { int: 0x01, string: 0x03 } as const;
const encoder = new TextEncoder();

/** Name of the class. */
export const noteClass = "Note";

/** Names in the order in which every changeset here gives them numbers. */
const names = [noteClass, "owner", "text", "_id"];
const [noteName, ownerName, textName, keyName] = [0, 1, 2, 3];

/** A number that is not negative: seven bits a byte, six in the last one. */
function number(value: number): number[] {
  const bytes: number[] = [];
  let left = value;
  for (; left >= 0x40; left = Math.floor(left / 0x80)) bytes.push((left % 0x80) | 0x80);
  bytes.push(left);
  return bytes;
}

function string(text: string): number[] {
  const bytes = encoder.encode(text);
  return [...number(bytes.length), ...bytes];
}

function changeset(...instructions: readonly (readonly number[])[]): Uint8Array {
  const interned = names.map((name, index) => [opcode.internString, ...number(index), ...string(name)]);
  return Uint8Array.from([...interned, ...instructions].flat());
}

function update(key: number, field: number, type: number, value: readonly number[]): number[] {
  return [opcode.update, noteName, valueType.int, ...number(key), field, 0, type, ...value, 0];
}

/** Makes the class. */
export function noteSchema(): Uint8Array {
  const single = 0;
  return changeset(
    [opcode.addTable, noteName, 0, keyName, valueType.int, 0],
    [opcode.addColumn, noteName, ownerName, valueType.int, 0, single],
    [opcode.addColumn, noteName, textName, valueType.string, 0, single],
  );
}

/** Makes a note. */
export function newNote(key: number, owner: number, text: string): Uint8Array {
  return changeset(
    [opcode.createObject, noteName, valueType.int, ...number(key)],
    update(key, ownerName, valueType.int, number(owner)),
    update(key, textName, valueType.string, string(text)),
  );
}

/** Changes a note's text. */
export function editNote(key: number, text: string): Uint8Array {
  return changeset(update(key, textName, valueType.string, string(text)));
}

/** A subscription to all notes, or to those of one owner. */
export function noteQuery(owner?: number): string {
  return JSON.stringify({ [noteClass]: owner === undefined ? "TRUEPREDICATE" : `owner == ${owner}` });
}
