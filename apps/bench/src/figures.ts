/**
 * What a benchmark prints, and how it measures: rounds in turn with its floor, the best of each.
 *
 * @module
 */

/** One line of output. */
export interface Figure {
  readonly name: string;
  readonly unit: string;
  readonly value: number;
  /** What the value is compared with, measured in the same run and the same unit. */
  readonly peer?: Peer;
  /** `value / peer.value`. */
  readonly ratio?: number;
}

/** The other side of a comparison. */
export interface Peer {
  readonly name: string;
  readonly value: number;
}

/** A measured benchmark. */
export interface Benchmark {
  readonly name: string;
  /** Measures and yields its figures. */
  run(options: BenchmarkOptions): AsyncIterable<Figure>;
}

/** How to measure. */
export interface BenchmarkOptions {
  /** Fewer objects and rounds: shows that everything works, says little about speed. */
  readonly quick: boolean;
  /** An empty folder for the benchmark's files. */
  readonly directory: string;
}

const roundCount = 3;

/** Builds a figure with its ratio. */
export function figure(name: string, unit: string, value: number, peer?: Peer): Figure {
  const rounded = { name, unit, value: fourDigits(value) };
  if (peer === undefined) return rounded;
  return {
    ...rounded,
    peer: { name: peer.name, value: fourDigits(peer.value) },
    ratio: fourDigits(value / peer.value),
  };
}

function fourDigits(value: number): number {
  return Number(value.toPrecision(4));
}

/** Milliseconds that something takes. */
export async function timed(work: () => unknown): Promise<number> {
  const startedAtMs = performance.now();
  await work();
  return performance.now() - startedAtMs;
}

/** The value below which `fraction` of the samples lie. */
export function percentile(samples: readonly number[], fraction: number): number {
  const sorted = [...samples].sort((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * fraction))] ?? Number.NaN;
}

/** Rounds of a measurement: the first one warms up and does not count, unless everything is to be quick. */
export function* roundsOf(options: BenchmarkOptions): Iterable<{ readonly counts: boolean }> {
  for (let round = options.quick ? 1 : 0; round <= (options.quick ? 1 : roundCount); round += 1) {
    yield { counts: round > 0 };
  }
}

/**
 * Runs measurements in turn, so that a neighbour's load falls on all of them, and answers each one's best in
 * milliseconds.
 */
export async function interleaved(
  options: BenchmarkOptions,
  works: readonly (() => Promise<number>)[],
): Promise<number[]> {
  const best = works.map(() => Number.POSITIVE_INFINITY);
  for (const { counts } of roundsOf(options)) {
    for (const [index, work] of works.entries()) {
      const tookMs = await work();
      if (counts) best[index] = Math.min(best[index] ?? tookMs, tookMs);
    }
  }
  return best;
}
