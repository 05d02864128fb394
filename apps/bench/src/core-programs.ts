/**
 * Benchmark programs of the Rust core, run by cargo: they measure what no binding reaches, and print figures as the
 * benchmarks here do.
 *
 * @module
 */

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Figure } from "./figures.js";

const manifest = fileURLToPath(new URL("../../../packages/core/Cargo.toml", import.meta.url));

/** A program of a crate, and what it is told. */
export interface CoreProgram {
  /** How cargo calls it: `["bench", "--bench", "merge"]` or `["run", "--example", "compaction"]`. */
  readonly target: readonly [command: "bench" | "run", kind: string, name: string];
  readonly crate: string;
  readonly programArguments: readonly string[];
}

/** Builds a program and runs it to its end; its standard error is passed on. */
export async function runCoreProgram({ target, crate, programArguments }: CoreProgram): Promise<Figure[]> {
  const [command, ...named] = target;
  const profile = command === "run" ? ["--release"] : [];
  const cargo = [command, "--quiet", "--locked", ...profile, "--manifest-path", manifest, "-p", crate, ...named];
  const child = spawn("cargo", [...cargo, "--", ...programArguments], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  const figures: Figure[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.startsWith("{")) figures.push(JSON.parse(line) as Figure);
  }
  const status = await ended;
  if (status !== 0) throw new Error(`${crate} ${named.join(" ")} ended with ${String(status)}`);
  return figures;
}
