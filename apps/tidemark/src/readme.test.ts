/**
 * The example in the README does what the README says, as it stands there, on two devices.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";

const command = fileURLToPath(new URL("../bin/tidemark.js", import.meta.url));
const readme = readFileSync(new URL("../../../README.md", import.meta.url), "utf8");
/** Inside the package, so that the example finds the packages it imports. */
const examples = fileURLToPath(new URL("../dist/readme/", import.meta.url));
const timeoutMs = 60_000;

let folder = "";
let processes: ChildProcess[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tidemark-readme-"));
  processes = [];
});

afterEach(async () => {
  await Promise.all(processes.map(ended));
  rmSync(folder, { recursive: true, force: true });
});

/** Ends a process and waits until it is gone. */
function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    child.once("exit", () => resolve());
    child.kill("SIGKILL");
  });
}

/** Starts a program in a folder of its own; resolves with what the pattern finds in its output. */
function startUntil(name: string, programArguments: readonly string[], pattern: RegExp): Promise<string> {
  const cwd = join(folder, name);
  mkdirSync(cwd, { recursive: true });
  const child = spawn(process.execPath, [...programArguments], { cwd, stdio: ["ignore", "pipe", "pipe"] });
  processes.push(child);
  return new Promise((resolve, reject) => {
    let output = "";
    const take = (chunk: Buffer): void => {
      output += chunk.toString();
      const found = pattern.exec(output);
      if (found !== null) resolve(found[1] ?? found[0]);
    };
    child.stdout.on("data", take);
    child.stderr.on("data", take);
    child.once("exit", (code) => reject(new Error(`${name} ended with ${code} before ${pattern}:\n${output}`)));
    setTimeout(() => reject(new Error(`${name} did not print ${pattern}:\n${output}`)), timeoutMs).unref();
  });
}

/** The example with another server, and for the second device without its write. */
function example(url: string, keepLine: (line: string) => boolean): string {
  const code = /```js\n([\s\S]*?)```/.exec(readme)?.[1];
  if (code === undefined) throw new Error("the README has no example");
  expect(code).toContain("http://127.0.0.1:9090");
  return code.replace("http://127.0.0.1:9090", url).split("\n").filter(keepLine).join("\n");
}

function write(name: string, code: string): string {
  mkdirSync(examples, { recursive: true });
  const file = join(examples, name);
  writeFileSync(file, code);
  return file;
}

test("what one device writes reaches the listener of another", { timeout: 3 * timeoutMs }, async () => {
  const serverArguments = [command, "dev", "--port", "0", "--data", join(folder, "data")];
  const url = await startUntil("server", serverArguments, /listening on (http:\S+)/);

  const first = write("first.mjs", `${example(url, () => true)}\nconsole.log("acknowledged");\n`);
  await startUntil("first", [first], /acknowledged/);

  const second = write(
    "second.mjs",
    example(url, (line) => !line.startsWith("realm.write(")),
  );
  expect(await startUntil("second", [second], /Utrecht/)).toBe("Utrecht");
});
