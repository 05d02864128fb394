// Builds the WebAssembly module with wasm-pack into pkg/: one build for Node, browsers and bundlers (see node.js).
import { spawnSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { withoutSections } from "./strip.mjs";
import { bringTools } from "./tools.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));

const { env, mode, problem } = bringTools();
if (problem !== undefined) throw new Error(`the WebAssembly tool chain is not obtainable here: ${problem}`);
const options = ["--target", "web", "--release", "--mode", mode, "--out-dir", "pkg", "--no-pack"];
const { status, error } = spawnSync("wasm-pack", ["build", ".", ...options], { cwd: here, env, stdio: "inherit" });
if (error !== undefined) throw error;
if (status !== 0) process.exit(status ?? 1);
// wasm-pack ignores everything in its folder, which would keep it out of the published package.
rmSync(join(here, "pkg", ".gitignore"), { force: true });

// wasm-opt is no step of this: it takes minutes, and what it makes is no shorter once it is compressed.
const path = join(here, "pkg", "tidemark_wasm_bg.wasm");
const module = withoutSections(readFileSync(path), ["name", "producers"]);
writeFileSync(path, module);

const kilobytes = (bytes) => `${Math.ceil(bytes / 1000)} kB`;
const sizes = [module.length, gzipSync(module, { level: 9 }).length, brotliCompressSync(module).length].map(kilobytes);
process.stdout.write(`tidemark_wasm_bg.wasm: ${sizes[0]}, gzip ${sizes[1]}, brotli ${sizes[2]}\n`);
