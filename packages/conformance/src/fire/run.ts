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
import type { Check } from "./orders.js";
import { Target } from "./server.js";
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

/** Everybody must have everything so long after the last fault. */
const quietMs = 30_000;
const progressEveryMs = 10_000;

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
    for (const check of await survive(options, directory, fleet, stopping)) report(check, counts);
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
  for (const problem of problems) say(`        ${problem}`);
}

async function survive(
  options: RunOptions,
  directory: string,
  fleet: FleetProcess,
  stopping: (() => Promise<void>)[],
): Promise<Check[]> {
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

  const quiet = await fleet.order({ do: "quiet" });
  say(`quiet after ${(quiet.tookMs / 1000).toFixed(1)} s; ${usageText(target)}`);
  const checks: Check[] = [
    { title: `everybody has everything within ${quietMs / 1000} s after the last fault`, problems: quiet.hanging },
  ];
  const { checks: found } = await fleet.order({ do: "verify" });
  checks.push(...found, ...siege.checks(), ...serverChecks(options, target, weather, siege));
  return checks;
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
  const megabytes = (bytes: number): number => Math.round(bytes / 1e6);
  return (
    `server ${megabytes(usage.residentBytes)} MB (at most ${megabytes(target.peak.residentBytes)}), ` +
    `${usage.descriptors} descriptors (at most ${target.peak.descriptors})`
  );
}

function seconds(startedMs: number): string {
  return ((performance.now() - startedMs) / 1000).toFixed(1);
}

function serverChecks(_options: RunOptions, target: Target, _weather: Weather, _siege: Siege): Check[] {
  return [{ title: "the server ends only when it is killed, and meets no error of its own", problems: target.complaints }];
}
