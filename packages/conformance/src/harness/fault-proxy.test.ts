import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { FaultProxy } from "./fault-proxy.js";

/** Longest time in which loopback bytes that may move arrive. */
const soonMs = 10_000;
/** Time after which bytes that did not arrive are taken to be held back. */
const heldBackMs = 150;

let echo: Server;
let proxy: FaultProxy;
const sockets: Socket[] = [];

beforeEach(async () => {
  // It goes on answering after the other side has ended, so that the last bytes of a stream can be seen.
  echo = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => undefined);
    socket.pipe(socket);
  });
  echo.listen(0, "127.0.0.1");
  await once(echo, "listening");
  const address = echo.address();
  proxy = await FaultProxy.start(`http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`);
});

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await proxy.stop();
  echo.close();
  await once(echo, "close");
});

/** A connection through the proxy and what came back on it. */
async function open(): Promise<{ socket: Socket; received: () => string; closed: () => boolean }> {
  const socket = connect(Number(new URL(proxy.url).port), "127.0.0.1");
  sockets.push(socket);
  let text = "";
  let isClosed = false;
  socket.on("data", (bytes: Buffer) => (text += bytes.toString("latin1")));
  socket.on("error", () => undefined);
  socket.on("close", () => (isClosed = true));
  await Promise.race([once(socket, "connect"), once(socket, "close")]);
  return { socket, received: () => text, closed: () => isClosed };
}

async function pause(durationMs: number): Promise<void> {
  await new Promise((resolve) => {
    setTimeout(resolve, durationMs);
  });
}

async function soon(holds: () => boolean): Promise<void> {
  await expect.poll(holds, { timeout: soonMs, interval: 5 }).toBe(true);
}

test("an open proxy passes bytes both ways, in order", async () => {
  const { socket, received } = await open();
  const sent = Array.from({ length: 500 }, (_, i) => `${i} `);
  for (const text of sent) socket.write(text);
  await soon(() => received() === sent.join(""));
});

test("held answers wait and are counted, while what devices say arrives", async () => {
  const { socket, received } = await open();
  proxy.holdAnswers();
  expect(proxy.heldAnswerBytes()).toBe(0);
  socket.write("hello");
  await soon(() => proxy.heldAnswerBytes() === "hello".length);
  await pause(heldBackMs);
  expect(received()).toBe("");
  proxy.restore();
  await soon(() => received() === "hello");
  expect(proxy.heldAnswerBytes()).toBe(0);
});

test("cut ends what is open and refuses what is new until restored", async () => {
  const before = await open();
  before.socket.write("hello");
  await soon(() => before.received() === "hello");
  proxy.cut();
  await soon(before.closed);
  const during = await open();
  await soon(during.closed);
  proxy.restore();
  const after = await open();
  after.socket.write("again");
  await soon(() => after.received() === "again");
  expect(before.received()).toBe("hello");
});

test("a black hole keeps connections and swallows bytes; restored, none is missing", async () => {
  const before = await open();
  proxy.blackhole();
  before.socket.write("a");
  const during = await open();
  during.socket.write("b");
  before.socket.write("c");
  await pause(heldBackMs);
  expect([before.received(), during.received()]).toEqual(["", ""]);
  expect([before.closed(), during.closed()]).toEqual([false, false]);
  proxy.restore();
  await soon(() => before.received() === "ac" && during.received() === "b");
});

test("slow passes no more than it may, and everything in the end", async () => {
  const { socket, received } = await open();
  proxy.slow(10_000);
  const started = performance.now();
  socket.write("x".repeat(5_000));
  await soon(() => received().length > 0);
  const seconds = (performance.now() - started) / 1_000;
  // One slice more than the rate allows is on its way at any moment.
  expect(received().length).toBeLessThanOrEqual(10_000 * seconds + 400);
  await soon(() => received().length === 5_000);
  expect(performance.now() - started).toBeGreaterThan(400);
});

test("the end of a slow stream comes after its last byte", async () => {
  const { socket, received, closed } = await open();
  proxy.slow(20_000);
  socket.end("y".repeat(4_000));
  await soon(closed);
  expect(received()).toHaveLength(4_000);
});

test("a late stream arrives whole, in order, and not before its time", async () => {
  const { socket, received } = await open();
  proxy.delay(200);
  const started = performance.now();
  for (const text of ["a", "b", "c"]) socket.write(text);
  await soon(() => received() === "abc");
  // Once on the way there and once on the way back.
  expect(performance.now() - started).toBeGreaterThanOrEqual(400);
});

test("a severed connection ends in the middle of what is sent next", async () => {
  const { socket, received, closed } = await open();
  socket.write("hello");
  await soon(() => received() === "hello");
  expect(proxy.sever(() => true, 1)).toBe(1);
  socket.write("12345678");
  await soon(closed);
  expect(received()).toBe("hello1234");
});

test("a connection that is closed halfway still carries the other direction", async () => {
  const { socket, received, closed } = await open();
  socket.write("hello");
  await soon(() => received() === "hello");
  expect(proxy.halfClose(() => true, 0)).toBe(1);
  // The echo server has seen the end and ends too; what the device still says goes nowhere.
  socket.write("lost");
  await soon(closed);
  expect(received()).toBe("hello");
});

test("a sender is held back while its bytes cannot move, and none is missing in the end", async () => {
  const { socket, received } = await open();
  proxy.blackhole();
  const size = 32 * 1024 * 1024;
  let isTaken = false;
  socket.write(Buffer.alloc(size, "x"), () => (isTaken = true));
  await pause(heldBackMs);
  expect(isTaken).toBe(false);
  proxy.restore();
  await soon(() => received().length === size);
});

test("it counts sync connections only, while they are open", async () => {
  const api = await open();
  api.socket.write("GET /api/client/v2.0/app/x/location HTTP/1.1\r\n\r\n");
  const sync = await open();
  sync.socket.write("GET /api/client/v2.0/app/x/realm-sync HTTP/1.1\r\n\r\n");
  await soon(() => proxy.connections() === 1);
  expect(proxy.acceptedCount).toBe(2);
  sync.socket.destroy();
  await soon(() => proxy.connections() === 0);
});

test("what is said in the server's name goes to the session that was heard of, and the server is silent then", async () => {
  const { socket, received } = await open();
  socket.write("GET /api/client/v2.0/app/x/realm-sync HTTP/1.1\r\n\r\n");
  await soon(() => proxy.connections() === 1);
  const say = (): number => proxy.say((session) => Buffer.from(`for ${session}`));
  expect(say()).toBe(0);
  // The echo stands for a server that answers.
  socket.write("mark 12 1\nmark 34 1\n");
  await soon(() => received().endsWith("mark 34 1\n"));
  expect(say()).toBe(1);
  await soon(() => received().endsWith("\x82\x06for 34"));
  socket.write("hello");
  await pause(heldBackMs);
  expect(received().endsWith("for 34")).toBe(true);
});

test("a long message has a long frame", async () => {
  const { socket, received } = await open();
  socket.write("GET /api/client/v2.0/app/x/realm-sync HTTP/1.1\r\n\r\nmark 1 1\n");
  await soon(() => received().endsWith("mark 1 1\n"));
  proxy.say(() => Buffer.alloc(300, "x"));
  await soon(() => received().endsWith(`\x82\x7e\x01\x2c${"x".repeat(300)}`));
});
