/**
 * A folder for the files of one test file, and databases that are closed after each test.
 *
 * @module
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll } from "vitest";
import { type db, open } from "../db.js";
import { db_config } from "../db-config.js";
import type { any_class } from "../schema/model.js";

/** What a test file works with. */
export interface TestFolder {
  path(name: string): string;
  /** Opens a database that is not synced in a new file. */
  open(...classes: readonly any_class[]): db;
  /** Has a database closed after the test. */
  keep(database: db): db;
}

/** Makes a folder before the tests of the file and removes it after them. */
export function useFolder(): TestFolder {
  let directory = "";
  let count = 0;
  const kept: db[] = [];
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), "tidemark-cpp-"));
  });
  afterEach(() => {
    for (const database of kept.splice(0)) database.close();
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  const keep = (database: db): db => {
    kept.push(database);
    return database;
  };
  return {
    path: (name) => join(directory, name),
    open: (...classes) => {
      count += 1;
      return keep(open(new db_config(join(directory, `${count}.realm`)), ...classes));
    },
    keep,
  };
}

/** Lets listeners be called. */
export function turn(durationMs: number = 10): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, durationMs);
  });
}
