/**
 * What happens to the network: proxies between the clients and the server, and the faults that come over them.
 *
 * @module
 */

import type { Dice } from "../harness/dice.js";
import { FaultProxy } from "../harness/fault-proxy.js";

/** Clients are spread over so many ways to the server; a fault comes over one of them. */
const proxyCount = 16;
/** Average time between two faults. */
const faultEveryMs = 400;
/** Longest time that a way stays bad. */
const faultMsMax = 5_000;

export type FaultKind = "cut" | "blackhole" | "slow" | "late" | "severed" | "half-closed";

const kinds: readonly FaultKind[] = ["cut", "blackhole", "slow", "late", "severed", "severed", "half-closed"];

/** The network. */
export class Weather {
  readonly #proxies: readonly FaultProxy[];
  readonly #dice: Dice;
  /** Ways that are bad now. */
  readonly #bad = new Map<FaultProxy, NodeJS.Timeout>();
  #next: NodeJS.Timeout | undefined;
  /** How often each fault came; of those that strike single connections, how many were struck. */
  readonly counts: Record<FaultKind, number> = {
    cut: 0,
    blackhole: 0,
    slow: 0,
    late: 0,
    severed: 0,
    "half-closed": 0,
  };

  private constructor(proxies: readonly FaultProxy[], dice: Dice) {
    this.#proxies = proxies;
    this.#dice = dice;
  }

  static async start(target: string, dice: Dice): Promise<Weather> {
    return new Weather(await Promise.all(Array.from({ length: proxyCount }, () => FaultProxy.start(target))), dice);
  }

  get urls(): string[] {
    return this.#proxies.map(({ url }) => url);
  }

  /** Open sync connections. */
  get connections(): number {
    return this.#proxies.reduce((sum, proxy) => sum + proxy.connections(), 0);
  }

  /** Faults come from now on. */
  begin(): void {
    this.#next = setTimeout(
      () => {
        this.#strike();
        this.begin();
      },
      faultEveryMs * (0.1 + (this.#dice.below(1000) / 1000) * 1.8),
    );
  }

  /** No more faults; every way is good again. */
  clear(): void {
    clearTimeout(this.#next);
    for (const [proxy, timer] of this.#bad) {
      clearTimeout(timer);
      proxy.restore();
    }
    this.#bad.clear();
  }

  async stop(): Promise<void> {
    this.clear();
    await Promise.all(this.#proxies.map((proxy) => proxy.stop()));
  }

  #strike(): void {
    const dice = this.#dice;
    const proxy = dice.choose(this.#proxies);
    if (this.#bad.has(proxy)) return;
    const kind = dice.choose(kinds);
    const some = (): boolean => dice.below(3) === 0;
    const direction = dice.below(2) === 0 ? 0 : 1;
    if (kind === "severed") this.counts.severed += proxy.sever(some, direction);
    else if (kind === "half-closed") this.counts["half-closed"] += proxy.halfClose(some, direction);
    else {
      this.counts[kind] += 1;
      if (kind === "cut") proxy.cut();
      else if (kind === "blackhole") proxy.blackhole();
      else if (kind === "slow") proxy.slow(500 + dice.below(20_000));
      else proxy.delay(50 + dice.below(1_000));
      this.#last(proxy);
    }
  }

  #last(proxy: FaultProxy): void {
    const timer = setTimeout(
      () => {
        this.#bad.delete(proxy);
        proxy.restore();
      },
      100 + this.#dice.below(faultMsMax - 100),
    );
    this.#bad.set(proxy, timer);
  }
}
