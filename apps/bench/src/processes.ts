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
  const said = await new Promise<T>((resolve, reject) => {
    child.once("message", (message) => resolve(message as T));
    child.once("exit", () => reject(new Error(`${name} has ended`)));
  });
  return [child, said];
}

/** Tells a program to end, and waits until it has. */
export async function stopProcess(child: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => {
    child.once("exit", resolve);
  });
  child.disconnect();
  await ended;
}

/** Now, by the clock that all processes of a machine share. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
