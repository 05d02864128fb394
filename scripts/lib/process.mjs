// Starting other programs, in one way for all scripts: never through a shell, never with npm's own variables (they
// would change what the inner npm and pnpm do), always ended with us.
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

export const repositoryRoot = fileURLToPath(new URL("../..", import.meta.url)).replace(/[\\/]$/, "");

/** The environment for the programs that scripts start. */
export function cleanEnvironment(extra = {}) {
  const environment = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (!/^npm_/i.test(name)) environment[name] = value;
  }
  environment.TURBO_TELEMETRY_DISABLED = "1";
  environment.CI ??= "1";
  return { ...environment, ...extra };
}

/**
 * Runs a program to its end.
 *
 * @param options `cwd`, `env` (added to the clean environment), `capture` (collect output instead of showing it),
 * `tee` (show and collect), `timeoutMs` (kill it then).
 * @returns `status` (1 when killed or not startable), `output`, `timedOut`, `missing` (no such program).
 */
export function run(command, commandArguments, options = {}) {
  const collect = options.capture === true || options.tee === true;
  return new Promise((resolve) => {
    const child = spawn(command, commandArguments, {
      cwd: options.cwd ?? repositoryRoot,
      env: cleanEnvironment(options.env),
      stdio: ["ignore", collect ? "pipe" : "inherit", collect ? "pipe" : "inherit"],
    });
    let output = "";
    let timedOut = false;
    const take = (stream) => (chunk) => {
      output += chunk;
      if (options.tee === true) stream.write(chunk);
    };
    child.stdout?.setEncoding("utf8").on("data", take(process.stdout));
    child.stderr?.setEncoding("utf8").on("data", take(process.stderr));
    const timer =
      options.timeoutMs === undefined
        ? undefined
        : setTimeout(() => {
            timedOut = true;
            child.kill("SIGKILL");
          }, options.timeoutMs);
    const forward = (signal) => child.kill(signal);
    process.on("SIGINT", forward);
    process.on("SIGTERM", forward);
    const finish = (result) => {
      clearTimeout(timer);
      process.off("SIGINT", forward);
      process.off("SIGTERM", forward);
      resolve({ output, timedOut, missing: false, ...result });
    };
    child.on("error", (error) => finish({ status: 1, missing: error.code === "ENOENT", output: String(error) }));
    child.on("close", (code) => finish({ status: code ?? 1 }));
  });
}
