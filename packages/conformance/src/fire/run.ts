/**
 * One run: opens the clients, lets everything happen to them, waits until it is quiet, and looks.
 *
 * @module
 */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Dice } from "../harness/dice.js";
import { FleetProcess } from "./fleet-process.js";
import { Siege } from "./hostile/siege.js";
import type { Check, LoadCounts } from "./orders.js";
import { Target, type Usage } from "./server.js";
import { Weather } from "./weather.js";

/** What was asked for. */
export interface RunOptions {
  readonly minutes: number;
  readonly clientCount: number;
  readonly seed: number;
  /** An app whose rules keep private objects to their owners; without it, subscriptions alone do. */
  readonly appDirectory: string | undefined;
  readonly appId: string;
  readonly pauseMs: number;
  readonly freshCount: number;
}

/** What came of it. */
export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

interface Outcome {
  readonly checks: readonly Check[];
  /** What could not be looked at. */
  readonly skipped: readonly string[];
}

/** Everybody must have everything so long after the last fault. */
const quietMs = 30_000;
const progressEveryMs = 10_000;
/** Problems that are printed of one check. */
const problemsMax = 10;
const mebibyte = 1024 * 1024;

function megabytes(bytes: number): number {
  return Math.round(bytes / 1e6);
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Runs it and prints what came of each check. */
export async function run(options: RunOptions): Promise<Counts> {
  say(`seed ${options.seed}: ${options.clientCount} clients for ${options.minutes} minutes`);
  const directory = await mkdtemp(join(tmpdir(), "tidemark-fire-"));
  const fleet = new FleetProcess();
  const stopping: (() => Promise<void>)[] = [() => fleet.stop()];
  const counts: Counts = { passed: 0, failed: 0, skipped: 0 };
  try {
    const { checks, skipped } = await survive(options, directory, fleet, stopping);
    for (const check of checks) report(check, counts);
    for (const what of skipped) say(`skipped  ${what}`);
    counts.skipped = skipped.length;
  } catch (error) {
    report({ title: "the run comes to its end", problems: [String((error as Error).stack)] }, counts);
  } finally {
    for (const stop of stopping.toReversed()) await stop();
    await rm(directory, { recursive: true, force: true });
  }
  if (counts.failed > 0) say(`seed ${options.seed}`);
  return counts;
}

function report({ title, problems }: Check, counts: Counts): void {
  if (problems.length === 0) counts.passed += 1;
  else counts.failed += 1;
  say(`${problems.length === 0 ? "passed" : "failed"}  ${title}`);
  for (const problem of problems.slice(0, problemsMax)) say(`        ${problem}`);
  if (problems.length > problemsMax) say(`        and ${problems.length - problemsMax} more`);
}

async function survive(
  options: RunOptions,
  directory: string,
  fleet: FleetProcess,
  stopping: (() => Promise<void>)[],
): Promise<Outcome> {
  const { appDirectory, appId, clientCount, minutes, seed, pauseMs, freshCount } = options;
  const app = appDirectory === undefined ? [] : ["--app", appDirectory, "--app-id", appId];
  const target = await Target.start(new Dice(seed + 1), app);
  stopping.push(() => target.stop());
  const weather = await Weather.start(target.url, new Dice(seed + 2));
  stopping.push(() => weather.stop());
  const settings = {
    seed,
    deviceCount: clientCount,
    urls: weather.urls,
    directUrl: target.url,
    appId,
    directory,
    hasRules: appDirectory !== undefined,
    pauseMs,
    quietMs,
    freshCount,
  };
  const startedMs = performance.now();
  const { victims } = await fleet.order({ do: "open", settings });
  say(`all clients are open and in sync after ${seconds(startedMs)} s; ${usageText(target)}`);

  const siege = await Siege.start({ target, appId, victims, dice: new Dice(seed + 3) });
  stopping.push(() => siege.stop());
  await fleet.order({ do: "write" });
  weather.begin();
  target.begin();
  siege.begin();
  await watchFor(minutes * 60_000, fleet, target, weather, siege);
  await siege.stop();
  weather.clear();
  await target.spare();

  const { counts } = await fleet.order({ do: "count" });
  const quiet = await fleet.order({ do: "quiet" });
  say(`quiet after ${(quiet.tookMs / 1000).toFixed(1)} s; ${usageText(target)}`);
  const checks: Check[] = [
    { title: `everybody has everything within ${quietMs / 1000} s after the last fault`, problems: quiet.hanging },
  ];
  const calm = target.usage();
  const { checks: found } = await fleet.order({ do: "verify" });
  const alive = "the server ends only when it is killed, and meets no error of its own";
  checks.push(...found, ...siege.checks(), { title: alive, problems: target.complaints });
  if (calm !== undefined) checks.push(...resourceChecks(options, target, calm));
  checks.push(...happened(options, target, weather, counts));
  return { checks, skipped: calm === undefined ? ["memory and descriptors: this system does not tell them"] : [] };
}

async function watchFor(
  durationMs: number,
  fleet: FleetProcess,
  target: Target,
  weather: Weather,
  siege: Siege,
): Promise<void> {
  const endMs = performance.now() + durationMs;
  while (performance.now() < endMs) {
    await new Promise((resolve) => setTimeout(resolve, Math.min(progressEveryMs, endMs - performance.now())));
    const { counts } = await fleet.order({ do: "count" });
    const { transactions, restarts, downloads, compensations, uploadsWaiting, residentBytes } = counts;
    say(
      `${transactions} transactions, ${downloads} downloads, ${compensations} undone, ${restarts} restarts, ` +
        `${uploadsWaiting} clients with something to upload, ${weather.connections} connections, ` +
        `${Math.round(residentBytes / 1e6)} MB; ${target.killCount} kills, ${JSON.stringify(weather.counts)}; ` +
        `${siege.summary()}; ${usageText(target)}`,
    );
  }
}

function usageText(target: Target): string {
  const usage = target.usage();
  if (usage === undefined) return "server down";
  return (
    `server ${megabytes(usage.residentBytes)} MB (at most ${megabytes(target.peak.residentBytes)}), ` +
    `${usage.descriptors} descriptors (at most ${target.peak.descriptors})`
  );
}

function seconds(startedMs: number): string {
  return ((performance.now() - startedMs) / 1000).toFixed(1);
}

/** What the server may take up: the process with its code, the ledger's cache, what floods and bombs may claim. */
const residentBaseBytesMax = 512 * mebibyte;
/** And for each client: sockets, sessions, their views, messages on the way. */
const residentBytesPerClientMax = mebibyte / 4;
/** Files, the addon's threads, HTTP. */
const descriptorsBaseMax = 100;
/** Connections that the attackers hold at the same time, most of them the crowd. */
const descriptorsOfAttackers = 400;

function resourceChecks({ clientCount }: RunOptions, target: Target, calm: Usage): Check[] {
  const { peak } = target;
  const residentMax = residentBaseBytesMax + clientCount * residentBytesPerClientMax;
  // A connection whose end nobody has noticed yet may stand beside the one that replaces it.
  const descriptorsMax = descriptorsBaseMax + 2 * clientCount + descriptorsOfAttackers;
  const calmMax = descriptorsBaseMax + clientCount;
  return [
    {
      title: `the server takes up at most ${megabytes(residentMax)} MB (${megabytes(peak.residentBytes)})`,
      problems: peak.residentBytes > residentMax ? [`it took up ${megabytes(peak.residentBytes)} MB`] : [],
    },
    {
      title: `the server holds at most ${descriptorsMax} descriptors (${peak.descriptors})`,
      problems: peak.descriptors > descriptorsMax ? [`it held ${peak.descriptors}`] : [],
    },
    {
      title: `no connection is left over when it is quiet (${calm.descriptors} descriptors)`,
      problems: calm.descriptors > calmMax ? [`${calm.descriptors}, more than ${calmMax}`] : [],
    },
  ];
}

/** Kills in a minute, at least: on a slow machine each start takes its time. */
const killsPerMinuteMin = 2;

/** A run in which nothing happened proves nothing. */
function happened({ minutes }: RunOptions, target: Target, weather: Weather, counts: LoadCounts): Check[] {
  const problems: string[] = [];
  if (target.killCount < minutes * killsPerMinuteMin) problems.push(`the server was killed ${target.killCount} times`);
  for (const [kind, count] of Object.entries(weather.counts)) if (count === 0) problems.push(`${kind} never happened`);
  for (const what of ["transactions", "restarts", "compensations", "downloads"] as const) {
    if (counts[what] === 0) problems.push(`there were no ${what}`);
  }
  const { killCount } = target;
  return [{ title: `everything happened that is to happen: ${killCount} kills, ${JSON.stringify(counts)}`, problems }];
}
