/**
 * What a process and all that it started use, as Linux tells it.
 *
 * @module
 */

import { readdir, readFile } from "node:fs/promises";

/** Of all processes together; undefined where the operating system does not tell. */
export interface Usage {
  /** Processor time so far, of the processes that still run, in milliseconds. */
  readonly cpuMs: number;
  /** Memory, that which several share divided among them. */
  readonly memoryBytes: number;
}

/** Length of a tick in which Linux counts processor time. */
const tickMs = 10;

/** Where the fields of `/proc/PID/stat` stand, counted from the one after the name. */
const field = { parent: 1, userTicks: 11, systemTicks: 12 };

async function statOf(pid: number): Promise<readonly string[] | undefined> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, "utf8");
    // The name before may hold anything, parentheses too.
    return text.slice(text.lastIndexOf(")") + 2).split(" ");
  } catch {
    return undefined;
  }
}

async function memoryOf(pid: number): Promise<number> {
  try {
    const text = await readFile(`/proc/${pid}/smaps_rollup`, "utf8");
    return Number(/^Pss:\s+(\d+)/m.exec(text)?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

/** All running processes by their number. */
async function allStats(): Promise<Map<number, readonly string[]>> {
  const stats = new Map<number, readonly string[]>();
  for (const name of await readdir("/proc")) {
    const pid = Number(name);
    const stat = Number.isInteger(pid) ? await statOf(pid) : undefined;
    if (stat !== undefined) stats.set(pid, stat);
  }
  return stats;
}

/** What processes and their descendants use. */
export async function usageOf(roots: readonly number[]): Promise<Usage | undefined> {
  if (process.platform !== "linux") return undefined;
  const stats = await allStats();
  const members = new Set<number>();
  const waiting = [...roots];
  for (let pid = waiting.pop(); pid !== undefined; pid = waiting.pop()) {
    members.add(pid);
    for (const [child, stat] of stats) {
      if (Number(stat[field.parent]) === pid && !members.has(child)) waiting.push(child);
    }
  }
  let [cpuMs, memoryBytes] = [0, 0];
  for (const pid of members) {
    const stat = stats.get(pid);
    cpuMs += (Number(stat?.[field.userTicks] ?? 0) + Number(stat?.[field.systemTicks] ?? 0)) * tickMs;
    memoryBytes += await memoryOf(pid);
  }
  return { cpuMs, memoryBytes };
}
