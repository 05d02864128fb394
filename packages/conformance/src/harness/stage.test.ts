import { expect, test } from "vitest";
import { Stage } from "./stage.js";

const stage = new Stage(undefined as never, undefined as never, "app");

function block(durationMs: number): void {
  const untilMs = performance.now() + durationMs;
  while (performance.now() < untilMs);
}

test("time in which this process did not get its turn does not count against what must happen", async () => {
  let looks = 0;
  const holds = (): boolean => {
    looks += 1;
    // While the wait for the next look runs, something else has the thread.
    setImmediate(() => block(150));
    return looks > 4;
  };
  await stage.eventually(holds, "the fifth look", 300);
  expect(looks).toBe(5);
});

test("what does not happen fails in its time", async () => {
  await expect(stage.eventually(() => false, "nothing", 100)).rejects.toThrow("nothing: not within 100 ms");
});
