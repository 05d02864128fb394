/**
 * A folder for the files of one test file, and realms that are closed after each test.
 *
 * @module
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll } from "vitest";
import { RealmConfiguration, type RealmConfigurationBuilder } from "../configuration/realm-configuration.js";
import { Realm } from "../realm.js";
import type { ModelClass } from "../schema/model.js";

/** What a test file works with. */
export interface TestFolder {
  readonly directory: string;
  /** A configuration for a file that does not exist yet. */
  configure(schema: readonly ModelClass[]): RealmConfigurationBuilder;
  /** Opens a local realm in a new file. */
  open(...schema: readonly ModelClass[]): Realm;
  /** Has a realm closed after the test. */
  keep(realm: Realm): Realm;
}

/** Makes a folder before the tests of the file and removes it after them. */
export function useFolder(): TestFolder {
  let directory = "";
  let count = 0;
  const kept: Realm[] = [];
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), "tidemark-kotlin-"));
  });
  afterEach(() => {
    for (const realm of kept.splice(0)) realm.close();
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  const keep = (realm: Realm): Realm => {
    kept.push(realm);
    return realm;
  };
  const configure = (schema: readonly ModelClass[]): RealmConfigurationBuilder => {
    count += 1;
    return new RealmConfiguration.Builder(schema).directory(directory).name(`${count}.realm`);
  };
  return {
    get directory() {
      return directory;
    },
    configure,
    open: (...schema) => keep(Realm.open(configure(schema).build())),
    keep,
  };
}
