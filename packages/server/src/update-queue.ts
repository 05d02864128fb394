/**
 * Downloads of clients that had everything until the last change: many are owed little at once, and are asked for
 * together.
 *
 * @module
 */

import { Deferred } from "./concurrency.js";
import type { DownloadLimits, DownloadPart, Ledger, LedgerSession } from "./ledger.js";

/** Sessions that are asked for together. */
const sessionsMax = 128;

/** Questions that are under way at the same time. */
const questionsMax = 2;

/** Uncompressed bytes after which a question is answered with what there is. */
const bytesMax = 2 * 1024 * 1024;

interface Waiting {
  readonly session: LedgerSession;
  /** Whether it need not be asked any more. */
  readonly isOver: () => boolean;
  readonly answer: Deferred<DownloadPart | null>;
}

/** Asks for the downloads of many sessions at once. */
export class UpdateQueue {
  readonly #ledger: Ledger;
  readonly #limits: () => DownloadLimits;
  #waiting: Waiting[] = [];
  #isScheduled = false;
  #questions = 0;

  constructor(ledger: Ledger, limits: () => DownloadLimits) {
    this.#ledger = ledger;
    this.#limits = limits;
  }

  /**
   * The next message owed to a session, as {@link Ledger.nextDownload} gives it.
   *
   * @param isOver says whether the session has ended while it waited; the answer is `null` then.
   */
  next(session: LedgerSession, isOver: () => boolean): Promise<DownloadPart | null> {
    const answer = new Deferred<DownloadPart | null>();
    this.#waiting.push({ session, isOver, answer });
    this.#schedule();
    return answer.promise;
  }

  /** Waits for one turn of the loop, so that sessions woken together are asked for together. */
  #schedule(): void {
    if (this.#isScheduled || this.#waiting.length === 0 || this.#questions >= questionsMax) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      void this.#ask();
      this.#schedule();
    });
  }

  async #ask(): Promise<void> {
    const asked: Waiting[] = [];
    for (const one of this.#waiting.splice(0, sessionsMax)) {
      if (one.isOver()) one.answer.resolve(null);
      else asked.push(one);
    }
    if (asked.length === 0) return;
    this.#questions += 1;
    try {
      const sessions = asked.map((one) => one.session);
      const answers = await this.#ledger.nextDownloads(sessions, this.#limits(), bytesMax);
      for (const [index, answer] of answers.entries()) {
        const one = asked[index];
        if ("failure" in answer) one?.answer.reject(answer.failure);
        else one?.answer.resolve(answer.part);
      }
      // Those that there was no room for come first next time.
      this.#waiting.unshift(...asked.slice(answers.length));
    } catch (error) {
      for (const one of asked) one.answer.reject(error);
    } finally {
      this.#questions -= 1;
      this.#schedule();
    }
  }
}
