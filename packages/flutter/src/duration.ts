/**
 * Spans of time.
 *
 * @module
 */

/** A span of time: milliseconds, or parts that are added up, as Dart writes `Duration(minutes: 2)`. */
export type Duration =
  | number
  | {
      /** Added. */
      readonly days?: number;
      /** Added. */
      readonly hours?: number;
      /** Added. */
      readonly minutes?: number;
      /** Added. */
      readonly seconds?: number;
      /** Added. */
      readonly milliseconds?: number;
    };

const secondMs = 1000;
const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** A span of time in milliseconds. */
export function millisecondsOf(duration: Duration): number {
  if (typeof duration === "number") return duration;
  const { days = 0, hours = 0, minutes = 0, seconds = 0, milliseconds = 0 } = duration;
  return days * dayMs + hours * hourMs + minutes * minuteMs + seconds * secondMs + milliseconds;
}
