/**
 * What runs of the suite have shown, kept in `results.json` beside the sources and as a table in COMPAT.md. Only cases
 * of a run without a failure may be taken over.
 *
 * @module
 */

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { exclusively } from "./exclusive.js";
import { appliesTo, facadeNames, type Outcome, type Scenario } from "./scenario.js";

const resultsFile = fileURLToPath(new URL("../results.json", import.meta.url));
const compatFile = fileURLToPath(new URL("../../../COMPAT.md", import.meta.url));

/** Held while both files are read and written: several runs may end at the same moment. */
const lockFile = fileURLToPath(new URL("../.turbo/results.lock", import.meta.url));

/** Where the table stands in COMPAT.md. */
const begin = "<!-- conformance: written by the suite -->";
const end = "<!-- conformance: end -->";

const facadeTitles: Readonly<Record<string, string>> = {
  node: "Node",
  kotlin: "Kotlin",
  flutter: "Flutter",
  cpp: "C++",
};
const coreTitles: Readonly<Record<string, string>> = { native: "", wasm: " on WASM" };

/** Facades and cores in the order of the columns. */
const facades = facadeNames.map((name) => [name, facadeTitles[name] ?? name] as const);
const cores = Object.entries(coreTitles);

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

/** What runs of one facade on one core have shown of the cases that apply to it. */
export interface RunResult {
  readonly passed: readonly string[];
  /** Ids by reason. */
  readonly skipped: Readonly<Record<string, readonly string[]>>;
}

/** Results by facade and core, `node native`. */
export type Results = Readonly<Record<string, RunResult>>;

/** A case that was run, and how it ended. */
export type Ran = readonly [Scenario, Outcome];

/**
 * What is known of a facade after a run of some or all cases.
 *
 * @param catalogue all cases, in their order; what is known of others is forgotten.
 * @param known what is known of cases that were not run.
 */
export function resultAfter(
  catalogue: readonly Scenario[],
  facade: string,
  known: RunResult | undefined,
  ran: readonly Ran[],
): RunResult {
  const outcomes = new Map(ran.map(([{ id }, outcome]) => [id, outcome]));
  const reasons = new Map(
    Object.entries(known?.skipped ?? {}).flatMap(([reason, ids]) => ids.map((id) => [id, reason] as const)),
  );
  const passed: string[] = [];
  const skipped: Record<string, string[]> = {};
  for (const scenario of catalogue) {
    if (!appliesTo(scenario, facade)) continue;
    const { id } = scenario;
    const outcome = outcomes.get(id);
    const reason = outcome === undefined ? reasons.get(id) : outcome.kind === "skipped" ? outcome.reason : undefined;
    if (reason !== undefined) (skipped[reason] ??= []).push(id);
    else if (outcome === undefined ? known?.passed.includes(id) === true : outcome.kind === "passed") passed.push(id);
  }
  return { passed, skipped };
}

/** Whether the table can be kept here: only in the repository. */
export function hasTable(): boolean {
  return existsSync(compatFile);
}

/** What `results.json` says. */
export function knownResults(): Results {
  return existsSync(resultsFile) ? (JSON.parse(readFileSync(resultsFile, "utf8")) as Results) : {};
}

/** The files as results would have them: path, present text, wanted text. */
export function filesFor(
  catalogue: readonly Scenario[],
  results: Results,
): readonly (readonly [path: string, present: string, wanted: string])[] {
  const compat = readFileSync(compatFile, "utf8");
  const [before, after] = parts(compat);
  const present = existsSync(resultsFile) ? readFileSync(resultsFile, "utf8") : "";
  return [
    [resultsFile, present, `${JSON.stringify(results, null, 2)}\n`],
    [compatFile, compat, `${before}${begin}\n\n${tableOf(catalogue, results)}\n\n${end}${after}`],
  ];
}

/**
 * Takes what a run has shown over into `results.json` and COMPAT.md.
 *
 * @param isCheck changes nothing.
 * @returns whether both had said so already.
 */
export function keepResult(
  catalogue: readonly Scenario[],
  facade: string,
  core: string,
  ran: readonly Ran[],
  isCheck: boolean,
): boolean {
  return exclusively(lockFile, () => {
    const known = knownResults();
    const key = `${facade} ${core}`;
    const results = inOrder({ ...known, [key]: resultAfter(catalogue, facade, known[key], ran) });
    const files = filesFor(catalogue, results);
    if (!isCheck) for (const [path, , wanted] of files) writeFileSync(path, wanted);
    return files.every(([, present, wanted]) => present === wanted);
  });
}

function parts(compat: string): readonly [string, string] {
  const from = compat.indexOf(begin);
  const to = compat.indexOf(end);
  if (from < 0 || to < from) throw new Error("COMPAT.md has no place for the suite's table");
  return [compat.slice(0, from), compat.slice(to + end.length)];
}

/** A column of the table: its title, its facade, what was shown. */
type Column = readonly [title: string, facade: string, result: RunResult];

function columns(results: Results): readonly Column[] {
  return facades.flatMap(([facade, name]) =>
    cores.flatMap(([core, suffix]): Column[] => {
      const result = results[`${facade} ${core}`];
      return result === undefined ? [] : [[`${name}${suffix}`, facade, result]];
    }),
  );
}

function inOrder(results: Results): Results {
  const keys = facades.flatMap(([facade]) => cores.map(([core]) => `${facade} ${core}`));
  return Object.fromEntries(keys.flatMap((key) => (results[key] === undefined ? [] : [[key, results[key]]])));
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => "---"), ...rows].map(row).join("\n");
}

/**
 * Cases that pass, of those that apply, by area; then which of them are skipped, and why; then those that are not for
 * every facade.
 */
export function tableOf(catalogue: readonly Scenario[], results: Results): string {
  const shown = columns(results);
  const countsOf = (prefix: string): string[] =>
    shown.map(([, facade, { passed }]) => {
      const own = catalogue.filter((scenario) => scenario.id.startsWith(prefix) && appliesTo(scenario, facade));
      if (own.length === 0) return "–";
      return `${own.filter(({ id }) => passed.includes(id)).length} of ${own.length}`;
    });
  const known = Object.entries(areas).filter(([area]) => catalogue.some(({ id }) => id.startsWith(`${area}-`)));
  return [
    table(
      ["cases that pass, of those that apply", ...shown.map(([title]) => title)],
      [...known.map(([area, name]) => [`${area}: ${name}`, ...countsOf(`${area}-`)]), ["all", ...countsOf("")]],
    ),
    "Cases that apply and are skipped:",
    table(["skipped", "because", "for"], skips(shown)),
    "Cases about what some SDKs alone have, or have in a way of their own; the reason where it is another:",
    table(["for", "cases", "not for others, as"], restrictions(catalogue)),
  ].join("\n\n");
}

/** One line for each reason: ids, reason, columns. */
function skips(shown: readonly Column[]): string[][] {
  const lines = new Map<string, { readonly ids: string; readonly reason: string; readonly titles: string[] }>();
  for (const [title, , { skipped }] of shown) {
    for (const [reason, list] of Object.entries(skipped)) {
      const ids = list.join(", ");
      const line = lines.get(`${ids} ${reason}`) ?? { ids, reason, titles: [] };
      line.titles.push(title);
      lines.set(`${ids} ${reason}`, line);
    }
  }
  return [...lines.values()].map(({ ids, reason, titles }) => [ids, reason, shortened(titles)]);
}

/** One line for each group of facades, and each reason that is more than that: facades, ids, reason. */
function restrictions(catalogue: readonly Scenario[]): string[][] {
  const lines = new Map<string, { readonly whose: string; readonly ids: string[]; readonly reason: string }>();
  for (const { id, facades: own, elsewhere = "" } of catalogue) {
    if (own === undefined) continue;
    const whose = facades.flatMap(([name, title]) => (own.includes(name) ? [title] : [])).join(", ") || "none";
    const line = lines.get(`${whose} ${elsewhere}`) ?? { whose, ids: [], reason: elsewhere };
    line.ids.push(id);
    lines.set(`${whose} ${elsewhere}`, line);
  }
  const sorted = [...lines.values()].sort((a, b) => Number(a.reason !== "") - Number(b.reason !== ""));
  return sorted.map(({ whose, ids, reason }) => [whose, ids.join(", "), reason]);
}

/** A facade that is there on every core is named once. */
function shortened(titles: readonly string[]): string {
  const short = facades.flatMap(([, facade]) => {
    const own = cores.map(([, suffix]) => `${facade}${suffix}`).filter((title) => titles.includes(title));
    return own.length === cores.length ? [facade] : own;
  });
  return short.join(", ");
}
