/**
 * Where the server's log goes.
 *
 * @module
 */

import { pino } from "pino";

/** Fields of a log line. */
export type LogFields = Readonly<Record<string, unknown>>;

/** A logger, in the form that pino's also have. */
export interface Logger {
  /** What helps to find faults. */
  debug(fields: LogFields, message: string): void;
  /** What happens. */
  info(fields: LogFields, message: string): void;
  /** What may be wrong. */
  warn(fields: LogFields, message: string): void;
  /** What went wrong. */
  error(fields: LogFields, message: string): void;
}

/** Says nothing. */
export const silentLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

/** From which level on lines are written. */
export type LogLevel = "debug" | "info" | "warn" | "error" | "silent";

/** Writes JSON lines to the standard error output; what looks like a credential is left out. */
export function createLogger(level: LogLevel): Logger {
  const options = { level, redact: ["token", "password", "*.token", "*.password", "headers.authorization"] };
  return pino(options, pino.destination({ dest: 2, sync: true }));
}
