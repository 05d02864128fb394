import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { nodeHost, withoutHold } from "./host.js";

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
