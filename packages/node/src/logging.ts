/**
 * Logging.
 *
 * @module
 */

import { LogFilter, logCategories as categories, logLevels } from "@tidemark/engine";
import type { LogLevel } from "./enums.js";

/** A line of the log. */
export interface LogEntry {
  /** The part of the SDK that logs, as `Realm.Sync.Client.Session`. */
  readonly category: string;
  /** How much it matters. */
  readonly level: LogLevel;
  /** The text. */
  readonly message: string;
}

/** Gets lines. A callback of two parameters gets level and text, any other a {@link LogEntry}. */
export type LoggerCallback = ((entry: LogEntry) => void) | ((level: LogLevel, message: string) => void);

/** Parts of the SDK that log. */
export const logCategories: readonly string[] = categories;

const filter = new LogFilter();
let logger: LoggerCallback = printed;

/** As the SDK has it: what goes wrong in the background would be seen by nobody else. */
/* oxlint-disable no-console */
function printed({ category, level, message }: LogEntry): void {
  const line = `[${category} - ${level}] ${message}`;
  if (level === "error" || level === "fatal") console.error(line);
  else if (level === "warn") console.warn(line);
  else console.log(line);
}
/* oxlint-enable no-console */

/** Sets what is logged, for a category and those below it. */
export function setLogLevel(level: LogLevel, category: string = "Realm"): void {
  if (!logLevels.includes(level)) throw new Error(`Unexpected log level: ${level as string}`);
  if (!logCategories.includes(category)) throw new Error(`Unexpected log category: '${category}'`);
  filter.setLevel(level, category);
}

/** Sets who gets the lines; the console at first. A callback of two parameters gets level and message. */
export function setLogger(callback: LoggerCallback): void {
  logger = callback;
}

/** Logs a line. */
export function log(category: string, level: LogLevel, message: string): void {
  if (!filter.isWanted(category, level)) return;
  if (logger.length === 2) (logger as (level: LogLevel, message: string) => void)(level, message);
  else (logger as (entry: LogEntry) => void)({ category, level, message });
}
