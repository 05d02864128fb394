import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { open } from "./db.js";
import { db_config } from "./db-config.js";
import { invalid_argument, runtime_error } from "./errors.js";
import { useFolder } from "./testing/folder.js";

const folder = useFolder();
const key = new Uint8Array(64).fill(3);

function configOf(name: string, encryption_key?: Uint8Array): db_config {
  const config = new db_config(folder.path(name));
  if (encryption_key !== undefined) config.set_encryption_key(encryption_key);
  return config;
}

test("a file opens with its key alone, and stays as it is otherwise", () => {
  open(configOf("a", key)).close();
  const content = readFileSync(folder.path("a"));
  expect(() => open(configOf("a"))).toThrow(runtime_error);
  expect(() => open(configOf("a", new Uint8Array(64)))).toThrow(runtime_error);
  expect(readFileSync(folder.path("a")).equals(content)).toBe(true);
  open(configOf("a", key)).close();
  expect(() => configOf("a", new Uint8Array(65))).toThrow(invalid_argument);
});

test("who decides on compaction is told the size and what is unused of it", () => {
  open(configOf("b")).close();
  const asked: number[] = [];
  const config = configOf("b");
  config.should_compact_on_launch((total_bytes, unused_bytes) => asked.push(total_bytes, unused_bytes) > 0);
  const size = readFileSync(folder.path("b")).length;
  folder.keep(open(config));
  expect(asked[0]).toBe(size);
  expect(asked[1]).toBeLessThan(size);
  expect(asked[1]).toBeGreaterThan(0);
});
