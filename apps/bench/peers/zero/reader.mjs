// A client of Zero, forked with the server's address, a name for its users and the number of rows: on every message it
// is a new device that asks for all rows, and says how long that took and what it received.
import { Zero } from "@rocicorp/zero";
import { WebSocket } from "ws";
import { schema } from "./schema.mjs";

const [server = "", userName = "", countText = "0"] = process.argv.slice(2);
let sockets = [];

globalThis.WebSocket = class extends WebSocket {
  constructor(...connection) {
    super(...connection);
    this.on("upgrade", ({ socket }) => sockets.push(socket));
  }
};

async function bootstrap(number) {
  sockets = [];
  const startedAtMs = performance.now();
  const before = process.cpuUsage();
  const zero = new Zero({ server, userID: `${userName}-${number}`, schema, kvStore: "mem", logLevel: "error" });
  await zero.query.item.preload().complete;
  const { user, system } = process.cpuUsage(before);
  const tookMs = performance.now() - startedAtMs;
  const bytesReceived = sockets.reduce((sum, socket) => sum + socket.bytesRead, 0);
  const rows = await zero.query.item.run();
  await zero.close();
  if (rows.length !== Number(countText)) throw new Error(`${rows.length} of ${countText} rows arrived`);
  const peakMemoryBytes = process.resourceUsage().maxRSS * 1_024;
  return { tookMs, cpuMs: (user + system) / 1_000, peakMemoryBytes, bytesReceived };
}

let bootstraps = 0;
process.on("message", () => void bootstrap((bootstraps += 1)).then((run) => process.send(run)));
process.on("disconnect", () => process.exit(0));
process.send({});
