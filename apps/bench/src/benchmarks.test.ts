// That the benchmarks still run and still say what they promise; how fast they are is nobody's business here.
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { benchmarks, runBenchmark } from "./benchmarks.js";
import { steps, takeTurns } from "./database-benchmarks.js";
import { mapSide } from "./database-map.js";
import { tidemarkSide } from "./database-tidemark.js";
import type { Figure } from "./figures.js";
import { items } from "./items.js";
import { manyInsertions, manySets, mergePeers } from "./merge-peers.js";
import { usageOf } from "./process-usage.js";

async function figuresOf(name: string): Promise<Figure[]> {
  const benchmark = benchmarks.find((one) => one.name === name);
  if (benchmark === undefined) throw new Error(`no benchmark is called ${name}`);
  const figures: Figure[] = [];
  for await (const figure of runBenchmark(benchmark, true)) figures.push(figure);
  return figures;
}

function expectCompared(figures: readonly Figure[], names: readonly string[]): void {
  expect(figures.map(({ name }) => name)).toEqual(names);
  for (const { value, peer, ratio } of figures) {
    expect(value).toBeGreaterThan(0);
    if (peer === undefined) continue;
    expect(peer.value).toBeGreaterThan(0);
    expect(ratio).toBeCloseTo(value / peer.value, 1 - Math.floor(Math.log10(value / peer.value)));
  }
}

test("a bootstrap is compared with the floor", { timeout: 60_000 }, async () => {
  expectCompared(await figuresOf("bootstrap"), ["bootstrap"]);
});

test("the codec is compared with a copy", { timeout: 60_000 }, async () => {
  expectCompared(await figuresOf("codec"), ["codec-decode", "codec-encode"]);
});

test("a local database does what a Map does", { timeout: 60_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), "tidemark-bench-test-"));
  const sides = [tidemarkSide(folder), mapSide()];
  const took: string[] = [];
  try {
    for (const step of steps(items(500))) takeTurns(step, sides, (side) => took.push(`${step.name} ${side.name}`));
  } finally {
    for (const side of sides) side.close();
    await rm(folder, { recursive: true });
  }
  expect(took).toContain("scan-contains map");
  expect(took.at(-1)).toBe("open tidemark");
});

test("libraries for merging do the same work", { timeout: 60_000 }, () => {
  for (const workload of [manySets(5), manyInsertions(100)]) {
    for (const peer of mergePeers) expect(peer.prepare(workload)(), peer.name).toBe(workload.size);
  }
});

test.runIf(process.platform === "linux")("a process and what it started are counted", { timeout: 60_000 }, async () => {
  const child = spawn(process.execPath, ["-e", "process.stdin.resume(); process.stdout.write('.')"]);
  await new Promise((resolve) => {
    child.stdout.once("data", resolve);
  });
  const [alone, together] = [await usageOf([child.pid ?? 0]), await usageOf([process.pid])];
  child.kill();
  expect(alone?.memoryBytes).toBeGreaterThan(1_000_000);
  expect(together?.memoryBytes).toBeGreaterThan(alone?.memoryBytes ?? 0);
  expect(together?.cpuMs).toBeGreaterThan(0);
});
