/**
 * The floor's other end, in a process of its own: sends rows as JSON over one WebSocket, or echoes.
 *
 * @module
 */
import { WebSocketServer } from "ws";
import { items } from "./items.js";

/** Rows in one message. */
const rowsPerMessage = 1_000;

const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false });
server.on("connection", (socket, request) => {
  const url = new URL(request.url ?? "/", "http://127.0.0.1");
  if (url.pathname === "/echo") {
    socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
    return;
  }
  const rows = items(Number(url.searchParams.get("count")));
  socket.once("message", () => {
    for (let start = 0; start < rows.length; start += rowsPerMessage) {
      socket.send(JSON.stringify(rows.slice(start, start + rowsPerMessage)));
    }
  });
  socket.send("ready");
});
server.on("listening", () => {
  const address = server.address();
  if (typeof address === "object" && address) process.send?.({ port: address.port });
});
process.on("disconnect", () => process.exit(0));
