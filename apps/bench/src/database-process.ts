/**
 * A process that inserts rows by one side, given its name, a folder and the number of rows, and says how much memory
 * that took at most.
 *
 * @module
 */

import { mapSide } from "./database-map.js";
import type { DatabaseSide } from "./database-side.js";
import { sqliteSide } from "./database-sqlite.js";
import { tidemarkSide } from "./database-tidemark.js";
import { item } from "./items.js";

/** What the process says. */
export interface MemoryReport {
  /** Resident memory at its highest, beyond that with an empty file. */
  readonly grownBytes: number;
}

const [sideName = "", folder = "", countText = "0"] = process.argv.slice(2);

function makeSide(): DatabaseSide {
  if (sideName === "tidemark") return tidemarkSide(folder);
  return sideName === "sqlite" ? sqliteSide(folder) : mapSide();
}

function* rows(): Iterable<ReturnType<typeof item>> {
  for (let i = 0; i < Number(countText); i += 1) yield item(i);
}

const side = makeSide();
const before = process.memoryUsage.rss();
side.insert(rows());
const grownBytes = Math.max(0, process.resourceUsage().maxRSS * 1024 - before);
process.send?.({ grownBytes } satisfies MemoryReport);
process.on("disconnect", () => {
  side.close();
  process.exit(0);
});
