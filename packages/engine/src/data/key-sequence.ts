/**
 * Distinct keys in an order, for finding, taking out and putting in single ones without touching all.
 *
 * @module
 */

interface Chunk {
  keys: number[];
  /** Where it stands among the chunks. */
  position: number;
}

/** A chunk that grows beyond this is parted. */
const chunkMax = 512;

/** Keys in an order. */
export class KeySequence {
  #chunks: Chunk[] = [];
  readonly #chunkOf = new Map<number, Chunk>();

  constructor(keys: Float64Array) {
    for (let start = 0; start < keys.length; start += chunkMax / 2) {
      const chunk = { keys: [...keys.subarray(start, start + chunkMax / 2)], position: this.#chunks.length };
      this.#chunks.push(chunk);
      for (const key of chunk.keys) this.#chunkOf.set(key, chunk);
    }
  }

  /** How many keys there are. */
  get length(): number {
    return this.#chunkOf.size;
  }

  /** Whether a key is there. */
  has(key: number): boolean {
    return this.#chunkOf.has(key);
  }

  /** Where a key stands, or −1. */
  indexOf(key: number): number {
    const chunk = this.#chunkOf.get(key);
    return chunk === undefined ? -1 : this.#startOf(chunk) + chunk.keys.indexOf(key);
  }

  #startOf(chunk: Chunk): number {
    let start = 0;
    for (let position = 0; position < chunk.position; position += 1) start += this.#chunks[position]?.keys.length ?? 0;
    return start;
  }

  #chunkAt(index: number): { readonly chunk: Chunk; readonly offset: number } | undefined {
    let offset = index;
    for (const chunk of this.#chunks) {
      if (offset < chunk.keys.length) return { chunk, offset };
      offset -= chunk.keys.length;
    }
    return undefined;
  }

  /** The key at an index; `undefined` beyond the end. */
  at(index: number): number | undefined {
    const place = this.#chunkAt(index);
    return place?.chunk.keys[place.offset];
  }

  /** Takes a key out, if it is there. */
  remove(key: number): void {
    const chunk = this.#chunkOf.get(key);
    if (chunk === undefined) return;
    chunk.keys.splice(chunk.keys.indexOf(key), 1);
    this.#chunkOf.delete(key);
    if (chunk.keys.length === 0) {
      this.#chunks.splice(chunk.position, 1);
      this.#number(chunk.position);
    }
  }

  /** Puts a key in that is not there, before the one at an index. */
  insert(index: number, key: number): void {
    const place = this.#chunkAt(index);
    let chunk = place?.chunk ?? this.#chunks.at(-1);
    if (chunk === undefined) {
      chunk = { keys: [], position: 0 };
      this.#chunks.push(chunk);
    }
    chunk.keys.splice(place?.offset ?? chunk.keys.length, 0, key);
    this.#chunkOf.set(key, chunk);
    if (chunk.keys.length > chunkMax) this.#part(chunk);
  }

  #part(chunk: Chunk): void {
    const right = { keys: chunk.keys.splice(chunkMax / 2), position: chunk.position + 1 };
    for (const key of right.keys) this.#chunkOf.set(key, right);
    this.#chunks.splice(right.position, 0, right);
    this.#number(right.position);
  }

  #number(from: number): void {
    for (let position = from; position < this.#chunks.length; position += 1) {
      const chunk = this.#chunks[position];
      if (chunk !== undefined) chunk.position = position;
    }
  }

  /** All of them. */
  toArray(): Float64Array {
    const keys = new Float64Array(this.length);
    let start = 0;
    for (const chunk of this.#chunks) {
      keys.set(chunk.keys, start);
      start += chunk.keys.length;
    }
    return keys;
  }
}
