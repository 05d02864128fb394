/**
 * A folder for the files of one test file, and realms that are closed after each test.
 *
 * @module
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll } from "vitest";
import { Configuration } from "../configuration.js";
import type { SchemaEntry } from "../model/schema.js";
import { Realm } from "../realm.js";

/** What a test file works with. */
export interface TestFolder {
  path(name: string): string;
  /** Opens a local realm in a new file. */
  open(...schema: readonly SchemaEntry[]): Realm;
  /** Has a realm closed after the test. */
  keep<T extends Realm>(realm: T): T;
}

/** Makes a folder before the tests of the file and removes it after them. */
export function useFolder(): TestFolder {
  let directory = "";
  let count = 0;
  const kept: Realm[] = [];
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), "tidemark-flutter-"));
  });
  afterEach(() => {
    for (const realm of kept.splice(0)) realm.close();
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  const keep = <T extends Realm>(realm: T): T => {
    kept.push(realm);
    return realm;
  };
  return {
    path: (name) => join(directory, name),
    open: (...schema) => {
      count += 1;
      return keep(new Realm(Configuration.local(schema, { path: join(directory, `${count}.realm`) })));
    },
    keep,
  };
}

/** Lets listeners be called. */
export function turn(ms: number = 10): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
