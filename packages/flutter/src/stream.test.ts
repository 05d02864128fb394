import { expect, test } from "vitest";
import { CancellationToken, throwIfCancelled, TimeoutCancellationToken, untilCancelled } from "./cancellation.js";
import { millisecondsOf } from "./duration.js";
import { engine } from "./engine.js";
import { CancelledException, StateError, TimeoutException } from "./errors.js";
import { Stream, type StreamSink } from "./stream.js";

/** A stream that the test feeds, and whether somebody listens. */
function fed<T>(): { readonly stream: Stream<T>; readonly sink: () => StreamSink<T>; readonly log: string[] } {
  let sink: StreamSink<T> | undefined;
  const log: string[] = [];
  const stream = new Stream<T>((given) => {
    log.push("begin");
    sink = given;
    return () => log.push("end");
  });
  const required = (): StreamSink<T> => {
    if (sink === undefined) throw new Error("nobody listens");
    return sink;
  };
  return { stream, sink: required, log };
}

/** A stream of given events that then ends. */
function of<T>(...events: readonly T[]): Stream<T> {
  return new Stream((sink) => {
    for (const event of events) sink.add(event);
    sink.close();
    return () => undefined;
  });
}

test("nothing begins before somebody listens, and cancelling ends it", async () => {
  const { stream, sink, log } = fed<number>();
  const seen: number[] = [];
  expect(log).toEqual([]);
  const subscription = stream.listen((event) => seen.push(event));
  sink().add(1);
  await subscription.cancel();
  sink().add(2);
  expect([seen, log]).toEqual([[1], ["begin", "end"]]);
});

test("a second listener is refused", () => {
  const { stream } = fed();
  stream.listen();
  expect(() => stream.listen()).toThrow(StateError);
  expect(() => stream.map(String).listen()).toThrow("Stream has already been listened to.");
});

test("a paused subscription holds back events, also the end", async () => {
  const { stream, sink } = fed<number>();
  const seen: unknown[] = [];
  const subscription = stream.listen((event) => seen.push(event), { onDone: () => seen.push("done") });
  subscription.pause();
  subscription.pause();
  sink().add(1);
  sink().close();
  subscription.resume();
  await Promise.resolve();
  expect([seen, subscription.isPaused]).toEqual([[], true]);
  subscription.resume();
  await Promise.resolve();
  expect(seen).toEqual([1, "done"]);
});

test("errors are told, and end the subscription if so wished", () => {
  for (const cancelOnError of [false, true]) {
    const { stream, sink } = fed<number>();
    const seen: unknown[] = [];
    stream.listen((event) => seen.push(event), { onError: (error) => seen.push(error), cancelOnError });
    sink().addError("wrong");
    sink().add(1);
    expect(seen).toEqual(cancelOnError ? ["wrong"] : ["wrong", 1]);
  }
});

test("handlers can be replaced", () => {
  const { stream, sink } = fed<number>();
  const seen: unknown[] = [];
  const subscription = stream.listen();
  subscription.onData((event) => seen.push(event));
  subscription.onError((error) => seen.push(error));
  subscription.onDone(() => seen.push("done"));
  sink().add(1);
  sink().addError("wrong");
  sink().close();
  expect(seen).toEqual([1, "wrong", "done"]);
});

test("derived streams", async () => {
  const numbers = (): Stream<number> => of(1, 1, 2, 3, 3, 1);
  expect(await numbers().first).toBe(1);
  expect(await numbers().firstWhere((event) => event > 1)).toBe(2);
  expect(
    await numbers()
      .map((event) => event * 2)
      .toList(),
  ).toEqual([2, 2, 4, 6, 6, 2]);
  expect(
    await numbers()
      .where((event) => event > 1)
      .toList(),
  ).toEqual([2, 3, 3]);
  expect(await numbers().take(2).toList()).toEqual([1, 1]);
  expect(await numbers().skip(4).toList()).toEqual([3, 1]);
  expect(
    await numbers()
      .takeWhile((event) => event < 3)
      .toList(),
  ).toEqual([1, 1, 2]);
  expect(await numbers().distinct().toList()).toEqual([1, 2, 3, 1]);
  expect(
    await numbers()
      .distinct((a, b) => a <= b)
      .toList(),
  ).toEqual([1]);
  await expect(of().first).rejects.toThrow(StateError);
  const thrown = numbers().map(() => {
    throw new Error("cannot convert");
  });
  await expect(thrown.toList()).rejects.toThrow("cannot convert");
});

test("taking enough stops listening", () => {
  const { stream, sink, log } = fed<number>();
  stream.take(1).listen();
  sink().add(1);
  expect(log).toEqual(["begin", "end"]);
});

test("a broadcast stream has many listeners, each from when it begins", () => {
  const { stream, sink } = fed<number>();
  const broadcast = stream.asBroadcastStream();
  const [first, second]: [number[], number[]] = [[], []];
  broadcast.listen((event) => first.push(event));
  sink().add(1);
  broadcast.map((event) => event * 10).listen((event) => second.push(event));
  sink().add(2);
  expect([first, second]).toEqual([[1, 2], [20]]);
});

test("for await listens, and leaving the loop stops listening", async () => {
  const { stream, sink, log } = fed<number>();
  const seen: number[] = [];
  setImmediate(() => {
    for (const event of [1, 2, 3]) sink().add(event);
  });
  for await (const event of stream) {
    seen.push(event);
    if (event === 2) break;
  }
  expect([seen, log]).toEqual([
    [1, 2],
    ["begin", "end"],
  ]);
  const all: number[] = [];
  for await (const event of of(1, 2)) all.push(event);
  expect(all).toEqual([1, 2]);
});

const never = new Promise<void>(() => undefined);
const { host } = engine();

test("what is taken of a broadcast stream is counted for each listener", async () => {
  const { stream, sink } = fed<number>();
  const shared = stream.asBroadcastStream();
  const [taken, skipped, distinct] = [shared.take(2), shared.skip(1), shared.distinct()];
  const lists = [taken, taken, skipped, skipped, distinct, distinct].map((one) => one.toList());
  for (const event of [1, 1, 2]) sink().add(event);
  sink().close();
  expect(await Promise.all(lists)).toEqual([
    [1, 1],
    [1, 1],
    [1, 2],
    [1, 2],
    [1, 2],
    [1, 2],
  ]);
});

test("nothing is taken of a stream without waiting for it; a stream that is over is over for who comes later", async () => {
  const { stream, sink, log } = fed<number>();
  expect([await stream.take(0).toList(), log]).toEqual([[], ["begin", "end"]]);
  const shared = of(1).asBroadcastStream();
  expect([await shared.toList(), await shared.toList()]).toEqual([[1], []]);
  sink().close();
});

test("an iteration that is left while it waits stops listening at once", async () => {
  const { stream, sink, log } = fed<number>();
  const iterator = stream[Symbol.asyncIterator]();
  const [first, second] = [iterator.next(), iterator.next()];
  sink().add(1);
  void iterator.return?.();
  expect(log).toEqual(["begin", "end"]);
  expect([await first, await second]).toEqual([
    { done: false, value: 1 },
    { done: true, value: undefined },
  ]);
  const failing = fed<number>();
  const failed = failing.stream[Symbol.asyncIterator]();
  const next = failed.next();
  failing.sink().addError(new Error("mine"));
  await expect(next).rejects.toThrow("mine");
  expect([failing.log, await failed.next()]).toEqual([["begin", "end"], { done: true, value: undefined }]);
});

test("a token ends waits with its exception", async () => {
  const token = new CancellationToken();
  expect([token.isCancelled, token.exception]).toEqual([false, null]);
  expect(await untilCancelled(host, Promise.resolve(5), token)).toBe(5);
  const waits = [untilCancelled(host, never, token), untilCancelled(host, never, token)];
  token.cancel();
  token.cancel(new Error("too late"));
  for (const wait of waits) await expect(wait).rejects.toThrow(CancelledException);
  expect(token.exception).toBeInstanceOf(CancelledException);
  expect(() => throwIfCancelled(token)).toThrow(CancelledException);
  await expect(untilCancelled(host, Promise.reject(new Error("own")), new CancellationToken())).rejects.toThrow("own");
});

test("tokens with a timeout, and signals", async () => {
  await expect(untilCancelled(host, never, new TimeoutCancellationToken(1))).rejects.toThrow(TimeoutException);
  const own = new TimeoutCancellationToken({ milliseconds: 1 }, { timeoutException: new Error("mine") });
  await expect(untilCancelled(host, never, own)).rejects.toThrow("mine");
  await expect(untilCancelled(host, never, new TimeoutCancellationToken(0.5))).rejects.toThrow(TimeoutException);
  const long = [new TimeoutCancellationToken({ days: 30 }), new TimeoutCancellationToken(Number.POSITIVE_INFINITY)];
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(long.map(({ isCancelled }) => isCancelled)).toEqual([false, false]);
  await expect(untilCancelled(host, never, AbortSignal.timeout(1))).rejects.toThrow(TimeoutException);
  await expect(untilCancelled(host, never, AbortSignal.abort())).rejects.toThrow(CancelledException);
  await expect(untilCancelled(host, never, AbortSignal.abort(new Error("why")))).rejects.toThrow("why");
  expect(() => throwIfCancelled(AbortSignal.abort())).toThrow(CancelledException);
  expect(() => throwIfCancelled(undefined)).not.toThrow();
});

test("durations add up", () => {
  expect(millisecondsOf(5)).toBe(5);
  expect(millisecondsOf({ days: 1, hours: 1, minutes: 1, seconds: 1, milliseconds: 1 })).toBe(90_061_001);
});
