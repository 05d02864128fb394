/**
 * The other threads of a process. A thread's own figures are not for others to read, but a snapshot of its heap is.
 *
 * @module
 */

import type { Worker } from "node:worker_threads";
import { liveBytes } from "./live-bytes.js";

/** Watches the threads that are started from now on. */
export class ThreadHeaps {
  readonly #workers = new Set<Worker>();

  constructor() {
    process.on("worker", (worker) => {
      this.#workers.add(worker);
      worker.once("exit", () => this.#workers.delete(worker));
    });
  }

  /** Bytes of all objects that are alive on them. */
  async bytes(): Promise<number> {
    let sum = 0;
    for (const worker of this.#workers) sum += await liveBytes(await worker.getHeapSnapshot());
    return sum;
  }
}
