/**
 * Rows as they are stored, for those who compare whole files: lists keep their real slots here, which the SDKs hide.
 *
 * @module
 */

/** A column's name, as {@link rowParts} needs it. */
export interface NamedColumn {
  /** Name in the file. */
  readonly name: string;
}

/** Indexes of columns in order of their names: columns stand in the order in which each file met them. */
export function columnOrder(columns: readonly NamedColumn[]): number[] {
  return columns
    .map((_, index) => index)
    .sort((left, right) => compareText(columns[left]?.name ?? "", columns[right]?.name ?? ""));
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

/**
 * The packed primary key, then the packed columns in the given order.
 *
 * @param bytes what `CoreStore.row` gives (`docs/boundary.md`).
 */
export function* rowParts(bytes: Uint8Array, order: readonly number[]): Iterable<Uint8Array> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const keyLength = view.getUint32(0, true);
  yield bytes.subarray(4, 4 + keyLength);
  const row = 4 + keyLength;
  const count = view.getUint16(row, true);
  const values = row + 2 + count * 4;
  for (const column of order) {
    // A column the row does not hold has its default, which takes no bytes.
    if (column >= count) continue;
    const start = column === 0 ? 0 : view.getUint32(row + 2 + (column - 1) * 4, true);
    const end = view.getUint32(row + 2 + column * 4, true);
    yield bytes.subarray(values + start, values + end);
  }
}
