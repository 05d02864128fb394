/**
 * The floors: what the same work costs without any database, merging or protocol.
 *
 * @module
 */

import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { WebSocket } from "ws";
import { timed } from "./figures.js";
import type { Item } from "./items.js";

/** The floor server of one benchmark run. */
export class Floor {
  readonly #child: ChildProcess;
  readonly #port: number;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.#port = port;
  }

  static async start(): Promise<Floor> {
    const child = fork(fileURLToPath(new URL("../dist/floor-server.js", import.meta.url)));
    const port = await new Promise<number>((resolve, reject) => {
      child.once("message", (message: { port: number }) => resolve(message.port));
      child.once("exit", () => reject(new Error("the floor server ended")));
    });
    return new Floor(child, port);
  }

  stop(): void {
    this.#child.disconnect();
  }

  /** Milliseconds until `count` rows have come as JSON over one socket into a Map. */
  async rows(count: number): Promise<number> {
    const socket = new WebSocket(`ws://127.0.0.1:${this.#port}/rows?count=${count}`, { perMessageDeflate: false });
    await new Promise((resolve, reject) => {
      socket.once("message", resolve);
      socket.once("error", reject);
    });
    const rows = new Map<number, Item>();
    const tookMs = await timed(
      () =>
        new Promise<void>((resolve) => {
          socket.on("message", (data) => {
            for (const row of JSON.parse((data as Buffer).toString("utf8")) as Item[]) rows.set(row._id, row);
            if (rows.size === count) resolve();
          });
          socket.send("go");
        }),
    );
    socket.close();
    return tookMs;
  }

  /** Milliseconds of `count` round trips of a small message, one after the other. */
  async roundTrips(count: number): Promise<number[]> {
    const socket = new WebSocket(`ws://127.0.0.1:${this.#port}/echo`, { perMessageDeflate: false });
    await new Promise((resolve, reject) => {
      socket.once("open", resolve);
      socket.once("error", reject);
    });
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
