/**
 * Growing byte buffers for what crosses into the core, all numbers little-endian.
 *
 * @module
 */

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Node's Buffer, whose slices decode several times faster than TextDecoder. */
interface FastDecoder {
  utf8Slice(this: Uint8Array, start: number, end: number): string;
}

// It is only ever called with the bytes as `this`.
// oxlint-disable-next-line typescript/unbound-method
const fast: FastDecoder["utf8Slice"] | undefined = (globalThis as { Buffer?: { prototype: FastDecoder } }).Buffer
  ?.prototype.utf8Slice;

/** Texts up to this length are first tried as ASCII, byte by byte. */
const shortLengthMax = 48;

/** Decodes UTF-8. */
export function decodeUtf8(bytes: Uint8Array, start: number, end: number): string {
  if (start === end) return "";
  if (fast !== undefined) return fast.call(bytes, start, end);
  return decoder.decode(bytes.subarray(start, end));
}

/** Encodes as UTF-8; lone surrogates become U+FFFD. */
export function encodeUtf8(text: string): Uint8Array {
  return encoder.encode(text);
}

/** A part of some bytes as bytes of their own. Node's buffers have a `slice` that shares them. */
export function copyBytes(bytes: Uint8Array, start: number = 0, end: number = bytes.length): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(end - start);
  copy.set(bytes.subarray(start, end));
  return copy;
}

/** The same bytes in the form that BSON uses here, so that equal values are equal in depth. */
export function localBytes(bytes: Uint8Array<ArrayBuffer>): Uint8Array {
  const { Buffer: local } = globalThis as { Buffer?: { from(buffer: ArrayBuffer): Uint8Array } };
  return local?.from(bytes.buffer) ?? bytes;
}

/** Writes numbers, texts and bytes one after the other. */
export class ByteWriter {
  #bytes: Uint8Array;
  #view: DataView;
  #length = 0;

  constructor(capacity: number = 256) {
    this.#bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.#bytes.buffer);
  }

  get length(): number {
    return this.#length;
  }

  /** What was written, as a view that the next write may overwrite. */
  view(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Copies what was written into other bytes, from a place on; for a few bytes. */
  copyTo(target: Uint8Array, start: number): void {
    for (let index = 0; index < this.#length; index += 1) target[start + index] = this.#bytes[index] ?? 0;
  }

  /** What was written, as a copy. */
  copy(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  clear(): void {
    this.#length = 0;
  }

  /** Forgets everything after a position. */
  truncate(length: number): void {
    this.#length = length;
  }

  #reserve(count: number): number {
    const offset = this.#length;
    const needed = offset + count;
    if (needed > this.#bytes.length) this.#grow(needed);
    this.#length = needed;
    return offset;
  }

  #grow(needed: number): void {
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }

  u8(value: number): void {
    const offset = this.#reserve(1);
    this.#bytes[offset] = value;
  }

  u16(value: number): void {
    const offset = this.#reserve(2);
    this.#view.setUint16(offset, value, true);
  }

  u32(value: number): void {
    const offset = this.#reserve(4);
    this.#view.setUint32(offset, value, true);
  }

  /** A step of a path: an index into a list, or a key. */
  step(step: number | string): void {
    if (typeof step === "number") {
      this.u8(0);
      this.u32(step);
    } else {
      this.u8(1);
      this.text32(step);
    }
  }

  i32(value: number): void {
    const offset = this.#reserve(4);
    this.#view.setInt32(offset, value, true);
  }

  f32(value: number): void {
    const offset = this.#reserve(4);
    this.#view.setFloat32(offset, value, true);
  }

  f64(value: number): void {
    const offset = this.#reserve(8);
    this.#view.setFloat64(offset, value, true);
  }

  u64(value: bigint): void {
    const offset = this.#reserve(8);
    this.#view.setBigUint64(offset, value, true);
  }

  /** An integer as i64; must be whole. */
  i64(value: number | bigint): void {
    const offset = this.#reserve(8);
    if (typeof value === "bigint") {
      this.#view.setBigInt64(offset, value, true);
    } else if (value >= -0x8000_0000 && value <= 0x7fff_ffff) {
      this.#view.setInt32(offset, value, true);
      this.#view.setInt32(offset + 4, value < 0 ? -1 : 0, true);
    } else {
      this.#view.setBigInt64(offset, BigInt(value), true);
    }
  }

  bytes(value: Uint8Array): void {
    const offset = this.#reserve(value.length);
    this.#bytes.set(value, offset);
  }

  /** u32 length, then UTF-8. */
  text32(text: string): void {
    const at = this.#reserve(4);
    // Writing the text may replace the view.
    const length = this.#utf8(text);
    this.#view.setUint32(at, length, true);
  }

  /** u16 length, then UTF-8. */
  text16(text: string): void {
    const at = this.#reserve(2);
    const length = this.#utf8(text);
    this.#view.setUint16(at, length, true);
  }

  /** Overwrites a u32 written before. */
  patchU32(offset: number, value: number): void {
    this.#view.setUint32(offset, value, true);
  }

  #utf8(text: string): number {
    const length = text.length;
    const start = this.#reserve(length);
    if (length <= shortLengthMax) {
      let index = 0;
      for (; index < length; index += 1) {
        const code = text.charCodeAt(index);
        if (code > 0x7f) break;
        this.#bytes[start + index] = code;
      }
      if (index === length) return length;
    }
    this.#reserve(length * 2);
    const { written } = encoder.encodeInto(text, this.#bytes.subarray(start, start + length * 3));
    this.#length = start + written;
    return written;
  }
}
