/**
 * A device in a process of its own, forked with the server's URL and a folder: says how many items its listener has
 * seen, and when.
 *
 * @module
 */

import { monotonicMs } from "./processes.js";
import { Devices } from "./tidemark.js";

/** What it says. */
export interface Sighting {
  readonly count: number;
  /** By {@link monotonicMs}. */
  readonly atMs: number;
}

const [url = "", folder = ""] = process.argv.slice(2);

const realm = await new Devices(url, folder).ready();
const results = realm.objects("Item");
results.addListener(() => {
  process.send?.({ count: results.length, atMs: monotonicMs() } satisfies Sighting);
});
process.on("disconnect", () => {
  realm.close();
  process.exit(0);
});
