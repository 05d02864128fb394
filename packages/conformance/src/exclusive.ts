/**
 * One process at a time: runs of the suite that end at the same moment write into the same files.
 *
 * @module
 */

import { closeSync, mkdirSync, openSync, rmSync, statSync } from "node:fs";
import { dirname } from "node:path";

const pauseMs = 20;

/** What is done takes milliseconds: a lock that is older was left behind. */
const staleMs = 10_000;

/** Does something while nobody else does anything with the same lock file. */
export function exclusively<T>(lockFile: string, work: () => T): T {
  mkdirSync(dirname(lockFile), { recursive: true });
  while (!take(lockFile)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pauseMs);
  try {
    return work();
  } finally {
    rmSync(lockFile, { force: true });
  }
}

function take(lockFile: string): boolean {
  try {
    closeSync(openSync(lockFile, "wx"));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
  const writtenAtMs = statSync(lockFile, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
  if (Date.now() - writtenAtMs > staleMs) rmSync(lockFile, { force: true });
  return false;
}
