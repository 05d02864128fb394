/** The command as users run it. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";

const program = fileURLToPath(new URL("../bin/tidemark.js", import.meta.url));
let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "tidemark-"));
});

afterEach(() => rmSync(directory, { recursive: true }));

interface Run {
  readonly child: ChildProcess;
  readonly output: () => string;
}

function run(...commandArguments: readonly string[]): Run {
  const child = spawn(process.execPath, [program, ...commandArguments], { stdio: ["ignore", "pipe", "pipe"] });
  let text = "";
  child.stdout?.on("data", (data: Buffer) => (text += data.toString()));
  child.stderr?.on("data", (data: Buffer) => (text += data.toString()));
  return { child, output: () => text };
}

async function urlOf({ child, output }: Run): Promise<string> {
  for (;;) {
    const match = /listening on (http:\/\/\S+)/.exec(output());
    if (match?.[1] !== undefined) return match[1];
    if (child.exitCode !== null) throw new Error(output());
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test("dev serves any app on loopback until it is told to end", { timeout: 30_000 }, async () => {
  const server = run("dev", "--port", "0", "--data", directory);
  const url = await urlOf(server);
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  const location = await fetch(`${url}/api/client/v2.0/app/anything-abcde/location`);
  expect(await location.json()).toMatchObject({ hostname: url });
  expect((await fetch(url)).status).toBe(200);
  const second = run("dev", "--port", "0", "--data", directory);
  const [code] = (await once(second.child, "exit")) as [number];
  expect(code).toBe(1);
  expect(second.output()).toMatch(/^tidemark: cannot open what is stored: .*another process\n$/);
  server.child.kill("SIGTERM");
  expect(await once(server.child, "exit")).toEqual([0, null]);
});

test("dev with an app answers for that one only", { timeout: 30_000 }, async () => {
  const server = run("dev", "--port", "0", "--data", directory, "--app", directory, "--app-id", "mine-abcde");
  const url = await urlOf(server);
  expect((await fetch(`${url}/api/client/v2.0/app/mine-abcde/location`)).status).toBe(200);
  expect((await fetch(`${url}/api/client/v2.0/app/other-abcde/location`)).status).toBe(404);
  server.child.kill("SIGINT");
  expect(await once(server.child, "exit")).toEqual([0, null]);
});

test("what is wrong is said in one line", { timeout: 30_000 }, async () => {
  for (const [commandArguments, text] of [
    [["dev", "--port", "x"], /not a port/],
    [["dev", "--data", directory, "--log", "loud"], /--log must be one of/],
    [["dev", "--data", directory, "--app", join(directory, "none")], /is not a directory/],
    [["start", "--data", directory], /give --app or --app-id/],
    [["start", "--data", directory, "--max-offline-days", "0"], /not a number of days/],
  ] as const) {
    const failed = run(...commandArguments);
    expect(await once(failed.child, "exit")).toEqual([1, null]);
    expect(failed.output()).toMatch(text);
    expect(failed.output().trim().split("\n")).toHaveLength(1);
  }
});
