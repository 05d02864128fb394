// The tool chain for WebAssembly: the compiler's wasm32 target, wasm-bindgen's command of exactly the version in
// Cargo.lock, and wasm-pack. What is missing is brought here, into .tools/ where it can be:
//   node tools.mjs        exit status 0: all there; 3: not obtainable on this machine, with the reason
// Prebuilt programs are never downloaded: commands are compiled by cargo, the target comes from rustup, and where
// rustup cannot bring it from Debian's packages, whose compiler then builds the standard library itself.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const toolsRoot = join(here, ".tools");
const target = "wasm32-unknown-unknown";
const wasmPackVersion = "0.15.1";
const rustupTimeoutMs = 180_000;
const aptTimeoutMs = 900_000;
const debianPackages = ["rustc-web", "cargo-web", "rust-web-src", "lld"];

/** How the compiler is found, for {@link environmentFor}. */
const ready = { kind: "target" };
const debian = { kind: "debian" };

function say(text) {
  process.stderr.write(`[wasm] ${text}\n`);
}

/** Runs a program; its output is shown unless `quiet`. */
function run(command, commandArguments, options = {}) {
  const result = spawnSync(command, commandArguments, {
    cwd: here,
    encoding: "utf8",
    env: { ...process.env, ...options.env },
    stdio: options.quiet === true ? ["ignore", "pipe", "pipe"] : ["ignore", 2, 2],
    timeout: options.timeoutMs,
    killSignal: "SIGKILL",
  });
  return { ok: result.status === 0, output: result.stdout ?? "" };
}

function hasWasmTarget() {
  const { ok, output } = run("rustc", ["--print", "target-libdir", "--target", target], { quiet: true });
  const folder = output.trim();
  return ok && existsSync(folder) && readdirSync(folder).some((name) => name.startsWith("libstd-"));
}

function hasDebianPackages() {
  const query = ["-W", "-f", "${db:Status-Status} ", ...debianPackages];
  const { ok, output } = run("dpkg-query", query, { quiet: true });
  return (
    ok &&
    output
      .trim()
      .split(" ")
      .every((status) => status === "installed")
  );
}

function installDebianPackages() {
  if (!existsSync("/usr/bin/apt-get")) return "there is no apt-get either";
  const install = ["apt-get", "install", "--yes", "--no-install-recommends", ...debianPackages];
  if (process.getuid?.() !== 0) return `Debian's packages need root; run: sudo ${install.join(" ")}`;
  say("installing Debian's Rust for WebAssembly (about 500 MB unpacked, a minute or two)");
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  run("apt-get", ["update"], { env, quiet: true, timeoutMs: aptTimeoutMs });
  return run("apt-get", install.slice(1), { env, timeoutMs: aptTimeoutMs }).ok
    ? undefined
    : "apt-get could not install Debian's packages";
}

/** Finds or brings a compiler for the target. */
function findCompiler() {
  const wanted = process.env.TIDEMARK_WASM_COMPILER;
  if (wanted !== "debian") {
    if (hasWasmTarget()) return { compiler: ready };
    say(`adding the compiler's ${target} target through rustup (some 20 MB, at most three minutes)`);
    const added = run("rustup", ["target", "add", target], { timeoutMs: rustupTimeoutMs, quiet: true });
    if (added.ok && hasWasmTarget()) return { compiler: ready };
    say("rustup could not bring it");
  }
  const problem = hasDebianPackages() ? undefined : installDebianPackages();
  return problem === undefined ? { compiler: debian } : { problem };
}

function lockedBindgenVersion() {
  const lock = readFileSync(join(here, "..", "core", "Cargo.lock"), "utf8");
  const version = /name = "wasm-bindgen"\nversion = "([^"]+)"/.exec(lock)?.[1];
  if (version === undefined) throw new Error("Cargo.lock names no wasm-bindgen");
  return version;
}

function toolsPath() {
  return [join(toolsRoot, "bin"), process.env.PATH].join(delimiter);
}

function hasCommand(command, version) {
  const { ok, output } = run(command, ["--version"], { quiet: true, env: { PATH: toolsPath() } });
  return ok && output.trim().split(" ")[1] === version;
}

/** Compiles commands into .tools/, quickly rather than for speed: each runs for a second or two. */
function installCommands(commands) {
  const missing = commands.filter(({ command, version }) => !hasCommand(command, version));
  if (missing.length === 0) return true;
  const names = missing.map(({ command, version }) => `${command} ${version}`).join(" and ");
  say(`compiling ${names} (once for this checkout, two to five minutes)`);
  const env = {
    CARGO_TARGET_DIR: join(toolsRoot, "target"),
    CARGO_PROFILE_RELEASE_OPT_LEVEL: "0",
    CARGO_PROFILE_RELEASE_DEBUG: "false",
    CARGO_PROFILE_RELEASE_LTO: "false",
    CARGO_PROFILE_RELEASE_CODEGEN_UNITS: "16",
  };
  // In one call and without their own lock files, so that they share what both depend on.
  const crates = missing.map(({ crate, version }) => `${crate}@=${version}`);
  const { ok } = run("cargo", ["install", ...crates, "--force", "--root", toolsRoot], { env });
  rmSync(join(toolsRoot, "target"), { recursive: true, force: true });
  return ok;
}

/** Environment and options with which wasm-pack builds. */
function environmentFor(compiler) {
  const env = {
    ...process.env,
    PATH: toolsPath(),
    // A folder of its own: the compiler may be another than the one that builds the addon.
    CARGO_TARGET_DIR: join(process.env.CARGO_TARGET_DIR ?? join(here, "target"), "wasm"),
    CARGO_PROFILE_RELEASE_PANIC: "abort",
    // Who loads it over a network waits for every byte.
    CARGO_PROFILE_RELEASE_LTO: "fat",
  };
  if (compiler === ready) return { env, mode: "no-install" };
  return {
    env: {
      ...env,
      PATH: ["/usr/bin", env.PATH].join(delimiter),
      RUSTC_BOOTSTRAP: "1",
      CARGO_UNSTABLE_BUILD_STD: "std,panic_abort",
      CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER: "wasm-ld",
    },
    mode: "force",
  };
}

/**
 * Brings what is missing.
 *
 * @returns `env` and wasm-pack's `mode`, or `problem` in words.
 */
export function bringTools() {
  const { compiler, problem } = findCompiler();
  if (problem !== undefined) return { problem };
  const commands = [
    { crate: "wasm-pack", command: "wasm-pack", version: wasmPackVersion },
    { crate: "wasm-bindgen-cli", command: "wasm-bindgen", version: lockedBindgenVersion() },
  ];
  if (!installCommands(commands)) return { problem: "wasm-pack or wasm-bindgen could not be compiled" };
  return environmentFor(compiler);
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { problem } = bringTools();
  if (problem !== undefined) say(`the WebAssembly tool chain is not obtainable here: ${problem}`);
  process.exitCode = problem === undefined ? 0 : 3;
}
