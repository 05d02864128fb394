/**
 * The scriptable client around the Realm Kotlin SDK's own native sync client: found, built and driven.
 *
 * @module
 */

import { type ChildProcessWithoutNullStreams, execFile, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, sep } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** One command line of the client. */
export type Command = Readonly<Record<string, unknown>> & { readonly cmd: string };

/** One line it answers. */
export interface Reply {
  readonly id?: unknown;
  readonly cmd?: string;
  readonly ok?: boolean;
  readonly result?: unknown;
  readonly error?: string;
  readonly event?: string;
}

const workspaceRoot = fileURLToPath(new URL("../../../../", import.meta.url));

/** Longest time a command may take. */
const replyTimeoutMs = 60_000;
/** Longest time the client may take to compile, with nothing downloaded yet. */
const buildTimeoutMs = 900_000;
/** How much of its log is kept to explain a failure. */
const logLinesMax = 60;

/** Folder of the client's sources, or the reason why there is none here. */
export function findKotlinClient(): { readonly folder: string } | { readonly missing: string } {
  const candidates = [process.env["TIDEMARK_INTEROP"], join(workspaceRoot, "../shared/interop")];
  const folder = candidates
    .filter((candidate) => candidate !== undefined)
    .map((candidate) => join(candidate, "kotlin-client"))
    .find((candidate) => existsSync(join(candidate, "build.sh")));
  if (folder === undefined) return { missing: "no interop/kotlin-client ($TIDEMARK_INTEROP, ../shared/interop)" };
  for (const tool of ["java", "mvn"]) {
    if (spawnSync(tool, ["-version"], { stdio: "ignore" }).error) return { missing: `${tool} is not installed` };
  }
  return { folder };
}

/** Files that decide what is compiled, in a fixed order. */
function sourcesOf(folder: string): string[] {
  const sources = readdirSync(join(folder, "src"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".kt"))
    .map((name) => join("src", name));
  return ["pom.xml", "build.sh", "run.sh", ...sources.sort()];
}

/** Builds a copy of the client (its own folder may be read-only) if that is not done yet, and answers where it is. */
export async function buildKotlinClient(folder: string): Promise<string> {
  const copy = join(workspaceRoot, "packages/conformance/.interop/kotlin-client");
  const stampFile = join(copy, ".built");
  const hash = createHash("sha256");
  for (const name of sourcesOf(folder)) hash.update(name).update(readFileSync(join(folder, name)));
  const stamp = hash.digest("hex");
  if (existsSync(stampFile) && readFileSync(stampFile, "utf8") === stamp) return copy;
  rmSync(copy, { recursive: true, force: true });
  mkdirSync(copy, { recursive: true });
  cpSync(folder, copy, { recursive: true, filter: (source) => !source.includes(`${sep}build${sep}`) });
  makeWritable(copy);
  await promisify(execFile)("sh", ["./build.sh"], { cwd: copy, timeout: buildTimeoutMs });
  writeFileSync(stampFile, stamp);
  return copy;
}

function makeWritable(folder: string): void {
  chmodSync(folder, 0o755);
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) makeWritable(path);
    else chmodSync(path, 0o755);
  }
}

/** The lines of one of its scripts, for another server and folder. */
export function readScript(copy: string, name: string, baseUrl: string, directory: string): Command[] {
  return readFileSync(join(copy, "scripts", name), "utf8")
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => JSON.parse(line) as Command)
    .map((command) =>
      command.cmd === "app" ? { ...command, baseUrl, dir: join(directory, String(command["dir"])) } : command,
    );
}

/** A running client. */
export class KotlinClient {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #waiting = new Map<number, (reply: Reply) => void>();
  readonly #log: string[] = [];
  readonly events: Reply[] = [];
  #nextId = 1;

  constructor(copy: string, directory: string) {
    mkdirSync(directory, { recursive: true });
    this.#child = spawn("sh", [join(copy, "run.sh")], { cwd: directory });
    createInterface({ input: this.#child.stderr }).on("line", (line) => {
      this.#log.push(line);
      if (this.#log.length > logLinesMax) this.#log.shift();
    });
    createInterface({ input: this.#child.stdout }).on("line", (line) => this.#receive(line));
    this.#child.stdin.on("error", () => undefined);
    this.#child.once("exit", (code, signal) => {
      for (const settle of this.#waiting.values()) settle({ ok: false, error: `it ended with ${signal ?? code}` });
    });
  }

  /** The end of its log. */
  get log(): string {
    return this.#log.join("\n");
  }

  /** Errors that the native sync client told the application. */
  get syncErrors(): readonly Reply[] {
    return this.events.filter((event) => event.event === "syncError");
  }

  /** Sends a command and waits for its reply, whatever it says. */
  async reply(command: Command): Promise<Reply> {
    const id = this.#nextId;
    this.#nextId += 1;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`no answer to ${JSON.stringify(command)}; its log:\n${this.log}`)),
        replyTimeoutMs,
      );
      this.#waiting.set(id, (reply) => {
        clearTimeout(timer);
        this.#waiting.delete(id);
        // Its last command ends it.
        resolve(command.cmd === "exit" ? { ok: true } : reply);
      });
      this.#child.stdin.write(`${JSON.stringify({ ...command, id })}\n`);
    });
  }

  /** Sends a command that must succeed and answers its result. */
  async run(command: Command): Promise<unknown> {
    const reply = await this.reply(command);
    if (reply.ok !== true) throw new Error(`${JSON.stringify(command)}: ${reply.error ?? "failed"}`);
    return reply.result;
  }

  /** Ends it, however it feels. */
  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = new Promise((resolve) => {
      this.#child.once("exit", resolve);
    });
    this.#child.kill("SIGKILL");
    await ended;
  }

  #receive(line: string): void {
    let reply: Reply;
    try {
      reply = JSON.parse(line) as Reply;
    } catch {
      return;
    }
    const settle = typeof reply.id === "number" ? this.#waiting.get(reply.id) : undefined;
    if (settle) settle(reply);
    else this.events.push(reply);
  }
}
