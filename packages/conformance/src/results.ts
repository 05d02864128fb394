/**
 * What runs of the suite have shown, kept in `results.json` beside the sources and as a table in COMPAT.md. Only a run
 * of all cases without a failure may write them.
 *
 * @module
 */

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Outcome, Scenario } from "./scenario.js";

const resultsFile = fileURLToPath(new URL("../results.json", import.meta.url));
const compatFile = fileURLToPath(new URL("../../../COMPAT.md", import.meta.url));

/** Where the table stands in COMPAT.md. */
const begin = "<!-- conformance: written by the suite -->";
const end = "<!-- conformance: end -->";

/** Facades and cores in the order of the columns. */
const facades = [
  ["node", "Node"],
  ["kotlin", "Kotlin"],
  ["flutter", "Flutter"],
  ["cpp", "C++"],
] as const;
const cores = [
  ["native", ""],
  ["wasm", " on WASM"],
] as const;

/** Areas of the catalogue. */
const areas: Readonly<Record<string, string>> = {
  S: "sessions",
  P: "pause and resume",
  W: "waits",
  C: "connection",
  G: "progress",
  O: "opening",
  B: "subscriptions",
  E: "errors",
  X: "client resets",
  M: "reconnecting, multiplexing",
  T: "tokens",
  A: "apps and users",
  L: "log",
  D: "data",
};

/** What one run has shown. */
export interface RunResult {
  readonly passed: readonly string[];
  /** Ids by reason. */
  readonly skipped: Readonly<Record<string, readonly string[]>>;
}

type Results = Readonly<Record<string, RunResult>>;

/** The result of a run without failures. */
export function resultOf(outcomes: readonly (readonly [Scenario, Outcome])[]): RunResult {
  const passed: string[] = [];
  const skipped: Record<string, string[]> = {};
  for (const [{ id }, outcome] of outcomes) {
    if (outcome.kind === "passed") passed.push(id);
    else if (outcome.kind === "skipped") (skipped[outcome.reason] ??= []).push(id);
  }
  return { passed, skipped };
}

/** Whether the table can be kept here: only in the repository. */
export function hasTable(): boolean {
  return existsSync(compatFile);
}

/**
 * Takes a run's result over into `results.json` and COMPAT.md.
 *
 * @param isCheck changes nothing.
 * @returns whether both had said so already.
 */
export function keepResult(facade: string, core: string, result: RunResult, isCheck: boolean): boolean {
  const known = existsSync(resultsFile) ? (JSON.parse(readFileSync(resultsFile, "utf8")) as Results) : {};
  const results = inOrder({ ...known, [`${facade} ${core}`]: result });
  const compat = readFileSync(compatFile, "utf8");
  const [before, after] = parts(compat);
  const texts = [
    [
      resultsFile,
      existsSync(resultsFile) ? readFileSync(resultsFile, "utf8") : "",
      `${JSON.stringify(results, null, 2)}\n`,
    ],
    [compatFile, compat, `${before}${begin}\n\n${tableOf(results)}\n\n${end}${after}`],
  ] as const;
  const isKnown = texts.every(([, old, next]) => old === next);
  if (!isCheck) for (const [file, , next] of texts) writeFileSync(file, next);
  return isKnown;
}

function parts(compat: string): readonly [string, string] {
  const from = compat.indexOf(begin);
  const to = compat.indexOf(end);
  if (from < 0 || to < from) throw new Error("COMPAT.md has no place for the suite's table");
  return [compat.slice(0, from), compat.slice(to + end.length)];
}

function columns(results: Results): readonly (readonly [string, RunResult])[] {
  return facades.flatMap(([facade, name]) =>
    cores.flatMap(([core, suffix]) => {
      const result = results[`${facade} ${core}`];
      return result === undefined ? [] : [[`${name}${suffix}`, result] as const];
    }),
  );
}

function inOrder(results: Results): Results {
  const keys = facades.flatMap(([facade]) => cores.map(([core]) => `${facade} ${core}`));
  return Object.fromEntries(keys.flatMap((key) => (results[key] === undefined ? [] : [[key, results[key]]])));
}

/** Cases that passed, of all, by area; then what is skipped, and why. */
function tableOf(results: Results): string {
  const shown = columns(results);
  const all = shown.map(([, { passed, skipped }]) => [passed, Object.values(skipped).flat()] as const);
  const row = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  const cell = (counts: readonly [number, number]): string =>
    counts[1] === 0 ? `${counts[0]}` : `${counts[0]} of ${counts[0] + counts[1]}`;
  const countOf = (prefix: string): string[] =>
    all.map(([passed, skipped]) => {
      const count = (ids: readonly string[]): number => ids.filter((id) => id.startsWith(prefix)).length;
      return cell([count(passed), count(skipped)]);
    });
  const known = Object.entries(areas).filter(([area]) =>
    all.some((lists) => lists.some((ids) => ids.some((id) => id.startsWith(`${area}-`)))),
  );
  return [
    row(["cases that pass", ...shown.map(([name]) => name)]),
    row(["---", ...shown.map(() => "---")]),
    ...known.map(([area, name]) => row([`${area}: ${name}`, ...countOf(`${area}-`)])),
    row(["all", ...countOf("")]),
    "",
    row(["skipped", "because", "for"]),
    row(["---", "---", "---"]),
    ...skips(shown).map(row),
  ].join("\n");
}

/** One line for each reason: ids, reason, columns. */
function skips(shown: readonly (readonly [string, RunResult])[]): string[][] {
  const lines = new Map<string, { readonly ids: string; readonly reason: string; readonly names: string[] }>();
  for (const [name, { skipped }] of shown) {
    for (const [reason, list] of Object.entries(skipped)) {
      const ids = list.join(", ");
      const line = lines.get(`${ids} ${reason}`) ?? { ids, reason, names: [] };
      line.names.push(name);
      lines.set(`${ids} ${reason}`, line);
    }
  }
  return [...lines.values()].map(({ ids, reason, names }) => [ids, reason, shortened(names)]);
}

/** A facade that is there on every core is named once. */
function shortened(names: readonly string[]): string {
  const short = facades.flatMap(([, facade]) => {
    const own = cores.map(([, suffix]) => `${facade}${suffix}`).filter((name) => names.includes(name));
    return own.length === cores.length ? [facade] : own;
  });
  return short.join(", ");
}
