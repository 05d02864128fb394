import { expect, test } from "vitest";
import { IllegalStateException, NoSuchElementException } from "../errors.js";
import type { Emitter } from "./channel.js";
import { Flow } from "./flow.js";

const options = { overflow: (): Error => new IllegalStateException("too many") };

/** A flow with what gives its values, and how many collections are under way. */
function makeFlow(): {
  readonly flow: Flow<number>;
  readonly emit: (...values: number[]) => void;
  readonly end: () => void;
  readonly count: () => number;
} {
  const emitters = new Set<Emitter<number>>();
  const flow = Flow.from<number>((emitter) => {
    emitters.add(emitter);
    return () => emitters.delete(emitter);
  }, options);
  return {
    flow,
    emit: (...values) => {
      for (const emitter of Array.from(emitters)) for (const value of values) emitter.emit(value);
    },
    end: () => {
      for (const emitter of Array.from(emitters)) emitter.complete();
    },
    count: () => emitters.size,
  };
}

function finished(...values: readonly number[]): Flow<number> {
  return Flow.from<number>((emitter) => {
    for (const value of values) emitter.emit(value);
    emitter.complete();
    return () => undefined;
  }, options);
}

test("nothing happens before somebody collects, and each collection begins anew", async () => {
  const { flow, emit, end, count } = makeFlow();
  const mapped = flow.map((value) => value * 2);
  expect(count()).toBe(0);
  emit(1);
  const [plain, doubled] = [flow.toArray(), mapped.toArray()];
  expect(count()).toBe(2);
  emit(2, 3);
  end();
  expect([await plain, await doubled]).toEqual([
    [2, 3],
    [4, 6],
  ]);
  expect(count()).toBe(0);
  expect(await finished(1).toArray()).toEqual(await finished(1).toArray());
});

test("leaving the loop ends the collection, and so does a collector that throws", async () => {
  const { flow, emit, count } = makeFlow();
  const leaving = (async () => {
    for await (const value of flow.filter((one) => one > 1)) return value;
    return 0;
  })();
  const throwing = flow.collect((value) => {
    throw new Error(`no ${value}`);
  });
  emit(1, 2);
  expect(await leaving).toBe(2);
  await expect(throwing).rejects.toThrow("no 1");
  expect(count()).toBe(0);
  const again = flow.first();
  emit(7);
  expect(await again).toBe(7);
});

test("first, last, take, takeWhile and onEach", async () => {
  const seen: number[] = [];
  const flow = finished(1, 2, 3).onEach((value) => void seen.push(value));
  expect(await flow.first((value) => value > 1)).toBe(2);
  expect(await flow.last()).toBe(3);
  expect(await flow.take(2).toArray()).toEqual([1, 2]);
  expect(await flow.take(0).toArray()).toEqual([]);
  expect(await flow.takeWhile((value) => value < 3).toArray()).toEqual([1, 2]);
  expect(seen).toEqual([1, 2, 1, 2, 3, 1, 2, 1, 2, 3]);
  expect(await finished().firstOrNull()).toBeNull();
  await expect(finished().first()).rejects.toThrow(NoSuchElementException);
  await expect(finished().last()).rejects.toThrow(NoSuchElementException);
});

test("a collector waits for the promise of its callback", async () => {
  const order: string[] = [];
  await finished(1, 2).collect(async (value) => {
    order.push(`begin ${value}`);
    await Promise.resolve();
    order.push(`end ${value}`);
  });
  expect(order).toEqual(["begin 1", "end 1", "begin 2", "end 2"]);
});

test("a buffer lets more values wait, up to its capacity", async () => {
  const { flow, emit, end, count } = makeFlow();
  const take = async (capacity?: number): Promise<number[]> => {
    const values: number[] = [];
    const iterator = flow.buffer(capacity)[Symbol.asyncIterator]();
    const first = iterator.next();
    for (let value = 0; value < 200; value += 1) {
      emit(value);
      await Promise.resolve().then(() => undefined);
    }
    end();
    for (let next = await first; next.done !== true; next = await iterator.next()) values.push(next.value);
    return values;
  };
  expect((await take()).length).toBe(200);
  await expect(take(100)).rejects.toThrow("More than 100 values wait for the collector of a flow");
  expect(count()).toBe(0);
});

test("64 values may wait; the 65th fails the collection, after those that waited", async () => {
  const { flow, emit, count } = makeFlow();
  const iterator = flow[Symbol.asyncIterator]();
  const first = iterator.next();
  emit(...Array.from({ length: 65 }, (_, index) => index));
  expect(count()).toBe(1);
  emit(65);
  expect(count()).toBe(0);
  expect(await first).toEqual({ done: false, value: 0 });
  for (let index = 1; index <= 64; index += 1) expect(await iterator.next()).toEqual({ done: false, value: index });
  await expect(iterator.next()).rejects.toThrow(IllegalStateException);
  expect(await iterator.next()).toEqual({ done: true, value: undefined });
});

test("a collection that is left while it waits ends at once, whatever is between", async () => {
  const { flow, count } = makeFlow();
  const derived = [
    flow,
    flow.map((value) => value),
    flow.filter(() => true),
    flow.take(3),
    flow.takeWhile(() => true),
    flow.onEach(() => undefined),
    flow.map((value) => value).buffer(),
  ];
  for (const one of derived) {
    const iterator = one[Symbol.asyncIterator]();
    const waiting = iterator.next();
    expect(count()).toBe(1);
    void iterator.return?.();
    expect(count()).toBe(0);
    expect(await waiting).toEqual({ done: true, value: undefined });
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
  }
});

test("what a function on the way throws ends the collection; values keep their order", async () => {
  const { flow, emit, count } = makeFlow();
  const failing = flow.map((value) => {
    throw new Error(`no ${value}`);
  });
  const slowFirst = flow.map(async (value) => {
    for (let turn = value; turn < 3; turn += 1) await Promise.resolve();
    return value;
  });
  const iterator = slowFirst[Symbol.asyncIterator]();
  const [failed, first, second] = [failing.toArray(), iterator.next(), iterator.next()];
  emit(1, 2);
  await expect(failed).rejects.toThrow("no 1");
  expect([await first, await second]).toMatchObject([{ value: 1 }, { value: 2 }]);
  await iterator.return?.();
  expect([count(), await flow.take(0).toArray()]).toEqual([0, []]);
});
