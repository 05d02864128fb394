/**
 * Levels of logs, in the suite's words.
 *
 * @module
 */

import type { LogLevel } from "../adapter.js";

/** The suite's word for a level of an SDK that has more of them. */
export function nearestLevel(level: string): LogLevel {
  switch (level) {
    case "trace":
      return "all";
    case "detail":
      return "debug";
    case "fatal":
    case "wtf":
      return "error";
    default:
      return level as LogLevel;
  }
}
