/**
 * Logging.
 *
 * @module
 */

import type { LogLevel } from "./enums.js";

/** A line of the log. */
export interface LogEntry {
  readonly category: string;
  readonly level: LogLevel;
  readonly message: string;
}

export type LoggerCallback = ((entry: LogEntry) => void) | ((level: LogLevel, message: string) => void);

const levels: readonly LogLevel[] = ["all", "trace", "debug", "detail", "info", "warn", "error", "fatal", "off"];

/** Parts of the SDK that log. */
export const logCategories: readonly string[] = [
  "Realm",
  "Realm.Storage",
  "Realm.Storage.Transaction",
  "Realm.Storage.Query",
  "Realm.Storage.Object",
  "Realm.Storage.Notification",
  "Realm.Sync",
  "Realm.Sync.Client",
  "Realm.Sync.Client.Session",
  "Realm.Sync.Client.Changeset",
  "Realm.Sync.Client.Network",
  "Realm.Sync.Client.Reset",
  "Realm.Sync.Server",
  "Realm.App",
  "Realm.SDK",
];

const thresholds = new Map<string, LogLevel>([["Realm", "warn"]]);
let logger: LoggerCallback | undefined;

/** Sets what is logged, for a category and those below it. */
export function setLogLevel(level: LogLevel, category: string = "Realm"): void {
  if (!levels.includes(level)) throw new Error(`Unexpected log level: ${level as string}`);
  if (!logCategories.includes(category)) throw new Error(`Unexpected log category: '${category}'`);
  for (const known of Array.from(thresholds.keys())) if (known.startsWith(`${category}.`)) thresholds.delete(known);
  thresholds.set(category, level);
}

/** Sets who gets the lines. A callback of two parameters gets level and message. */
export function setLogger(callback: LoggerCallback): void {
  logger = callback;
}

/** Logs a line. */
export function log(category: string, level: LogLevel, message: string): void {
  if (logger === undefined || levels.indexOf(level) < levels.indexOf(thresholdOf(category))) return;
  if (logger.length === 2) (logger as (level: LogLevel, message: string) => void)(level, message);
  else (logger as (entry: LogEntry) => void)({ category, level, message });
}

function thresholdOf(category: string): LogLevel {
  for (let name = category; name !== ""; name = name.slice(0, Math.max(0, name.lastIndexOf(".")))) {
    const level = thresholds.get(name);
    if (level !== undefined) return level;
  }
  return "warn";
}
