/**
 * The file of an embedded ledger, as a whole.
 *
 * @module
 */

import { open, rename } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * Takes a ledger's file away, durably and in one step, so that a new one can be made in its place. It is kept until the
 * next time as `….terminated`.
 */
export async function setLedgerAside(path: string): Promise<void> {
  await rename(path, `${path}.terminated`);
  await syncDirectory(path);
}

/** Makes durable which files there are beside a file. */
export async function syncDirectory(path: string): Promise<void> {
  // Windows opens no directories, and its file system keeps names without being asked.
  if (process.platform === "win32") return;
  const directory = await open(dirname(path), "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
