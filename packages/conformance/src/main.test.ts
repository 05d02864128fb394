/** What the command says of adapters that it cannot use. */
import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";

const entry = fileURLToPath(new URL("../dist/main.js", import.meta.url));
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "tidemark-adapter-"));
});

afterEach(async () => rm(directory, { recursive: true }));

/** Exit status and the first line of complaints. */
function run(...commandArguments: string[]): readonly [number | null, string | undefined] {
  const { status, stderr } = spawnSync(process.execPath, [entry, ...commandArguments], {
    cwd: directory,
    encoding: "utf8",
  });
  return [status, stderr.split("\n")[0]];
}

test("an adapter that is not there, or none, is refused in a line", async () => {
  expect(run("--adapter", "none.mjs")).toEqual([2, "there is no file none.mjs"]);
  await writeFile(join(directory, "empty.mjs"), "export const adapter = {};\n");
  expect(run("--adapter", "empty.mjs")).toEqual([2, "empty.mjs has no default export"]);
  const text = 'export default { facade: "mine", capabilities: new Set(), makeApp: async () => undefined };\n';
  await writeFile(join(directory, "half.mjs"), text);
  const missing = "half.mjs lacks openLocal, errorInfo, captureLog, setLogLevel";
  expect(run("--adapter", "half.mjs")).toEqual([2, missing]);
});

test("a facade or a core that is not there is refused in a line", () => {
  expect(run("--facade", "perl")).toEqual([2, "no facade is called perl"]);
  expect(run("--core", "jvm")).toEqual([2, "there is no core jvm"]);
});
