/**
 * A real server for tests, in a process of its own: any app id or a sample app, Development Mode, data in a temporary
 * folder.
 *
 * @module
 */

import { type ChildProcess, spawn } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const startTimeoutMs = 60_000;

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
  /** @param signal `SIGTERM` unless it is to die. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

/**
 * Starts a process and waits for a line of its output that matches; the first group is its value.
 *
 * @param surroundings its folder and environment, unless they are ours.
 */
export async function startProcess(
  arguments_: readonly string[],
  pattern: RegExp,
  surroundings: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<AnnouncedProcess> {
  const child = spawn(process.execPath, arguments_, { ...surroundings, stdio: ["pipe", "pipe", "inherit"] });
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
    stop: async (signal = "SIGTERM") => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill(signal);
      await ended;
    },
  };
}

/** A server with its folder. */
export interface TestServer {
  readonly url: string;
  /** For files of clients beside the server's own folder, `server`. */
  readonly directory: string;
  /** Ends the server and removes the folder. */
  stop(): Promise<void>;
  /** Ends the server as a crash would, does something with its folder, and starts it again at its address. */
  between(move: () => void): Promise<void>;
  /**
   * Keeps a copy of what the server knows of an app's objects and files. What comes after it is forgotten when the
   * answer is called, as by a server that was restored from a backup: files that know of it have to start over.
   */
  backUp(appId: string): Promise<() => Promise<void>>;
}

/** How a server is started. */
export interface TestServerOptions {
  /** One of the sample apps, by its folder: its rules hold, and its name is the one app id. */
  readonly sampleApp?: string;
}

/** Starts a server with an empty folder. */
export async function startServer({ sampleApp }: TestServerOptions = {}): Promise<TestServer> {
  const directory = mkdtempSync(join(tmpdir(), "tidemark-test-"));
  const tidemark = join(workspaceRoot(), "apps/tidemark");
  const app = sampleApp === undefined ? [] : ["--app", join(tidemark, "sample-apps", sampleApp)];
  const start = (port: string): Promise<AnnouncedProcess> => {
    const command = join(tidemark, "bin/tidemark.js");
    const options = ["dev", "--log", "error", "--port", port, "--data", join(directory, "server"), ...app];
    return startProcess([command, ...options], /listening on (http:\S+)/);
  };
  let running = await start("0");
  const url = running.value;
  const between = async (move: () => void): Promise<void> => {
    await running.stop("SIGKILL");
    move();
    running = await start(new URL(url).port);
  };
  return {
    url,
    directory,
    stop: async () => {
      await running.stop();
      // The session's thread of a client may still be letting go of its file.
      rmSync(directory, { recursive: true, force: true, maxRetries: 10 });
    },
    between,
    backUp: async (appId) => {
      const [known, copy] = [join(directory, "server", "apps", appId), join(directory, `backup-${appId}`)];
      await between(() => cpSync(known, copy, { recursive: true }));
      return () =>
        between(() => {
          rmSync(known, { recursive: true });
          cpSync(copy, known, { recursive: true });
        });
    },
  };
}
