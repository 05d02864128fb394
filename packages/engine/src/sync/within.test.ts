import { getEventListeners } from "node:events";
import { expect, test } from "vitest";
import { FakeHost } from "../testing/fake-host.js";
import { within } from "./within.js";

const never = new Promise<string>(() => undefined);

test("what is done in time has its value", async () => {
  expect(await within(new FakeHost(), Promise.resolve("done"), { timeoutMs: 5 })).toEqual({ value: "done" });
});

test("a time that is over gives nothing", async () => {
  const host = new FakeHost();
  const waiting = within(host, never, { timeoutMs: 5 });
  await host.advance(5);
  expect(await waiting).toBeUndefined();
});

test("a wait that ends leaves neither timer nor listener behind", async () => {
  const host = new FakeHost();
  const { signal } = new AbortController();
  const waiting = within(host, Promise.resolve(), { timeoutMs: 5, signal });
  expect([host.timerCount, getEventListeners(signal, "abort").length]).toEqual([1, 1]);
  await waiting;
  expect([host.timerCount, getEventListeners(signal, "abort").length]).toEqual([0, 0]);
});

test("who cancels rejects the wait with the reason, also beforehand", async () => {
  const controller = new AbortController();
  const waiting = within(new FakeHost(), never, { signal: controller.signal });
  controller.abort(new Error("enough"));
  await expect(waiting).rejects.toThrow("enough");
  await expect(within(new FakeHost(), never, { signal: AbortSignal.abort(new Error("before")) })).rejects.toThrow(
    "before",
  );
});
