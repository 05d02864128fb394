/**
 * Peers whose packages are large: each in a folder of its own below `peers/`, with its own lock file, installed when a
 * benchmark first asks for it and never with the project.
 *
 * @module
 */

import { type ChildProcess, fork, spawn } from "node:child_process";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { firstMessage, SkippedBenchmark } from "./processes.js";

/** The folder of a peer. */
export type PeerName = "better-sqlite3" | "triplit" | "zero";

function peerPath(peer: PeerName, file = ""): string {
  return fileURLToPath(new URL(`../peers/${peer}/${file}`, import.meta.url));
}

/**
 * Brings a peer's packages as its lock file says; a second or two if they are there.
 *
 * @throws SkippedBenchmark if that is not possible, as without a network.
 */
export async function installPeer(peer: PeerName): Promise<void> {
  const pnpm = fileURLToPath(new URL("../../../scripts/pnpm.mjs", import.meta.url));
  const installation = ["install", "--dir", peerPath(peer), "--frozen-lockfile", "--reporter=append-only"];
  const child = spawn(process.execPath, [pnpm, ...installation], { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  const status = await new Promise((resolve) => {
    child.once("close", resolve);
  });
  if (status !== 0) throw new SkippedBenchmark(`packages of ${peer} cannot be installed: ${lastLine(output)}`);
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1) ?? "";
}

/** A CommonJS module of a peer that is installed. */
export function requirePeer<T>(peer: PeerName, module: string): T {
  return createRequire(peerPath(peer, "package.json"))(module) as T;
}

/** Starts a program of a peer, and waits for the first thing it says. What it prints is not shown. */
export async function startPeer<T>(
  peer: PeerName,
  program: string,
  programArguments: readonly string[],
): Promise<[ChildProcess, T]> {
  const child = fork(peerPath(peer, program), [...programArguments], { stdio: ["ignore", "ignore", "inherit", "ipc"] });
  return [child, await firstMessage<T>(child, `${peer}/${program}`)];
}
