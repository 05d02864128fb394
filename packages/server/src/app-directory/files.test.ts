import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openAppFiles } from "./files.js";

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "tidemark-"));
});

afterEach(() => rmSync(directory, { recursive: true }));

function write(path: string, content: string): void {
  mkdirSync(dirname(join(directory, path)), { recursive: true });
  writeFileSync(join(directory, path), content);
}

test("lists files with their sizes, but no hidden ones, dependencies and links", () => {
  write("app/root_config.json", "{}");
  write("app/sync/config.json", '{"a":1}');
  write("app/.mdb/meta.json", "{}");
  write("app/functions/node_modules/x/index.js", "");
  write("outside.json", "{}");
  symlinkSync(join(directory, "outside.json"), join(directory, "app", "link.json"));
  symlinkSync(directory, join(directory, "app", "loop"));
  const files = openAppFiles(join(directory, "app"));
  expect([...files.list()].sort((a, b) => (a.path < b.path ? -1 : 1))).toEqual([
    { path: "root_config.json", bytes: 2 },
    { path: "sync/config.json", bytes: 7 },
  ]);
  expect(new TextDecoder().decode(files.read("sync/config.json"))).toBe('{"a":1}');
});

test("what is no directory is an error with a code", () => {
  write("file", "");
  for (const path of ["none", "file"]) {
    expect(() => openAppFiles(join(directory, path))).toThrow(expect.objectContaining({ code: "not-a-directory" }));
  }
});
