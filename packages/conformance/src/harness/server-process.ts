/**
 * A real server process for a run of the suite: any app id, Development Mode, data in a temporary folder.
 *
 * @module
 */

import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const startTimeoutMs = 30_000;

/** The command line of the server: the workspace's own, or that of the package `tidemark` where one stands. */
function serverCommand(): string {
  const own = fileURLToPath(new URL("../../../../apps/tidemark/bin/tidemark.js", import.meta.url));
  if (existsSync(own)) return own;
  const here = createRequire(join(process.cwd(), "package.json"));
  try {
    const manifest = here.resolve("tidemark/package.json");
    return join(dirname(manifest), "bin/tidemark.js");
  } catch (error) {
    throw new Error("the server is not installed here: npm install tidemark", { cause: error });
  }
}

/** Servers that run now: none of them outlives this process, however it ends. */
const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** How a server is run, beyond what every test needs. */
export interface ServerProcessOptions {
  /** Further arguments of `tidemark dev`. */
  readonly arguments?: readonly string[];
  /** Takes what the server says on its standard error output, line by line; otherwise it is printed. */
  readonly onComplaint?: (line: string) => void;
  /** Called when the process ends though nobody told it to. */
  readonly onDeath?: (how: string) => void;
  /** Whether its clock can be put forward and back; see {@link ServerProcess.passTime}. */
  readonly hasMovableClock?: boolean;
}

/** Run by the server's process before anything else: its clock shows what it is told to by messages. */
const movableClock = `
  const now = Date.now.bind(Date);
  let shiftMs = 0;
  Date.now = () => now() + shiftMs;
  process.on("message", (byMs) => {
    shiftMs += byMs;
    process.send(shiftMs);
  });
  process.channel.unref();
`;

/** The server under test. Its address stays the same over restarts. */
export class ServerProcess {
  readonly #directory: string;
  readonly #options: ServerProcessOptions;
  #url = "";
  #child: ChildProcess | undefined;

  private constructor(directory: string, options: ServerProcessOptions) {
    this.#directory = directory;
    this.#options = options;
  }

  /** Of the process that runs now. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Where it listens. */
  get url(): string {
    return this.#url;
  }

  /** Starts a server on an empty data directory. */
  static async start(options: ServerProcessOptions = {}): Promise<ServerProcess> {
    const server = new ServerProcess(await mkdtemp(join(tmpdir(), "tidemark-server-")), options);
    try {
      await server.restart();
    } catch (error) {
      await server.stop();
      throw error;
    }
    return server;
  }

  /** Starts it, or starts it again on its data and its port after {@link ServerProcess.kill}. */
  async restart(): Promise<void> {
    const command = serverCommand();
    const port = this.#url === "" ? "0" : new URL(this.#url).port;
    const { hasMovableClock = false } = this.#options;
    const child = spawn(
      process.execPath,
      [
        ...(hasMovableClock ? ["--import", `data:text/javascript,${encodeURIComponent(movableClock)}`] : []),
        command,
        "dev",
        "--log",
        process.env["TIDEMARK_SERVER_LOG"] ?? "error",
        "--port",
        port,
        "--data",
        this.#directory,
        ...(this.#options.arguments ?? []),
      ],
      {
        stdio: [
          "ignore",
          "pipe",
          this.#options.onComplaint === undefined ? "inherit" : "pipe",
          ...(hasMovableClock ? ["ipc" as const] : []),
        ],
      },
    );
    this.#child = child;
    running.add(child);
    child.once("exit", (code, signal) => {
      running.delete(child);
      if (this.#child === child) this.#options.onDeath?.(signal ?? `code ${code}`);
    });
    const { onComplaint } = this.#options;
    if (onComplaint !== undefined && child.stderr) createInterface({ input: child.stderr }).on("line", onComplaint);
    this.#url = await announcedUrl(child);
  }

  /** Puts the server's clock forward, or back: tokens expire. A restart puts it right again. */
  async passTime(byMs: number): Promise<void> {
    const child = this.#child;
    if (!child?.connected) throw new Error("the server's clock cannot be moved");
    const moved = new Promise((resolve) => {
      child.once("message", resolve);
    });
    child.send(byMs);
    await moved;
  }

  /** Ends it as a power cut would. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  /** Keeps a copy of what it knows of an app's objects and files. */
  async backUp(appId: string): Promise<void> {
    await this.#end("SIGKILL");
    await cp(join(this.#directory, "apps", appId), join(this.#directory, "backup", appId), { recursive: true });
    await this.restart();
  }

  /** Puts the copy back: what came after it is forgotten, and files that know of it have to start over. */
  async restore(appId: string): Promise<void> {
    await this.#end("SIGKILL");
    await rm(join(this.#directory, "apps", appId), { recursive: true });
    await cp(join(this.#directory, "backup", appId), join(this.#directory, "apps", appId), { recursive: true });
    await this.restart();
  }

  /** Ends it and removes its data. */
  async stop(): Promise<void> {
    await this.#end("SIGTERM");
    await rm(this.#directory, { recursive: true, force: true });
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => {
      child.once("exit", resolve);
    });
    child.kill(signal);
    await ended;
  }
}

/** The address a server says it listens on. It says so when it is ready. */
async function announcedUrl(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("the server did not start in time")), startTimeoutMs);
    child.once("error", reject);
    child.once("exit", (code, signal) => {
      clearTimeout(timer);
      reject(new Error(`the server ended with ${signal ?? `code ${code}`} before it was ready`));
    });
    if (!child.stdout) throw new Error("the server's output is not piped");
    // Reading goes on after the announcement: a full pipe would stop the server.
    createInterface({ input: child.stdout }).on("line", (line) => {
      const url = /listening on (http:\S+)/.exec(line)?.[1];
      if (url === undefined) return;
      clearTimeout(timer);
      resolve(url);
    });
  });
}
