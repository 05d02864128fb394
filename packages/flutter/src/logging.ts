/**
 * Logging: `Realm.logger`.
 *
 * @module
 */

import { logCategories, LogFilter, type LogLevel as EngineLevel } from "@tidemark/engine";
import { RealmError } from "./errors.js";
import { BroadcastStream, type Stream, type StreamSink } from "./stream.js";

/**
 * From the most talkative to silence.
 *
 * @enum
 */
export const LogLevel = {
  /** Everything. */
  all: "all",
  /** Every step. */
  trace: "trace",
  /** What helps to find faults. */
  debug: "debug",
  /** More than `info`. */
  detail: "detail",
  /** What happens. */
  info: "info",
  /** What may be wrong. */
  warn: "warn",
  /** What went wrong. */
  error: "error",
  /** What ends the process. */
  fatal: "fatal",
  /** Nothing. */
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

  /** The whole name. */
  toString(): string {
    return this.name;
  }

  /** The root of all categories. */
  static readonly realm: LogCategory & {
    /** The database. */
    readonly storage: LogCategory & {
      /** Transactions. */
      readonly transaction: LogCategory;
      /** Queries. */
      readonly query: LogCategory;
      /** Objects. */
      readonly object: LogCategory;
      /** Notifications. */
      readonly notification: LogCategory;
    };
    /** Synchronisation. */
    readonly sync: LogCategory & {
      /** The client of synchronisation. */
      readonly client: LogCategory & {
        /** Sessions. */
        readonly session: LogCategory;
        /** Changes that are sent and received. */
        readonly changeset: LogCategory;
        /** Connections. */
        readonly network: LogCategory;
        /** Client resets. */
        readonly reset: LogCategory;
      };
      /** What the server says. */
      readonly server: LogCategory;
    };
    /** Log-ins and calls of the API. */
    readonly app: LogCategory;
    /** This package. */
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
  /** The part that logs. */
  readonly category: LogCategory | string;
  /** How much it matters. */
  readonly level: LogLevel;
  /** The text. */
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
