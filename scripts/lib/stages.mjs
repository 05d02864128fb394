// The stages of `npm test` in their order. Each gives a tally; CONTRIBUTING.md names their time budgets. Those that
// measure time, or wait for servers, run alone.
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { pnpm } from "../pnpm.mjs";
import { repositoryRoot, run, say } from "./process.mjs";
import { checkMachine, installPackages, turbo } from "./setup.mjs";
import { packageGroups, recordedVectorFiles } from "./sources.mjs";
import { add, cargoTally, check, commandTally, nothing, vitestTally, withStatus } from "./tally.mjs";
import { bringWasmTools } from "./wasm.mjs";

const cargoWorkspace = ["--locked", "--manifest-path", join("packages", "core", "Cargo.toml")];
const slow = { TIDEMARK_SLOW: "1" };
const skippedOne = { ...nothing, skipped: 1 };

const reportName = join(".turbo", "vitest.json");

/** Folders of the packages that hold tests of their own. */
function packageFolders() {
  return packageGroups
    .flatMap((group) => readdirSync(join(repositoryRoot, group)).map((name) => join(repositoryRoot, group, name)))
    .filter((folder) => existsSync(join(folder, "vitest.config.mjs")));
}

async function setUp() {
  await checkMachine();
  await installPackages();
  return { ...nothing, passed: 1 };
}

async function lint() {
  const lintRun = await pnpm(["exec", "oxlint", "--type-aware"], { asProgress: true });
  const formatRun = await pnpm(["exec", "oxfmt", "--check", "."], { asProgress: true });
  return add(check(lintRun.status), check(formatRun.status));
}

async function buildAll() {
  const { status } = await turbo(["build"], ["--continue"]);
  return check(status);
}

/** What scripts/checks look after: allowed edges, tidiness, the scripts themselves. */
async function repositoryChecks() {
  const report = join(repositoryRoot, "scripts", reportName);
  rmSync(report, { force: true });
  const vitestArguments = ["exec", "vitest", "run", "--config", join("scripts", "vitest.config.mjs"), ...reporters];
  const { status } = await pnpm(vitestArguments, { asProgress: true });
  return withStatus(readReport(report), status);
}

const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${reportName}`];

function readReport(file) {
  return existsSync(file) ? vitestTally(JSON.parse(readFileSync(file, "utf8"))) : nothing;
}

async function rustLint() {
  const manifest = cargoWorkspace.slice(1);
  const format = await run("cargo", ["fmt", "--all", "--check", ...manifest], { asProgress: true });
  const clippyArguments = ["clippy", "--quiet", "--workspace", "--all-targets", ...cargoWorkspace];
  const clippy = await run("cargo", [...clippyArguments, "--", "-D", "warnings"], { asProgress: true });
  return add(check(format.status), check(clippy.status));
}

/** The two bindings hold conversion only, and cannot be linked into a test program: Node provides their symbols. */
async function rustTests(env) {
  const bindings = ["--exclude", "tidemark-native", "--exclude", "tidemark-wasm"];
  const cargoArguments = ["test", "--workspace", ...bindings, "--no-fail-fast", ...cargoWorkspace];
  const { status, output } = await run("cargo", cargoArguments, { tee: true, env });
  return withStatus(cargoTally(output), status);
}

async function wasm() {
  if (!(await bringWasmTools())) {
    say("skipped: the WASM module, and every test that needs it");
    return skippedOne;
  }
  const { status } = await turbo(["build:wasm"], ["--filter=@tidemark/wasm"]);
  return check(status);
}

/** Every package's tests, one package after the other: several measure time, and all share the cores. */
async function packageTests(env) {
  const folders = packageFolders();
  for (const folder of folders) rmSync(join(folder, reportName), { force: true });
  const { status } = await turbo(["test"], ["--only", "--continue", "--concurrency=1", "--", ...reporters], { env });
  const tallies = folders.map((folder) => {
    const report = join(folder, reportName);
    if (!existsSync(report)) say(`no report from ${folder.slice(repositoryRoot.length + 1)}: its tests did not run`);
    return existsSync(report) ? readReport(report) : { ...nothing, failed: 1 };
  });
  return withStatus(add(...tallies), status);
}

/** Runs one of our own commands that ends with its counts. */
async function command(entry, commandArguments, env) {
  if (!existsSync(join(repositoryRoot, entry))) {
    say(`${entry} is not there`);
    return { ...nothing, failed: 1 };
  }
  const { status, output } = await run(process.execPath, [entry, ...commandArguments], { tee: true, env });
  const tally = commandTally(output);
  if (status === 0 && tally.passed + tally.skipped === 0) {
    say(`${entry} counted nothing`);
    return { ...nothing, failed: 1 };
  }
  return withStatus(tally, status);
}

async function vectors() {
  const entry = join("packages", "conformance", "dist", "vectors", "main.js");
  const native = await command(entry, ["--core", "native", ...recordedVectorFiles()]);
  if (!existsSync(join(repositoryRoot, "packages", "wasm", "pkg"))) {
    say("skipped: vectors on WASM, for the module was not built");
    return add(native, skippedOne);
  }
  return add(native, await command(entry, ["--core", "wasm", ...recordedVectorFiles()]));
}

async function simulator(count) {
  const cargoArguments = ["run", "--release", ...cargoWorkspace, "-p", "tidemark-testkit", "--bin", "simulate"];
  const simulation = ["--seed", "1", "--count", String(count), "--complete"];
  const { status, output } = await run("cargo", [...cargoArguments, "--", ...simulation], { tee: true });
  return withStatus(commandTally(output), status);
}

async function documentation() {
  const { status } = await pnpm(["--filter", "@tidemark/docs", "run", "docs"], { asProgress: true });
  return check(status);
}

const fireApp = join("packages", "conformance", "fire-app");
const fireEntry = join("packages", "conformance", "dist", "fire", "main.js");
const interopEntry = join("packages", "conformance", "dist", "interop", "main.js");

const setUpStage = { name: "set-up", about: "machine and packages", run: setUp, isAlone: true };
const buildStage = { name: "build", about: "TypeScript and the addon", run: buildAll };
const wasmStage = { name: "wasm", about: "tool chain and module", run: wasm };

export const allStages = [
  setUpStage,
  buildStage,
  wasmStage,
  { name: "rust-lint", about: "rustfmt and clippy", run: rustLint },
  { name: "lint", about: "oxlint and oxfmt", run: lint, needs: ["build"] },
  { name: "repository", about: "allowed edges, tidiness, scripts", run: repositoryChecks },
  { name: "rust", about: "cargo test", run: () => rustTests({}) },
  { name: "docs", about: "the documentation site", run: documentation, needs: ["build"] },
  { name: "simulator", about: "seeded histories", run: () => simulator(5_000) },
  {
    name: "packages",
    about: "vitest in every package, the shared suite over addon and WASM",
    run: () => packageTests({}),
    needs: ["build"],
    isAlone: true,
  },
  { name: "vectors", about: "recorded behaviour, native and WASM", run: vectors, needs: ["build"], isAlone: true },
  {
    name: "fire",
    about: "1,000 clients while the server is killed, the network fails and others attack",
    run: () => command(fireEntry, ["--minutes", "2", "--clients", "1000", "--seed", "1", "--app", fireApp]),
    needs: ["build"],
    isAlone: true,
  },
  {
    name: "interop",
    about: "the Kotlin SDK's client",
    run: () => command(interopEntry, []),
    needs: ["build"],
    isAlone: true,
  },
];

export const slowStages = [
  setUpStage,
  buildStage,
  wasmStage,
  { name: "rust", about: "cargo test with the slow group", run: () => rustTests(slow), isAlone: true },
  {
    name: "packages",
    about: "vitest with the slow group",
    run: () => packageTests(slow),
    needs: ["build"],
    isAlone: true,
  },
  { name: "simulator", about: "many seeded histories", run: () => simulator(20_000), isAlone: true },
];
