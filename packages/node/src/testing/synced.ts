/**
 * A server and devices for the tests of one file.
 *
 * @module
 */

import { join } from "node:path";
import { startServer, type TestServer } from "@tidemark/testing";
import { afterAll, afterEach, beforeAll } from "vitest";
import { App } from "../app/app.js";
import { Credentials } from "../app/credentials.js";
import type { User } from "../app/user.js";
import type { Configuration, FlexibleSyncConfiguration } from "../configuration.js";
import { Realm } from "../realm.js";
import type { ObjectSchema } from "../schema/types.js";

export const taskSchema: ObjectSchema = {
  name: "Task",
  primaryKey: "_id",
  properties: { _id: "int", name: "string", priority: { type: "int", default: 0 }, tags: "string[]", owner: "Person" },
};

export const personSchema: ObjectSchema = {
  name: "Person",
  primaryKey: "_id",
  properties: { _id: "string", name: "string?" },
};

/** A task as the tests see it. */
export interface Task {
  _id: number;
  name: string;
  priority: number;
  tags: { push(...items: string[]): number; [index: number]: string } & Iterable<string>;
  owner: Person | null;
}

export interface Person {
  _id: string;
  name: string | null;
}

/** One device: an app with a user of its own. */
export interface Device {
  readonly app: App;
  readonly user: User;
  readonly directory: string;
  configuration(change?: Partial<FlexibleSyncConfiguration>): Configuration;
  /** Opens without waiting. */
  open(change?: Partial<FlexibleSyncConfiguration>): Realm;
  /** Opens with a subscription to all classes, and waits for it. */
  openSubscribed(change?: Partial<FlexibleSyncConfiguration>): Promise<Realm>;
}

export interface Synced {
  readonly server: TestServer;
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
  return {
    get server() {
      return running();
    },
    keep,
    device: async (appId, baseUrl = running().url) => {
      count += 1;
      const directory = join(running().directory, `device-${count}`);
      const app = new App({ id: appId, baseUrl, baseFilePath: directory });
      const user = await app.logIn(Credentials.anonymous(false));
      return makeDevice(app, user, directory, keep);
    },
  };
}

function makeDevice(app: App, user: User, directory: string, keep: (realm: Realm) => Realm): Device {
  const configuration = (change: Partial<FlexibleSyncConfiguration> = {}): Configuration => ({
    schema: [taskSchema, personSchema],
    sync: { user, flexible: true, ...change },
  });
  const open = (change?: Partial<FlexibleSyncConfiguration>): Realm => keep(new Realm(configuration(change)));
  return {
    app,
    user,
    directory,
    configuration,
    open,
    openSubscribed: async (change) => {
      const realm = open({ initialSubscriptions: { update: subscribeToAll }, ...change });
      await realm.subscriptions.waitForSynchronization();
      return realm;
    },
  };
}

/** Subscribes to every class of the tests. */
export function subscribeToAll(
  subscriptions: Parameters<NonNullable<FlexibleSyncConfiguration["initialSubscriptions"]>["update"]>[0],
  realm: Realm,
): void {
  subscriptions.add(realm.objects("Task"));
  subscriptions.add(realm.objects("Person"));
}

/** Brings both devices to the same state. */
export async function syncBoth(a: Realm, b: Realm): Promise<void> {
  for (const realm of [a, b]) await realm.syncSession?.uploadAllLocalChanges();
  for (const realm of [a, b]) await realm.syncSession?.downloadAllServerChanges();
}
