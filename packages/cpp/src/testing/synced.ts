/**
 * A real server in a process of its own, and devices, for the tests of one file.
 *
 * @module
 */

import { type ChildProcess, spawn } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll } from "vitest";
import { App } from "../app/app.js";
import type { user } from "../app/user.js";
import { type db, open } from "../db.js";
import type { db_config } from "../db-config.js";
import { Address, Dog, Person } from "./models.js";

const startTimeoutMs = 60_000;

/** Root of the workspace: the nearest folder above that holds its manifest. */
function workspaceRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, "pnpm-workspace.yaml"))) {
    const parent = dirname(folder);
    if (parent === folder) throw new Error("no pnpm-workspace.yaml above this package");
    folder = parent;
  }
  return folder;
}

interface Server {
  readonly child: ChildProcess;
  readonly url: string;
}

async function start(directory: string, port: string): Promise<Server> {
  const command = join(workspaceRoot(), "apps/tidemark/bin/tidemark.js");
  const given = [command, "dev", "--log", "error", "--port", port, "--data", join(directory, "server")];
  const child = spawn(process.execPath, given, { stdio: ["pipe", "pipe", "inherit"] });
  const url = await new Promise<string>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", () => reject(new Error("the server ended before it was ready")));
    createInterface({ input: child.stdout }).on("line", (line) => {
      const found = /listening on (http:\S+)/.exec(line)?.[1];
      if (found !== undefined) resolve(found);
    });
  });
  return { child, url };
}

async function end({ child }: Server): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await ended;
}

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
  const directory = mkdtempSync(join(tmpdir(), "tidemark-cpp-server-"));
  let server: Server | undefined;
  let count = 0;
  const kept: db[] = [];
  beforeAll(async () => {
    server = await start(directory, "0");
  }, startTimeoutMs);
  afterEach(() => {
    for (const database of kept.splice(0)) database.close();
  });
  afterAll(async () => {
    if (server !== undefined) await end(server);
    rmSync(directory, { recursive: true, force: true, maxRetries: 10 });
  });
  const running = (): Server => {
    if (server === undefined) throw new Error("the server is not running");
    return server;
  };
  const url = (): string => running().url;
  /** Stops the server, moves files, and starts it again at its address. */
  const between = async (move: () => void): Promise<void> => {
    const { port } = new URL(url());
    await end(running());
    move();
    server = await start(directory, port);
  };
  return {
    url,
    directory: () => directory,
    forget: async (appId, happen) => {
      const [known, backup] = [join(directory, "server", "apps", appId), join(directory, `backup-${appId}`)];
      await between(() => cpSync(known, backup, { recursive: true }));
      await happen();
      await between(() => {
        rmSync(known, { recursive: true });
        cpSync(backup, known, { recursive: true });
      });
    },
    device: async (appId) => {
      count += 1;
      const folder = join(directory, `device-${count}`);
      const app = new App({ app_id: appId, base_url: url(), path: folder, enable_caching: false });
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
