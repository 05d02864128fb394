/**
 * What the engine needs from its surroundings. Nothing else in the engine touches sockets, files, the clock or
 * randomness, so a test can give all of them.
 *
 * @module
 */

import type { ChangesetBody } from "@tidemark/protocol";

/** Identifies a timer. */
export type TimerId = number | object;

/** Time and randomness. */
export interface Clock {
  /** Milliseconds since 1970. */
  nowMs(): number;
  /** Milliseconds of a clock that never goes back. */
  monotonicMs(): number;
  /** At least 0, below 1. */
  random(): number;
  /** Bytes that nobody can guess: nonces and salts are made of them. */
  randomBytes(count: number): Uint8Array;
  /**
   * Calls back once, after a time.
   *
   * @param holdsProcess whether the process stays alive for it; `true` if not given. It may be ended before otherwise.
   */
  setTimer(delayMs: number, callback: () => void, holdsProcess?: boolean): TimerId;
  /** Ends a timer that has not called back. */
  clearTimer(timer: TimerId): void;
  /** Runs the callback in a later turn of the event loop, in order of the calls. */
  defer(callback: () => void): void;
}

/** Why a socket could not be opened or broke. */
export type SocketFailure =
  /** The server answered the upgrade with this status instead of 101. */
  | {
      /** Tells them apart. */
      readonly kind: "http";
      /** HTTP status. */
      readonly status: number;
      /** The text. */
      readonly message: string;
    }
  | {
      /** What did not work: finding the name, connecting, the certificate, or reading. */
      readonly kind: "resolve" | "connect" | "tls" | "read";
      /** The text. */
      readonly message: string;
    }
  /** The peer closed. */
  | {
      /** Tells them apart. */
      readonly kind: "close";
      /** What the peer gave; 1006 if it gave none. */
      readonly closeCode: number;
      /** The text. */
      readonly message: string;
    };

/** What happens on a socket. Nothing follows `onEnd`. */
export interface SocketEvents {
  /** `protocol` is the sub-protocol chosen by the server, empty if none. */
  onOpen(protocol: string): void;
  /** A binary message has arrived. */
  onMessage(bytes: Uint8Array): void;
  /** The socket is gone, or could not be opened. */
  onEnd(failure: SocketFailure): void;
}

/** An open or opening WebSocket. */
export interface Socket {
  /** Sends one binary message; `onWritten` tells that the next one may follow. */
  send(bytes: Uint8Array, onWritten: () => void): void;
  /** Closes without waiting for the peer. No event follows. */
  close(): void;
}

/** Opens WebSockets. */
export interface SocketFactory {
  /** Begins to open one. */
  open(
    url: string,
    protocols: readonly string[],
    headers: Readonly<Record<string, string>>,
    events: SocketEvents,
  ): Socket;
}

/** Compression of message bodies (zlib format). */
export interface Compression {
  /** Compresses where that is worth it. */
  compress(body: Uint8Array): Promise<ChangesetBody>;
  /** Gives what was compressed. @throws if it is damaged. */
  uncompress(message: ChangesetBody): Promise<Uint8Array>;
}

/** What the session loop needs. */
export interface SyncHost extends Clock {
  /** Opens sockets. */
  readonly sockets: SocketFactory;
  /** Compresses bodies. */
  readonly compression: Compression;
  /** Sent as `User-Agent`. */
  readonly userAgent: string;
}

/** Answer to an HTTP request. */
export interface HttpResponse {
  /** HTTP status. */
  readonly status: number;
  /** Header `Content-Type`; empty if there was none. */
  readonly contentType: string;
  /** The text. */
  readonly body: string;
}

/** An HTTP request. */
export interface HttpRequest {
  /** HTTP method. */
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** Whole address. */
  readonly url: string;
  /** Headers by name. */
  readonly headers: Readonly<Record<string, string>>;
  /** The text, if there is one. */
  readonly body?: string;
  /** How long the answer may take. */
  readonly timeoutMs: number;
  /** Ends the request when nobody wants the answer any more. */
  readonly signal?: AbortSignal | undefined;
}

/** Files, all calls synchronous. Paths are opaque texts. */
export interface Files {
  /** A path made of parts. */
  join(...parts: string[]): string;
  /** Makes a path absolute against the default directory. */
  resolve(path: string): string;
  /** The folder of a path. */
  directoryOf(path: string): string;
  /** Whether there is a file or a folder. */
  exists(path: string): boolean;
  /** Makes a folder and those above it. One that is there is no error. */
  makeDirectory(path: string): void;
  /** The text of a file; `null` if there is none. */
  readText(path: string): string | null;
  /** Replaces the file in one step: after a crash it holds the old or the new text. */
  writeText(path: string, text: string): void;
  /** Removes a file. One that is not there is no error. */
  remove(path: string): void;
  /** Copies a file, making the folder if need be. Durable when it returns. */
  copy(from: string, to: string): void;
}

/** Keeps texts from who has not the key. */
export interface Sealing {
  /** Makes of a text one that can be read with the same key alone. */
  seal(key: Uint8Array, text: string): string;
  /** Gives back what was sealed; `undefined` with another key, or if it was altered. */
  unseal(key: Uint8Array, sealed: string): string | undefined;
}

/** What the application's side of the engine needs. */
export interface Host extends Clock {
  /** Encryption of the users that are kept; a host without it refuses keys for them. */
  readonly sealing?: Sealing;
  /** The files. */
  readonly files: Files;
  /** @throws if there is no answer. */
  fetch(request: HttpRequest): Promise<HttpResponse>;
  /**
   * Tells when the machine may have come back online, if the host can know: sessions reconnect then.
   *
   * @returns what removes the listener.
   */
  onOnline?(listener: () => void): () => void;
  /** Description of the device for the log-in call. */
  readonly device: Readonly<Record<string, string>>;
}

/** What the timers of platforms count to: 24 days. A longer delay would be over at once. */
const timerMsMax = 2 ** 31 - 1;

/** A delay as the timers of platforms take it. */
export function timerMsOf(delayMs: number): number {
  return Math.min(Math.ceil(delayMs), timerMsMax);
}
