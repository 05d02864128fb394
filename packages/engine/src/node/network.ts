/**
 * When a machine comes back online, as far as Node.js can know: the addresses of its network interfaces are looked at
 * now and then, and whoever knows better says so.
 *
 * @module
 */

import { networkInterfaces } from "node:os";

type Interfaces = ReturnType<typeof networkInterfaces>;

/** How often addresses are looked at. */
const periodMs = 5_000;

/** Watches the machine's network. */
export class Network {
  readonly #read: () => Interfaces;
  readonly #listeners = new Set<() => void>();
  #timer: NodeJS.Timeout | undefined;
  #known = "";

  constructor(read: () => Interfaces = networkInterfaces) {
    this.#read = read;
  }

  /**
   * Calls a listener whenever the machine has other addresses than before, unless it has none left. Does not keep the
   * process alive.
   *
   * @returns what removes the listener.
   */
  onOnline(listener: () => void): () => void {
    this.#listeners.add(listener);
    if (this.#timer === undefined) {
      this.#known = this.#addresses();
      this.#timer = setInterval(() => this.#look(), periodMs);
      this.#timer.unref();
    }
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    };
  }

  /** For applications that hear of it otherwise, such as by an event of a window. */
  announceOnline(): void {
    for (const listener of Array.from(this.#listeners)) listener();
  }

  #look(): void {
    const before = this.#known;
    this.#known = this.#addresses();
    if (this.#known !== "" && this.#known !== before) this.announceOnline();
  }

  #addresses(): string {
    const all = Object.values(this.#read()).flatMap((addresses) => addresses ?? []);
    const outward = all.filter(({ internal }) => !internal).map(({ address }) => address);
    return outward.sort().join(" ");
  }
}

/** The network of this machine. */
export const network: Network = new Network();
