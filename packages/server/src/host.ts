/**
 * What the server takes from the machine it runs on: time, timers and randomness, injected so that tests own them.
 *
 * @module
 */

import { randomBytes } from "node:crypto";

/** Clock, timers and randomness. */
export interface Host {
  /** Milliseconds of the Unix clock. */
  nowMs(): number;
  /** Bytes that nobody can guess. */
  randomBytes(count: number): Uint8Array;
  /** Runs something later. Returns what calls it off. Does not keep the process alive. */
  after(delayMs: number, run: () => void): () => void;
}

/** The machine itself. */
export const systemHost: Host = {
  nowMs: () => Date.now(),
  randomBytes: (count) => randomBytes(count),
  after: (delayMs, run) => {
    const timer = setTimeout(run, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
};

/** A new id of 24 hex digits, as the original's object ids look. */
export function randomId(host: Host): string {
  return Buffer.from(host.randomBytes(12)).toString("hex");
}

/** A salt for a client file or an epoch: 1 … 2^63 − 1, as decimal text. */
export function randomSalt(host: Host): string {
  const salt = Buffer.from(host.randomBytes(8)).readBigUInt64BE() & 0x7fff_ffff_ffff_ffffn;
  return (salt === 0n ? 1n : salt).toString();
}
