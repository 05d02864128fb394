/**
 * Many clients in a process of their own: `node fan-process.js KIND URL COUNT`, forked. Says when the last of them has
 * got what was sent to all. `KIND` is `tidemark`, or `floor` for bare sockets.
 *
 * @module
 */

import { WebSocket } from "ws";
import { noteQuery } from "./changesets.js";
import { openLightClients } from "./light-client.js";
import { monotonicMs } from "./processes.js";

/** What it says of each message that all its clients got. */
export interface Delivered {
  /** By {@link monotonicMs}. */
  readonly lastAtMs: number;
  /** Size of the message as it came. */
  readonly bytes: number;
}

const [kind = "", url = "", countText = "0"] = process.argv.slice(2);
const count = Number(countText);
let got = 0;

function onMessage(bytes: number): void {
  got += 1;
  if (got < count) return;
  got = 0;
  process.send?.({ lastAtMs: monotonicMs(), bytes } satisfies Delivered);
}

async function openSocket(): Promise<WebSocket> {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  await new Promise((resolve, reject) => {
    socket.once("message", resolve);
    socket.once("error", reject);
  });
  socket.on("message", (data: Buffer) => onMessage(data.length));
  return socket;
}

if (kind === "tidemark") {
  for (const client of await openLightClients(url, count, noteQuery())) {
    client.onDownload = (_message, bytes) => onMessage(bytes);
  }
} else {
  for (let i = 0; i < count; i += 1) await openSocket();
}
process.send?.("ready");
process.on("disconnect", () => process.exit(0));
