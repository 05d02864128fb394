// Builds the crate through webpack's plugin and bundles it: `node bundle.mjs MODE FOLDER`. This is also the recipe for
// working on the core inside a webpack project: the plugin rebuilds the crate when a Rust file changes.
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import WasmPackPlugin from "@wasm-tool/wasm-pack-plugin";
import webpack from "webpack";

const here = fileURLToPath(new URL(".", import.meta.url));
const [mode, folder] = process.argv.slice(2);

const compiler = webpack({
  context: here,
  mode: "production",
  target: "node20",
  entry: "./entry.js",
  experiments: { asyncWebAssembly: true, outputModule: true },
  output: { path: folder, filename: "bundle.mjs", library: { type: "module" } },
  plugins: [
    new WasmPackPlugin({
      crateDirectory: join(here, "..", ".."),
      outDir: "pkg-webpack",
      outName: "tidemark_wasm",
      forceMode: "production",
      extraArgs: `--target bundler --mode ${mode} --no-pack`,
    }),
  ],
});

compiler.run((error, result) => {
  if (error !== null || result.hasErrors()) {
    process.stderr.write(`${error ?? result.toString({ all: false, errors: true })}\n`);
    process.exitCode = 1;
  }
});
