/**
 * A real server for tests, in a process of its own: any app id, Development Mode, data in a temporary folder.
 *
 * @module
 */

import { spawn } from "node:child_process";
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

/** A server with its folder. */
export interface TestServer {
  readonly url: string;
  /** For files of clients; removed with the server's. */
  readonly directory: string;
  stop(): Promise<void>;
}

/** Starts a server. */
export async function startServer(): Promise<TestServer> {
  const directory = mkdtempSync(join(tmpdir(), "tidemark-flutter-server-"));
  const command = join(workspaceRoot(), "apps/tidemark/bin/tidemark.js");
  const options = ["dev", "--log", "error", "--port", "0", "--data", join(directory, "server")];
  const child = spawn(process.execPath, [command, ...options], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const url = await new Promise<string>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("the server did not start in time")), startTimeoutMs);
    child.once("error", reject);
    child.once("exit", () => reject(new Error("the server ended before it was ready")));
    createInterface({ input: child.stdout }).on("line", (line) => {
      const found = /listening on (http:\S+)/.exec(line)?.[1];
      if (found === undefined) return;
      clearTimeout(timer);
      resolve(found);
    });
  });
  return {
    url,
    directory,
    stop: async () => {
      child.kill("SIGTERM");
      await ended;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
