/**
 * A real server in a process of its own, and devices, for the tests of one file.
 *
 * @module
 */

import { join } from "node:path";
import { startServer, type TestServer } from "@tidemark/testing";
import { afterAll, afterEach, beforeAll } from "vitest";
import { App } from "../app/app.js";
import type { user } from "../app/user.js";
import { type db, open } from "../db.js";
import type { db_config } from "../db-config.js";
import { Address, Dog, Person } from "./models.js";

const startTimeoutMs = 60_000;

/** One device: an app with a user of its own. */
export interface Device {
  readonly app: App;
  readonly user: user;
  readonly directory: string;
  /** Opens without waiting; the classes of the tests. */
  open(change?: (config: db_config) => void): db;
  /** Opens with a subscription to all dogs, people included, and waits for it. */
  openSubscribed(change?: (config: db_config) => void): Promise<db>;
}

export interface Synced {
  url(): string;
  directory(): string;
  device(appId: string): Promise<Device>;
  /** Lets something happen that the server then forgets: files that know of it have to start over. */
  forget(appId: string, happen: () => Promise<void>): Promise<void>;
}

/** Starts a server before the tests of the file. */
export function useServer(): Synced {
  let server: TestServer | undefined;
  let count = 0;
  const kept: db[] = [];
  beforeAll(async () => {
    server = await startServer();
  }, startTimeoutMs);
  afterEach(() => {
    for (const database of kept.splice(0)) database.close();
  });
  afterAll(async () => server?.stop());
  const running = (): TestServer => {
    if (server === undefined) throw new Error("the server is not running");
    return server;
  };
  return {
    url: () => running().url,
    directory: () => running().directory,
    forget: async (appId, happen) => {
      const restore = await running().backUp(appId);
      await happen();
      await restore();
    },
    device: async (appId) => {
      count += 1;
      const { url, directory } = running();
      const folder = join(directory, `device-${count}`);
      const app = new App({ app_id: appId, base_url: url, path: folder, enable_caching: false });
      const member = await app.login(App.credentials.anonymous());
      return makeDevice(app, member, folder, kept);
    },
  };
}

function makeDevice(app: App, member: user, directory: string, kept: db[]): Device {
  const openOne: Device["open"] = (change) => {
    const config = member.flexible_sync_configuration();
    change?.(config);
    const database = open(config, Dog, Person, Address);
    kept.push(database);
    return database;
  };
  return {
    app,
    user: member,
    directory,
    open: openOne,
    openSubscribed: async (change) => {
      const database = openOne(change);
      const isDone = await database.subscriptions().update((subscriptions) => {
        subscriptions.add(Dog, "dogs");
        subscriptions.add(Person, "people");
      });
      if (!isDone) throw new Error("the subscriptions were refused");
      return database;
    },
  };
}
