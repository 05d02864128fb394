// What an application does with webpack: it imports the module that the plugin builds.
export * from "../../pkg-webpack/tidemark_wasm.js";
