/**
 * A server in a process of its own, for tests that kill it: `node serve.js DATA_DIRECTORY PORT`.
 *
 * @module
 */

import { openNativeKeyValue, openNativeLedger } from "../native.js";
import { createServer } from "../server.js";

const [dataDirectory, port] = process.argv.slice(2);
const server = createServer({
  dataDirectory: dataDirectory ?? null,
  openLedger: openNativeLedger,
  openKeyValue: openNativeKeyValue,
  port: Number(port ?? 0),
  developmentMode: true,
});
await server.start();
process.stdout.write(`${server.url}\n`);
