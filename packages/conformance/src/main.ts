/**
 * `npm run conformance -- --facade node|kotlin|flutter|cpp [--core native] [--filter PREFIX]`.
 *
 * @module
 */
import { parseArgs } from "node:util";
import type { Adapter } from "./adapter.js";
import { runSuite } from "./suite.js";

/** After the last case the process must end by itself; something that keeps it alive is a leak. */
const exitTimeoutMs = 10_000;

const { values } = parseArgs({
  options: {
    facade: { type: "string", default: "node" },
    core: { type: "string", default: "native" },
    filter: { type: "string", default: "" },
  },
});

/** Facades that exist, and how to load their adapters. */
const adapters: Readonly<Record<string, () => Promise<Adapter>>> = {
  node: async () => (await import("./adapters/node.js")).nodeAdapter,
  kotlin: async () => (await import("./adapters/kotlin.js")).kotlinAdapter,
  flutter: async () => (await import("./adapters/flutter.js")).flutterAdapter,
  cpp: async () => (await import("./adapters/cpp.js")).cppAdapter,
};

const load = adapters[values.facade];
if (!load || values.core !== "native") {
  process.stderr.write(
    load
      ? `the ${values.core} core is not offered to facades yet\n`
      : `no facade is called ${values.facade}; there are: ${Object.keys(adapters).join(", ")}\n`,
  );
  process.exit(2);
}

const counts = { passed: 0, failed: 0, skipped: 0 };
await runSuite(await load(), values.filter, (scenario, outcome, tookMs) => {
  counts[outcome.kind] += 1;
  const detail = outcome.kind === "skipped" ? ` (${outcome.reason})` : "";
  process.stdout.write(
    `${outcome.kind.padEnd(7)} ${scenario.id.padEnd(5)} ${Math.round(tookMs)} ms  ${scenario.title}${detail}\n`,
  );
  if (outcome.kind === "failed") process.stdout.write(`        ${outcome.message.replaceAll("\n", "\n        ")}\n`);
});

const watchdog = setTimeout(() => {
  counts.failed += 1;
  process.stdout.write("failed  the process does not end by itself\n");
  process.exit(1);
}, exitTimeoutMs);
watchdog.unref();
process.on("exit", () => {
  process.stdout.write(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped\n`);
});
if (counts.failed > 0) process.exitCode = 1;
