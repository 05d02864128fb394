/**
 * The sync server in a process of its own: `node server-process.js DATA`, forked.
 *
 * @module
 */

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
process.on("disconnect", () => {
  void server.stop().then(() => process.exit(0));
});
