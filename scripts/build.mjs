// `npm run build`: sets up what is missing and builds every package; `--wasm` builds the WASM module too.
import { build, checkMachine, installPackages, main } from "./lib/setup.mjs";
import { buildWasm } from "./lib/wasm.mjs";

await main(async () => {
  await checkMachine();
  await installPackages();
  await build(["*"]);
  if (process.argv.includes("--wasm")) await buildWasm();
  return 0;
});
