/**
 * Logging: `Realm.logger`.
 *
 * @module
 */

import { logCategories, LogFilter, type LogLevel as EngineLevel } from "@tidemark/engine";
import { RealmError } from "./errors.js";
import { BroadcastStream, type Stream, type StreamSink } from "./stream.js";

/** From the most talkative to silence. */
export const LogLevel = {
  all: "all",
  trace: "trace",
  debug: "debug",
  detail: "detail",
  info: "info",
  warn: "warn",
  error: "error",
  fatal: "fatal",
  off: "off",
} as const;
export type LogLevel = EngineLevel;

/** Every category by its whole name. */
const categories = new Map<string, LogCategory>();

/** A part that logs. Its parts are its properties: `LogCategory.realm.sync.client.session`. */
export class LogCategory {
  /** The whole name: `Realm.Sync.Client.Session`. */
  readonly name: string;

  private constructor(name: string) {
    this.name = name;
  }

  toString(): string {
    return this.name;
  }

  static readonly realm: LogCategory & {
    readonly storage: LogCategory & {
      readonly transaction: LogCategory;
      readonly query: LogCategory;
      readonly object: LogCategory;
      readonly notification: LogCategory;
    };
    readonly sync: LogCategory & {
      readonly client: LogCategory & {
        readonly session: LogCategory;
        readonly changeset: LogCategory;
        readonly network: LogCategory;
        readonly reset: LogCategory;
      };
      readonly server: LogCategory;
    };
    readonly app: LogCategory;
    readonly sdk: LogCategory;
  } = LogCategory.#tree("Realm") as typeof LogCategory.realm;

  static #tree(name: string): LogCategory {
    const depth = name.split(".").length + 1;
    const parts = logCategories.filter((one) => one.startsWith(`${name}.`) && one.split(".").length === depth);
    const entries = parts.map((part) => [part.slice(name.length + 1).toLowerCase(), LogCategory.#tree(part)]);
    const category = Object.assign(new LogCategory(name), Object.fromEntries(entries)) as LogCategory;
    categories.set(name, category);
    return category;
  }
}

/** The category of a whole name. */
export function categoryNamed(name: string): LogCategory {
  return categories.get(name) ?? LogCategory.realm;
}

/** A line of the log. */
export interface LogRecord {
  readonly category: LogCategory | string;
  readonly level: LogLevel;
  readonly message: string;
}

const filter = new LogFilter();
const sinks = new Set<StreamSink<LogRecord>>();

/** What is logged, and who is told. */
export class RealmLogger {
  /** The lines. Any number may listen. */
  get onRecord(): Stream<LogRecord> {
    return new BroadcastStream((sink) => {
      sinks.add(sink);
      return () => sinks.delete(sink);
    });
  }

  /** Sets what is logged of a category and its parts; of everything if none is given. */
  setLogLevel(level: LogLevel, { category = LogCategory.realm }: { readonly category?: LogCategory } = {}): void {
    if (!(level in LogLevel)) throw new RealmError(`Unexpected log level: ${level as string}`);
    filter.setLevel(level, category.name);
  }
}

/** The logger of the process. */
export const logger: RealmLogger = new RealmLogger();

/** Logs a line. Nothing is printed: whoever wants to see it listens. */
export function log(category: LogCategory, level: LogLevel, message: string): void {
  if (!filter.isWanted(category.name, level)) return;
  for (const sink of Array.from(sinks)) sink.add({ category, level, message });
}
