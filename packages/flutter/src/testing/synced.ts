/**
 * A server and devices for the tests of one file.
 *
 * @module
 */

import { join } from "node:path";
import { startServer, type TestServer } from "@tidemark/testing";
import { afterAll, afterEach, beforeAll } from "vitest";
import { App, AppConfiguration, type AppConfigurationOptions } from "../app/app.js";
import { Credentials } from "../app/credentials.js";
import type { User } from "../app/user.js";
import { Configuration, type FlexibleSyncOptions } from "../configuration.js";
import { RealmObject } from "../data/object.js";
import { int, string } from "../model/property.js";
import { SchemaObject } from "../model/schema.js";
import { Realm } from "../realm.js";

/** What the devices sync. */
export class Task extends RealmObject {
  static schema: SchemaObject = SchemaObject("Task", {
    id: int().primaryKey().mapTo("_id"),
    name: string().defaultsTo(""),
    priority: int().defaultsTo(0),
  });

  declare readonly id: number;
  declare name: string;
  declare priority: number;
}

/** A class that nobody subscribes to at first. */
export class Person extends RealmObject {
  static schema: SchemaObject = SchemaObject("Person", {
    id: string().primaryKey().mapTo("_id"),
    name: string().optional(),
  });

  declare readonly id: string;
  declare name: string | null;
}

/** One device: an app with a user of its own. */
export interface Device {
  readonly app: App;
  readonly user: User;
  configuration(options?: FlexibleSyncOptions): Configuration;
  /** Opens without waiting. */
  open(options?: FlexibleSyncOptions): Realm;
  /** Opens with a subscription to all tasks, and waits for it. */
  openSubscribed(options?: FlexibleSyncOptions): Promise<Realm>;
}

export interface Synced {
  readonly server: TestServer;
  makeApp(appId: string, options?: AppConfigurationOptions): App;
  /** A device for one test's app. */
  device(appId: string, options?: AppConfigurationOptions): Promise<Device>;
  keep(realm: Realm): Realm;
}

/** Starts a server before the tests of the file. */
export function useServer(): Synced {
  let server: TestServer | undefined;
  let count = 0;
  const kept: Realm[] = [];
  beforeAll(async () => {
    server = await startServer();
  }, 60_000);
  afterEach(() => {
    for (const realm of kept.splice(0)) realm.close();
  });
  afterAll(async () => server?.stop());
  const running = (): TestServer => {
    if (server === undefined) throw new Error("the server is not running");
    return server;
  };
  const keep = (realm: Realm): Realm => {
    kept.push(realm);
    return realm;
  };
  const makeApp = (appId: string, options: AppConfigurationOptions = {}): App => {
    count += 1;
    const { url, directory } = running();
    const baseFilePath = join(directory, `device-${count}`);
    return new App(new AppConfiguration(appId, { baseUrl: url, baseFilePath, ...options }));
  };
  return {
    get server() {
      return running();
    },
    keep,
    makeApp,
    device: async (appId, options) => {
      const app = makeApp(appId, options);
      const user = await app.logIn(Credentials.anonymous({ reuseCredentials: false }));
      return makeDevice(app, user, keep);
    },
  };
}

function makeDevice(app: App, user: User, keep: (realm: Realm) => Realm): Device {
  const configuration = (options?: FlexibleSyncOptions): Configuration =>
    Configuration.flexibleSync(user, [Task.schema, Person.schema], options);
  const open = (options?: FlexibleSyncOptions): Realm => keep(new Realm(configuration(options)));
  return {
    app,
    user,
    configuration,
    open,
    openSubscribed: async (options) => {
      const realm = open(options);
      if (realm.subscriptions.version === 0) realm.subscriptions.update((set) => void set.add(realm.all(Task)));
      await realm.subscriptions.waitForSynchronization();
      return realm;
    },
  };
}

/** Adds tasks in one transaction. */
export function addTasks(realm: Realm, ...ids: readonly number[]): void {
  realm.write(() => realm.addAll(ids.map((id) => new Task({ id, name: `task ${id}` }))));
}

/** Keys of all tasks. */
export function taskIds(realm: Realm): number[] {
  return realm.query(Task, "TRUEPREDICATE SORT(_id ASC)").map(({ id }) => id);
}

/** Brings both devices to the same state. */
export async function syncBoth(a: Realm, b: Realm): Promise<void> {
  for (const realm of [a, b]) await realm.syncSession.waitForUpload();
  for (const realm of [a, b]) await realm.syncSession.waitForDownload();
}
