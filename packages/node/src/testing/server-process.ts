/**
 * A real server for tests, in a process of its own: any app id, Development Mode, data in a temporary folder.
 *
 * @module
 */

import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const startTimeoutMs = 30_000;

/** Root of the workspace: the nearest folder above that holds its manifest. */
function workspaceRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, "pnpm-workspace.yaml"))) {
    const parent = dirname(folder);
    if (parent === folder) throw new Error("no pnpm-workspace.yaml above this package");
    folder = parent;
  }
  return folder;
}

/** A process that announces a value on its standard output. */
export interface AnnouncedProcess {
  readonly value: string;
  readonly child: ChildProcess;
  /** Lines that follow. */
  onLine(listener: (line: string) => void): void;
  stop(): Promise<void>;
}

/** Starts a process and waits for a line of its output that matches; the first group is its value. */
export async function startProcess(arguments_: readonly string[], pattern: RegExp): Promise<AnnouncedProcess> {
  const child = spawn(process.execPath, arguments_, { stdio: ["pipe", "pipe", "inherit"] });
  const listeners: ((line: string) => void)[] = [];
  const value = await new Promise<string>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no ${String(pattern)} in time`)), startTimeoutMs);
    child.once("error", reject);
    child.once("exit", () => reject(new Error("the process ended before it was ready")));
    createInterface({ input: child.stdout }).on("line", (line) => {
      for (const listener of listeners) listener(line);
      const found = pattern.exec(line)?.[1];
      if (found === undefined) return;
      clearTimeout(timer);
      resolve(found);
    });
  });
  return {
    value,
    child,
    onLine: (listener) => listeners.push(listener),
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGTERM");
      await ended;
    },
  };
}

/** A server with its folder. */
export interface TestServer {
  readonly url: string;
  /** For files of clients; removed with the server's. */
  readonly directory: string;
  stop(): Promise<void>;
}

/** Starts a server. */
export async function startServer(): Promise<TestServer> {
  const directory = mkdtempSync(join(tmpdir(), "tidemark-node-server-"));
  const command = join(workspaceRoot(), "apps/tidemark/bin/tidemark.js");
  const arguments_ = [command, "dev", "--log", "error", "--port", "0", "--data", join(directory, "server")];
  const started = await startProcess(arguments_, /listening on (http:\S+)/);
  return {
    url: started.value,
    directory,
    stop: async () => {
      await started.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
