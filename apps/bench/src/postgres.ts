/**
 * A PostgreSQL of one benchmark run: its files in a temporary folder, on the loopback interface, with a password that
 * nobody knows. The system's own is not touched.
 *
 * @module
 */

import { type ChildProcess, execFile, spawn, type SpawnOptions } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { chmod, chown, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { SkippedBenchmark } from "./processes.js";

const execute = promisify(execFile);

/** Where Debian keeps the versions. */
const debianFolder = "/usr/lib/postgresql";

/** PostgreSQL refuses to run as root; this user comes with its packages. */
const userOfPackages = "postgres";

const startMsMax = 30_000;

/** The folder with `initdb`, `postgres` and `psql`. */
async function findPrograms(): Promise<string> {
  const versions = existsSync(debianFolder) ? await readdir(debianFolder) : [];
  const newestFirst = versions.map(Number).filter(Number.isInteger);
  newestFirst.sort((a, b) => b - a);
  const folders = newestFirst.map((version) => join(debianFolder, String(version), "bin"));
  const found = [...folders, ...(process.env["PATH"] ?? "").split(delimiter)].find((folder) =>
    ["initdb", "postgres", "psql"].every((program) => existsSync(join(folder, program))),
  );
  if (found === undefined) throw new SkippedBenchmark("PostgreSQL is not installed (initdb, postgres, psql)");
  return found;
}

/** Whom the server runs as: ourselves, unless we are root. */
async function serverUser(): Promise<{ readonly uid?: number; readonly gid?: number }> {
  if (process.getuid?.() !== 0) return {};
  try {
    const [uid, gid] = await Promise.all(["-u", "-g"].map((what) => execute("id", [what, userOfPackages])));
    return { uid: Number(uid?.stdout), gid: Number(gid?.stdout) };
  } catch {
    throw new SkippedBenchmark(`PostgreSQL does not run as root, and there is no user ${userOfPackages}`);
  }
}

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => {
    probe.listen(0, "127.0.0.1", resolve);
  });
  const address = probe.address();
  await new Promise((resolve) => {
    probe.close(resolve);
  });
  if (address === null || typeof address === "string") throw new Error("a port was expected");
  return address.port;
}

/** A running server with an empty database. */
export class Postgres {
  /** Address of the database, with the password. */
  readonly url: string;
  readonly #programs: string;
  readonly #folder: string;
  readonly #child: ChildProcess;

  private constructor(url: string, programs: string, folder: string, child: ChildProcess) {
    this.url = url;
    this.#programs = programs;
    this.#folder = folder;
    this.#child = child;
  }

  /**
   * Makes a cluster and starts it with logical replication.
   *
   * @throws SkippedBenchmark if PostgreSQL is not there or cannot run here.
   */
  static async start(): Promise<Postgres> {
    const programs = await findPrograms();
    const user = await serverUser();
    const folder = await mkdtemp(join(tmpdir(), "tidemark-bench-postgres-"));
    try {
      return await Postgres.#startIn(folder, programs, user);
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  static async #startIn(folder: string, programs: string, user: SpawnOptions): Promise<Postgres> {
    const [data, passwordFile] = [join(folder, "data"), join(folder, "password")];
    const password = randomBytes(16).toString("hex");
    await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
    if (user.uid !== undefined && user.gid !== undefined) {
      await chown(folder, user.uid, user.gid);
      await chown(passwordFile, user.uid, user.gid);
    }
    await chmod(folder, 0o700);
    const cluster = ["-D", data, "-U", "bench", "--auth=scram-sha-256", `--pwfile=${passwordFile}`, "-E", "UTF8"];
    await execute(join(programs, "initdb"), cluster, { ...user, cwd: folder });
    const port = await freePort();
    const settings = ["listen_addresses=127.0.0.1", `unix_socket_directories=${folder}`, "wal_level=logical"];
    const child = spawn(
      join(programs, "postgres"),
      ["-D", data, "-p", String(port), ...settings.flatMap((setting) => ["-c", setting])],
      { ...user, cwd: folder, stdio: "ignore" },
    );
    const server = new Postgres(`postgresql://bench:${password}@127.0.0.1:${port}/postgres`, programs, folder, child);
    try {
      await server.#ready();
    } catch (error) {
      await server.stop();
      throw error;
    }
    return server;
  }

  /** The server's process; those of its sessions are below it. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  async #ready(): Promise<void> {
    const lastMs = performance.now() + startMsMax;
    for (;;) {
      try {
        return await this.run("SELECT 1");
      } catch (error) {
        if (performance.now() > lastMs || this.#child.exitCode !== null) throw error;
        await pause(100);
      }
    }
  }

  /** Runs SQL; lines for a `COPY … FROM STDIN` in it follow it. */
  async run(sql: string): Promise<void> {
    const quiet = ["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--dbname", this.url, "--file=-"];
    const child = spawn(join(this.#programs, "psql"), quiet, { stdio: ["pipe", "ignore", "pipe"] });
    let problem = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      problem += text;
    });
    const ended = new Promise((resolve) => {
      child.once("close", resolve);
    });
    // Its status says more than a pipe that broke because it ended.
    child.stdin.on("error", () => undefined);
    child.stdin.end(sql);
    if ((await ended) !== 0) throw new Error(`psql: ${problem.trim()}`);
  }

  /** Stops the server, sessions or not, and deletes its files. */
  async stop(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const ended = new Promise((resolve) => {
        this.#child.once("exit", resolve);
      });
      // PostgreSQL's word for a fast shutdown.
      this.#child.kill("SIGINT");
      await ended;
    }
    await rm(this.#folder, { recursive: true, force: true });
  }
}
