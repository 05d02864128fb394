// The module in Node: read from disk and started at once, so that it is used like the addon.
import { readFileSync } from "node:fs";
import { files } from "./node-files.js";
import { closeAll, deleteStore, initSync, isOpen, openStore, setFiles } from "./pkg/tidemark_wasm.js";

initSync({ module: readFileSync(new URL("./pkg/tidemark_wasm_bg.wasm", import.meta.url)) });
setFiles(files);

export * from "./pkg/tidemark_wasm.js";
export const core = { kind: "wasm", openStore, isOpen, closeAll, deleteStore };
