// A client of Triplit, forked with the server's address, the storage's folder (`-` for memory) and the number of rows:
// on every message it is a new device that subscribes to all rows, and says how long that took and what it received.
import { join } from "node:path";
import { TriplitClient } from "@triplit/client";
import { WebSocket } from "ws";
import { schema } from "./schema.mjs";
import { openStorage } from "./storage.mjs";
import { serviceToken } from "./token.mjs";

const [serverUrl = "", folder = "-", countText = "0"] = process.argv.slice(2);
const count = Number(countText);
let sockets = [];

globalThis.WebSocket = class extends WebSocket {
  constructor(...connection) {
    super(...connection);
    this.on("upgrade", ({ socket }) => sockets.push(socket));
  }
};

async function bootstrap(number) {
  sockets = [];
  const storage = openStorage(folder === "-" ? "-" : join(folder, String(number)));
  const startedAtMs = performance.now();
  const before = process.cpuUsage();
  const client = new TriplitClient({ serverUrl, token: serviceToken(), schema, storage, logLevel: "error" });
  await new Promise((resolve, reject) => {
    client.subscribe(client.query("items"), (rows) => rows.length >= count && resolve(), reject);
  });
  const { user, system } = process.cpuUsage(before);
  const tookMs = performance.now() - startedAtMs;
  const bytesReceived = sockets.reduce((sum, socket) => sum + socket.bytesRead, 0);
  client.disconnect();
  const peakMemoryBytes = process.resourceUsage().maxRSS * 1_024;
  return { tookMs, cpuMs: (user + system) / 1_000, peakMemoryBytes, bytesReceived };
}

let bootstraps = 0;
process.on("message", () => void bootstrap((bootstraps += 1)).then((run) => process.send(run)));
process.on("disconnect", () => process.exit(0));
process.send({});
