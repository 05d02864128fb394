// The other commands of the project: `npm run vectors|simulate|conformance|fire|bench|docs -- ARGUMENTS…`. Set-up
// speaks on standard error, so that standard output is the command's own.
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { pnpm } from "./pnpm.mjs";
import { repositoryRoot, run, say } from "./lib/process.mjs";
import { build, checkMachine, installPackages, main, SetupError } from "./lib/setup.mjs";
import { recordedVectorFiles } from "./lib/sources.mjs";
import { buildWasm } from "./lib/wasm.mjs";

/** Runs the built entry of a package. */
async function runEntry(path, commandArguments) {
  const entry = join(repositoryRoot, path);
  if (!existsSync(entry)) throw new SetupError(`${path} is not there: the command does not exist yet.`);
  return (await run(process.execPath, [entry, ...commandArguments])).status;
}

/** Files are named from where the user stands; npm moves us to the root. */
function fromUsersFolder(argument) {
  const path = resolve(process.env.INIT_CWD ?? process.cwd(), argument);
  return !argument.startsWith("-") && existsSync(path) ? path : argument;
}

const commands = {
  async vectors(given) {
    await build(["@tidemark/conformance..."]);
    if (given.includes("wasm") || given.includes("--core=wasm")) await buildWasm();
    const options = { core: { type: "string" } };
    const { positionals } = parseArgs({ args: given, options, allowPositionals: true, strict: false });
    const files = positionals.length === 0 ? recordedVectorFiles() : [];
    return runEntry("packages/conformance/dist/vectors/main.js", [...given.map(fromUsersFolder), ...files]);
  },
  async conformance(given) {
    await build(["*"]);
    if (given.includes("wasm") || given.includes("--core=wasm")) await buildWasm();
    return runEntry("packages/conformance/dist/main.js", given);
  },
  async fire(given) {
    await build(["*"]);
    return runEntry("packages/conformance/dist/fire/main.js", given.map(fromUsersFolder));
  },
  async bench(given) {
    await build(["@tidemark/bench..."]);
    return runEntry("apps/bench/dist/main.js", given);
  },
  async simulate(given) {
    const manifest = join("packages", "core", "Cargo.toml");
    const cargoArguments = ["run", "--quiet", "--locked", "--release", "--manifest-path", manifest];
    const target = ["-p", "tidemark-testkit", "--bin", "simulate", "--", ...given];
    say("[set-up] simulator (first time: compiles for a minute)");
    return (await run("cargo", [...cargoArguments, ...target])).status;
  },
  async docs(given) {
    await build(["*"]);
    return (await pnpm(["--filter", "@tidemark/docs", "run", "docs", ...given])).status;
  },
};

await main(async () => {
  const [name, ...given] = process.argv.slice(2);
  const command = Object.hasOwn(commands, name ?? "") ? commands[name] : undefined;
  if (command === undefined) throw new SetupError(`Commands: ${Object.keys(commands).join(", ")}`);
  await checkMachine();
  await installPackages();
  return command(given);
});
