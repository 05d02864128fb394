/**
 * Which lines of the log are wanted, by category and level.
 *
 * @module
 */

/** From the most talkative to silence. */
export const logLevels = ["all", "trace", "debug", "detail", "info", "warn", "error", "fatal", "off"] as const;

/** One of {@link logLevels}. */
export type LogLevel = (typeof logLevels)[number];

/** Parts that log. A category holds those whose names continue its own. */
export const logCategories = [
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
] as const;

/** What is logged where nothing was set, as in the original. */
const defaultLevel: LogLevel = "warn";

/** Thresholds of categories. */
export class LogFilter {
  readonly #thresholds = new Map<string, LogLevel>();

  /** Sets what is logged, for a category and those below it. */
  setLevel(level: LogLevel, category: string): void {
    for (const known of Array.from(this.#thresholds.keys())) {
      if (known.startsWith(`${category}.`)) this.#thresholds.delete(known);
    }
    this.#thresholds.set(category, level);
  }

  /** From which level on a category logs; `warn` where nothing was set. */
  levelOf(category: string): LogLevel {
    for (let name = category; name !== ""; name = name.slice(0, Math.max(0, name.lastIndexOf(".")))) {
      const level = this.#thresholds.get(name);
      if (level !== undefined) return level;
    }
    return defaultLevel;
  }

  /** Whether a line is to be logged. */
  isWanted(category: string, level: LogLevel): boolean {
    return logLevels.indexOf(level) >= logLevels.indexOf(this.levelOf(category));
  }
}
