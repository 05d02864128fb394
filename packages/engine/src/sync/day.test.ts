/**
 * That a session may live for a day, with all that happens to it, and nothing of what happened stays in memory.
 */

import { describeGrowth, type Growth, measureGrowth } from "@tidemark/testing";
import { describe, expect, test } from "vitest";
import { liveLong } from "../testing/simulation/simulate.js";

const isSlow = process.env["TIDEMARK_SLOW"] === "1";
const seed = Number(process.env["TIDEMARK_SESSION_SEED"] ?? 1);

/** A listener that is added with every step and stays leaves nine times this. */
const hourBytesMax = 2_048;

/** Lives, with a look at memory after each hour; the first two are for warming up. */
async function live(hours: number, leaksListeners: boolean): Promise<Growth> {
  const life = liveLong(seed, leaksListeners);
  const growth = await measureGrowth({
    warmUpCycles: 2,
    windows: hours - 2,
    windowCycles: 1,
    cycle: () => life.hour(),
  });
  expect(await life.end()).toEqual([]);
  return growth;
}

describe.runIf(isSlow)("a day of virtual time", () => {
  test("leaves memory flat", { timeout: 600_000 }, async () => {
    const growth = await live(24, false);
    process.stdout.write(describeGrowth("A session's day, by the hour (the loop on the same thread)", growth));
    expect(growth.perCycle.heap).toBeLessThan(hourBytesMax);
  });

  test("would not, if listeners were forgotten", { timeout: 600_000 }, async () => {
    const growth = await live(8, true);
    process.stdout.write(describeGrowth("The same with a listener that is forgotten at each step", growth));
    expect(growth.perCycle.heap).toBeGreaterThan(4 * hourBytesMax);
  });
});
