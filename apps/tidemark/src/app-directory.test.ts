import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readAppId, readMaxOfflineDays } from "./app-directory.js";

let directory: string;

beforeEach(() => {
  directory = join(mkdtempSync(join(tmpdir(), "tidemark-")), "todo");
  mkdirSync(directory);
});

afterEach(() => rmSync(join(directory, ".."), { recursive: true }));

test("the id is the one of the configuration, else the directory's name", () => {
  expect(readAppId(directory)).toBe("todo");
  writeFileSync(join(directory, "realm_config.json"), '{"app_id":"todo-abcde"}');
  expect(readAppId(directory)).toBe("todo-abcde");
  writeFileSync(join(directory, "root_config.json"), '{"name":"todo"}');
  expect(readAppId(directory)).toBe("todo-abcde");
});

test("the maximum offline time is the one of the sync configuration, in whole days", () => {
  expect(readMaxOfflineDays(directory)).toBeNull();
  mkdirSync(join(directory, "sync"));
  const file = join(directory, "sync", "config.json");
  writeFileSync(file, '{"type":"flexible"}');
  expect(readMaxOfflineDays(directory)).toBeNull();
  writeFileSync(file, '{"type":"flexible","client_max_offline_days":7}');
  expect(readMaxOfflineDays(directory)).toBe(7);
  for (const days of ["0", '"7"', "1.5", "1e300"]) {
    writeFileSync(file, `{"client_max_offline_days":${days}}`);
    expect(() => readMaxOfflineDays(directory)).toThrow(expect.objectContaining({ code: "bad-configuration" }));
  }
});

test("what is no app is an error with a code", () => {
  expect(() => readAppId(join(directory, "none"))).toThrow(expect.objectContaining({ code: "not-a-directory" }));
  for (const text of ["{", "null", "[]", '"x"']) {
    writeFileSync(join(directory, "root_config.json"), text);
    expect(() => readAppId(directory), text).toThrow(expect.objectContaining({ code: "bad-configuration" }));
  }
});
