/**
 * Points in time.
 *
 * @module
 */

import { IllegalArgumentException } from "../errors.js";

const nanosecondsPerSecond = 1_000_000_000;

/** A point in time, exact to the nanosecond. Dates may be given wherever one is written. */
export class RealmInstant {
  static readonly MIN: RealmInstant = new RealmInstant(Number.MIN_SAFE_INTEGER, -999_999_999);
  static readonly MAX: RealmInstant = new RealmInstant(Number.MAX_SAFE_INTEGER, 999_999_999);
  /** Since 1970-01-01T00:00:00Z. */
  readonly epochSeconds: number;
  /** Of the same sign as the seconds. */
  readonly nanosecondsOfSecond: number;

  private constructor(epochSeconds: number, nanosecondsOfSecond: number) {
    this.epochSeconds = epochSeconds;
    this.nanosecondsOfSecond = nanosecondsOfSecond;
  }

  /** @param nanosecondAdjustment added to the seconds; may be a second or more, or negative. */
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

  static now(): RealmInstant {
    return RealmInstant.fromDate(new Date());
  }

  static fromDate(date: Date): RealmInstant {
    const unixMs = date.getTime();
    const seconds = Math.trunc(unixMs / 1000);
    return RealmInstant.from(seconds, (unixMs - seconds * 1000) * 1_000_000);
  }

  /** The date of the millisecond that it falls in. */
  toDate(): Date {
    return new Date(this.epochSeconds * 1000 + Math.trunc(this.nanosecondsOfSecond / 1_000_000));
  }

  compareTo(other: RealmInstant): number {
    return (
      Math.sign(this.epochSeconds - other.epochSeconds) ||
      Math.sign(this.nanosecondsOfSecond - other.nanosecondsOfSecond) ||
      0
    );
  }

  equals(other: unknown): boolean {
    return other instanceof RealmInstant && this.compareTo(other) === 0;
  }

  toString(): string {
    return `RealmInstant(epochSeconds=${this.epochSeconds}, nanosecondsOfSecond=${this.nanosecondsOfSecond})`;
  }

  toJSON(): string {
    return this.toDate().toISOString();
  }
}
