/**
 * Counters of what the server does, with rates over the last seconds.
 *
 * @module
 */

import type { Host } from "./host.js";

/** Names of the counters. */
export type CounterName =
  | "connections"
  | "connectionsRefused"
  | "messagesReceived"
  | "messagesSent"
  | "bytesReceived"
  | "bytesSent"
  | "uploads"
  | "changesets"
  | "instructions"
  | "conflicts"
  | "compensations"
  | "commits"
  | "downloads"
  | "entriesSent"
  | "queries"
  | "queryErrors"
  | "protocolErrors"
  | "sessionErrors"
  | "clientFilesExpired"
  | "entriesTrimmed"
  | "instructionsFolded"
  | "clocksAhead"
  | "rescueWaits"
  | "logins"
  | "loginsRefused"
  | "requests";

/** Where else counts go, a Prometheus registry for instance. */
export interface MetricsSink {
  /** Counts. */
  count(name: CounterName, amount: number): void;
}

const windowSeconds = 10;

interface Series {
  total: number;
  /** One bucket a second, by second modulo the length. */
  readonly buckets: Float64Array;
  second: number;
}

/** The server's own counters. */
export class Metrics {
  readonly #host: Host;
  readonly #sink: MetricsSink | undefined;
  readonly #series = new Map<CounterName, Series>();

  constructor(host: Host, sink?: MetricsSink) {
    this.#host = host;
    this.#sink = sink;
  }

  /** Counts. */
  count(name: CounterName, amount = 1): void {
    if (amount === 0) return;
    const series = this.#advance(name);
    series.total += amount;
    const bucket = series.second % series.buckets.length;
    series.buckets[bucket] = (series.buckets[bucket] ?? 0) + amount;
    this.#sink?.count(name, amount);
  }

  /** How much was counted since the start. */
  total(name: CounterName): number {
    return this.#series.get(name)?.total ?? 0;
  }

  /** Average over the last ten whole seconds. */
  perSecond(name: CounterName): number {
    const series = this.#advance(name);
    const current = series.buckets[series.second % series.buckets.length] ?? 0;
    const sum = series.buckets.reduce((all, one) => all + one, 0) - current;
    return sum / windowSeconds;
  }

  /** The same of all counters. */
  totals(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#series].map(([name, series]) => [name, series.total]));
  }

  #advance(name: CounterName): Series {
    const now = Math.floor(this.#host.nowMs() / 1000);
    let series = this.#series.get(name);
    if (series === undefined) {
      series = { total: 0, buckets: new Float64Array(windowSeconds + 1), second: now };
      this.#series.set(name, series);
    }
    const passed = Math.min(Math.max(0, now - series.second), series.buckets.length);
    for (let step = 1; step <= passed; step += 1) {
      series.buckets[(series.second + step) % series.buckets.length] = 0;
    }
    // Buckets that were skipped in a long silence are the same ones, so clearing each once is enough.
    if (passed === series.buckets.length) series.buckets.fill(0);
    if (now > series.second) series.second = now;
    return series;
  }
}
