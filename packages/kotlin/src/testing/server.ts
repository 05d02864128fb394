/**
 * A real server for the tests of one file, and devices of its apps.
 *
 * @module
 */

import { join } from "node:path";
import { startServer, type TestServer } from "@tidemark/testing";
import { afterAll, afterEach, beforeAll } from "vitest";
import { App } from "../app/app.js";
import { Credentials } from "../app/credentials.js";
import type { User } from "../app/user.js";
import { AppConfiguration } from "../configuration/app-configuration.js";
import { SyncConfiguration, type SyncConfigurationBuilder } from "../configuration/sync-configuration.js";
import type { RealmList } from "../data/list.js";
import { RealmObject } from "../data/object.js";
import { Realm } from "../realm.js";
import { type ObjectSchema, realmSchema } from "../schema/model.js";
import { int, list, nullable, primaryKey, string } from "../schema/property.js";

/** What the tests store. */
export class Task extends RealmObject {
  static readonly schema: ObjectSchema = realmSchema("Task", {
    _id: primaryKey(int()),
    name: string(),
    owner: nullable(string()),
    tags: list(string()),
  });
  declare _id: number;
  declare name: string;
  declare owner: string | null;
  declare tags: RealmList<string>;
}

/** A task that is not stored. */
export function task(id: number, name: string = `task ${id}`): Task {
  return new Task().apply((made) => Object.assign(made, { _id: id, name }));
}

const startTimeoutMs = 60_000;

/** One device: an app with a user of its own. */
export interface Device {
  readonly app: App;
  readonly user: User;
  configure(user?: User): SyncConfigurationBuilder<false>;
  /** Opens without waiting. */
  open(builder?: SyncConfigurationBuilder<false>): Realm;
  /** Opens with a subscription to all tasks, and waits for it. */
  openSubscribed(builder?: SyncConfigurationBuilder<false>): Promise<Realm>;
}

/** What a test file works with. */
export interface Synced {
  readonly url: string;
  readonly directory: string;
  /** A device for one test's app. */
  device(appId: string, baseUrl?: string): Promise<Device>;
  keep(realm: Realm): Realm;
}

/** Starts a server before the tests of the file. */
export function useServer(): Synced {
  let server: TestServer | undefined;
  let count = 0;
  const kept: Realm[] = [];
  beforeAll(async () => {
    server = await startServer();
  }, startTimeoutMs);
  afterEach(() => {
    for (const realm of kept.splice(0)) realm.close();
  });
  afterAll(async () => server?.stop());
  const keep = (realm: Realm): Realm => {
    kept.push(realm);
    return realm;
  };
  const running = (): TestServer => {
    if (server === undefined) throw new Error("the server is not running");
    return server;
  };
  return {
    get url() {
      return running().url;
    },
    get directory() {
      return running().directory;
    },
    keep,
    device: async (appId, baseUrl = running().url) => {
      count += 1;
      const folder = join(running().directory, `device-${count}`);
      const configuration = new AppConfiguration.Builder(appId).baseUrl(baseUrl).syncRootDirectory(folder).build();
      const app = App.create(configuration);
      return makeDevice(app, await app.login(Credentials.anonymous(false)), keep);
    },
  };
}

function makeDevice(app: App, user: User, keep: (realm: Realm) => Realm): Device {
  const configure = (by: User = user): SyncConfigurationBuilder<false> => new SyncConfiguration.Builder(by, [Task]);
  const open = (builder = configure()): Realm => keep(Realm.open(builder.build()));
  return {
    app,
    user,
    configure,
    open,
    openSubscribed: async (builder = configure()) => {
      const realm = open(builder.initialSubscriptions((set, opening) => void set.add(opening.query(Task))));
      await realm.subscriptions.waitForSynchronization();
      return realm;
    },
  };
}
