/**
 * The floors: what the same work costs without any database, merging or protocol.
 *
 * @module
 */

import type { ChildProcess } from "node:child_process";
import { WebSocket } from "ws";
import { timed } from "./figures.js";
import { sendRows, takeRows } from "./floor-rows.js";
import type { Item } from "./items.js";
import { startProcess, stopProcess } from "./processes.js";

/** The floor server of one benchmark run. */
export class Floor {
  readonly #child: ChildProcess;
  readonly #port: number;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.#port = port;
  }

  static async start(): Promise<Floor> {
    const [child, { port }] = await startProcess<{ readonly port: number }>("floor-server", []);
    return new Floor(child, port);
  }

  async stop(): Promise<void> {
    await stopProcess(this.#child);
  }

  /** Where a path is served. */
  url(path: string): string {
    return `ws://127.0.0.1:${this.#port}${path}`;
  }

  async #open(path: string): Promise<WebSocket> {
    const socket = new WebSocket(this.url(path), { perMessageDeflate: false });
    await new Promise((resolve, reject) => {
      socket.once("message", resolve);
      socket.once("error", reject);
    });
    return socket;
  }

  /** Milliseconds until `count` rows have come as JSON over one socket into a Map. */
  async rowsDown(count: number): Promise<number> {
    const socket = await this.#open(`/down?count=${count}`);
    const tookMs = await timed(
      () =>
        new Promise<void>((resolve) => {
          takeRows(socket, count, resolve);
          socket.send("go");
        }),
    );
    socket.close();
    return tookMs;
  }

  /** Milliseconds until the other end has said that it has the rows in a Map. */
  async rowsUp(rows: readonly Item[]): Promise<number> {
    const socket = await this.#open(`/up?count=${rows.length}`);
    const tookMs = await timed(
      () =>
        new Promise((resolve) => {
          socket.once("message", resolve);
          sendRows(socket, rows);
        }),
    );
    socket.close();
    return tookMs;
  }

  /** Milliseconds of `count` round trips of a small message, one after the other. */
  async roundTrips(count: number): Promise<number[]> {
    const socket = await this.#open("/echo");
    const samples: number[] = [];
    for (let i = 0; i < count; i += 1) {
      samples.push(
        await timed(
          () =>
            new Promise((resolve) => {
              socket.once("message", resolve);
              socket.send(`message ${i}`);
            }),
        ),
      );
    }
    socket.close();
    return samples;
  }
}
