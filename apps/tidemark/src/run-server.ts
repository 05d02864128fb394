/**
 * Runs a server until it is told to stop, and says where it is.
 *
 * @module
 */

import { mkdirSync } from "node:fs";
import { resolve } from "node:path";
import {
  type AdminOptions,
  type App,
  type AppRegistry,
  createLogger,
  createServer,
  type LogLevel,
  openNativeKeyValue,
  openNativeLedger,
  type RescueState,
  type Server,
  type ServerOptions,
  TidemarkError,
} from "@tidemark/server";
import { harnessAccount } from "./admin-account.js";
import { type AppDirectoryOptions, loadApp, type LoadedApp } from "./app-directory.js";
import { AppWatch, count, fingerprint } from "./watch-app.js";

/** What the command line says. */
export interface RunOptions {
  readonly port: number;
  readonly host: string;
  readonly dataDirectory: string;
  readonly appDirectory: string | null;
  /** Empty without an app directory: any app, or those alone that the Admin API makes. */
  readonly appIds: readonly string[];
  /** Whether any client app id is accepted where none is named. */
  readonly acceptsAnyApp: boolean;
  /** Reads the account of the Admin API; `null` does not offer it. */
  readonly admin: () => AdminOptions | null;
  /** Environment of the app directory to take instead of its own; `null` for that one. */
  readonly environment: string | null;
  /** JSON file with the app's secrets by name; `null` for none. */
  readonly secretsFile: string | null;
  /** Whether clients may extend the schema whatever the app directory says. */
  readonly developmentMode: boolean;
  /** The rescue mode of apps about which nothing was said yet. */
  readonly rescue: RescueState;
  readonly publicUrl: string | null;
  /** `null`: what the app directory says, or the server's default. */
  readonly maxOfflineDays: number | null;
  readonly statusPage?: boolean;
  readonly logLevel: string;
}

const logLevels: readonly string[] = ["debug", "info", "warn", "error", "silent"];

/** Runs a server until the process is told to end. */
export async function runServer(options: RunOptions): Promise<void> {
  try {
    const started = await startServer(options);
    const { server, watch } = started;
    say(greeting(options, started));
    for (const line of rescueNotes(server)) say(line);
    await interrupted();
    say("\nStopping …");
    await watch?.stop();
    await server.stop();
  } catch (error) {
    if (!(error instanceof TidemarkError)) throw error;
    complain(`tidemark: ${error.message}`);
    process.exitCode = 1;
  }
}

/** A server that runs, and what it was started with. */
export interface StartedServer {
  readonly server: Server;
  /** Follows the app directory; `null` without one. */
  readonly watch: AppWatch | null;
  readonly loaded: LoadedApp | null;
  /** Account of the Admin API; `null` where it is not offered. */
  readonly admin: AdminOptions | null;
}

/**
 * Starts a server with the embedded store. An app directory is in force before anybody can connect, and is followed.
 *
 * @throws TidemarkError also for errors in the app directory, after they were printed.
 */
export async function startServer(options: RunOptions): Promise<StartedServer> {
  if (!logLevels.includes(options.logLevel)) {
    throw new TidemarkError("bad-option", `--log must be one of ${logLevels.join(", ")}`);
  }
  const admin = options.admin();
  const directory = directoryOptions(options);
  // Before the files are read, so that no edit is missed.
  const seen = directory === null ? "" : fingerprint(directory);
  const loaded = directory === null ? null : loadOrRefuse(directory);
  const server = createServer({
    ...serverOptions(options, admin),
    appIds: loaded === null ? appIdsOf(options) : [loaded.appId],
    prepare: async (apps) => {
      if (loaded !== null) await appOf(apps, loaded.appId).then((app) => app.configure(loaded.configuration));
    },
  });
  mkdirSync(resolve(options.dataDirectory), { recursive: true });
  await server.start();
  if (directory === null || loaded === null) return { server, watch: null, loaded, admin };
  const app = await appOf(server.apps, loaded.appId);
  const watch = new AppWatch({ options: directory, fingerprint: seen, app, say: complain });
  return { server, watch, loaded, admin };
}

async function appOf(apps: AppRegistry, appId: string): Promise<App> {
  const app = await apps.find(appId);
  if (app !== undefined) return app;
  throw new TidemarkError("too-many-apps", `there are too many apps in this data directory for another, ${appId}`);
}

function appIdsOf({ appIds, acceptsAnyApp }: RunOptions): readonly string[] | null {
  return appIds.length === 0 && acceptsAnyApp ? null : appIds;
}

function serverOptions(options: RunOptions, admin: AdminOptions | null): ServerOptions {
  return {
    dataDirectory: resolve(options.dataDirectory),
    openLedger: openNativeLedger,
    openKeyValue: openNativeKeyValue,
    port: options.port,
    host: options.host,
    admin,
    developmentMode: options.developmentMode,
    rescue: options.rescue,
    publicUrl: options.publicUrl,
    ...(options.maxOfflineDays === null ? {} : { maxOfflineMs: options.maxOfflineDays * 24 * 60 * 60_000 }),
    logger: createLogger(options.logLevel as LogLevel),
    ...(options.statusPage === undefined ? {} : { statusPage: options.statusPage }),
  };
}

function directoryOptions(options: RunOptions): AppDirectoryOptions | null {
  const { appDirectory, appIds, environment, secretsFile, developmentMode, maxOfflineDays } = options;
  if (appDirectory === null) {
    if (environment === null && secretsFile === null) return null;
    throw new TidemarkError("bad-option", "--environment and --secrets go with --app");
  }
  const [appId = null, ...others] = appIds;
  if (others.length > 0) throw new TidemarkError("bad-option", "with --app, give one --app-id at most");
  const forcesDevelopmentMode = developmentMode;
  return { directory: appDirectory, appId, environment, secretsFile, forcesDevelopmentMode, maxOfflineDays };
}

function loadOrRefuse(directory: AppDirectoryOptions): LoadedApp {
  const loaded = loadApp(directory);
  for (const one of loaded.findings) complain(one);
  if (loaded.errors === 0) return loaded;
  throw new TidemarkError("bad-app", `${count(loaded.errors, "error")} in ${directory.directory}`);
}

const syncStates = {
  enabled: "on",
  disabled: "paused by sync/config.json: clients wait",
  off: "off by sync/config.json: clients are told that it is not enabled",
} as const;

function greeting(options: RunOptions, { server: { url }, loaded, admin }: StartedServer): string {
  const apps = loaded === null ? appIdsOf(options) : [loaded.appId];
  const isExtensible = loaded?.configuration.sync.isDevelopmentMode ?? options.developmentMode;
  const lines = [
    "",
    `  Tidemark is listening on ${url}`,
    "",
    `  apps    ${describeApps(apps)}`,
    ...(loaded === null ? [] : [`  rules   ${options.appDirectory}: edits take effect as they are saved`]),
    ...(loaded === null ? [] : [`  sync    ${syncStates[loaded.configuration.sync.state]}`]),
    `  data    ${resolve(options.dataDirectory)}`,
    `  schema  ${isExtensible ? "Development Mode: clients may extend it" : "fixed"}`,
    ...(admin === null ? [] : [`  admin   ${describeAdmin(admin)}`]),
    "",
    `  Give your client the base URL ${options.publicUrl ?? url}. Press Ctrl+C to stop.`,
    "",
  ];
  return lines.join("\n");
}

/** What operators of a new server have to know: whoever has to reset waits for them. */
function rescueNotes(server: Server): readonly string[] {
  const closed = server.apps.known().filter((app) => app.rescue.isClosed);
  if (closed.length === 0) return [];
  return [
    `  Rescue mode is closed for ${closed.map(({ id }) => id).join(", ")}: devices of another server are told to try again.`,
    "  When the data is loaded, run tidemark open (docs/rescue.md).",
    "",
  ];
}

function describeApps(apps: readonly string[] | null): string {
  if (apps === null) return "any client app id";
  return apps.length === 0 ? "those of the Admin API" : apps.join(", ");
}

function describeAdmin(admin: AdminOptions): string {
  const { user, password, isRemote } = admin;
  if (admin === harnessAccount) return `${user} with the password "${password}", for this machine only`;
  return `${user}, ${isRemote === true ? "also from other machines" : "for this machine only"}`;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function complain(text: string): void {
  process.stderr.write(`${text}\n`);
}

function interrupted(): Promise<void> {
  return new Promise((resolveWhen) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolveWhen());
  });
}
