/**
 * Logging.
 *
 * @module
 */

interface Levels {
  readonly all: 0;
  readonly trace: 1;
  readonly debug: 2;
  readonly detail: 3;
  readonly info: 4;
  readonly warn: 5;
  readonly error: 6;
  readonly fatal: 7;
  readonly off: 8;
}

/** How much a line matters: `all` is everything, `off` nothing. */
const level: Levels = Object.freeze({
  all: 0,
  trace: 1,
  debug: 2,
  detail: 3,
  info: 4,
  warn: 5,
  error: 6,
  fatal: 7,
  off: 8,
});

/** A level of {@link logger.level}. */
export type logger_level = Levels[keyof Levels];

/** Takes lines of the log. Applications extend it. */
export abstract class logger {
  /** The levels. */
  static readonly level: Levels = level;
  #threshold: logger_level = level.all;

  /** Takes a line. */
  abstract do_log(level: logger_level, message: string): void;

  /** Lines of a lower level are not passed on. */
  set_level_threshold(threshold: logger_level): void {
    this.#threshold = threshold;
  }

  /** The lowest level that is passed on; everything at first. */
  get_level_threshold(): logger_level {
    return this.#threshold;
  }
}

let current: logger | undefined;
let syncThreshold: logger_level = level.off;

/** Sets who gets the lines of the process; without one nobody does. */
export function set_default_logger(given: logger | undefined): void {
  current = given;
}

/** @internal Sets what synchronisation logs; `off` at first. */
export function setSyncLevel(threshold: logger_level): void {
  syncThreshold = threshold;
}

/** @internal Logs a line of synchronisation. */
export function logSync(lineLevel: logger_level, message: string): void {
  if (current === undefined || lineLevel < syncThreshold || lineLevel < current.get_level_threshold()) return;
  current.do_log(lineLevel, message);
}
