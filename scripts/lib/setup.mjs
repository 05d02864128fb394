// What must be there before anything runs: Node, Rust and a C compiler (checked), packages (installed), builds (made).
// Says what it does and how long it took; with everything in place it takes two or three seconds.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pnpm } from "../pnpm.mjs";
import { repositoryRoot, say, versionOf } from "./process.mjs";

const nodeMinimum = [20, 19];
const rustMinimum = readMinimumRust();

/** A set-up problem that the user must solve; shown without a stack. */
export class SetupError extends Error {}

/** The floor stands once, in the Cargo workspace. */
function readMinimumRust() {
  const manifest = readFileSync(join(repositoryRoot, "packages", "core", "Cargo.toml"), "utf8");
  return (/^rust-version = "([\d.]+)"/m.exec(manifest)?.[1] ?? "1.0").split(".").map(Number);
}

function isAtLeast(text, minimum) {
  const found = (/(\d+)\.(\d+)/.exec(text) ?? []).slice(1).map(Number);
  return found[0] > minimum[0] || (found[0] === minimum[0] && found[1] >= minimum[1]);
}

export function seconds(startMs) {
  return `${((performance.now() - startMs) / 1000).toFixed(1)} s`;
}

/** Runs one named step and says how long it took. */
async function step(title, work) {
  say(`[set-up] ${title}`);
  const startMs = performance.now();
  await work();
  say(`[set-up] ${title.split(" (")[0]}: done in ${seconds(startMs)}`);
}

/** Refuses early, with what to install, instead of failing in the middle of a build. */
export async function checkMachine() {
  if (!isAtLeast(process.version, nodeMinimum)) {
    throw new SetupError(`Node ${nodeMinimum.join(".")} or newer is needed; this is ${process.version}.`);
  }
  const rust = await versionOf("rustc");
  if (rust === undefined || (await versionOf("cargo")) === undefined) {
    throw new SetupError("Rust is needed (rustc and cargo on the PATH): install it with rustup.");
  }
  if (!isAtLeast(rust, rustMinimum)) {
    throw new SetupError(
      `Rust ${rustMinimum.join(".")} or newer is needed; this is ${rust}. Try: rustup update stable`,
    );
  }
  if (process.platform !== "win32" && (await versionOf("cc")) === undefined) {
    throw new SetupError("A C compiler is needed (cc on the PATH): install gcc or clang, on Debian: build-essential.");
  }
}

async function orFail(what, result) {
  const { status } = await result;
  if (status !== 0) throw new SetupError(`${what} failed (status ${status}); the lines above say why.`);
}

/** Installs the packages of the lock file. */
export function installPackages() {
  const first = !existsSync(join(repositoryRoot, "node_modules", ".modules.yaml"));
  const title = `packages (${first ? "first time: brings pnpm and some 300 packages, half a minute" : "a second"})`;
  return step(title, async () => {
    const quiet = ["--reporter=append-only", "--loglevel=error"];
    await orFail("pnpm install", pnpm(["install", "--frozen-lockfile", ...quiet], { asProgress: true }));
  });
}

/** Runs turbo tasks, e.g. `turbo(["build"], ["--filter=tidemark..."])`. */
export function turbo(tasks, turboArguments = [], options = {}) {
  const shown = ["--output-logs=new-only", ...turboArguments];
  return pnpm(["exec", "turbo", "run", ...tasks, ...shown], { asProgress: true, ...options });
}

/** Builds the packages that the filters name, and what they need. */
export function build(filters) {
  const first = !existsSync(join(repositoryRoot, "packages", "native", "dist", "tidemark.node"));
  const title = `build (${first ? "first time: compiles the Rust core, one to three minutes" : "what changed"})`;
  return step(title, async () => {
    await orFail(
      "the build",
      turbo(
        ["build"],
        filters.map((filter) => `--filter=${filter}`),
      ),
    );
  });
}

/** Runs a script's main function; shows what the user must do without a stack. */
export async function main(work) {
  try {
    process.exitCode = await work();
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    say(`\n${error.message}`);
    process.exitCode = 1;
  }
}
