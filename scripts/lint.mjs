// `npm run lint`: what oxlint and oxfmt, rustfmt and clippy have to say; `npm run format` mends what can be mended.
import { join } from "node:path";
import { checkMachine, installPackages, main } from "./lib/setup.mjs";
import { run } from "./lib/process.mjs";
import { pnpm } from "./pnpm.mjs";

const manifest = ["--manifest-path", join("packages", "core", "Cargo.toml")];
const clippy = ["clippy", "--quiet", "--workspace", "--all-targets", "--locked", ...manifest, "--", "-D", "warnings"];

await main(async () => {
  const mends = process.argv.includes("--fix");
  await checkMachine();
  await installPackages();
  const options = { asProgress: true };
  const runs = [
    await pnpm(["exec", "oxlint", "--type-aware", ...(mends ? ["--fix"] : [])], options),
    await pnpm(["exec", "oxfmt", ...(mends ? ["."] : ["--check", "."])], options),
    await run("cargo", ["fmt", "--all", ...(mends ? [] : ["--check"]), ...manifest], options),
    ...(mends ? [] : [await run("cargo", clippy, options)]),
  ];
  return runs.every(({ status }) => status === 0) ? 0 : 1;
});
