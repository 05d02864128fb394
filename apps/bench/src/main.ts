/**
 * `npm run bench -- [--quick] [NAME…]`: one JSON object a line, a {@link Figure}, or why there is none.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { benchmarks, runBenchmark } from "./benchmarks.js";
import { SkippedBenchmark } from "./processes.js";

function print(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

const { values, positionals } = parseArgs({
  options: { quick: { type: "boolean", default: false } },
  allowPositionals: true,
});
const names = benchmarks.map(({ name }) => name);
const unknown = positionals.filter((name) => !names.includes(name));

if (unknown.length > 0) {
  process.stderr.write(`no benchmark is called ${unknown.join(", ")}; there are: ${names.join(", ")}\n`);
  process.exitCode = 2;
} else {
  for (const benchmark of benchmarks) {
    if (positionals.length > 0 && !positionals.includes(benchmark.name)) continue;
    process.stderr.write(`${benchmark.name} …\n`);
    try {
      for await (const figure of runBenchmark(benchmark, values.quick)) print(figure);
    } catch (error) {
      if (!(error instanceof SkippedBenchmark)) throw error;
      print({ name: benchmark.name, skipped: error.message });
    }
  }
}
