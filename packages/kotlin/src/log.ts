/**
 * Logging.
 *
 * @module
 */

import type { LogLevel as EngineLevel, LogSink } from "@tidemark/engine";
import { IllegalArgumentException } from "./errors.js";

/**
 * How much a line matters.
 *
 * @enum
 */
export const LogLevel = {
  /** Everything. */
  ALL: 0,
  /** Every step. */
  TRACE: 1,
  /** What helps to find faults. */
  DEBUG: 2,
  /** What happens. */
  INFO: 3,
  /** What may be wrong. */
  WARN: 4,
  /** What went wrong. */
  ERROR: 5,
  /** What a terrible failure. */
  WTF: 6,
  /** Nothing. */
  NONE: 7,
} as const;
export type LogLevel = (typeof LogLevel)[keyof typeof LogLevel];

/**
 * Parts of the SDK that log, by their names.
 *
 * @enum
 */
export const LogCategory = {
  /** Everything. */
  Realm: "Realm",
  /** The database. */
  Storage: "Realm.Storage",
  /** Transactions. */
  StorageTransaction: "Realm.Storage.Transaction",
  /** Queries. */
  StorageQuery: "Realm.Storage.Query",
  /** Objects. */
  StorageObject: "Realm.Storage.Object",
  /** Notifications. */
  StorageNotification: "Realm.Storage.Notification",
  /** Synchronisation. */
  Sync: "Realm.Sync",
  /** The client of synchronisation. */
  SyncClient: "Realm.Sync.Client",
  /** Sessions. */
  SyncClientSession: "Realm.Sync.Client.Session",
  /** Changes that are sent and received. */
  SyncClientChangeset: "Realm.Sync.Client.Changeset",
  /** Connections. */
  SyncClientNetwork: "Realm.Sync.Client.Network",
  /** Client resets. */
  SyncClientReset: "Realm.Sync.Client.Reset",
  /** What the server says. */
  SyncServer: "Realm.Sync.Server",
  /** Log-ins and calls of the API. */
  App: "Realm.App",
  /** This package. */
  Sdk: "Realm.Sdk",
} as const;
export type LogCategory = (typeof LogCategory)[keyof typeof LogCategory];

/** Takes lines. */
export interface RealmLogger {
  /** Takes a line. */
  log(category: LogCategory, level: LogLevel, message: string): void;
}

const levelNames = Object.keys(LogLevel);

/** Writes to the standard error. */
const systemLogger: RealmLogger = {
  log: (category, level, message) => {
    process.stderr.write(`${levelNames[level] ?? ""}: [${category}] ${message}\n`);
  },
};

const loggers = new Set<RealmLogger>([systemLogger]);
const levels = new Map<LogCategory, LogLevel>([[LogCategory.Realm, LogLevel.WARN]]);

function levelOf(category: LogCategory): LogLevel {
  for (let name: string = category; name !== ""; name = name.slice(0, Math.max(0, name.lastIndexOf(".")))) {
    const level = levels.get(name as LogCategory);
    if (level !== undefined) return level;
  }
  return LogLevel.WARN;
}

/** What is logged, and who gets it. At first warnings go to the standard error. */
export const RealmLog: {
  /** Sets from which level on is logged, for a category and those below it; for all if none is given. */
  setLevel(level: LogLevel, category?: LogCategory): void;
  /** From which level on a category logs. */
  getLevel(category?: LogCategory): LogLevel;
  /** Has a logger get the lines, beside the others. */
  add(logger: RealmLogger): void;
  /** @returns false if it was not there. */
  remove(logger: RealmLogger): boolean;
  /** Also removes the one that is there at first. @returns false if there was none. */
  removeAll(): boolean;
  /** @returns false if it is there. */
  addDefaultSystemLogger(): boolean;
} = {
  setLevel: (level, category = LogCategory.Realm) => {
    if (levelNames[level] === undefined) throw new IllegalArgumentException(`Not a level: ${String(level)}`);
    for (const known of Array.from(levels.keys())) if (known.startsWith(`${category}.`)) levels.delete(known);
    levels.set(category, level);
  },
  getLevel: (category = LogCategory.Realm) => levelOf(category),
  add: (logger) => {
    loggers.add(logger);
  },
  remove: (logger) => loggers.delete(logger),
  removeAll: () => {
    const hadAny = loggers.size > 0;
    loggers.clear();
    return hadAny;
  },
  addDefaultSystemLogger: () => {
    const isNew = !loggers.has(systemLogger);
    loggers.add(systemLogger);
    return isNew;
  },
};

/** Logs a line. */
export function log(category: LogCategory, level: LogLevel, message: string): void {
  if (level < levelOf(category)) return;
  for (const logger of loggers) logger.log(category, level, message);
}

/** The levels of the engine, of which this SDK has fewer. */
const levelsOfEngine: Readonly<Record<EngineLevel, LogLevel>> = {
  all: LogLevel.ALL,
  trace: LogLevel.TRACE,
  debug: LogLevel.DEBUG,
  detail: LogLevel.DEBUG,
  info: LogLevel.INFO,
  warn: LogLevel.WARN,
  error: LogLevel.ERROR,
  fatal: LogLevel.WTF,
  off: LogLevel.NONE,
};

/** Logs a line of the engine. */
export const logOfEngine: LogSink = (category, level, message) => {
  log(category === "Realm.SDK" ? LogCategory.Sdk : category, levelsOfEngine[level], message);
};
