/**
 * Upkeep of an app's ledger: client files that stayed away expire, and the log is trimmed.
 *
 * It runs in short steps off the event loop, each a commit of its own, so that uploads pass between them.
 *
 * @module
 */

import type { Host } from "./host.js";
import type { Ledger } from "./ledger.js";
import type { Logger } from "./logger.js";
import type { Metrics } from "./metrics.js";

/** How long a client may be away before it has to start over: 30 days. */
export const defaultMaxOfflineMs: number = 30 * 24 * 60 * 60_000;

/** A cycle begins this often within the maximum offline time: every hour of 30 days. */
const cyclesPerWindow = 720;
const intervalMsMin = 10;
const intervalMsMax = 60 * 60_000;
/** The first cycle of a start comes soon: a server that is restarted often has to get to it too. */
const firstMsMax = 30_000;
/** Rows that one step looks at or deletes. */
const stepRowsMax = 500;

/** What {@link Upkeep} needs. */
export interface UpkeepContext {
  readonly appId: string;
  readonly ledger: Ledger;
  readonly host: Host;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly maxOfflineMs: number;
  /** Sessions for which nothing came for long are owed a message that tells them of their cursor. */
  readonly onCursorsOwed: () => void;
}

/** Runs cycles until it is stopped. */
export class Upkeep {
  readonly #context: UpkeepContext;
  #intervalMs = intervalMsMax;
  #cancel: () => void = () => undefined;
  #running: Promise<void> = Promise.resolve();
  #isRunning = false;
  #isStopped = false;

  constructor(context: UpkeepContext) {
    this.#context = context;
    this.setMaxOfflineMs(context.maxOfflineMs);
  }

  /** Sets how long a client may be away. What was trimmed does not come back. */
  setMaxOfflineMs(maxOfflineMs: number): void {
    this.#context.ledger.setMaxOfflineMs(maxOfflineMs);
    this.#intervalMs = Math.min(Math.max(maxOfflineMs / cyclesPerWindow, intervalMsMin), intervalMsMax);
    if (this.#isRunning) return;
    this.#cancel();
    this.#schedule(Math.min(this.#intervalMs, firstMsMax));
  }

  /** Resolves when no step is under way; none is begun any more. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancel();
    await this.#running;
  }

  #schedule(delayMs: number): void {
    this.#cancel = this.#context.host.after(delayMs, () => {
      this.#isRunning = true;
      this.#running = this.#cycle().finally(() => {
        this.#isRunning = false;
        if (!this.#isStopped) this.#schedule(this.#intervalMs);
      });
    });
  }

  async #cycle(): Promise<void> {
    const { appId, ledger, host, logger, metrics, onCursorsOwed } = this.#context;
    let [expired, trimmed, bytes, folded, owed] = [0, 0, 0, 0, 0];
    try {
      for (let isDone = false; !isDone && !this.#isStopped;) {
        const step = await ledger.maintain(host.nowMs(), stepRowsMax);
        isDone = step.isDone;
        expired += step.clientsExpired;
        trimmed += step.entriesTrimmed;
        bytes += step.bytesTrimmed;
        folded += step.instructionsFolded;
        owed += step.cursorsOwed;
      }
    } catch (error) {
      logger.error({ app: appId, err: error }, "upkeep of the ledger failed; it is tried again");
    }
    metrics.count("clientFilesExpired", expired);
    metrics.count("entriesTrimmed", trimmed);
    metrics.count("instructionsFolded", folded);
    if (expired > 0 || trimmed > 0 || folded > 0) {
      logger.info({ app: appId, expired, trimmed, bytes, folded }, "ledger trimmed");
    }
    if (owed > 0) onCursorsOwed();
  }
}
