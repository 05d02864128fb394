/**
 * Points in time.
 *
 * @module
 */

import { IllegalArgumentException } from "../errors.js";

const nanosecondsPerSecond = 1_000_000_000;

/** A point in time, exact to the nanosecond. Dates may be given wherever one is written. */
export class RealmInstant {
  /** The earliest point in time. */
  static readonly MIN: RealmInstant = new RealmInstant(Number.MIN_SAFE_INTEGER, -999_999_999);
  /** The latest point in time. */
  static readonly MAX: RealmInstant = new RealmInstant(Number.MAX_SAFE_INTEGER, 999_999_999);
  /** Since 1970-01-01T00:00:00Z. */
  readonly epochSeconds: number;
  /** Of the same sign as the seconds. */
  readonly nanosecondsOfSecond: number;

  private constructor(epochSeconds: number, nanosecondsOfSecond: number) {
    this.epochSeconds = epochSeconds;
    this.nanosecondsOfSecond = nanosecondsOfSecond;
  }

  /**
   * The point in time of some seconds since 1970.
   *
   * @param nanosecondAdjustment added to the seconds; may be a second or more, or negative.
   * @throws {@link IllegalArgumentException} for numbers that are not whole and exact.
   */
  static from(epochSeconds: number, nanosecondAdjustment: number): RealmInstant {
    if (!Number.isSafeInteger(epochSeconds) || !Number.isSafeInteger(nanosecondAdjustment)) {
      throw new IllegalArgumentException(`Not a point in time: ${epochSeconds} s and ${nanosecondAdjustment} ns`);
    }
    let seconds = epochSeconds + Math.trunc(nanosecondAdjustment / nanosecondsPerSecond);
    let rest = nanosecondAdjustment % nanosecondsPerSecond;
    if (seconds > 0 && rest < 0) {
      seconds -= 1;
      rest += nanosecondsPerSecond;
    } else if (seconds < 0 && rest > 0) {
      seconds += 1;
      rest -= nanosecondsPerSecond;
    }
    return new RealmInstant(seconds, rest + 0);
  }

  /** The present millisecond. */
  static now(): RealmInstant {
    return RealmInstant.fromDate(new Date());
  }

  /** The point in time of a date. */
  static fromDate(date: Date): RealmInstant {
    const unixMs = date.getTime();
    const seconds = Math.trunc(unixMs / 1000);
    return RealmInstant.from(seconds, (unixMs - seconds * 1000) * 1_000_000);
  }

  /** The date of the millisecond that it falls in. */
  toDate(): Date {
    return new Date(this.epochSeconds * 1000 + Math.trunc(this.nanosecondsOfSecond / 1_000_000));
  }

  /** −1 if this is earlier, 0 if both are the same, 1 if it is later. */
  compareTo(other: RealmInstant): number {
    return (
      Math.sign(this.epochSeconds - other.epochSeconds) ||
      Math.sign(this.nanosecondsOfSecond - other.nanosecondsOfSecond) ||
      0
    );
  }

  /** Whether both are the same point in time. */
  equals(other: unknown): boolean {
    return other instanceof RealmInstant && this.compareTo(other) === 0;
  }

  /** Seconds and nanoseconds, for people. */
  toString(): string {
    return `RealmInstant(epochSeconds=${this.epochSeconds}, nanosecondsOfSecond=${this.nanosecondsOfSecond})`;
  }

  /** The date in the format of ISO 8601, to the millisecond. */
  toJSON(): string {
    return this.toDate().toISOString();
  }
}
