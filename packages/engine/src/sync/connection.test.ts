import { closeCode, errorCode, errorInformation } from "@tidemark/protocol";
import { beforeEach, expect, test } from "vitest";
import { LoopHarness } from "../testing/loop-harness.js";

let loop: LoopHarness;
beforeEach(() => {
  loop = new LoopHarness();
});

test("states go from connecting to connected, and by an interruption to disconnected", async () => {
  await loop.user();
  await loop.activate();
  await loop.accept();
  expect(loop.takeStates()).toEqual(["connecting", "connected"]);
  loop.host.socket.end({ kind: "read", message: "cut" });
  await loop.host.run();
  expect(loop.takeStates()).toEqual(["disconnected"]);
  await loop.host.advance(1_000);
  expect(loop.takeStates()).toEqual(["connecting"]);
});

test("attempts that fail for one reason come at doubling intervals up to five minutes", async () => {
  await loop.user();
  await loop.activate();
  const intervals: number[] = [];
  for (let attempt = 0; attempt < 12; attempt += 1) {
    loop.host.socket.end({ kind: "connect", message: "refused" });
    await loop.host.run();
    const before = loop.host.opened.length;
    let waitedMs = 0;
    while (loop.host.opened.length === before) {
      await loop.host.advance(500);
      waitedMs += 500;
    }
    intervals.push(waitedMs);
  }
  expect(intervals).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300].map((seconds) => seconds * 1000));
});

test("chance takes away up to a quarter of the delay", async () => {
  loop.host.randomValue = 0.999;
  await loop.user();
  await loop.activate();
  loop.host.socket.end({ kind: "connect", message: "refused" });
  await loop.host.advance(749);
  expect(loop.host.opened).toHaveLength(1);
  await loop.host.advance(2);
  expect(loop.host.opened).toHaveLength(2);
});

test("another reason begins with the first delay", async () => {
  await loop.user();
  await loop.activate();
  for (const delayMs of [1_000, 2_000]) {
    loop.host.socket.end({ kind: "connect", message: "refused" });
    await loop.host.advance(delayMs);
  }
  expect(loop.host.opened).toHaveLength(3);
  loop.host.socket.end({ kind: "http", status: 503, message: "" });
  await loop.host.advance(1_000);
  expect(loop.host.opened).toHaveLength(4);
});

test("reconnect ends the waiting; the delays begin anew", async () => {
  await loop.user();
  await loop.activate();
  for (let attempt = 0; attempt < 8; attempt += 1) {
    loop.host.socket.end({ kind: "connect", message: "refused" });
    await loop.host.advance(300_000);
  }
  loop.host.socket.end({ kind: "connect", message: "refused" });
  await loop.host.run();
  const before = loop.host.opened.length;
  await loop.do({ type: "reconnect", session: null });
  expect(loop.host.opened).toHaveLength(before + 1);
  loop.host.socket.end({ kind: "connect", message: "refused" });
  await loop.host.advance(1_000);
  expect(loop.host.opened).toHaveLength(before + 2);
});

test("reconnect while connected asks for a sign of life and keeps the connection", async () => {
  loop.host.randomValue = 0.5;
  await loop.reachSteadyState();
  await loop.do({ type: "reconnect", session: null });
  const [ping] = loop.host.socket.take();
  if (ping?.type !== "ping") throw new Error("no ping");
  await loop.answer({ type: "pong", timestamp: ping.timestamp });
  expect(loop.takeStates()).toEqual([]);
  expect(loop.host.opened).toHaveLength(1);
});

test("a connection without an answer to its ping is given up after two minutes", async () => {
  loop.host.randomValue = 0.5;
  await loop.reachSteadyState();
  await loop.host.advance(30_000);
  expect(loop.host.socket.takeTypes()).toEqual(["ping"]);
  await loop.host.advance(119_000);
  expect(loop.takeStates()).toEqual([]);
  await loop.host.advance(1_000);
  expect(loop.takeStates()).toContain("disconnected");
});

test("pings repeat after 54 to 60 seconds, less what the answer took, and carry the round trip", async () => {
  await loop.reachSteadyState();
  await loop.host.advance(0);
  const [first] = loop.host.socket.take();
  if (first?.type !== "ping") throw new Error("no ping");
  await loop.host.advance(2_000);
  await loop.answer({ type: "pong", timestamp: first.timestamp });
  await loop.host.advance(57_999);
  expect(loop.host.socket.takeTypes()).toEqual([]);
  await loop.host.advance(1);
  expect(loop.host.socket.take()).toMatchObject([{ type: "ping", roundTripMs: 2_000 }]);
});

test("a pong that nobody asked for breaks the protocol", async () => {
  await loop.reachSteadyState();
  await loop.answer({ type: "pong", timestamp: 12345 });
  expect(loop.host.socket.isClosed).toBe(true);
});

test("a connection that is not established within two minutes fails", async () => {
  await loop.user();
  await loop.activate();
  loop.takeStates();
  await loop.host.advance(120_000);
  expect(loop.takeStates()).toEqual(["disconnected"]);
});

test.each([
  ["HTTP 401", { kind: "http", status: 401, message: "" }],
  ["close 4001", { kind: "close", closeCode: closeCode.unauthorized, message: "" }],
] as const)("%s asks for a token, waits for it, and connects with it at once", async (_, failure) => {
  await loop.user();
  await loop.activate();
  loop.host.socket.end(failure);
  await loop.host.advance(600_000);
  expect(loop.events).toContainEqual({ type: "token-needed", userKey: "user" });
  expect(loop.host.opened).toHaveLength(1);
  await loop.user("new");
  expect(loop.host.socket.url).toContain("baas_at=new");
});

test("a moved server is looked for", async () => {
  await loop.user();
  await loop.activate();
  await loop.accept();
  loop.host.socket.end({ kind: "close", closeCode: closeCode.movedPermanently, message: "moved" });
  await loop.host.run();
  expect(loop.events).toContainEqual({ type: "location-needed", userKey: "user" });
});

test.each([
  ["HTTP 403", { kind: "http", status: 403, message: "no" }],
  ["close 4002", { kind: "close", closeCode: closeCode.forbidden, message: "no" }],
] as const)("%s logs the user out", async (_, failure) => {
  await loop.user();
  await loop.activate();
  loop.host.socket.end(failure);
  await loop.host.run();
  expect(loop.events).toContainEqual(
    expect.objectContaining({
      type: "error",
      consequence: "log-out",
      error: expect.objectContaining({ status: 4346 }),
    }),
  );
});

test("close 1009 demands a reset", async () => {
  await loop.reachSteadyState();
  loop.host.socket.end({ kind: "close", closeCode: closeCode.messageTooBig, message: "read limited" });
  await loop.host.run();
  expect(loop.takeEvents()).toContainEqual(
    expect.objectContaining({ consequence: "stop", error: expect.objectContaining({ isClientReset: true }) }),
  );
});

test("a plain interruption is not shown to the application", async () => {
  await loop.reachSteadyState();
  loop.host.socket.end({ kind: "close", closeCode: 1006, message: "" });
  await loop.host.run();
  expect(loop.takeEvents()).toContainEqual(expect.objectContaining({ type: "error", consequence: "transient" }));
});

test.each([
  ["that cannot be made", false, "unreachable"],
  ["that was there", true, "transient"],
] as const)("a failure of a connection %s", async (_, isThere, consequence) => {
  await loop.user();
  await loop.activate();
  if (isThere) await loop.accept();
  loop.takeEvents();
  loop.host.socket.end({ kind: "connect", message: "ETIMEDOUT" });
  await loop.host.run();
  expect(loop.takeEvents()).toContainEqual(expect.objectContaining({ type: "error", consequence }));
});

test("an error of the connection without a retry waits for the application", async () => {
  await loop.reachSteadyState();
  const body = JSON.stringify(errorInformation(errorCode.badSyntax, "bad"));
  await loop.answer({ type: "json_error", errorCode: errorCode.badSyntax, session: 0, body });
  await loop.host.advance(1_000_000);
  expect(loop.host.opened).toHaveLength(1);
  await loop.do({ type: "reconnect", session: null });
  expect(loop.host.opened).toHaveLength(2);
});

test("a server without the protocol is refused", async () => {
  await loop.user();
  await loop.activate();
  const events = loop.events;
  loop.host.socket.end({ kind: "http", status: 404, message: "" });
  await loop.host.run();
  expect(events).toContainEqual(
    expect.objectContaining({ consequence: "warn", error: expect.objectContaining({ status: 1034, isFatal: true }) }),
  );
});

test("sessions of one user share a connection; without multiplexing each has its own", async () => {
  await loop.user();
  await loop.activate(1);
  await loop.activate(2);
  expect(loop.host.opened).toHaveLength(1);
  await loop.accept();
  expect(loop.host.socket.take().map(({ type, ...rest }) => [type, "session" in rest ? rest.session : 0])).toEqual([
    ["bind", 1],
    ["bind", 2],
  ]);
  await loop.activate(3, false);
  expect(loop.host.opened).toHaveLength(2);
});

test("one session of two ends with UNBIND and leaves the connection to the other", async () => {
  await loop.user();
  await loop.activate(1);
  await loop.activate(2);
  await loop.accept();
  loop.host.socket.take();
  await loop.deactivate(1);
  expect(loop.host.socket.takeTypes()).toEqual(["unbind"]);
  expect(loop.host.socket.isClosed).toBe(false);
});

test("an unused connection lingers for half a minute and is taken up by the next session", async () => {
  await loop.reachSteadyState();
  await loop.deactivate(1, true);
  await loop.host.advance(29_000);
  loop.takeStates();
  await loop.activate(2);
  expect(loop.host.opened).toHaveLength(1);
  expect(loop.takeStates()).toEqual(["connecting", "connected"]);
  expect(loop.host.socket.take()).toContainEqual(expect.objectContaining({ type: "bind", session: 2 }));
  await loop.deactivate(2, true);
  await loop.host.advance(30_000);
  expect(loop.host.socket.isClosed).toBe(true);
});

test("fifty pauses and resumes end with one live connection", async () => {
  await loop.reachSteadyState();
  for (let round = 0; round < 50; round += 1) {
    await loop.deactivate(1);
    await loop.activate(1);
  }
  await loop.accept();
  expect(loop.host.opened.filter((socket) => !socket.isClosed)).toHaveLength(1);
  expect(loop.host.socket.takeTypes()).toEqual(["bind", "ident", "mark"]);
  expect(loop.file.openCount).toBe(1);
});

test("an UPLOAD in the making when the session ends is not sent", async () => {
  await loop.reachSteadyState();
  let release: () => void = () => undefined;
  loop.host.compression.compress = (body) =>
    new Promise((resolve) => {
      release = () => resolve({ isCompressed: false, uncompressedSize: body.length, body });
    });
  loop.file.commit();
  await loop.do({ type: "committed", session: 1 });
  await loop.deactivate(1, true);
  release();
  await loop.host.run();
  expect(loop.host.socket.takeTypes()).toEqual(["unbind"]);
});

test("a socket that takes nothing holds back messages until it ends", async () => {
  await loop.reachSteadyState();
  loop.host.socket.isStalled = true;
  loop.file.commit();
  await loop.do({ type: "committed", session: 1 });
  loop.file.commit();
  await loop.do({ type: "committed", session: 1 });
  expect(loop.host.socket.takeTypes()).toEqual(["upload"]);
  loop.host.socket.end({ kind: "read", message: "cut" });
  await loop.host.advance(1_000);
  await loop.accept();
  expect(loop.host.socket.takeTypes()).toEqual(["bind", "ident", "upload"]);
});

test("a compensating write on its way to a session that has sent UNBIND does not end what is dropped", async () => {
  await loop.reachSteadyState();
  await loop.activate(2);
  await loop.deactivate(1);
  loop.takeEvents();
  const body = JSON.stringify(errorInformation(errorCode.compensatingWrite, "reverted", {}));
  await loop.answer({ type: "json_error", errorCode: errorCode.compensatingWrite, session: 1, body });
  await loop.answer(loop.download());
  await loop.answer({ type: "unbound", session: 1 });
  expect(loop.takeEvents()).toEqual([]);
});
