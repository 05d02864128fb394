/**
 * What a process of a test can run.
 *
 * @module
 */

import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The compiled form of a module of this folder: what a process can run. */
export function compiled(name: string): string {
  const folder = dirname(fileURLToPath(import.meta.url));
  return join(folder.replace(/src([\\/]testing)$/, "dist$1"), name);
}
