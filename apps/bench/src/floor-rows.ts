/**
 * Rows as JSON over a WebSocket: what both ends of the floor do.
 *
 * @module
 */

import type { RawData, WebSocket } from "ws";
import type { Item } from "./items.js";

/** Rows in one message. */
const rowsPerMessage = 1_000;

/** Sends rows as fast as the socket takes them. */
export function sendRows(socket: WebSocket, rows: readonly Item[]): void {
  for (let start = 0; start < rows.length; start += rowsPerMessage) {
    socket.send(JSON.stringify(rows.slice(start, start + rowsPerMessage)));
  }
}

/** Takes rows into a Map until it has `count` of them. */
export function takeRows(socket: WebSocket, count: number, onDone: () => void): void {
  const taken = new Map<number, Item>();
  const take = (data: RawData): void => {
    for (const row of JSON.parse((data as Buffer).toString("utf8")) as Item[]) taken.set(row._id, row);
    if (taken.size < count) return;
    socket.off("message", take);
    onDone();
  };
  socket.on("message", take);
}
