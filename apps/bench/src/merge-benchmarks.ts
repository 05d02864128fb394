/**
 * Merging on the server, beside libraries for merging, and by how much history that a client missed slows its upload.
 *
 * @module
 */

import { runCoreProgram } from "./core-programs.js";
import { type Benchmark, type BenchmarkOptions, type Figure, figure } from "./figures.js";
import { manyInsertions, manySets, type MergePeer, mergePeers, type MergeWorkload } from "./merge-peers.js";

const rounds = 5;

/** Processor time of this process, in milliseconds. */
function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** The best of several rounds; the first one, which warms up, counts only where there is no other. */
function measurePeer(peer: MergePeer, workload: MergeWorkload, { quick }: BenchmarkOptions): number {
  const merge = peer.prepare(workload);
  const times = Array.from({ length: quick ? 1 : rounds + 1 }, () => {
    const startedAt = processorMs();
    const size = merge();
    const tookMs = processorMs() - startedAt;
    if (size !== workload.size) throw new Error(`${peer.name} ends with ${size} instead of ${workload.size}`);
    return tookMs;
  });
  return Math.min(...(quick ? times : times.slice(1)));
}

async function* beside(workload: MergeWorkload, options: BenchmarkOptions): AsyncIterable<Figure> {
  const name = `merge-${workload.name}`;
  const [own] = await runCoreProgram({
    target: ["bench", "--bench", "merge"],
    crate: "tidemark-ledger",
    programArguments: [name],
  });
  if (own === undefined) throw new Error(`the core has no figure ${name}`);
  for (const peer of mergePeers) {
    const value = measurePeer(peer, workload, options);
    yield figure(`${name}-${peer.name.toLowerCase()}`, own.unit, own.value, { name: peer.name, value });
  }
}

const m1: Benchmark = { name: "merge-M1", run: (options) => beside(manySets(), options) };
const m2: Benchmark = { name: "merge-M2", run: (options) => beside(manyInsertions(), options) };

/** A figure of the core beside the same of less work. */
async function besideLess(name: string, names: readonly [less: string, more: string]): Promise<Figure> {
  const figures = await runCoreProgram({
    target: ["bench", "--bench", "merge"],
    crate: "tidemark-ledger",
    programArguments: names,
  });
  const [less, more] = names.map((wanted) => figures.find((found) => found.name === wanted));
  if (less === undefined || more === undefined) throw new Error("the core lacks a figure");
  return figure(name, more.unit, more.value, { name: less.name, value: less.value });
}

/** A client that was away uploads 10,000 changes: the peer is the same with a hundredth of foreign versions. */
const away: Benchmark = {
  name: "upload-after-away",
  run: async function* ({ quick }) {
    const more = quick ? "upload-after-10000" : "upload-after-1000000";
    yield await besideLess("upload-after-away", [quick ? "upload-after-1000" : "upload-after-10000", more]);
  },
};

/** Insertions in one list, one transaction each, of one replica and of two: the peer is the same with less of them. */
const transactions: Benchmark = {
  name: "upload-transactions",
  run: async function* ({ quick }) {
    const more = quick ? 2000 : 10_000;
    yield await besideLess("upload-transactions", ["upload-transactions-1000", `upload-transactions-${more}`]);
    const replicas = "merge-M2-transactions";
    yield await besideLess(replicas, [`${replicas}-${quick ? 500 : 1000}`, `${replicas}-${quick ? 1000 : 5000}`]);
  },
};

/** Benchmarks of merging. */
export const mergeBenchmarks: readonly Benchmark[] = [m1, m2, away, transactions];
