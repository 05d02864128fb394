#!/usr/bin/env node
/**
 * `tidemark-conformance`: runs the suite, or the cases whose id starts with a prefix, against a facade of this
 * repository or an adapter of one's own.
 *
 * @module
 */

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import type { Adapter } from "./adapter.js";
import { hasTable, keepResult } from "./results.js";
import type { Outcome, Scenario } from "./scenario.js";
import { allScenarios, runSuite } from "./suite.js";

const usage = `tidemark-conformance (--facade NAME | --adapter FILE) [--core native|wasm] [--filter PREFIX]
  --facade NAME    a facade of this repository: node (the default), kotlin, flutter, cpp
  --adapter FILE   a module whose default export is an Adapter
  --core NAME      what the facade runs on (default: native)
  --filter PREFIX  only cases whose id starts so; several, separated by commas
  --keep           writes what a filtered run has shown into COMPAT.md, as a whole run does by itself
  --check          fails if COMPAT.md does not say what the run has shown, instead of writing it there
  --json           one JSON object a line for each case
`;

/** After the last case the process must end by itself; something that keeps it alive is a leak. */
const exitTimeoutMs = 10_000;

const { values } = parseArgs({
  options: {
    facade: { type: "string", default: "node" },
    adapter: { type: "string" },
    core: { type: "string", default: "native" },
    filter: { type: "string", default: "" },
    keep: { type: "boolean", default: false },
    check: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

/** Which core an engine loads is decided when its process starts. */
const wasmCondition = "--conditions=tidemark-wasm";

/** Facades that exist, and how to load their adapters. */
const facadeAdapters: Readonly<Record<string, () => Promise<Adapter>>> = {
  node: async () => (await import("./adapters/node.js")).nodeAdapter,
  kotlin: async () => (await import("./adapters/kotlin.js")).kotlinAdapter,
  flutter: async () => (await import("./adapters/flutter.js")).flutterAdapter,
  cpp: async () => (await import("./adapters/cpp.js")).cppAdapter,
};

function refuse(text: string): never {
  process.stderr.write(`${text}\n${usage}`);
  process.exit(2);
}

/** What every adapter has; the rest shows when a case asks for it. */
const adapterMembers = [
  "facade",
  "capabilities",
  "makeApp",
  "openLocal",
  "errorInfo",
  "captureLog",
  "setLogLevel",
] as const;

async function loadOwnAdapter(path: string): Promise<Adapter> {
  if (!existsSync(path)) refuse(`there is no file ${path}`);
  const module = (await import(pathToFileURL(resolve(path)).href)) as { readonly default?: Partial<Adapter> };
  const adapter = module.default ?? refuse(`${path} has no default export`);
  const missing = adapterMembers.filter((member) => adapter[member] === undefined);
  if (missing.length > 0) refuse(`${path} lacks ${missing.join(", ")}`);
  return adapter as Adapter;
}

async function loadAdapter(): Promise<Adapter> {
  if (values.adapter !== undefined) return loadOwnAdapter(values.adapter);
  // The published package has none of them.
  if (!existsSync(new URL("adapters", import.meta.url))) refuse("which client? Name its --adapter.");
  const load = Object.hasOwn(facadeAdapters, values.facade) ? facadeAdapters[values.facade] : undefined;
  return (await load?.()) ?? refuse(`no facade is called ${values.facade}`);
}

function report(scenario: Scenario, outcome: Outcome, tookMs: number): void {
  const { id, title } = scenario;
  if (values.json) {
    process.stdout.write(`${JSON.stringify({ id, title, tookMs: Math.round(tookMs), ...outcome })}\n`);
    return;
  }
  const detail = outcome.kind === "skipped" ? ` (${outcome.reason})` : "";
  process.stdout.write(`${outcome.kind.padEnd(7)} ${id.padEnd(5)} ${Math.round(tookMs)} ms  ${title}${detail}\n`);
  if (outcome.kind === "failed") process.stdout.write(`        ${outcome.message.replaceAll("\n", "\n        ")}\n`);
}

/** A run of a facade without failures is written down where everybody reads it; one of some cases if that is wished. */
function keep(outcomes: readonly (readonly [Scenario, Outcome])[]): boolean {
  // The slow group has cases more.
  const isUsual = process.env["TIDEMARK_SLOW"] !== "1" && values.adapter === undefined && hasTable();
  const isWished = values.filter === "" || values.keep || values.check;
  if (!isUsual || !isWished || outcomes.some(([, { kind }]) => kind === "failed")) return true;
  const isKnown = keepResult(allScenarios, values.facade, values.core, outcomes, values.check);
  if (isKnown || !values.check) return true;
  const filter = values.filter === "" ? "" : ` --filter ${values.filter} --keep`;
  const command = `npm run conformance -- --facade ${values.facade} --core ${values.core}${filter}`;
  process.stderr.write(`COMPAT.md does not say what this run has shown; \`${command}\` writes it there\n`);
  return false;
}

async function runHere(): Promise<void> {
  const outcomes: (readonly [Scenario, Outcome])[] = [];
  await runSuite(await loadAdapter(), values.filter, (scenario, outcome, tookMs) => {
    outcomes.push([scenario, outcome]);
    report(scenario, outcome, tookMs);
  });
  const count = (wanted: Outcome["kind"]): number => outcomes.filter(([, { kind }]) => kind === wanted).length;
  let failed = count("failed");
  if (!keep(outcomes)) failed += 1;
  const watchdog = setTimeout(() => {
    failed += 1;
    const alive = process.getActiveResourcesInfo().join(", ");
    process.stderr.write(`failed  the process does not end by itself: ${alive}\n`);
    process.exit(1);
  }, exitTimeoutMs);
  watchdog.unref();
  process.on("exit", () => {
    if (failed > 0) process.exitCode = 1;
    process.stdout.write(`${count("passed")} passed, ${failed} failed, ${count("skipped")} skipped\n`);
  });
}

if (values.help) {
  process.stdout.write(usage);
} else if (values.core !== "native" && values.core !== "wasm") {
  refuse(`there is no core ${values.core}`);
} else if (values.core === "wasm" && !process.execArgv.includes(wasmCondition)) {
  const own = [...process.execArgv, wasmCondition, fileURLToPath(import.meta.url), ...process.argv.slice(2)];
  process.exitCode = spawnSync(process.execPath, own, { stdio: "inherit" }).status ?? 1;
} else {
  await runHere();
}
