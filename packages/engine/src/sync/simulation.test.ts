/**
 * That whatever an application does to its sessions while networks, tokens and servers fail, nothing hangs, nobody is
 * told after it has stopped listening, and every wait ends once.
 */

import { expect, test } from "vitest";
import { simulate, type SimulationCounts } from "../testing/simulation/simulate.js";

const seeds = Number(process.env["TIDEMARK_SESSION_SEEDS"] ?? 2_000);
const first = Number(process.env["TIDEMARK_SESSION_SEED"] ?? 1);

test(`${seeds} lives of sessions`, { timeout: 600_000 }, async () => {
  const counts: SimulationCounts = {};
  for (let seed = first; seed < first + seeds; seed += 1) {
    expect(await simulate(seed, { counts }), `seed ${seed}`).toEqual([]);
  }
  if (seeds < 1_000) return;
  // A life in which something never happens shows nothing about it.
  expect(Object.keys(counts).length).toBe(24);
});

test("a server that now and then does not answer a MARK leaves somebody waiting, which is seen", async () => {
  const failures: string[] = [];
  for (let seed = 1; seed <= 30; seed += 1) failures.push(...(await simulate(seed, { losesMarks: true })));
  expect(failures.some((failure) => failure.endsWith("never ends"))).toBe(true);
});
