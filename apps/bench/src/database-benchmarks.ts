/**
 * The local database beside SQLite and a plain `Map`: the same work by each side in turn, several rounds of it.
 *
 * @module
 */

import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { runCoreProgram } from "./core-programs.js";
import { mapSide } from "./database-map.js";
import type { MemoryReport } from "./database-process.js";
import { type DatabaseSide, expectedMatches, scans, sorts } from "./database-side.js";
import { sqliteSide } from "./database-sqlite.js";
import { tidemarkSide, tidemarkSideOf } from "./database-tidemark.js";
import { type Benchmark, type BenchmarkOptions, type Figure, figure, percentile, roundsOf } from "./figures.js";
import { type Item, items } from "./items.js";
import { installPeer } from "./peer-packages.js";
import { startProcess, stopProcess } from "./processes.js";
import { BenchServer } from "./tidemark.js";

/** Transactions that one side makes before it is the next one's turn. */
const transactionsPerTurn = 500;

/** Passes over all objects in the reads. */
const passCount = 10;

const megabyte = 1_000_000;

/** Something that every side does. */
interface Step {
  /** Ending of the figure's name. */
  readonly name: string;
  /** What is done before, which is not measured. */
  prepare?(side: DatabaseSide): void;
  /** Does it, and answers what all sides must agree about. */
  run(side: DatabaseSide): number | void;
  /** Whether a side can. */
  isFor?(side: DatabaseSide): boolean;
}

/** Numbers of 0 … count − 1 at random, the same in every run. */
function randomKeys(length: number, count: number): number[] {
  let state = 12_345n;
  return Array.from({ length }, () => {
    state = BigInt.asUintN(64, state * 6_364_136_223_846_793_005n + 1_442_695_040_888_963_407n);
    return Number((state >> 33n) % BigInt(count));
  });
}

function isIndexed(name: string): boolean {
  return name.endsWith("-indexed");
}

/** All steps on one file, in their order. */
export function steps(rows: readonly Item[]): Step[] {
  const count = rows.length;
  const ordered = rows.map(({ _id }) => _id);
  const random = randomKeys(count, count);
  const passes = (side: DatabaseSide, keys: readonly number[], column: "n" | "name"): number => {
    let sum = 0;
    for (let pass = 0; pass < passCount; pass += 1) sum += side.read(keys, column);
    return sum;
  };
  const expected = new Map(scans.map((scan) => [scan, expectedMatches(scan, rows)]));
  const scanSteps = scans.filter((scan) => !isIndexed(scan)).map((scan) => scanStep(scan, expected.get(scan) ?? 0));
  return [
    { name: "insert", run: (side) => side.insert(rows) },
    { name: "find", run: (side) => side.find(random) },
    { name: "find-int", run: (side) => side.findAndRead(random, "n") },
    { name: "find-string", run: (side) => side.findAndRead(random, "name") },
    { name: "find-all", run: (side) => side.findAndReadAll(random) },
    { name: "iterate-int", run: (side) => side.iterate("n") },
    { name: "iterate-all", run: (side) => side.iterate("all") },
    { name: "read-first", prepare: (side) => side.hold(count), run: (side) => side.read(random, "n") },
    { name: "read-int", run: (side) => passes(side, ordered, "n") },
    { name: "read-string", run: (side) => passes(side, ordered, "name") },
    { name: "read-int-random", run: (side) => passes(side, random, "n") },
    { name: "read-string-random", run: (side) => passes(side, random, "name") },
    ...scanSteps,
    ...sorts.map((sort): Step => ({ name: `sort-${sort}`, run: (side) => side.sort(sort) })),
    { name: "sum", run: (side) => side.sum() },
    { name: "update", run: (side) => side.update(count) },
    { name: "delete", run: (side) => side.deleteOneByOne(ordered) },
    {
      name: "open",
      prepare: (side) => side.shut?.(),
      run: (side) => side.open?.(),
      isFor: (side) => side.open !== undefined,
    },
  ];
}

function scanStep(scan: (typeof scans)[number], expected: number): Step {
  return {
    name: `scan-${scan}`,
    run: (side) => {
      const found = side.scan(scan);
      if (found !== expected) throw new Error(`${side.name} finds ${found} of ${expected} by ${scan}`);
      return found;
    },
  };
}

/** The best times of each side, by step. */
class Times {
  readonly #best = new Map<string, Map<string, number>>();

  add(step: string, side: string, value: number): void {
    const ofStep = this.#best.get(step) ?? new Map<string, number>();
    this.#best.set(step, ofStep);
    ofStep.set(side, Math.min(ofStep.get(side) ?? value, value));
  }

  /** A line for each peer of each step, or one without a peer if there is none. */
  *figures(unit: string): Iterable<Figure> {
    for (const [step, ofStep] of this.#best) {
      const own = ofStep.get("tidemark") ?? Number.NaN;
      const peers = [...ofStep].filter(([side]) => side !== "tidemark");
      for (const [peer, value] of peers) yield figure(`database-${step}-${peer}`, unit, own, { name: peer, value });
      if (peers.length === 0) yield figure(`database-${step}`, unit, own);
    }
  }
}

/** Lets all sides do a step in turn. @throws if they disagree about what came of it. */
export function takeTurns(
  step: Step,
  sides: readonly DatabaseSide[],
  note: (side: DatabaseSide, tookMs: number) => void,
): void {
  const answers = new Set<number | undefined>();
  for (const side of sides) {
    if (step.isFor?.(side) === false) continue;
    step.prepare?.(side);
    const startedAtMs = performance.now();
    const answer = step.run(side);
    note(side, performance.now() - startedAtMs);
    // SQLite's dates and ours are the same numbers, and Map's are too.
    answers.add(answer ?? undefined);
  }
  if (answers.size > 1) throw new Error(`the sides disagree about ${step.name}: ${[...answers].join(", ")}`);
}

/** Makes sides with empty files, works with them, and takes them away. */
async function withSides(
  options: BenchmarkOptions,
  make: (folder: string) => DatabaseSide[],
  work: (sides: readonly DatabaseSide[]) => void,
): Promise<void> {
  const folder = await mkdtemp(join(options.directory, "round-"));
  const sides = make(folder);
  try {
    work(sides);
  } finally {
    for (const side of sides) side.close();
    await rm(folder, { recursive: true });
  }
}

/** Single durable transactions, some of each side in turn, so that a busy disk falls on both. */
function singleTransactions(rows: readonly Item[], sides: readonly DatabaseSide[]): Map<string, number> {
  const totals = new Map<string, number>();
  for (let start = 0; start < rows.length; start += transactionsPerTurn) {
    const step = {
      name: "transactions",
      run: (side: DatabaseSide) => side.insertOneByOne?.(rows.slice(start, start + transactionsPerTurn)),
    };
    takeTurns(step, sides, (side, tookMs) => totals.set(side.name, (totals.get(side.name) ?? 0) + tookMs));
  }
  return totals;
}

async function* local(options: BenchmarkOptions): AsyncIterable<Figure> {
  const count = options.quick ? 2_000 : 100_000;
  const rows = items(count);
  const fewRows = rows.slice(0, count / 10);
  const [times, sizes] = [new Times(), new Times()];
  for (const { counts } of roundsOf(options)) {
    const note = (step: string) => (side: DatabaseSide, tookMs: number) => {
      if (counts) times.add(step, side.name, tookMs);
    };
    await withSides(
      options,
      (folder) => [tidemarkSide(folder), sqliteSide(folder), mapSide()],
      (sides) => {
        for (const step of steps(rows)) {
          takeTurns(step, sides, note(step.name));
          if (step.name !== "insert" && step.name !== "delete") continue;
          for (const side of sides) {
            const bytes = side.fileBytes();
            if (bytes !== undefined) sizes.add(`file-after-${step.name}`, side.name, bytes / megabyte);
          }
        }
      },
    );
    await withSides(
      options,
      (folder) => [tidemarkSide(folder, true), sqliteSide(folder, true)],
      (sides) => {
        takeTurns({ name: "insert-indexed", run: (side) => side.insert(rows) }, sides, note("insert-indexed"));
        for (const scan of scans.filter(isIndexed)) {
          takeTurns(scanStep(scan, expectedMatches(scan, rows)), sides, note(`scan-${scan}`));
        }
      },
    );
    await withSides(
      options,
      (folder) => [tidemarkSide(folder), sqliteSide(folder)],
      (sides) => {
        for (const [side, tookMs] of singleTransactions(fewRows, sides)) {
          if (counts) times.add("transactions", side, tookMs);
        }
      },
    );
  }
  yield* times.figures("ms");
  yield* sizes.figures("MB");
}

/** What a synced realm writes, beside what SQLite writes of the same, which has nothing to sync. */
async function* synced(options: BenchmarkOptions): AsyncIterable<Figure> {
  const count = options.quick ? 2_000 : 100_000;
  const rows = items(count);
  const fewRows = rows.slice(0, count / 10);
  const times = new Times();
  const server = await BenchServer.start(options.directory);
  try {
    for (const { counts } of roundsOf(options)) {
      const realms = [await server.devices.ready(), await server.devices.ready()] as const;
      // What is measured is the writing; the upload would take turns with it.
      for (const realm of realms) realm.syncSession?.pause();
      await withSides(
        options,
        (folder) => [tidemarkSideOf(realms[0]), sqliteSide(folder)],
        (sides) => {
          takeTurns({ name: "insert-synced", run: (side) => side.insert(rows) }, sides, (side, tookMs) => {
            if (counts) times.add("insert-synced", side.name, tookMs);
          });
        },
      );
      await withSides(
        options,
        (folder) => [tidemarkSideOf(realms[1]), sqliteSide(folder)],
        (sides) => {
          for (const [side, tookMs] of singleTransactions(fewRows, sides)) {
            if (counts) times.add("transactions-synced", side, tookMs);
          }
        },
      );
    }
  } finally {
    await server.stop();
  }
  yield* times.figures("ms");
}

/** The most memory that a new process takes up more by inserting all rows in one transaction. */
async function* memory(options: BenchmarkOptions): AsyncIterable<Figure> {
  const medians = new Times();
  for (const side of ["tidemark", "sqlite", "map"]) {
    const samples: number[] = [];
    for (let run = 0; run < (options.quick ? 1 : 3); run += 1) {
      const folder = await mkdtemp(join(options.directory, "memory-"));
      const programArguments = [side, folder, String(options.quick ? 2_000 : 100_000)];
      const [child, report] = await startProcess<MemoryReport>("database-process", programArguments);
      await stopProcess(child);
      samples.push(report.grownBytes / megabyte);
    }
    medians.add("memory", side, percentile(samples, 0.5));
  }
  yield* medians.figures("MB");
}

/** The same workloads through the core's own interface. */
async function* inRust({ quick }: BenchmarkOptions): AsyncIterable<Figure> {
  yield* await runCoreProgram({
    target: ["run", "--example", "core_bench"],
    crate: "tidemark-testkit",
    programArguments: [...(quick ? ["--quick"] : []), "database"],
  });
}

const database: Benchmark = {
  name: "database",
  run: async function* (options) {
    await installPeer("better-sqlite3");
    yield* local(options);
    yield* synced(options);
    yield* memory(options);
    yield* inRust(options);
  },
};

/** Benchmarks of the local database. */
export const databaseBenchmarks: readonly Benchmark[] = [database];
