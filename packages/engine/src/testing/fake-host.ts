/**
 * A host under a test's control: a clock that stands still until it is moved, sockets that the test answers.
 *
 * @module
 */

import { type ClientMessage, parseClientMessage, type ServerMessage, serializeServerMessage } from "@tidemark/protocol";
import { must } from "../errors.js";
import type { Socket, SocketEvents, SocketFailure, SyncHost, TimerId } from "../host.js";

interface Timer {
  readonly id: number;
  readonly atMs: number;
  readonly callback: () => void;
}

/** Lets all promises settle. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}

/** The clock, timers and deferred calls. */
export class FakeHost implements SyncHost {
  readonly sockets: SyncHost["sockets"] = { open: this.#open.bind(this) };
  readonly userAgent = "test";
  readonly compression: SyncHost["compression"] = {
    compress: (body) => Promise.resolve({ isCompressed: false, uncompressedSize: body.length, body: body.slice() }),
    uncompress: (message) => Promise.resolve(message.body),
  };
  /** Every socket that was opened, oldest first. */
  readonly opened: FakeSocket[] = [];
  /** Called with each socket that is opened. */
  onSocket: (socket: FakeSocket) => void = () => undefined;
  randomValue = 0;
  #nowMs = 1_700_000_000_000;
  #timers: Timer[] = [];
  #lastTimer = 0;
  #deferred: (() => void)[] = [];

  nowMs(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  random(): number {
    return this.randomValue;
  }

  randomBytes(count: number): Uint8Array {
    return new Uint8Array(count).fill(this.randomValue * 256);
  }

  setTimer(delayMs: number, callback: () => void): TimerId {
    this.#lastTimer += 1;
    this.#timers.push({ id: this.#lastTimer, atMs: this.#nowMs + delayMs, callback });
    return this.#lastTimer;
  }

  clearTimer(id: TimerId): void {
    this.#timers = this.#timers.filter((timer) => timer.id !== id);
  }

  /** Timers that are set. */
  get timerCount(): number {
    return this.#timers.length;
  }

  defer(callback: () => void): void {
    this.#deferred.push(callback);
  }

  #open(
    url: string,
    protocols: readonly string[],
    _headers: Readonly<Record<string, string>>,
    events: SocketEvents,
  ): Socket {
    const socket = new FakeSocket(url, protocols, events);
    this.opened.push(socket);
    this.onSocket(socket);
    return socket;
  }

  /** Runs everything that is due now. */
  async run(): Promise<void> {
    await settle();
    while (this.#deferred.length > 0) {
      const calls = this.#deferred;
      this.#deferred = [];
      for (const call of calls) call();
      await settle();
    }
  }

  /** Moves the clock, firing timers in their order. */
  async advance(durationMs: number): Promise<void> {
    const endMs = this.#nowMs + durationMs;
    await this.run();
    for (;;) {
      const due = this.#timers.filter((timer) => timer.atMs <= endMs).sort((a, b) => a.atMs - b.atMs || a.id - b.id)[0];
      if (due === undefined) break;
      this.#timers = this.#timers.filter((timer) => timer !== due);
      this.#nowMs = Math.max(this.#nowMs, due.atMs);
      due.callback();
      await this.run();
    }
    this.#nowMs = endMs;
  }

  /** Forgets what only a test's look back needs: closed sockets, and what was received on the others. */
  forget(): void {
    const open = this.opened.filter(({ isClosed }) => !isClosed);
    this.opened.splice(0, this.opened.length, ...open);
    for (const socket of open) socket.forget();
  }

  /** The newest socket. */
  get socket(): FakeSocket {
    return must(this.opened.at(-1), "a socket was opened");
  }
}

/** The server's end of a socket. */
export class FakeSocket implements Socket {
  readonly url: string;
  readonly protocols: readonly string[];
  readonly received: ClientMessage[] = [];
  isClosed = false;
  /** While true, the peer takes nothing: writes stay pending. */
  isStalled = false;
  /** Called with each message that is sent. */
  onReceived: (message: ClientMessage) => void = () => undefined;
  readonly #events: SocketEvents;
  #read = 0;

  constructor(url: string, protocols: readonly string[], events: SocketEvents) {
    this.url = url;
    this.protocols = protocols;
    this.#events = events;
  }

  send(bytes: Uint8Array, onWritten: () => void): void {
    if (this.isClosed) throw new Error("send on a closed socket");
    const message = parseClientMessage(bytes);
    this.received.push(message);
    this.onReceived(message);
    if (!this.isStalled) onWritten();
  }

  close(): void {
    this.isClosed = true;
  }

  accept(): void {
    this.#events.onOpen(this.protocols[0] ?? "");
  }

  answer(message: ServerMessage): void {
    this.#events.onMessage(serializeServerMessage(message));
  }

  end(failure: SocketFailure): void {
    this.#events.onEnd(failure);
  }

  forget(): void {
    this.received.length = 0;
    this.#read = 0;
  }

  /** Messages since the last call. */
  take(): ClientMessage[] {
    const taken = this.received.slice(this.#read);
    this.#read = this.received.length;
    return taken;
  }

  /** Types of the messages since the last call. */
  takeTypes(): string[] {
    return this.take().map(({ type }) => type);
  }
}
