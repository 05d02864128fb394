/**
 * A client of the engine with one synced file of items.
 *
 * @module
 */

import { join } from "node:path";
import { anonymous } from "../app/credentials.js";
import { createObject } from "../data/create.js";
import { Results } from "../data/results.js";
import type { ClassLayout } from "../data/schema.js";
import type { Engine } from "../engine.js";
import { must } from "../errors.js";
import type { RealmFile } from "../realm-file.js";
import type { SyncTimeouts } from "../sync/messages.js";
import type { SyncSession } from "../sync/sync-session.js";
import { item } from "./models.js";

/** A client. */
export interface TestClient {
  readonly file: RealmFile;
  readonly session: SyncSession;
  all(): Results;
  write(...keys: readonly number[]): void;
}

/** Logs in anonymously and opens a file that subscribes to all items. */
export async function openClient(
  engine: Engine,
  baseUrl: string,
  directory: string,
  syncTimeouts?: Partial<SyncTimeouts>,
): Promise<TestClient> {
  const app = engine.createApp({
    id: "engine-tests",
    baseUrl,
    timeoutMs: 10_000,
    isMultiplexed: true,
    baseDirectory: directory,
    keepsUsers: true,
    syncTimeouts,
  });
  const user = await app.logIn(anonymous(false));
  const file = engine.open({
    path: join(directory, "items.realm"),
    isInMemory: false,
    isReadOnly: false,
    classes: [item],
    sync: { user, schemaVersion: 0, headers: {}, stopPolicy: "after-upload", cancelsWaitsOnNonFatalError: false },
  });
  const { session, subscriptions } = must(file.sync, "the file is synced");
  const { database } = file;
  const layout = (): ClassLayout => must(database.layout("Item"), "the class is declared");
  const all = (): Results => new Results(database, layout(), { kind: "class" }, []);
  const { version } = subscriptions.update((draft) => {
    draft.add(all());
  });
  await subscriptions.waitForSynchronization(version);
  return {
    file,
    session,
    all,
    write(...keys) {
      database.beginWrite();
      for (const key of keys) createObject(database, layout(), { _id: key, name: `item ${key}`, tags: [] }, "never");
      database.commitWrite();
    },
  };
}
