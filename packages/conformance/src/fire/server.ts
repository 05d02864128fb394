/**
 * The server under fire: killed again and again, and its memory and descriptors looked at meanwhile.
 *
 * @module
 */

import { readdirSync, readFileSync } from "node:fs";
import type { Dice } from "../harness/dice.js";
import { ServerProcess } from "../harness/server-process.js";

/** How often memory and descriptors are read. */
const sampleEveryMs = 200;
/** How long the server lives between two kills, mostly. */
const lifeMsMin = 3_000;
const lifeMsMax = 9_000;
/** One life in so many is long: what piles up slowly must have the time to, and attacks come to their end. */
const longLifeEvery = 5;
const firstLongLife = 3;
const longLifeMs = 25_000;
/** Complaints that are kept. */
const complaintsMax = 20;

/** What the server took up at most. */
export interface Usage {
  residentBytes: number;
  descriptors: number;
}

/** The server. */
export class Target {
  #server: ServerProcess | undefined;
  readonly #dice: Dice;
  /** Lives that were ended. */
  killCount = 0;
  /** Grows when the server begins and ends: what was under way then was cut off. */
  generation = 0;
  /** Error lines of its log, and deaths that nobody caused. */
  readonly complaints: string[] = [];
  readonly peak: Usage = { residentBytes: 0, descriptors: 0 };
  readonly #sampling: NodeJS.Timeout;
  #isUnderFire = false;
  #fire: Promise<void> = Promise.resolve();
  #endLife: () => void = () => undefined;

  private constructor(dice: Dice) {
    this.#dice = dice;
    this.#sampling = setInterval(() => this.#sample(), sampleEveryMs);
  }

  static async start(dice: Dice, serverArguments: readonly string[]): Promise<Target> {
    const target = new Target(dice);
    target.#server = await ServerProcess.start({
      arguments: serverArguments,
      onComplaint: (line) => target.#complain(line),
      onDeath: (how) => target.#complain(`the server ended by itself: ${how}`),
    });
    return target;
  }

  /** Whether it is not just being killed or started. */
  get isUp(): boolean {
    return this.generation % 2 === 0;
  }

  get #running(): ServerProcess {
    if (this.#server === undefined) throw new Error("the server was never started");
    return this.#server;
  }

  get url(): string {
    return this.#running.url;
  }

  #complain(line: string): void {
    // What there is to say about the app's files is said in plain words at each start, and is no failure.
    if (/: (information|warning): /.test(line)) return;
    if (this.complaints.length < complaintsMax) this.complaints.push(line);
  }

  /** Kills it again and again. */
  begin(): void {
    this.#isUnderFire = true;
    this.#fire = this.#killAgainAndAgain();
  }

  /** No more kills; resolves when it runs. */
  async spare(): Promise<void> {
    this.#isUnderFire = false;
    this.#endLife();
    await this.#fire;
  }

  async #killAgainAndAgain(): Promise<void> {
    for (let life = 1; this.#isUnderFire; life += 1) {
      const isLong = life % longLifeEvery === firstLongLife;
      await this.#live(isLong ? longLifeMs : lifeMsMin + this.#dice.below(lifeMsMax - lifeMsMin));
      if (!this.#isUnderFire) return;
      this.generation += 1;
      await this.#running.kill();
      this.killCount += 1;
      await this.#running.restart();
      this.generation += 1;
    }
  }

  #live(durationMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, durationMs);
      this.#endLife = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** What it takes up now; nothing where the system does not tell. */
  usage(): Usage | undefined {
    const pid = this.#server?.pid;
    if (pid === undefined) return undefined;
    try {
      const status = readFileSync(`/proc/${pid}/status`, "utf8");
      const kibibytes = /^VmRSS:\s+(\d+) kB/m.exec(status)?.[1];
      if (kibibytes === undefined) return undefined;
      return { residentBytes: Number(kibibytes) * 1024, descriptors: readdirSync(`/proc/${pid}/fd`).length };
    } catch {
      // It was killed between two looks, or there is no such file system.
      return undefined;
    }
  }

  #sample(): void {
    const usage = this.usage();
    if (usage === undefined) return;
    this.peak.residentBytes = Math.max(this.peak.residentBytes, usage.residentBytes);
    this.peak.descriptors = Math.max(this.peak.descriptors, usage.descriptors);
  }

  async stop(): Promise<void> {
    clearInterval(this.#sampling);
    await this.#server?.stop();
  }
}
