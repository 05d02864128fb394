/**
 * Whether memory stays flat: the same work over and over, with a look at what is left after each of several equal
 * windows.
 *
 * @module
 */

import { existsSync, readdirSync } from "node:fs";
import { getHeapSnapshot, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { liveBytes } from "./live-bytes.js";

/** What a process holds. */
export interface MemoryFigures {
  /** Bytes of live objects on this thread. */
  readonly heap: number;
  /** Bytes outside of the heap that belong to its objects, such as buffers. */
  readonly external: number;
  /** Bytes of live objects on other threads, as far as they are watched. */
  readonly threads: number;
  /** Bytes of the process in main memory beside this thread's heap: of the core, other threads, the allocator. */
  readonly resident: number;
  /** Open files and sockets, where the system tells. */
  readonly descriptors: number;
}

/** Work that should leave nothing behind. */
export interface Load {
  /** Cycles before the first look: caches fill, code is compiled. */
  readonly warmUpCycles: number;
  readonly windows: number;
  readonly windowCycles: number;
  /** @param index counts from 0, the warm-up included. */
  readonly cycle: (index: number) => Promise<void> | void;
  /** Brings everything that is under way to its end before a look. */
  readonly settle?: () => Promise<void>;
  /** Bytes of live objects on other threads. */
  readonly threadBytes?: () => Promise<number>;
}

/** What a load has left behind. */
export interface Growth {
  /** After the warm-up, and after each window. */
  readonly looks: readonly MemoryFigures[];
  /** For each figure the median of the growth between any two looks. */
  readonly perCycle: MemoryFigures;
}

const names = ["heap", "external", "threads", "resident", "descriptors"] as const;
const descriptorFolder = "/proc/self/fd";

// The flag is for what follows; the function exists in contexts that are made after it.
setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** Finalizers run in turns of their own, and what they let go of takes another collection. */
async function collectGarbage(): Promise<void> {
  for (let round = 0; round < 6; round += 1) {
    collect();
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
  }
}

async function look(load: Load): Promise<MemoryFigures> {
  await load.settle?.();
  await collectGarbage();
  const { external, heapTotal, rss } = process.memoryUsage();
  const descriptors = existsSync(descriptorFolder) ? readdirSync(descriptorFolder).length : 0;
  const threads = (await load.threadBytes?.()) ?? 0;
  return { heap: await liveBytes(getHeapSnapshot()), external, threads, resident: rss - heapTotal, descriptors };
}

/** Does the work, and says what it left behind. */
export async function measureGrowth(load: Load): Promise<Growth> {
  let index = 0;
  const work = async (cycles: number): Promise<void> => {
    for (const end = index + cycles; index < end; index += 1) await load.cycle(index);
  };
  // Looking leaves something behind too, the first time.
  await look(load);
  await work(load.warmUpCycles);
  const looks = [await look(load)];
  for (let window = 0; window < load.windows; window += 1) {
    await work(load.windowCycles);
    looks.push(await look(load));
  }
  const perCycle = Object.fromEntries(
    names.map((name) => [name, medianGrowth(looks.map((figures) => figures[name])) / load.windowCycles]),
  );
  return { looks, perCycle: perCycle as unknown as MemoryFigures };
}

/**
 * The median of the growth per window between any two looks: one that is off for a reason of its own does not count,
 * and what grows always does.
 */
function medianGrowth(values: readonly number[]): number {
  const slopes = values.flatMap((value, at) =>
    values.slice(at + 1).map((later, distance) => (later - value) / (distance + 1)),
  );
  slopes.sort((a, b) => a - b);
  return slopes[Math.floor(slopes.length / 2)] ?? 0;
}

/** The figures, in lines for a report. */
export function describeGrowth(title: string, { looks, perCycle }: Growth): string {
  const lines = names.flatMap((name) => {
    const values = looks.map((figures) => figures[name]);
    if (values.every((value) => value === 0)) return [];
    const isCount = name === "descriptors";
    const shown = values.map((value) => (isCount ? String(value) : (value / 2 ** 20).toFixed(3)));
    const unit = isCount ? "" : " MiB";
    return [`  ${name.padEnd(11)} ${shown.join(" ")}${unit}; ${perCycle[name].toFixed(3)} per cycle`];
  });
  return [title, ...lines, ""].join("\n");
}
