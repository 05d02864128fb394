/**
 * Whose turn it is at a file where the application and the session loop share a thread: while the application has a
 * write transaction open there, which may last for many turns of the event loop, the file's session takes nothing in.
 *
 * @module
 */

import type { Clock } from "../host.js";

interface Turns {
  open: number;
  waiting: (() => void)[];
}

/** Who may write, file by file. */
export class WriteTurns {
  readonly #clock: Pick<Clock, "defer">;
  readonly #files = new Map<string, Turns>();

  constructor(clock: Pick<Clock, "defer">) {
    this.#clock = clock;
  }

  /** The application has begun a write transaction on a file. */
  begin(path: string): void {
    const turns = this.#files.get(path) ?? { open: 0, waiting: [] };
    turns.open += 1;
    this.#files.set(path, turns);
  }

  /** It is over. */
  end(path: string): void {
    const turns = this.#files.get(path);
    if (turns === undefined) return;
    turns.open -= 1;
    if (turns.open > 0) return;
    if (turns.waiting.length === 0) this.#files.delete(path);
    // Whoever ends it has its turn first.
    else this.#clock.defer(() => this.#catchUp(path, turns));
  }

  #catchUp(path: string, turns: Turns): void {
    while (turns.open === 0) {
      const next = turns.waiting.shift();
      if (next === undefined) {
        this.#files.delete(path);
        return;
      }
      next();
    }
  }

  /** Whether the session may write now: no write transaction is open, and nothing waits from before. */
  isFree(path: string): boolean {
    return !this.#files.has(path);
  }

  /** Calls back now, or once the session may write, in the order of the calls. */
  whenFree(path: string, callback: () => void): void {
    const turns = this.#files.get(path);
    if (turns === undefined) callback();
    else turns.waiting.push(callback);
  }
}
