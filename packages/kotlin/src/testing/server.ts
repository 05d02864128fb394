/**
 * A real server for the tests of one file, and devices of its apps.
 *
 * @module
 */

import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
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

/** Root of the workspace: the nearest folder above that holds its manifest. */
function workspaceRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, "pnpm-workspace.yaml"))) folder = dirname(folder);
  return folder;
}

async function startServer(data: string): Promise<{ readonly url: string; readonly child: ChildProcess }> {
  const command = join(workspaceRoot(), "apps/tidemark/bin/tidemark.js");
  const child = spawn(process.execPath, [command, "dev", "--log", "error", "--port", "0", "--data", data], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const url = await new Promise<string>((resolve, reject) => {
    child.once("exit", () => reject(new Error("the server ended before it was ready")));
    createInterface({ input: child.stdout }).on("line", (line) => {
      const found = /listening on (http:\S+)/.exec(line)?.[1];
      if (found !== undefined) resolve(found);
    });
  });
  return { url, child };
}

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
  const directory = mkdtempSync(join(tmpdir(), "tidemark-kotlin-server-"));
  let server: Awaited<ReturnType<typeof startServer>> | undefined;
  let count = 0;
  const kept: Realm[] = [];
  beforeAll(async () => {
    server = await startServer(join(directory, "server"));
  }, startTimeoutMs);
  afterEach(() => {
    for (const realm of kept.splice(0)) realm.close();
  });
  afterAll(async () => {
    const child = server?.child;
    const ended = new Promise((resolve) => child?.once("exit", resolve));
    child?.kill("SIGTERM");
    await ended;
    rmSync(directory, { recursive: true, force: true });
  });
  const keep = (realm: Realm): Realm => {
    kept.push(realm);
    return realm;
  };
  const url = (): string => {
    if (server === undefined) throw new Error("the server is not running");
    return server.url;
  };
  return {
    get url() {
      return url();
    },
    directory,
    keep,
    device: async (appId, baseUrl = url()) => {
      count += 1;
      const folder = join(directory, `device-${count}`);
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
