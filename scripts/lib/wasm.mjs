// The WASM module's build, apart from all others: only tests and commands that ask for it wait for its tool chain.
import { join } from "node:path";
import { repositoryRoot, run, say } from "./process.mjs";
import { seconds, SetupError, turbo } from "./setup.mjs";

const notObtainable = 3;

/**
 * Brings the tool chain.
 *
 * @returns whether it can be had on this machine.
 */
export async function bringWasmTools() {
  const startMs = performance.now();
  say("[set-up] WASM tool chain (first time: compiles two commands, two to five minutes)");
  const { status } = await run(process.execPath, [join(repositoryRoot, "packages", "wasm", "tools.mjs")], {
    asProgress: true,
  });
  if (status !== 0 && status !== notObtainable) throw new SetupError("The WASM tool chain's set-up failed.");
  say(`[set-up] WASM tool chain: ${status === 0 ? "done" : "not obtainable"} in ${seconds(startMs)}`);
  return status === 0;
}

/** Brings the tool chain and builds the module; refuses when it cannot be had. */
export async function buildWasm() {
  if (!(await bringWasmTools())) throw new SetupError("The WASM tool chain is not obtainable on this machine.");
  const { status } = await turbo(["build:wasm"], ["--filter=@tidemark/wasm"]);
  if (status !== 0) throw new SetupError("The WASM build failed; the lines above say why.");
}
