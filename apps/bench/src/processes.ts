/**
 * Programs of this package, as processes of their own.
 *
 * @module
 */

import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";

/** Starts a program, and waits for the first thing it says. */
export async function startProcess<T>(name: string, programArguments: readonly string[]): Promise<[ChildProcess, T]> {
  const path = fileURLToPath(new URL(`../dist/${name}.js`, import.meta.url));
  const child = fork(path, [...programArguments]);
  return [child, await firstMessage<T>(child, name)];
}

/** The next thing that a program says. Rejects if it ends before. */
export async function firstMessage<T>(child: ChildProcess, name: string): Promise<T> {
  return await new Promise<T>((resolve, reject) => {
    const onEnd = (): void => reject(new Error(`${name} has ended`));
    child.once("exit", onEnd);
    child.once("message", (message) => {
      child.off("exit", onEnd);
      resolve(message as T);
    });
  });
}

/** Tells a program to end, and waits until it has. */
export async function stopProcess(child: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => {
    child.once("exit", resolve);
  });
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.disconnect();
  await ended;
}

/** What a benchmark needs is not there: it is left out, and says why. */
export class SkippedBenchmark extends Error {}

/** Now, by the clock that all processes of a machine share. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
