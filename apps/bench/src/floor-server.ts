/**
 * The floor's other end, in a process of its own: sends rows, takes rows, echoes, or sends
 * what one socket says to many others.
 *
 * @module
 */

import { type WebSocket, WebSocketServer } from "ws";
import { sendRows, takeRows } from "./floor-rows.js";
import { items } from "./items.js";

/** Who gets what is cast. */
const members = new Set<WebSocket>();

function serve(socket: WebSocket, url: URL): void {
  const count = Number(url.searchParams.get("count"));
  switch (url.pathname) {
    case "/down": {
      const rows = items(count);
      socket.once("message", () => sendRows(socket, rows));
      break;
    }
    case "/up":
      takeRows(socket, count, () => socket.send("taken"));
      break;
    case "/member":
      members.add(socket);
      socket.on("close", () => members.delete(socket));
      break;
    case "/cast":
      socket.on("message", (data) => {
        for (const member of members) member.send(data, { binary: true });
      });
      break;
    default:
      socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
  }
  socket.send("ready");
}

const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false });
server.on("connection", (socket, request) => serve(socket, new URL(request.url ?? "/", "http://127.0.0.1")));
server.on("listening", () => {
  const address = server.address();
  if (typeof address === "object" && address) process.send?.({ port: address.port });
});
process.on("disconnect", () => process.exit(0));
