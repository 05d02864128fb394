import { expect, test } from "vitest";
import type { SocketEvents, SyncHost } from "../host.js";
import { WriteTurns } from "./write-turns.js";

/** A host whose timers, deferred calls and socket events happen when the test says so. */
class HandHost implements SyncHost {
  readonly userAgent = "test";
  readonly timers = new Map<number, () => void>();
  readonly deferred: (() => void)[] = [];
  events: SocketEvents | undefined;
  readonly written: (() => void)[] = [];
  readonly compression = {
    compress: async (body: Uint8Array) => ({ isCompressed: false, uncompressedSize: body.length, body }),
    uncompress: async (message: { readonly body: Uint8Array }) => message.body,
  };
  readonly sockets = {
    open: (
      _url: string,
      _protocols: readonly string[],
      _headers: Readonly<Record<string, string>>,
      events: SocketEvents,
    ) => {
      this.events = events;
      return {
        send: (_bytes: Uint8Array, onWritten: () => void) => this.written.push(onWritten),
        close: () => undefined,
      };
    },
  };

  nowMs = (): number => 0;
  monotonicMs = (): number => 0;
  random = (): number => 0;
  setTimer = (_delayMs: number, callback: () => void): number => {
    this.timers.set(this.timers.size, callback);
    return this.timers.size - 1;
  };
  clearTimer = (timer: number | object): void => {
    this.timers.delete(timer as number);
  };
  defer = (callback: () => void): void => {
    this.deferred.push(callback);
  };

  turn(): void {
    for (const callback of this.deferred.splice(0)) callback();
  }
}

function setUp(): {
  readonly inner: HandHost;
  readonly turns: WriteTurns;
  readonly host: SyncHost;
  readonly heard: string[];
} {
  const inner = new HandHost();
  const turns = new WriteTurns(inner);
  return { inner, turns, host: turns.around(inner), heard: [] };
}

test("without a write transaction everything is heard at once", () => {
  const { inner, host, heard } = setUp();
  host.setTimer(1, () => heard.push("timer"));
  host.defer(() => heard.push("deferred"));
  inner.timers.get(0)?.();
  inner.turn();
  expect(heard).toEqual(["timer", "deferred"]);
});

test("what comes during a write transaction is heard after it, in its order, in another turn", async () => {
  const { inner, turns, host, heard } = setUp();
  const socket = host.sockets.open(
    "ws://",
    [],
    {},
    {
      onOpen: () => heard.push("open"),
      onMessage: (bytes) => heard.push(`message ${bytes.length}`),
      onEnd: () => heard.push("end"),
    },
  );
  host.setTimer(1, () => heard.push("timer"));
  turns.begin();
  turns.begin();
  inner.events?.onOpen("");
  inner.timers.get(0)?.();
  inner.events?.onMessage(new Uint8Array(3));
  const uncompressed = host.compression
    .uncompress({ isCompressed: false, uncompressedSize: 2, body: new Uint8Array(2) })
    .then((body) => heard.push(`body ${body.length}`));
  await new Promise((resolve) => setImmediate(resolve));
  socket.send(new Uint8Array(1), () => heard.push("written"));
  inner.written[0]?.();
  turns.end();
  inner.turn();
  expect(heard, "another file still has one").toEqual([]);
  turns.end();
  expect(heard, "the writer has not returned yet").toEqual([]);
  // What comes before the turn does not overtake.
  inner.events?.onEnd({ kind: "read", message: "" });
  inner.turn();
  await uncompressed;
  expect(heard).toEqual(["open", "timer", "message 3", "written", "end", "body 2"]);
});

test("a write transaction that begins while things are heard stops the rest", () => {
  const { inner, turns, host, heard } = setUp();
  turns.begin();
  host.defer(() => {
    heard.push("first");
    turns.begin();
  });
  host.defer(() => heard.push("second"));
  inner.turn();
  turns.end();
  inner.turn();
  expect(heard).toEqual(["first"]);
  turns.end();
  inner.turn();
  expect(heard).toEqual(["first", "second"]);
});

test("what was cleared or closed meanwhile stays silent", () => {
  const { inner, turns, host, heard } = setUp();
  const socket = host.sockets.open(
    "ws://",
    [],
    {},
    {
      onOpen: () => heard.push("open"),
      onMessage: () => heard.push("message"),
      onEnd: () => heard.push("end"),
    },
  );
  const timer = host.setTimer(1, () => heard.push("timer"));
  turns.begin();
  inner.timers.get(0)?.();
  inner.events?.onMessage(new Uint8Array(1));
  host.clearTimer(timer);
  socket.close();
  turns.end();
  inner.turn();
  expect(heard).toEqual([]);
});
