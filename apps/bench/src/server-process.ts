/**
 * The sync server in a process of its own: `node server-process.js DATA`, forked.
 *
 * @module
 */

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { createServer, openNativeKeyValue, openNativeLedger } from "@tidemark/server";

const [dataDirectory = "data"] = process.argv.slice(2);

const server = createServer({
  dataDirectory,
  openLedger: openNativeLedger,
  openKeyValue: openNativeKeyValue,
  port: 0,
  developmentMode: true,
});
await server.start();
process.send?.({ url: server.url });
setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;
// Asked anything, it says how much memory it takes up when nothing is left to be collected.
process.on("message", () => {
  collectGarbage();
  collectGarbage();
  process.send?.({ residentBytes: process.memoryUsage.rss() });
});
process.on("disconnect", () => {
  void server.stop().then(() => process.exit(0));
});
