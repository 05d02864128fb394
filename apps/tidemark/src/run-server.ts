/**
 * Runs a server until it is told to stop, and says where it is.
 *
 * @module
 */

import { mkdirSync } from "node:fs";
import { resolve } from "node:path";
import {
  createLogger,
  createServer,
  type LogLevel,
  openNativeKeyValue,
  openNativeLedger,
  type Server,
  TidemarkError,
} from "@tidemark/server";
import { readAppId, readMaxOfflineDays } from "./app-directory.js";

/** What the command line says. */
export interface RunOptions {
  readonly port: number;
  readonly host: string;
  readonly dataDirectory: string;
  readonly appDirectory: string | null;
  /** Empty: the id of the app directory, or any app if there is none. */
  readonly appIds: readonly string[];
  readonly developmentMode: boolean;
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
    const server = await startServer(options);
    say(greeting(server.url, options));
    await interrupted();
    say("\nStopping …");
    await server.stop();
  } catch (error) {
    if (!(error instanceof TidemarkError)) throw error;
    process.stderr.write(`tidemark: ${error.message}\n`);
    process.exitCode = 1;
  }
}

/** Starts a server with the embedded store. */
export async function startServer(options: RunOptions): Promise<Server> {
  if (!logLevels.includes(options.logLevel)) {
    throw new TidemarkError("bad-option", `--log must be one of ${logLevels.join(", ")}`);
  }
  const dataDirectory = resolve(options.dataDirectory);
  const server = createServer({
    dataDirectory,
    openLedger: openNativeLedger,
    openKeyValue: openNativeKeyValue,
    port: options.port,
    host: options.host,
    appIds: appIdsOf(options),
    developmentMode: options.developmentMode,
    publicUrl: options.publicUrl,
    ...maxOfflineOf(options),
    logger: createLogger(options.logLevel as LogLevel),
    ...(options.statusPage === undefined ? {} : { statusPage: options.statusPage }),
  });
  mkdirSync(dataDirectory, { recursive: true });
  await server.start();
  return server;
}

function appIdsOf(options: RunOptions): readonly string[] | null {
  if (options.appIds.length > 0) return options.appIds;
  return options.appDirectory === null ? null : [readAppId(options.appDirectory)];
}

function maxOfflineOf(options: RunOptions): { readonly maxOfflineMs?: number } {
  const { maxOfflineDays, appDirectory } = options;
  const days = maxOfflineDays ?? (appDirectory === null ? null : readMaxOfflineDays(appDirectory));
  return days === null ? {} : { maxOfflineMs: days * 24 * 60 * 60_000 };
}

function greeting(url: string, options: RunOptions): string {
  const apps = appIdsOf(options);
  const lines = [
    "",
    `  Tidemark is listening on ${url}`,
    "",
    `  apps    ${apps === null ? "any client app id" : apps.join(", ")}`,
    `  data    ${resolve(options.dataDirectory)}`,
    `  schema  ${options.developmentMode ? "Development Mode: clients may extend it" : "fixed"}`,
    "",
    `  Give your client the base URL ${options.publicUrl ?? url}. Press Ctrl+C to stop.`,
    "",
  ];
  return lines.join("\n");
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function interrupted(): Promise<void> {
  return new Promise((resolveWhen) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolveWhen());
  });
}
