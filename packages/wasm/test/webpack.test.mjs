// The module in a bundle: built by wasm-pack's own webpack plugin, which is what projects with webpack use.
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { bringTools } from "../tools.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const isBuilt = existsSync(join(here, "..", "pkg", "tidemark_wasm.js"));
const folder = mkdtempSync(join(tmpdir(), "tidemark-webpack-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.runIf(isBuilt)("webpack", () => {
  test("bundles the crate through wasm-pack's plugin", { timeout: 300_000 }, async () => {
    const { env, mode } = bringTools();
    execFileSync(process.execPath, [join(here, "webpack", "bundle.mjs"), mode, folder], { env, stdio: "inherit" });
    const bundle = await import(pathToFileURL(join(folder, "bundle.mjs")).href);
    const direct = await import("@tidemark/wasm");
    const own = Object.keys(direct).filter((name) => name !== "initSync" && name !== "core");
    expect(own.length).toBeGreaterThan(0);
    expect(Object.keys(bundle)).toEqual(expect.arrayContaining(own));
  });
});
