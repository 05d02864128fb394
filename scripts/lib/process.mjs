// Starting other programs, in one way for all scripts: never through a shell, never with npm's own variables (they
// would change what the inner npm and pnpm do), always ended with us.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Where scripts say what they do. Standard output belongs to the command that they set up for. */
let progress = process.stderr;

/** Makes progress part of standard output, for scripts whose output it is. */
export function showProgressOnStandardOutput() {
  progress = process.stdout;
}

export function say(text) {
  progress.write(`${text}\n`);
}

export const repositoryRoot = fileURLToPath(new URL("../..", import.meta.url)).replace(/[\\/]$/, "");

/** Where rustup keeps its commands. */
function cargoHome() {
  return process.env.CARGO_HOME ?? join(homedir(), ".cargo");
}

/**
 * The environment for the programs that scripts start. rustup's commands go first, so that a distribution's Rust,
 * which the WASM tool chain may bring, is never picked up by accident.
 */
export function cleanEnvironment(extra = {}) {
  const environment = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (!/^npm_/i.test(name)) environment[name] = value;
  }
  const rustCommands = join(cargoHome(), "bin");
  if (existsSync(join(rustCommands, "cargo"))) {
    environment.PATH = [rustCommands, environment.PATH].join(delimiter);
  }
  environment.TURBO_TELEMETRY_DISABLED = "1";
  environment.CI ??= "1";
  return { ...environment, ...extra };
}

/** Where a started program's output goes: shown as it is, or as progress, or collected. */
function outputPlan(options) {
  if (options.capture === true || options.tee === true) return ["ignore", "pipe", "pipe"];
  return options.asProgress === true ? ["ignore", progress.fd, progress.fd] : ["ignore", "inherit", "inherit"];
}

/** Passes signals on to the child. A terminal sends Ctrl-C to the child itself. */
function forwardSignals(child) {
  const forward = (signal) => {
    if (signal === "SIGTERM" || process.stdin.isTTY !== true) child.kill(signal);
  };
  process.on("SIGINT", forward);
  process.on("SIGTERM", forward);
  return () => {
    process.off("SIGINT", forward);
    process.off("SIGTERM", forward);
  };
}

/**
 * Runs a program to its end.
 *
 * @param options `cwd`, `env` (added to the clean environment), `capture` (collect output instead of showing it),
 * `tee` (show as progress and collect), `asProgress`, `timeoutMs` (kill it and what it started).
 * @returns `status` (128 + number when a signal ended it), `output`, `timedOut`, `missing` (no such program).
 */
export function run(command, commandArguments, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, commandArguments, {
      cwd: options.cwd ?? repositoryRoot,
      env: cleanEnvironment(options.env),
      stdio: outputPlan(options),
      detached: options.timeoutMs !== undefined,
    });
    let output = "";
    let timedOut = false;
    const take = (chunk) => {
      output += chunk;
      if (options.tee === true) progress.write(chunk);
    };
    child.stdout?.setEncoding("utf8").on("data", take);
    child.stderr?.setEncoding("utf8").on("data", take);
    const endAll = () => {
      timedOut = true;
      // The child leads a process group of its own when it has a time limit.
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    };
    const timer = options.timeoutMs === undefined ? undefined : setTimeout(endAll, options.timeoutMs);
    const stopForwarding = forwardSignals(child);
    const finish = (result) => {
      clearTimeout(timer);
      stopForwarding();
      resolve({ output, timedOut, missing: false, ...result });
    };
    child.on("error", (error) => finish({ status: 1, missing: error.code === "ENOENT", output: String(error) }));
    child.on("close", (code, signal) => finish({ status: code ?? (signal === "SIGINT" ? 130 : 143) }));
  });
}

/** First line that a program prints for `--version`, or undefined if it cannot be run. */
export async function versionOf(command, options = {}) {
  const result = await run(command, ["--version"], { ...options, capture: true });
  return result.status === 0 ? result.output.trim().split("\n")[0] : undefined;
}
