/**
 * All benchmarks, and running those that were asked for.
 *
 * @module
 */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { codecBenchmarks } from "./codec-benchmarks.js";
import { coreBenchmarks } from "./core-benchmarks.js";
import { databaseBenchmarks } from "./database-benchmarks.js";
import type { Benchmark, Figure } from "./figures.js";
import { manyClientsBenchmarks } from "./many-clients-benchmarks.js";
import { mergeBenchmarks } from "./merge-benchmarks.js";
import { peerBenchmarks } from "./peer-benchmarks.js";
import { syncBenchmarks } from "./sync-benchmarks.js";

export const benchmarks: readonly Benchmark[] = [
  ...syncBenchmarks,
  ...codecBenchmarks,
  ...mergeBenchmarks,
  ...manyClientsBenchmarks,
  ...coreBenchmarks,
  ...databaseBenchmarks,
  ...peerBenchmarks,
];

/** Runs one benchmark in a folder of its own. */
export async function* runBenchmark(benchmark: Benchmark, quick: boolean): AsyncIterable<Figure> {
  const directory = await mkdtemp(join(tmpdir(), "tidemark-bench-"));
  try {
    yield* benchmark.run({ quick, directory });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
