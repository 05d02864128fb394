// The module in Node: read from disk and started at once, so that it is used like the addon.
import { readFileSync } from "node:fs";
import { initSync } from "./pkg/tidemark_wasm.js";

initSync({ module: readFileSync(new URL("./pkg/tidemark_wasm_bg.wasm", import.meta.url)) });

export * from "./pkg/tidemark_wasm.js";
