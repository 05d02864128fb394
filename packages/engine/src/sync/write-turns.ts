/**
 * Whose turn it is where the application and the loop share a thread: while the application has a write transaction
 * open, which may last for many turns of the event loop, nothing happens in the loop. What it was to hear meanwhile
 * waits, in its order.
 *
 * @module
 */

import type { Clock, Socket, SocketEvents, SyncHost } from "../host.js";

/** Keeps the loop still while a write transaction is open. */
export class WriteTurns {
  readonly #clock: Clock;
  #open = 0;
  #waiting: (() => void)[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The application has begun a write transaction. */
  begin(): void {
    this.#open += 1;
  }

  /** It is over. */
  end(): void {
    this.#open -= 1;
    if (this.#open === 0 && this.#waiting.length > 0) this.#clock.defer(() => this.#catchUp());
  }

  /** Calls back now, or once no write transaction is open and all that waited before was called. */
  run(callback: () => void): void {
    if (this.#open === 0 && this.#waiting.length === 0) callback();
    else this.#waiting.push(callback);
  }

  #catchUp(): void {
    while (this.#open === 0) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      next();
    }
  }

  /** A host whose every callback waits for its turn. */
  around(host: SyncHost): SyncHost {
    const turn = (): Promise<void> => new Promise((resolve) => this.run(resolve));
    const inTurn = async <T>(work: Promise<T>): Promise<T> => {
      try {
        return await work;
      } finally {
        await turn();
      }
    };
    return {
      nowMs: () => host.nowMs(),
      monotonicMs: () => host.monotonicMs(),
      random: () => host.random(),
      userAgent: host.userAgent,
      setTimer: (delayMs, callback) => {
        // Whoever clears a timer that has rung and waits does not want to hear of it either.
        const timer = {
          isCleared: false,
          id: host.setTimer(delayMs, () => this.run(() => timer.isCleared || callback())),
        };
        return timer;
      },
      clearTimer: (timer) => {
        const own = timer as { isCleared: boolean; readonly id: ReturnType<Clock["setTimer"]> };
        own.isCleared = true;
        host.clearTimer(own.id);
      },
      defer: (callback) => host.defer(() => this.run(callback)),
      compression: {
        compress: (body) => inTurn(host.compression.compress(body)),
        uncompress: (message) => inTurn(host.compression.uncompress(message)),
      },
      sockets: {
        open: (url, protocols, headers, events) => this.#socket(host, [url, protocols, headers], events),
      },
    };
  }

  #socket(
    host: SyncHost,
    [url, protocols, headers]: readonly [string, readonly string[], Readonly<Record<string, string>>],
    events: SocketEvents,
  ): Socket {
    let isClosed = false;
    const later = (callback: () => void): void => this.run(() => isClosed || callback());
    const socket = host.sockets.open(url, protocols, headers, {
      onOpen: (protocol) => later(() => events.onOpen(protocol)),
      onMessage: (bytes) => later(() => events.onMessage(bytes)),
      onEnd: (failure) => later(() => events.onEnd(failure)),
    });
    return {
      send: (bytes, onWritten) => socket.send(bytes, () => this.run(onWritten)),
      close: () => {
        isClosed = true;
        socket.close();
      },
    };
  }
}
