/**
 * A process between a client and the server: passes everything on, and says when a ping and its pong go by.
 *
 * @module
 */

import { createServer, request } from "node:http";
import { WebSocket, WebSocketServer } from "ws";

const target = process.argv[2] ?? "";
const sockets = new WebSocketServer({ noServer: true, handleProtocols: (protocols) => [...protocols][0] ?? false });

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

const server = createServer((incoming, outgoing) => {
  const { method, url, headers } = incoming;
  const passed = request(`${target}${url ?? ""}`, { method, headers }, (answer) => {
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(outgoing);
  });
  incoming.pipe(passed);
});

function word(data: Buffer): string {
  return data.subarray(0, 4).toString("latin1");
}

server.on("upgrade", (incoming, socket, head) => {
  const protocols = incoming.headers["sec-websocket-protocol"]?.split(/,\s*/) ?? [];
  const upstream = new WebSocket(`${target.replace("http", "ws")}${incoming.url ?? ""}`, protocols);
  upstream.on("open", () => {
    sockets.handleUpgrade(incoming, socket, head, (client) => {
      client.on("message", (data: Buffer, binary) => {
        if (word(data) === "ping") say(`ping ${Date.now()}`);
        upstream.send(data, { binary });
      });
      upstream.on("message", (data: Buffer, binary) => {
        if (word(data) === "pong") say(`pong ${Date.now()}`);
        client.send(data, { binary });
      });
      client.on("close", () => upstream.close());
      upstream.on("close", () => client.close());
    });
  });
  upstream.on("error", () => socket.destroy());
});

server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  if (typeof address === "object" && address !== null) say(`relay at http://127.0.0.1:${address.port}`);
});
