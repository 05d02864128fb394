/**
 * Reading and writing of heads and bodies: the strict grammar that all messages share.
 *
 * A head is `type field field … field\n`, single spaces, integers in plain decimal. What is accepted here is written
 * back to the same bytes, so leading zeros, signs and doubled spaces are syntax errors.
 *
 * @module
 */

import { int64Max, type ProtocolLimits } from "./constants.js";
import { ProtocolError, type ProtocolErrorCode } from "./errors.js";

const newline = 0x0a;
const integerPattern = /^(?:0|[1-9][0-9]{0,18})$/;
const signedPattern = /^(?:0|-?[1-9][0-9]{0,18})$/;
const fractionPattern = /^(?:0|[1-9][0-9]{0,5})(?:\.[0-9]{1,17})?$/;

const textDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const textEncoder = new TextEncoder();

/** Walks through one message: the fields of its head in order, then its body. */
export class MessageReader {
  readonly type: string;
  readonly limits: ProtocolLimits;
  readonly #bytes: Uint8Array;
  readonly #fields: readonly string[];
  #field = 0;
  #offset: number;

  constructor(bytes: Uint8Array, limits: ProtocolLimits) {
    this.#bytes = bytes;
    this.limits = limits;
    const end = bytes.subarray(0, limits.headBytesMax).indexOf(newline);
    if (end < 0) throw new ProtocolError("bad-syntax", "head", "no newline");
    const words = asciiText(bytes.subarray(0, end)).split(" ");
    this.type = words[0] ?? "";
    this.#fields = words.slice(1);
    this.#offset = end + 1;
  }

  /** An error about a field of this message. */
  error(code: ProtocolErrorCode, field: string, detail?: string): ProtocolError {
    return new ProtocolError(code, `${printable(this.type)}: ${field}`, detail);
  }

  #next(name: string): string {
    const field = this.#fields[this.#field];
    if (field === undefined) throw this.error("bad-syntax", name, "missing");
    this.#field += 1;
    return field;
  }

  /** A version, timestamp or number of milliseconds: a safe integer. */
  integer(name: string): number {
    const text = this.#next(name);
    if (!integerPattern.test(text)) throw this.error("bad-syntax", name, "not a number");
    const value = Number(text);
    if (!Number.isSafeInteger(value)) throw this.error("bad-syntax", name, "out of range");
    return value;
  }

  /** A number that may be negative. */
  signed(name: string): number {
    const text = this.#next(name);
    if (!signedPattern.test(text)) throw this.error("bad-syntax", name, "not a number");
    const value = Number(text);
    if (!Number.isSafeInteger(value)) throw this.error("bad-syntax", name, "out of range");
    return value;
  }

  /** A session ident: 0 stands for the connection and is refused here. */
  session(): number {
    const value = this.integer("session");
    if (value === 0) throw this.error("bad-syntax", "session", "zero");
    return value;
  }

  /** A file ident or a salt: up to 2^63 − 1. */
  ident(name: string): bigint {
    const text = this.#next(name);
    if (!integerPattern.test(text)) throw this.error("bad-syntax", name, "not a number");
    const value = BigInt(text);
    if (value > int64Max) throw this.error("bad-syntax", name, "out of range");
    return value;
  }

  /** A boolean, `0` or `1`. */
  flag(name: string): boolean {
    const text = this.#next(name);
    if (text !== "0" && text !== "1") throw this.error("bad-syntax", name, "neither 0 nor 1");
    return text === "1";
  }

  /** A number of bytes, bounded before anything is read. */
  size(name: string, bytesMax: number): number {
    const value = this.integer(name);
    if (value > bytesMax) throw this.error("too-large", name, `${value} > ${bytesMax}`);
    return value;
  }

  /** A progress estimate from 0 to 1. */
  fraction(name: string): number {
    const text = this.#next(name);
    if (!fractionPattern.test(text)) throw this.error("bad-syntax", name, "not a number");
    return Number(text);
  }

  /** Checks that the head has no further field. */
  headEnd(): void {
    if (this.#field !== this.#fields.length) throw this.error("bad-syntax", "head", "too many fields");
  }

  /** The next part of the body. The bytes are the message's own: copy them to keep them. */
  bytes(name: string, size: number): Uint8Array {
    const end = this.#offset + size;
    if (end > this.#bytes.length) throw this.error("bad-syntax", name, "truncated");
    const part = this.#bytes.subarray(this.#offset, end);
    this.#offset = end;
    return part;
  }

  /** The next part of the body as UTF-8 text. */
  text(name: string, size: number): string {
    const part = this.bytes(name, size);
    try {
      return textDecoder.decode(part);
    } catch (cause) {
      throw new ProtocolError("bad-syntax", `${this.type}: ${name}`, "not UTF-8", { cause });
    }
  }

  /** Checks that nothing is left over. */
  end(): void {
    if (this.#offset !== this.#bytes.length) throw this.error("bad-syntax", "body", "leftover data");
  }
}

/** Joins a head and the parts of a body to one message. */
export function writeMessage(
  fields: readonly (string | number | bigint)[],
  ...body: readonly Uint8Array[]
): Uint8Array {
  const head = textEncoder.encode(`${fields.join(" ")}\n`);
  return concatenate([head, ...body]);
}

/** Copies several arrays behind each other. */
export function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const whole = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

/** UTF-8 bytes of a text. */
export function encodeText(text: string): Uint8Array {
  return textEncoder.encode(text);
}

/** `1` or `0`. */
export function writeFlag(flag: boolean): number {
  return flag ? 1 : 0;
}

function asciiText(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) {
    if (byte < 0x20 || byte > 0x7e) throw new ProtocolError("bad-syntax", "head", "not ASCII");
    text += String.fromCharCode(byte);
  }
  return text;
}

function printable(type: string): string {
  return type.length > 24 ? `${type.slice(0, 24)}…` : type;
}
