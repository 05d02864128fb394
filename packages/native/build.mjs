// Builds the addon: cargo through napi-rs's command line (which also writes the types), then an ES module that names
// every export. The finished file is moved into place, so that processes which have the old one loaded keep it.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const finished = join(here, "dist");
const unfinished = join(here, "dist", ".unfinished");
const require = createRequire(import.meta.url);

/** Runs napi-rs's build. */
function compile() {
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { recursive: true });
  const cli = join(require.resolve("@napi-rs/cli/package.json"), "..", "dist", "cli.js");
  const command = existsSync(cli) ? cli : join(here, "node_modules", "@napi-rs", "cli", "cli.mjs");
  const napiArguments = ["build", "--release", "--output-dir", unfinished, "--dts", "native.d.ts", "--no-dts-header"];
  const { status, error } = spawnSync(process.execPath, [command, ...napiArguments], { cwd: here, stdio: "inherit" });
  if (error !== undefined) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

/** Types of the exports: those that napi-rs wrote, and by hand those of functions registered by hand. */
function declarations() {
  const written = join(here, "hand-written.d.ts");
  const generated = join(unfinished, "native.d.ts");
  return [generated, written]
    .filter((file) => existsSync(file))
    .map((file) => readFileSync(file, "utf8").trim())
    .filter((text) => text !== "")
    .join("\n\n");
}

/** Names of the exports; each must have a type. */
function exportNames(types) {
  const names = Object.keys(require(join(unfinished, "tidemark.node"))).sort();
  const untyped = names.filter((name) => !new RegExp(`export (declare )?\\w+( enum)? ${name}\\b`).test(types));
  if (untyped.length > 0) {
    throw new Error(`exported without a type (add it to packages/native/hand-written.d.ts): ${untyped.join(", ")}`);
  }
  return names;
}

function publish(types, names) {
  const loader = [
    "// Written by build.mjs.",
    'import { createRequire } from "node:module";',
    "",
    'const addon = createRequire(import.meta.url)("./tidemark.node");',
    ...names.map((name) => `export const ${name} = addon.${name};`),
    "",
  ].join("\n");
  writeFileSync(join(unfinished, "index.js"), loader);
  writeFileSync(join(unfinished, "index.d.ts"), types === "" ? "export {};\n" : `${types}\n`);
  for (const file of ["tidemark.node", "index.d.ts", "index.js"]) {
    renameSync(join(unfinished, file), join(finished, file));
  }
  rmSync(unfinished, { recursive: true, force: true });
}

compile();
const types = declarations();
publish(types, exportNames(types));
