/**
 * What the engine says of itself: lines for the log that a facade offers to its application.
 *
 * @module
 */

import type { logCategories, LogLevel } from "./binding/log-filter.js";

/** A part that logs. */
export type LogCategory = (typeof logCategories)[number];

/** Takes lines. Which of them are wanted is the taker's to say. */
export type LogSink = (category: LogCategory, level: LogLevel, message: string) => void;
