/**
 * How often a wrong password may be tried from one address.
 *
 * @module
 */

import { isIPv6 } from "node:net";
import type { Host } from "../host.js";

/** What may be tried. */
export interface AttemptLimits {
  /** Failures from one address within {@link AttemptLimits.windowMs}. */
  readonly failuresMax: number;
  readonly windowMs: number;
  /** Addresses that are remembered; beyond it the oldest is forgotten. */
  readonly addressesMax: number;
}

export const defaultAttemptLimits: AttemptLimits = { failuresMax: 10, windowMs: 60_000, addressesMax: 1000 };

interface Failures {
  readonly sinceMs: number;
  count: number;
}

/** Counts failed log-ins by address. */
export class LogInAttempts {
  readonly #host: Host;
  readonly #limits: AttemptLimits;
  /** In the order in which the windows began. */
  readonly #byAddress = new Map<string, Failures>();

  constructor(host: Host, limits: AttemptLimits = defaultAttemptLimits) {
    this.#host = host;
    this.#limits = limits;
  }

  /** Addresses that are remembered. */
  get size(): number {
    return this.#byAddress.size;
  }

  /** Whether a password of this address is looked at. */
  isAllowed(address: string): boolean {
    const failures = this.#byAddress.get(network(address));
    return failures === undefined || this.#isOver(failures) || failures.count < this.#limits.failuresMax;
  }

  /** A password of this address was wrong. */
  failed(address: string): void {
    const key = network(address);
    const failures = this.#byAddress.get(key);
    if (failures !== undefined && !this.#isOver(failures)) {
      failures.count += 1;
      return;
    }
    this.#byAddress.delete(key);
    this.#byAddress.set(key, { sinceMs: this.#host.nowMs(), count: 1 });
    const [oldest] = this.#byAddress.keys();
    if (this.#byAddress.size > this.#limits.addressesMax && oldest !== undefined) this.#byAddress.delete(oldest);
  }

  #isOver(failures: Failures): boolean {
    return this.#host.nowMs() - failures.sinceMs >= this.#limits.windowMs;
  }
}

/** Who has one address of IPv6 has 2^64 of them: those count as one. */
function network(address: string): string {
  if (!isIPv6(address)) return address;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped?.[1] !== undefined) return mapped[1];
  const [head = "", tail = ""] = address.split("::");
  const [left, right] = [head.split(":"), tail.split(":")].map((part) => part.filter((group) => group !== ""));
  const zeros = Array<string>(Math.max(0, 8 - (left?.length ?? 0) - (right?.length ?? 0))).fill("0");
  const groups = address.includes("::") ? [...(left ?? []), ...zeros, ...(right ?? [])] : (left ?? []);
  return groups.slice(0, 4).join(":");
}
