/**
 * Group commit: uploads that arrive while a commit is under way go into the next one together, whatever session they
 * are of. The order within a session is kept.
 *
 * @module
 */

import { Deferred } from "./concurrency.js";
import type { Ledger, Upload, UploadAnswer } from "./ledger.js";

/** The session an upload is of. */
export interface CommitParticipant {
  /** Resolves once no download of the session is being made; none is begun before {@link releaseDownloads}. */
  holdDownloads(): Promise<void>;
  releaseDownloads(): void;
  /** Whether an upload of it was refused: those that followed are dropped. */
  readonly isRefused: boolean;
}

interface Waiting {
  readonly participant: CommitParticipant;
  readonly upload: Upload;
  readonly answer: Deferred<UploadAnswer | null>;
}

/** What {@link CommitQueue} needs. */
export interface CommitQueueContext {
  readonly ledger: Ledger;
  readonly nowMs: () => number;
  readonly bytesMax: number;
  readonly uploadsMax: number;
  /** Called after each commit, when all its uploads were answered. */
  readonly onCommit: (answers: readonly UploadAnswer[]) => void;
}

/** The one way into `Ledger.integrate`. */
export class CommitQueue {
  readonly #context: CommitQueueContext;
  #waiting: Waiting[] = [];
  #running: Promise<void> | null = null;

  constructor(context: CommitQueueContext) {
    this.#context = context;
  }

  /** Uploads that wait for a commit. */
  get length(): number {
    return this.#waiting.length;
  }

  /**
   * Puts an upload into the queue.
   *
   * @returns the ledger's answer, once what it speaks of is durable; `null` if the upload was dropped.
   */
  submit(participant: CommitParticipant, upload: Upload): Promise<UploadAnswer | null> {
    const answer = new Deferred<UploadAnswer | null>();
    this.#waiting.push({ participant, upload, answer });
    this.#running ??= this.#run();
    return answer.promise;
  }

  /** Resolves when everything submitted until now was answered. */
  async idle(): Promise<void> {
    while (this.#running !== null) await this.#running;
  }

  async #run(): Promise<void> {
    // The first upload waits for one turn of the loop, so that those read from sockets together commit together.
    await new Promise<void>((resolve) => setImmediate(resolve));
    while (this.#waiting.length > 0) {
      const batch = this.#take();
      if (batch.length > 0) await this.#commit(batch);
    }
    this.#running = null;
  }

  #take(): Waiting[] {
    const { bytesMax, uploadsMax } = this.#context;
    const batch: Waiting[] = [];
    let bytes = 0;
    let taken = 0;
    for (const one of this.#waiting) {
      if (batch.length >= uploadsMax || (taken > 0 && bytes + one.upload.body.length > bytesMax)) break;
      taken += 1;
      if (one.participant.isRefused) one.answer.resolve(null);
      else {
        bytes += one.upload.body.length;
        batch.push(one);
      }
    }
    this.#waiting = this.#waiting.slice(taken);
    return batch;
  }

  async #commit(batch: readonly Waiting[]): Promise<void> {
    const { ledger, nowMs, onCommit } = this.#context;
    const participants = [...new Set(batch.map((one) => one.participant))];
    let answers: readonly UploadAnswer[] = [];
    try {
      await Promise.all(participants.map((one) => one.holdDownloads()));
      answers = await ledger.integrate(
        batch.map((one) => one.upload),
        nowMs(),
      );
      batch.forEach((one, index) => one.answer.resolve(answers[index] ?? null));
    } catch (error) {
      for (const one of batch) one.answer.reject(error);
    }
    // What waits for the answers (compensating writes go out first) runs before downloads go on.
    await new Promise<void>((resolve) => setImmediate(resolve));
    for (const one of participants) one.releaseDownloads();
    onCommit(answers);
  }
}
