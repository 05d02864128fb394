/**
 * Compression of bodies with Node's zlib: an entry point of its own, since browsers have none.
 *
 * @module
 */

import { promisify } from "node:util";
import { constants, deflate, deflateSync, inflate, inflateSync, type InputType, type ZlibOptions } from "node:zlib";
import type { ChangesetBody } from "./client-messages.js";
import { compressionBytesMin } from "./constants.js";
import { ProtocolError } from "./errors.js";

/** Up to this size the work is done at once; a trip to the thread pool would cost more. */
const synchronousBytesMax = 16 * 1024;

interface InflateInformation {
  readonly buffer: Uint8Array;
  readonly engine: { readonly bytesWritten: number };
}

type InflateCall = (input: InputType, options: ZlibOptions) => Promise<InflateInformation>;

// With `info` both calls answer with the stream as well, which the declarations do not say.
const inflateWithInformation = promisify(inflate) as unknown as InflateCall;
const deflateAsync = promisify(deflate) as (input: InputType, options: ZlibOptions) => Promise<Uint8Array>;

/**
 * The uncompressed entries of a message. Never produces more than the announced size, which the head's limits bound.
 *
 * @throws ProtocolError `bad-decompression` if the body is not exactly one zlib stream of that size.
 */
export async function uncompressBody(message: ChangesetBody): Promise<Uint8Array> {
  if (!message.isCompressed) return message.body;
  if (message.uncompressedSize <= synchronousBytesMax) return uncompressBodySync(message);
  return checked(message, await guarded(inflateWithInformation(message.body, options(message))));
}

/** {@link uncompressBody} without the thread pool. */
export function uncompressBodySync(message: ChangesetBody): Uint8Array {
  if (!message.isCompressed) return message.body;
  try {
    const information = inflateSync(message.body, options(message)) as unknown as InflateInformation;
    return checked(message, information);
  } catch (cause) {
    throw asProtocolError(cause);
  }
}

/** Compresses a body as the original's clients do: only if it is long enough and gets shorter. */
export async function compressBody(body: Uint8Array, bytesMin: number = compressionBytesMin): Promise<ChangesetBody> {
  if (body.length <= bytesMin) return plain(body);
  if (body.length <= synchronousBytesMax) return compressBodySync(body, bytesMin);
  return shorter(body, await deflateAsync(body, { level: constants.Z_BEST_SPEED }));
}

/** {@link compressBody} without the thread pool. */
export function compressBodySync(body: Uint8Array, bytesMin: number = compressionBytesMin): ChangesetBody {
  if (body.length <= bytesMin) return plain(body);
  return shorter(body, deflateSync(body, { level: constants.Z_BEST_SPEED }));
}

function plain(body: Uint8Array): ChangesetBody {
  return { isCompressed: false, uncompressedSize: body.length, body };
}

function shorter(body: Uint8Array, compressed: Uint8Array): ChangesetBody {
  if (compressed.length >= body.length) return plain(body);
  return { isCompressed: true, uncompressedSize: body.length, body: compressed };
}

function options(message: ChangesetBody): ZlibOptions {
  // zlib refuses a limit of zero, so an empty body gets one byte and is checked afterwards.
  return { maxOutputLength: Math.max(1, message.uncompressedSize), info: true };
}

async function guarded(promise: Promise<InflateInformation>): Promise<InflateInformation> {
  try {
    return await promise;
  } catch (cause) {
    throw asProtocolError(cause);
  }
}

function checked(message: ChangesetBody, { buffer, engine }: InflateInformation): Uint8Array {
  if (buffer.length !== message.uncompressedSize) {
    throw new ProtocolError("bad-decompression", "body", "not of the announced size");
  }
  if (engine.bytesWritten !== message.body.length) {
    throw new ProtocolError("bad-decompression", "body", "data after the end of the stream");
  }
  return buffer;
}

function asProtocolError(cause: unknown): ProtocolError {
  if (cause instanceof ProtocolError) return cause;
  return new ProtocolError("bad-decompression", "body", cause instanceof Error ? cause.message : "", { cause });
}
