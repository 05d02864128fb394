import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import type { SocketFailure } from "../host.js";
import { MuteServer } from "../testing/mute-server.js";
import { nodeHost, nodeSockets, withoutHold } from "./host.js";

let stop: () => void = () => undefined;
afterEach(() => stop());

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  stop = () => {
    server.closeAllConnections();
    server.close();
  };
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test("a refusal without an end is read up to the length of its text", async () => {
  let sent = 0;
  const server = createServer((_, answer) => {
    answer.statusCode = 503;
    const send = (): void => {
      sent += 65_536;
      if (!answer.destroyed) answer.write("a".repeat(65_536), () => setImmediate(send));
    };
    send();
  });
  const url = await listen(server);
  const failure = await new Promise<SocketFailure>((resolve) => {
    nodeSockets.open(url, [], {}, { onOpen: () => undefined, onMessage: () => undefined, onEnd: resolve });
  });
  expect(failure).toEqual({ kind: "http", status: 503, message: "a".repeat(8192) });
  await new Promise((resolve) => setTimeout(resolve, 200));
  const sentThen = sent;
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(sent).toBe(sentThen);
});

test("a peer that does not answer the end of a connection is left after a second", async () => {
  const server = new MuteServer();
  const url = await server.start();
  stop = () => server.stop();
  const socket = await new Promise<ReturnType<typeof nodeSockets.open>>((resolve) => {
    const opening = nodeSockets.open(
      url.replace("http", "ws"),
      [],
      {},
      {
        onOpen: () => resolve(opening),
        onMessage: () => undefined,
        onEnd: () => undefined,
      },
    );
  });
  const startedAt = performance.now();
  socket.close();
  await server.left;
  expect(performance.now() - startedAt).toBeLessThan(3_000);
});

test.each([Number.POSITIVE_INFINITY, 2 ** 31, 2 ** 40])("a delay of %d ms is not over at once", async (delayMs) => {
  let fired = 0;
  const timers = [nodeHost, withoutHold(nodeHost as never)].map((host) => host.setTimer(delayMs, () => (fired += 1)));
  await new Promise((resolve) => setTimeout(resolve, 30));
  for (const timer of timers) nodeHost.clearTimer(timer);
  expect(fired).toBe(0);
});

test.each([1234.5, Number.POSITIVE_INFINITY])("a request may be given %d ms", async (timeoutMs) => {
  const server = createServer((_, response) => response.end("here"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const request = { method: "GET", url: `http://127.0.0.1:${port}/`, headers: {}, timeoutMs } as const;
  const { status, body } = await nodeHost.fetch(request);
  server.close();
  expect([status, body]).toEqual([200, "here"]);
});
