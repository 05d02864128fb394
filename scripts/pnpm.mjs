// Runs the pinned pnpm through npm, so that a machine with nothing but Node can work on this repository:
//   node scripts/pnpm.mjs ARGUMENTS…
// pnpm is fetched into npm's own cache the first time. turbo must be run as `exec turbo …` through this file: it
// starts pnpm itself and finds it on the PATH that npm sets up here.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { repositoryRoot, run } from "./lib/process.mjs";

/** Command and arguments that run the pinned pnpm. */
export function pnpmCommand(...pnpmArguments) {
  const { packageManager } = JSON.parse(readFileSync(join(repositoryRoot, "package.json"), "utf8"));
  const execArguments = ["exec", "--yes", `--package=${packageManager}`, "--", "pnpm", ...pnpmArguments];
  const npmCli = findNpmCli();
  return npmCli === undefined
    ? { command: "npm", arguments: execArguments }
    : { command: process.execPath, arguments: [npmCli, ...execArguments] };
}

/** npm's entry point: named by npm when it runs us, else beside the running Node. */
function findNpmCli() {
  const beside = join(dirname(process.execPath), "..", "lib", "node_modules", "npm", "bin", "npm-cli.js");
  const named = process.env.npm_execpath;
  if (named !== undefined && named.endsWith("npm-cli.js")) return named;
  return existsSync(beside) ? beside : undefined;
}

/** Runs the pinned pnpm; resolves with {@link run}'s result. */
export function pnpm(pnpmArguments, options = {}) {
  const { command, arguments: commandArguments } = pnpmCommand(...pnpmArguments);
  return run(command, commandArguments, options);
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const given = process.argv.slice(2);
  // Scripts run with CI set, which would keep the lock file from following a changed package.json.
  const isInstall = given[0] === "install" && !given.some((argument) => argument.includes("frozen-lockfile"));
  const { status } = await pnpm(isInstall ? [...given, "--no-frozen-lockfile"] : given);
  process.exitCode = status;
}
