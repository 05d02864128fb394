// `npm start`: sets up what is missing, then runs the demonstration; arguments go to it (`npm start -- --quick`).
import { existsSync } from "node:fs";
import { join } from "node:path";
import { repositoryRoot, run } from "./lib/process.mjs";
import { build, checkMachine, installPackages, main, SetupError } from "./lib/setup.mjs";

await main(async () => {
  await checkMachine();
  await installPackages();
  await build(["tidemark..."]);
  const entry = join(repositoryRoot, "apps", "tidemark", "dist", "demo", "main.js");
  if (!existsSync(entry)) throw new SetupError("The demonstration (apps/tidemark/src/demo/main.ts) is not there.");
  const { status } = await run(process.execPath, [entry, ...process.argv.slice(2)]);
  return status;
});
