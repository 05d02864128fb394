/**
 * What the core measures by itself, without languages around it.
 *
 * @module
 */

import { runCoreProgram } from "./core-programs.js";
import type { Benchmark } from "./figures.js";

/** Figures of `core_bench` by the beginnings of their names, as `docs/benchmarks.md` has them. */
function coreBenchmark(name: string, figures: readonly string[]): Benchmark {
  return {
    name,
    run: async function* ({ quick }) {
      yield* await runCoreProgram({
        target: ["run", "--example", "core_bench"],
        crate: "tidemark-testkit",
        programArguments: [...(quick ? ["--quick"] : []), ...figures],
      });
    },
  };
}

/** Bytes that long work offline costs to upload, beside one changeset of what came of it. */
const compaction: Benchmark = {
  name: "compaction-upload-vs-snapshot",
  run: async function* ({ quick }) {
    yield* await runCoreProgram({
      target: ["run", "--example", "compaction"],
      crate: "tidemark-testkit",
      programArguments: [quick ? "300" : "10000"],
    });
  },
};

/** Benchmarks that are programs of the core. */
export const coreBenchmarks: readonly Benchmark[] = [
  coreBenchmark("list-merge", ["list-merge"]),
  coreBenchmark("core", ["core"]),
  compaction,
];
