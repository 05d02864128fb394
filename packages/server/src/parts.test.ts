import { describe, expect, test } from "vitest";
import { Semaphore } from "./concurrency.js";
import { randomSalt, systemHost } from "./host.js";
import { getJson, jsonChange, listJson, MemoryKeyValue } from "./key-value.js";
import { Metrics } from "./metrics.js";

describe("metrics", () => {
  test("totals, and rates over the last ten whole seconds", () => {
    let nowMs = 1_000_000;
    const sunk: [string, number][] = [];
    const metrics = new Metrics(
      { ...systemHost, nowMs: () => nowMs },
      { count: (name, amount) => sunk.push([name, amount]) },
    );
    for (let second = 0; second < 20; second += 1) {
      metrics.count("uploads", 5);
      nowMs += 1000;
    }
    expect(metrics.total("uploads")).toBe(100);
    expect(metrics.perSecond("uploads")).toBe(5);
    nowMs += 5000;
    expect(metrics.perSecond("uploads")).toBe(2.5);
    nowMs += 100_000;
    expect(metrics.perSecond("uploads")).toBe(0);
    metrics.count("uploads", 10);
    nowMs += 1000;
    expect(metrics.perSecond("uploads")).toBe(1);
    expect(sunk).toHaveLength(21);
    expect(metrics.totals()).toEqual({ uploads: 110 });
  });
});

describe("the key-value store in memory", () => {
  test("keeps copies, lists by prefix, removes", async () => {
    const store = new MemoryKeyValue();
    await store.write([jsonChange("a/2", { x: 2 }), jsonChange("a/1", { x: 1 }), jsonChange("b/1", {})]);
    expect(await listJson(store, "a/")).toEqual([
      { key: "a/1", value: { x: 1 } },
      { key: "a/2", value: { x: 2 } },
    ]);
    (await store.get("a/1"))?.fill(0);
    expect(await getJson(store, "a/1")).toEqual({ x: 1 });
    await store.write([{ key: "a/1", value: null }]);
    expect(await getJson(store, "a/1")).toBeNull();
  });
});

test("a semaphore lets so many run and keeps the order, also past failures", async () => {
  const semaphore = new Semaphore(2);
  const order: number[] = [];
  let running = 0;
  let most = 0;
  const tasks = [0, 1, 2, 3, 4, 5].map((index) =>
    semaphore.run(async () => {
      running += 1;
      most = Math.max(most, running);
      order.push(index);
      await new Promise((resolve) => setTimeout(resolve, 1));
      running -= 1;
      if (index === 1) throw new Error("failed");
    }),
  );
  const results = await Promise.allSettled(tasks);
  expect(order).toEqual([0, 1, 2, 3, 4, 5]);
  expect(most).toBe(2);
  expect(results.map((one) => one.status).filter((status) => status === "rejected")).toHaveLength(1);
});

test("salts are between 1 and 2^63 − 1", () => {
  const with8 = (bytes: number[]): string => randomSalt({ ...systemHost, randomBytes: () => Uint8Array.from(bytes) });
  expect(with8([0, 0, 0, 0, 0, 0, 0, 0])).toBe("1");
  expect(with8([255, 255, 255, 255, 255, 255, 255, 255])).toBe("9223372036854775807");
});
