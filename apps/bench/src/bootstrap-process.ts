/**
 * A device's process, forked with the server's URL, a folder and the number of items: on every message it is a new
 * device that subscribes to all items, and says how long that took ({@link BootstrapRun}).
 *
 * @module
 */

import { type BootstrapRun, listened } from "./bootstrap.js";
import { Devices } from "./tidemark.js";

const [url = "", folder = "", countText = "0"] = process.argv.slice(2);
const devices = new Devices(url, folder);

async function bootstrap(): Promise<BootstrapRun> {
  const user = await devices.user();
  const startedAtMs = performance.now();
  const before = process.cpuUsage();
  const realm = devices.open(user);
  await listened(realm, Number(countText));
  const { user: userTime, system } = process.cpuUsage(before);
  const tookMs = performance.now() - startedAtMs;
  realm.close();
  const peakMemoryBytes = process.resourceUsage().maxRSS * 1_024;
  return { tookMs, cpuMs: (userTime + system) / 1_000, peakMemoryBytes };
}

process.on("message", () => {
  void bootstrap().then((run) => process.send?.(run));
});
process.on("disconnect", () => process.exit(0));
process.send?.({});
