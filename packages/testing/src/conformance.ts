/**
 * The shared suite as tests of a facade's own package.
 *
 * @module
 */

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const entry = fileURLToPath(new URL("../../conformance/dist/main.js", import.meta.url));
const wasmModule = fileURLToPath(new URL("../../wasm/pkg/tidemark_wasm.js", import.meta.url));

interface CaseResult {
  readonly id: string;
  readonly title: string;
  readonly kind: "passed" | "skipped" | "failed";
  readonly message?: string;
  readonly reason?: string;
}

interface Run {
  readonly cases: readonly CaseResult[];
  readonly status: number | null;
  /** What was said on the standard error output. */
  readonly complaints: string;
}

/** Of a core that was not built: all that is left of the suite is one test, which is not run. */
const notRun: Run = { cases: [], status: null, complaints: "" };

async function run(facade: string, core: string): Promise<Run> {
  const runArguments = [entry, "--facade", facade, "--core", core, "--json", "--check"];
  const child = spawn(process.execPath, runArguments, { stdio: ["ignore", "pipe", "pipe"] });
  const cases: CaseResult[] = [];
  let complaints = "";
  createInterface({ input: child.stdout }).on("line", (line) => {
    if (line.startsWith("{")) cases.push(JSON.parse(line) as CaseResult);
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => (complaints += text));
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  return { cases, status, complaints };
}

/**
 * Runs the suite against a facade, over the addon and over WASM where that module is built, and makes a test of each
 * case.
 */
export async function describeConformance(facade: string): Promise<void> {
  const cores = ["native", "wasm"].map((core) => ({ core, isBuilt: core !== "wasm" || existsSync(wasmModule) }));
  // Cases wait far more than they compute: both runs find room on two cores.
  const runs = await Promise.all(
    cores.map(async ({ core, isBuilt }) => ({ core, isBuilt, ...(isBuilt ? await run(facade, core) : notRun) })),
  );
  for (const { core, isBuilt, cases, status, complaints } of runs) {
    describe.runIf(isBuilt)(`the suite over ${core}`, () => {
      for (const { id, title, kind, message, reason } of cases) {
        // What the suite itself leaves out is no pass: it is counted as it was, with its reason.
        test.runIf(kind !== "skipped")(`${id} ${title}${reason === undefined ? "" : ` (${reason})`}`, () => {
          if (kind === "failed") throw new Error(message);
        });
      }
      test("ends by itself, and COMPAT.md says what it has shown", () => {
        expect(cases.length, complaints).toBeGreaterThan(0);
        if (cases.every(({ kind }) => kind !== "failed")) expect(status, complaints).toBe(0);
      });
    });
  }
}
