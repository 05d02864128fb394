/**
 * The clients' process as the process in command sees it: orders out, answers in.
 *
 * @module
 */

import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Answer, Order } from "./orders.js";

/** The process that holds the clients. */
export class FleetProcess {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<string, { resolve: (answer: Answer) => void; reject: (error: Error) => void }>();
  #isStopping = false;

  constructor() {
    this.#child = fork(fileURLToPath(new URL("./load.js", import.meta.url)), { serialization: "advanced" });
    this.#child.on("message", (answer: Answer) => this.#take(answer));
    this.#child.once("exit", (code, signal) => {
      if (!this.#isStopping) this.#failAll(new Error(`the clients' process ended with ${signal ?? `code ${code}`}`));
    });
  }

  #take(answer: Answer): void {
    if (answer.to === "failed") return this.#failAll(new Error(`the clients' process failed: ${answer.message}`));
    this.#waiting.get(answer.to)?.resolve(answer);
    this.#waiting.delete(answer.to);
  }

  #failAll(error: Error): void {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }

  /** Gives an order and waits until it is carried out. */
  order<Do extends Order["do"]>(order: Extract<Order, { do: Do }>): Promise<Extract<Answer, { to: Do }>> {
    return new Promise((resolve, reject) => {
      this.#waiting.set(order.do, { resolve: (answer) => resolve(answer as Extract<Answer, { to: Do }>), reject });
      this.#child.send(order);
    });
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = new Promise((resolve) => {
      this.#child.once("exit", resolve);
    });
    this.#child.kill("SIGTERM");
    await ended;
  }
}
