/**
 * What the five samples of every facade have to show, on a real server with rules.
 *
 * @module
 */

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import { startServer, type TestServer } from "./server-process.js";

/** Everybody sees and changes their own tasks alone. */
const sampleApp = "personal-data";

/** Longer than the samples take on a busy machine. */
export const sampleTimeoutMs = 60_000;

/** Summaries of tasks, in order. */
type Summaries = string[];

/** The samples of a facade. Each is given address, app id and a folder for its files, and closes what it opens. */
export interface Samples {
  /** Writes "Buy milk" and "Call Ann", and marks the second as done. Shows the tasks that are not, as they change. */
  quickStart(baseUrl: string, appId: string, directory: string, show: (summaries: Summaries) => void): Promise<void>;
  /** Writes "Written in the train" while paused. What it sees then, and the states of the connection since. */
  offlineEdit(
    baseUrl: string,
    appId: string,
    directory: string,
  ): Promise<{ readonly offline: Summaries; readonly connection: string[] }>;
  /** Uploads 200 tasks, and downloads them into another file. Shows how far that is; how many came. */
  progressBar(
    baseUrl: string,
    appId: string,
    directory: string,
    show: (direction: "upload" | "download", fraction: number) => void,
  ): Promise<number>;
  /**
   * Ann and Bob write a task each, then Bob one that says it is Ann's. What Bob sees before, why that is refused, and
   * what he sees in the end.
   */
  permissions(
    baseUrl: string,
    appId: string,
    directory: string,
  ): Promise<{ readonly seen: Summaries; readonly refused: string[]; readonly left: Summaries }>;
  /**
   * Uploads "Uploaded" and writes "Written offline" while paused. What the callbacks of the reset see, and what there
   * is in the end.
   */
  clientReset(
    baseUrl: string,
    appId: string,
    directory: string,
    whileOffline: () => Promise<void>,
  ): Promise<{ readonly before: Summaries; readonly after: Summaries; readonly tasks: Summaries }>;
}

/** One sample, run and checked. */
export interface SampleCase {
  readonly title: string;
  readonly run: (server: TestServer) => Promise<void>;
}

/** A server for {@link sampleCases}. */
export function startSampleServer(): Promise<TestServer> {
  return startServer({ sampleApp });
}

type Place = [baseUrl: string, appId: string, directory: string];

/** All samples of a facade. */
export function sampleCases(samples: Samples): readonly SampleCase[] {
  const checks: readonly [string, (samples: Samples, place: Place, server: TestServer) => Promise<void>][] = [
    ["quick start", checkQuickStart],
    ["offline edit", checkOfflineEdit],
    ["progress bar", checkProgressBar],
    ["permissions", checkPermissions],
    ["client reset", checkClientReset],
  ];
  return checks.map(([title, check]) => ({
    title,
    run: (server) => check(samples, [server.url, sampleApp, join(server.directory, title)], server),
  }));
}

async function checkQuickStart(samples: Samples, place: Place): Promise<void> {
  const shown: Summaries[] = [];
  await samples.quickStart(...place, (summaries) => shown.push(summaries));
  deepEqual(shown.at(-1), ["Buy milk"]);
}

async function checkOfflineEdit(samples: Samples, place: Place): Promise<void> {
  const { offline, connection } = await samples.offlineEdit(...place);
  deepEqual(offline, ["Written in the train"]);
  // That the connection ends with the realm may be told too.
  const states = connection.slice(0, 3).map((state) => state.toLowerCase());
  deepEqual(states, ["disconnected", "connecting", "connected"]);
}

async function checkProgressBar(samples: Samples, place: Place): Promise<void> {
  const shown: Record<"upload" | "download", number[]> = { upload: [], download: [] };
  const count = await samples.progressBar(...place, (direction, fraction) => shown[direction].push(fraction));
  equal(count, 200);
  for (const fractions of Object.values(shown)) {
    const isRising = fractions.every((fraction, index) => index === 0 || fraction >= (fractions[index - 1] ?? 0));
    ok(isRising, `a bar goes back: ${fractions.join(" ")}`);
    equal(fractions.at(-1), 1);
  }
}

async function checkPermissions(samples: Samples, place: Place): Promise<void> {
  const { seen, refused, left } = await samples.permissions(...place);
  deepEqual(seen, ["Bob's"]);
  equal(refused.length, 1);
  match(refused[0] ?? "", /^write to .+ in table "Task" not allowed$/);
  deepEqual(left, ["Bob's"]);
}

async function checkClientReset(samples: Samples, place: Place, server: TestServer): Promise<void> {
  const restore = await server.backUp(sampleApp);
  const { before, after, tasks } = await samples.clientReset(...place, restore);
  deepEqual(before, ["Uploaded", "Written offline"]);
  // The server has forgotten what was uploaded; what was not is brought back.
  deepEqual(after, ["Written offline"]);
  deepEqual(tasks, ["Written offline"]);
}
