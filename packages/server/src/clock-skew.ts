/**
 * Devices whose clock runs ahead of the server's.
 *
 * Such a device wins every conflict until the others have caught up with its clock. Its timestamps are not rewritten,
 * as its own merge would then end elsewhere than the server's; but whoever runs the server is told.
 *
 * @module
 */

import type { Host } from "./host.js";
import type { Logger } from "./logger.js";
import type { Metrics } from "./metrics.js";

/** A device whose newest upload had a timestamp too far ahead. */
export interface AheadDevice {
  /** Ident of the client file. */
  readonly fileIdent: string;
  /** Who syncs. */
  readonly userId: string;
  /** How far the newest timestamp was ahead. */
  readonly aheadMs: number;
}

/** What the status shows. */
export interface ClocksAhead {
  /** How many there are. */
  readonly devices: number;
  /** How far the furthest is ahead. */
  readonly largestMs: number;
  /** Those furthest ahead. */
  readonly listed: readonly AheadDevice[];
}

/** What {@link ClockSkew} needs. */
export interface ClockSkewContext {
  readonly appId: string;
  readonly host: Host;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

interface Known {
  readonly userId: string;
  /** 0 once the device has uploaded something with a good timestamp. */
  readonly aheadMs: number;
  readonly warnedMs: number;
}

/** A device is named in the log this often at most. */
const warningIntervalMs = 24 * 60 * 60_000;
/** Devices remembered; beyond, those heard of longest ago are forgotten. */
const devicesMax = 10_000;
const listedMax = 20;

/** Remembers, and warns of, devices that are ahead. */
export class ClockSkew {
  readonly #context: ClockSkewContext;
  /** By file ident, the one heard of last at the end. */
  readonly #devices = new Map<string, Known>();

  constructor(context: ClockSkewContext) {
    this.#context = context;
  }

  /** Takes note of an upload with changesets; `aheadMs` if one of them was too far ahead. */
  note(fileIdent: string, userId: string, aheadMs: number | undefined): void {
    const known = this.#devices.get(fileIdent);
    if (known === undefined && aheadMs === undefined) return;
    const { appId, host, logger, metrics } = this.#context;
    const nowMs = host.nowMs();
    let warnedMs = known?.warnedMs ?? Number.NEGATIVE_INFINITY;
    if (aheadMs !== undefined && nowMs - warnedMs >= warningIntervalMs) {
      warnedMs = nowMs;
      metrics.count("clocksAhead");
      const text = "the clock of a device is ahead: until it is right, the device wins every conflict";
      logger.warn({ app: appId, user: userId, file: fileIdent, aheadMs }, text);
    }
    this.#devices.delete(fileIdent);
    this.#devices.set(fileIdent, { userId, aheadMs: aheadMs ?? 0, warnedMs });
    if (this.#devices.size <= devicesMax) return;
    for (const oldest of this.#devices.keys()) {
      this.#devices.delete(oldest);
      return;
    }
  }

  status(): ClocksAhead {
    const ahead = [...this.#devices]
      .filter(([, known]) => known.aheadMs > 0)
      .map(([fileIdent, { userId, aheadMs }]) => ({ fileIdent, userId, aheadMs }))
      .sort((a, b) => b.aheadMs - a.aheadMs);
    return { devices: ahead.length, largestMs: ahead[0]?.aheadMs ?? 0, listed: ahead.slice(0, listedMax) };
  }
}
