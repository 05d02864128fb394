/** Processes that change one file at the same time. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { exclusively } from "./exclusive.js";

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "tidemark-exclusive-"));
});

afterEach(async () => rm(directory, { recursive: true }));

test("what several processes add at once is all there", async () => {
  const [lock, counter] = [join(directory, "locks", "lock"), join(directory, "counter")];
  await writeFile(counter, "0");
  const script = `
    import { readFileSync, writeFileSync } from "node:fs";
    import { exclusively } from ${JSON.stringify(new URL("../dist/exclusive.js", import.meta.url).href)};
    for (let count = 0; count < 40; count += 1) {
      exclusively(${JSON.stringify(lock)}, () => {
        const now = Number(readFileSync(${JSON.stringify(counter)}, "utf8"));
        writeFileSync(${JSON.stringify(counter)}, String(now + 1));
      });
    }`;
  const run = async (): Promise<number | null> =>
    new Promise((resolve) => {
      spawn(process.execPath, ["--input-type=module", "--eval", script], { stdio: "inherit" }).once("close", resolve);
    });
  expect(await Promise.all([run(), run(), run()])).toEqual([0, 0, 0]);
  expect(await readFile(counter, "utf8")).toBe("120");
  expect(existsSync(lock)).toBe(false);
}, 60_000);

test("a lock that a process has left behind is taken, and given back also when the work throws", async () => {
  const lock = join(directory, "lock");
  await writeFile(lock, "");
  await utimes(lock, 1, 1);
  expect(() =>
    exclusively(lock, () => {
      throw new Error("work");
    }),
  ).toThrow("work");
  expect(exclusively(lock, () => existsSync(lock))).toBe(true);
});
