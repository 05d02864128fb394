/**
 * The changeset entries inside UPLOAD and DOWNLOAD bodies.
 *
 * The core reads and writes these itself; this reading is for tests, inspection and tools.
 *
 * @module
 */

import { int64Max } from "./constants.js";
import { ProtocolError } from "./errors.js";
import { concatenate, encodeText } from "./head-reader.js";

/** One changeset of a client. */
export interface UploadEntry {
  /** Version of the client file. */
  readonly clientVersion: number;
  /** Version of the server. */
  readonly serverVersion: number;
  /** Milliseconds since 2015: when it was written. */
  readonly originTimestamp: number;
  /** 0: the uploading client itself. */
  readonly originFileIdent: bigint;
  /** The instructions, as the core reads them. */
  readonly changeset: Uint8Array;
}

/** One changeset for a client. */
export interface DownloadEntry {
  /** Version of the server. */
  readonly serverVersion: number;
  /** Version of the client file. */
  readonly clientVersion: number;
  /** Milliseconds since 2015: when it was written. */
  readonly originTimestamp: number;
  /** File that it was written in. */
  readonly originFileIdent: bigint;
  /** Size before compaction of the log; only counted. */
  readonly originalSize: number;
  /** The instructions, as the core reads them. */
  readonly changeset: Uint8Array;
}

const space = 0x20;
const digitsMax = 19;

class EntryReader {
  readonly #bytes: Uint8Array;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  hasMore(): boolean {
    return this.#offset < this.#bytes.length;
  }

  big(name: string): bigint {
    const start = this.#offset;
    const end = this.#bytes.subarray(start, start + digitsMax + 1).indexOf(space);
    if (end <= 0) throw new ProtocolError("bad-changeset-header", name);
    let value = 0n;
    for (let index = start; index < start + end; index += 1) {
      const digit = (this.#bytes[index] ?? 0) - 0x30;
      if (digit < 0 || digit > 9 || (digit === 0 && index === start && end > 1)) {
        throw new ProtocolError("bad-changeset-header", name);
      }
      value = value * 10n + BigInt(digit);
    }
    if (value > int64Max) throw new ProtocolError("bad-changeset-header", name);
    this.#offset = start + end + 1;
    return value;
  }

  integer(name: string): number {
    const value = Number(this.big(name));
    if (!Number.isSafeInteger(value)) throw new ProtocolError("bad-changeset-header", name);
    return value;
  }

  changeset(): Uint8Array {
    const size = this.integer("changeset size");
    const end = this.#offset + size;
    if (end > this.#bytes.length) throw new ProtocolError("bad-changeset-size", "changeset size");
    const part = this.#bytes.subarray(this.#offset, end);
    this.#offset = end;
    return part;
  }
}

/** Reads the uncompressed body of an UPLOAD. */
export function parseUploadEntries(body: Uint8Array): UploadEntry[] {
  const reader = new EntryReader(body);
  const entries: UploadEntry[] = [];
  while (reader.hasMore()) {
    const clientVersion = reader.integer("client version");
    const serverVersion = reader.integer("server version");
    const originTimestamp = reader.integer("origin timestamp");
    const originFileIdent = reader.big("origin file ident");
    const changeset = reader.changeset();
    entries.push({ clientVersion, serverVersion, originTimestamp, originFileIdent, changeset });
  }
  return entries;
}

/** Reads the uncompressed body of a DOWNLOAD. */
export function parseDownloadEntries(body: Uint8Array): DownloadEntry[] {
  const reader = new EntryReader(body);
  const entries: DownloadEntry[] = [];
  while (reader.hasMore()) {
    const serverVersion = reader.integer("server version");
    const clientVersion = reader.integer("client version");
    const originTimestamp = reader.integer("origin timestamp");
    const originFileIdent = reader.big("origin file ident");
    const originalSize = reader.integer("original size");
    const changeset = reader.changeset();
    entries.push({ serverVersion, clientVersion, originTimestamp, originFileIdent, originalSize, changeset });
  }
  return entries;
}

/** Writes the uncompressed body of an UPLOAD. */
export function writeUploadEntries(entries: readonly UploadEntry[]): Uint8Array {
  const parts = entries.flatMap((entry) => [
    encodeText(
      `${entry.clientVersion} ${entry.serverVersion} ${entry.originTimestamp} ${entry.originFileIdent} ` +
        `${entry.changeset.length} `,
    ),
    entry.changeset,
  ]);
  return concatenate(parts);
}

/** Writes the uncompressed body of a DOWNLOAD. */
export function writeDownloadEntries(entries: readonly DownloadEntry[]): Uint8Array {
  const parts = entries.flatMap((entry) => [
    encodeText(
      `${entry.serverVersion} ${entry.clientVersion} ${entry.originTimestamp} ${entry.originFileIdent} ` +
        `${entry.originalSize} ${entry.changeset.length} `,
    ),
    entry.changeset,
  ]);
  return concatenate(parts);
}
