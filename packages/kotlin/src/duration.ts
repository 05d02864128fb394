/**
 * Lengths of time, as Kotlin's `Duration`.
 *
 * @module
 */

import { IllegalArgumentException } from "./errors.js";

const nanosecondsPer = { microsecond: 1e3, millisecond: 1e6, second: 1e9, minute: 60e9, hour: 3600e9, day: 86_400e9 };

/** Timers of the platform count milliseconds up to this; longer times are as good as for ever. */
const timerMsMax = 2 ** 31 - 1;

/** A length of time. */
export class Duration {
  /** For ever. */
  static readonly INFINITE: Duration = new Duration(Number.POSITIVE_INFINITY);
  /** No time at all. */
  static readonly ZERO: Duration = new Duration(0);
  /** In nanoseconds; infinite for {@link Duration.INFINITE}. */
  readonly inWholeNanoseconds: number;

  private constructor(count: number) {
    this.inWholeNanoseconds = count;
  }

  /** @internal */
  static ofNanoseconds(count: number): Duration {
    if (Number.isNaN(count)) throw new IllegalArgumentException("Duration value cannot be NaN.");
    return count === Number.POSITIVE_INFINITY ? Duration.INFINITE : new Duration(Math.trunc(count));
  }

  /** In milliseconds, cut off. */
  get inWholeMilliseconds(): number {
    return Math.trunc(this.inWholeNanoseconds / nanosecondsPer.millisecond);
  }

  /** In seconds, cut off. */
  get inWholeSeconds(): number {
    return Math.trunc(this.inWholeNanoseconds / nanosecondsPer.second);
  }

  /** Whether it is without an end. */
  isInfinite(): boolean {
    return !Number.isFinite(this.inWholeNanoseconds);
  }

  /** Whether it is more than none. */
  isPositive(): boolean {
    return this.inWholeNanoseconds > 0;
  }

  /** −1 if this is shorter, 0 if both are the same, 1 if it is longer. */
  compareTo(other: Duration): number {
    return Math.sign(this.inWholeNanoseconds - other.inWholeNanoseconds) || 0;
  }

  /** Whether both are the same length. */
  equals(other: unknown): boolean {
    return other instanceof Duration && other.inWholeNanoseconds === this.inWholeNanoseconds;
  }

  /** As Kotlin writes it: `1m 30s`, `1.5s`, `20ms`, `Infinity`. */
  toString(): string {
    const total = this.inWholeNanoseconds;
    if (!Number.isFinite(total)) return total < 0 ? "-Infinity" : "Infinity";
    if (total === 0) return "0s";
    const text = textOf(Math.abs(total));
    if (total > 0) return text;
    return text.includes(" ") ? `-(${text})` : `-${text}`;
  }
}

function textOf(total: number): string {
  const { second, millisecond, microsecond } = nanosecondsPer;
  if (total < second) {
    if (total >= millisecond) return `${total / millisecond}ms`;
    return total >= microsecond ? `${total / microsecond}us` : `${total}ns`;
  }
  const parts: string[] = [];
  let rest = total;
  for (const [unit, length] of [
    ["d", nanosecondsPer.day],
    ["h", nanosecondsPer.hour],
    ["m", nanosecondsPer.minute],
  ] as const) {
    const count = Math.floor(rest / length);
    rest -= count * length;
    if (count > 0 || (parts.length > 0 && rest > 0)) parts.push(`${count}${unit}`);
  }
  if (rest > 0) parts.push(`${rest / second}s`);
  return parts.join(" ");
}

/** So many days. */
export function days(count: number): Duration {
  return Duration.ofNanoseconds(count * nanosecondsPer.day);
}

/** So many hours. */
export function hours(count: number): Duration {
  return Duration.ofNanoseconds(count * nanosecondsPer.hour);
}

/** So many minutes. */
export function minutes(count: number): Duration {
  return Duration.ofNanoseconds(count * nanosecondsPer.minute);
}

/** So many seconds. */
export function seconds(count: number): Duration {
  return Duration.ofNanoseconds(count * nanosecondsPer.second);
}

/** So many milliseconds. */
export function milliseconds(count: number): Duration {
  return Duration.ofNanoseconds(count * nanosecondsPer.millisecond);
}

/** So many microseconds. */
export function microseconds(count: number): Duration {
  return Duration.ofNanoseconds(count * nanosecondsPer.microsecond);
}

/** So many nanoseconds. */
export function nanoseconds(count: number): Duration {
  return Duration.ofNanoseconds(count);
}

/** A duration given as such or in milliseconds. */
export function durationOf(given: Duration | number): Duration {
  return given instanceof Duration ? given : milliseconds(given);
}

/**
 * A timeout in milliseconds as the engine takes it; `undefined` for no end.
 *
 * @throws {@link IllegalArgumentException} if it is not positive.
 */
export function timeoutMsOf(given: Duration | number): number | undefined {
  const timeout = durationOf(given);
  if (!timeout.isPositive()) throw new IllegalArgumentException(`'timeout' must be > 0. It was: ${String(timeout)}`);
  const timeoutMs = timeout.inWholeNanoseconds / nanosecondsPer.millisecond;
  return timeoutMs > timerMsMax ? undefined : timeoutMs;
}
