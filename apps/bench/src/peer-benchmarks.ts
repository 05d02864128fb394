/**
 * Bootstraps beside those of other systems that hold objects and answer queries.
 *
 * @module
 */

import type { BootstrapRun } from "./bootstrap.js";
import { type Contestant, peerStarters, prepareRing, tidemark } from "./bootstrap-peers.js";
import { type Benchmark, type BenchmarkOptions, type Figure, figure, percentile } from "./figures.js";
import { SkippedBenchmark } from "./processes.js";
import { usageOf } from "./process-usage.js";
import { countOf } from "./sync-benchmarks.js";

const roundCount = 5;

/** Figures of one bootstrap, by the ending of their names. */
type Measured = ReadonlyMap<string, number>;

/** Units of the figures, by the ending of their names. */
const units = {
  "": "ms",
  "-first": "ms",
  "-client-cpu": "ms",
  "-server-cpu": "ms",
  "-client-memory": "MB",
  "-server-memory": "MB",
  "-bytes": "bytes",
};

const megabyte = 1_000_000;

/** Measures a client's second bootstrap; a first one brings its process and the server up to speed. */
async function measure(contestant: Contestant, number: number): Promise<Measured> {
  const client = await contestant.startClient(number);
  try {
    const first = await client.bootstrap();
    const [before, sentBefore] = [await usageOf(contestant.serverPids), await contestant.bytesSent?.()];
    const run: BootstrapRun = await client.bootstrap();
    const [after, sent] = [await usageOf(contestant.serverPids), await contestant.bytesSent?.()];
    const bytes = sent === undefined || sentBefore === undefined ? run.bytesReceived : sent - sentBefore;
    return new Map([
      ["", run.tookMs],
      ["-first", first.tookMs],
      ["-client-cpu", run.cpuMs],
      ["-server-cpu", after === undefined || before === undefined ? Number.NaN : after.cpuMs - before.cpuMs],
      ["-client-memory", first.peakMemoryBytes / megabyte],
      ["-server-memory", after === undefined ? Number.NaN : after.memoryBytes / megabyte],
      ["-bytes", bytes ?? Number.NaN],
    ]);
  } finally {
    await client.stop();
  }
}

/** Lets all have their turn in each round. */
async function* rounds(
  options: BenchmarkOptions,
  contestants: readonly Contestant[],
): AsyncIterable<readonly [string, Measured]> {
  for (let round = 0; round < (options.quick ? 1 : roundCount); round += 1) {
    for (const contestant of contestants) yield [contestant.name, await measure(contestant, round)];
  }
}

/** The median of each figure of one contestant. */
function medians(all: readonly (readonly [string, Measured])[], name: string): Measured {
  const ofOne = all.filter(([of]) => of === name).map(([, measured]) => measured);
  const median = (ending: string): number =>
    percentile(
      ofOne.map((measured) => measured.get(ending) ?? Number.NaN),
      0.5,
    );
  return new Map(Object.keys(units).map((ending) => [ending, median(ending)]));
}

/** Starts what can be started here, and says what cannot. */
async function* contest(options: BenchmarkOptions, names: readonly string[]): AsyncIterable<Figure> {
  const ring = await prepareRing(options, countOf(options));
  const contestants: Contestant[] = [];
  const reasons: string[] = [];
  try {
    for (const name of names) {
      try {
        const starter = peerStarters.get(name);
        if (starter !== undefined) contestants.push(await starter(ring));
      } catch (error) {
        if (!(error instanceof SkippedBenchmark)) throw error;
        reasons.push(error.message);
      }
    }
    if (contestants.length === 0) throw new SkippedBenchmark(reasons.join("; "));
    const ours = await tidemark(ring);
    contestants.unshift(ours);
    const measured: (readonly [string, Measured])[] = [];
    for await (const one of rounds(options, contestants)) measured.push(one);
    const own = medians(measured, ours.name);
    for (const peer of contestants.slice(1)) yield* compared(peer.name, own, medians(measured, peer.name));
  } finally {
    for (const contestant of contestants) await contestant.stop();
  }
}

/** The figures of which both sides are known. */
function* compared(peerName: string, own: Measured, theirs: Measured): Iterable<Figure> {
  for (const [ending, unit] of Object.entries(units)) {
    const [value, peerValue] = [own.get(ending) ?? Number.NaN, theirs.get(ending) ?? Number.NaN];
    if (Number.isNaN(value) || Number.isNaN(peerValue)) continue;
    yield figure(`bootstrap-${peerName}${ending}`, unit, value, { name: peerName, value: peerValue });
  }
}

/** Each installs its peer first. */
export const peerBenchmarks: readonly Benchmark[] = [
  { name: "bootstrap-triplit", run: (options) => contest(options, ["triplit-memory", "triplit-disk"]) },
  { name: "bootstrap-zero", run: (options) => contest(options, ["zero"]) },
];
