/**
 * One WebSocket connection of one user, with its sessions.
 *
 * Invariants: messages are handed to their sessions in the order they came; after an error of the connection nothing
 * more is sent or read; what waits for a slow receiver is bounded, and so is what a fast sender has sent and nobody
 * has worked through yet.
 *
 * @module
 */

import {
  type BindMessage,
  type ClientMessage,
  closeCode,
  defaultProtocolLimits,
  errorCode,
  errorInformation,
  type ErrorInformation,
  parseClientMessage,
  ProtocolError,
  type ProtocolErrorCode,
  type ProtocolLimits,
  serializeServerMessage,
  type ServerMessage,
  type SubProtocol,
} from "@tidemark/protocol";
import type { RawData, WebSocket } from "ws";
import { connectionRefusal } from "./app-settings.js";
import { Signal } from "./concurrency.js";
import { restartLaterSeconds, type SessionPeer, SyncSession } from "./session.js";
import type { SessionStatus } from "./session-status.js";
import type { AppConnection, SyncApp } from "./sync-app.js";

/** What waits for the receivers of all connections of a server. */
export interface AllWaiting {
  bytes: number;
}

/** What a connection is made of. */
export interface ConnectionContext {
  readonly allWaiting: AllWaiting;
  readonly socket: WebSocket;
  readonly app: SyncApp;
  readonly userId: string;
  readonly subProtocol: SubProtocol;
  readonly requestId: string;
  readonly logUrl: string;
  readonly remoteAddress: string;
  /** Called once, when the socket is closed. */
  readonly onClosed: () => void;
}

/** What the status page shows of a connection. */
export interface ConnectionStatus {
  /** Client app id. */
  readonly app: string;
  /** Id of the user. */
  readonly user: string;
  /** Version of the protocol that is spoken. */
  readonly protocolVersion: number;
  /** Where the client is, as far as the socket says. */
  readonly remoteAddress: string;
  /** Since when, since 1970. */
  readonly connectedMs: number;
  /** Bytes that wait to be sent. */
  readonly waitingBytes: number;
  /** Bytes that were received and not worked through. */
  readonly pendingBytes: number;
  /** Its sessions. */
  readonly sessions: readonly SessionStatus[];
}

/**
 * What a message takes up beside its bytes while it waits, on either side, as a guess on the safe side: without it a
 * flood of the shortest messages would take up many times what is counted.
 */
const messageOverheadBytes = 512;

const errorCodesOfProtocolErrors: Readonly<Record<ProtocolErrorCode, number>> = {
  "unknown-message": errorCode.unknownMessage,
  "bad-syntax": errorCode.badSyntax,
  "too-large": errorCode.badSyntax,
  "bad-decompression": errorCode.badDecompression,
  "bad-changeset-header": errorCode.badChangesetHeaderSyntax,
  "bad-changeset-size": errorCode.badChangesetSize,
};

/** A connection from its upgrade to its end. */
export class SyncConnection implements SessionPeer, AppConnection {
  readonly app: SyncApp;
  readonly userId: string;
  readonly protocolVersion: number;
  readonly requestId: string;
  readonly logUrl: string;
  readonly connectedMs: number;
  readonly #context: ConnectionContext;
  readonly #socket: WebSocket;
  readonly #protocolLimits: ProtocolLimits;
  readonly #sessions = new Map<number, SyncSession>();
  readonly #drained = new Signal();
  /** Cleared when the connection has failed or is gone: nothing is sent or read then. */
  #isOpen = true;
  #isReadingPaused = false;
  #isClosed = false;
  #waitingBytes = 0;
  #pendingBytes = 0;
  #lastReceivedMs: number;
  #lastSessionMs: number;

  constructor(context: ConnectionContext) {
    this.#context = context;
    this.#socket = context.socket;
    this.app = context.app;
    this.userId = context.userId;
    this.protocolVersion = context.subProtocol.version;
    this.requestId = context.requestId;
    this.logUrl = context.logUrl;
    const { limits, host } = this.app;
    this.connectedMs = host.nowMs();
    this.#lastReceivedMs = this.connectedMs;
    this.#lastSessionMs = this.connectedMs;
    this.#protocolLimits = {
      ...defaultProtocolLimits,
      bodyBytesMax: limits.uploadBytesMax,
      // Too long a query is answered by name, not as a breach of the grammar.
      queryBytesMax: limits.messageBytesMax,
    };
  }

  /** Begins to read. */
  start(): void {
    const socket = this.#socket;
    socket.on("message", (data: RawData, isBinary: boolean) => this.#onMessage(data, isBinary));
    socket.on("error", (error: Error) => this.app.logger.info({ user: this.userId, err: error }, "socket error"));
    socket.on("close", () => this.#onClose());
    if (this.app.isRetired) {
      this.drop("the ledger was replaced meanwhile");
      return;
    }
    this.app.connections.add(this);
    this.checkMode();
  }

  checkMode(): void {
    const refusal = connectionRefusal(this.app.settings, this.#context.subProtocol.mode);
    if (refusal !== null) this.fail(refusal.code, refusal.message, refusal.overrides);
  }

  // --- receiving ------------------------------------------------------------------------------------------

  #onMessage(data: RawData, isBinary: boolean): void {
    if (!this.#isOpen) return;
    this.#lastReceivedMs = this.app.host.nowMs();
    const bytes = toBytes(data);
    this.app.metrics.count("messagesReceived");
    this.app.metrics.count("bytesReceived", bytes.length);
    try {
      if (!isBinary) throw new ProtocolError("bad-syntax", "message", "text frame");
      this.#dispatch(parseClientMessage(bytes, this.#protocolLimits), bytes.length);
    } catch (error) {
      if (error instanceof ProtocolError) this.failBy(error);
      else {
        this.app.logger.error({ user: this.userId, err: error }, "a connection failed");
        this.fail(errorCode.otherError, "internal server error");
      }
    }
  }

  #dispatch(message: ClientMessage, bytes: number): void {
    if (message.type === "ping") {
      this.send({ type: "pong", timestamp: message.timestamp });
      return;
    }
    const session = this.#sessions.get(message.session);
    if (message.type === "bind") {
      if (session === undefined) this.#bind(message);
      else this.fail(errorCode.reuseOfSessionIdent, "Overlapping reuse of session identifier (BIND)");
      return;
    }
    if (session === undefined) {
      this.fail(errorCode.badSessionIdent, `Bad session identifier (${message.type.toUpperCase()})`);
      return;
    }
    if (message.type === "unbind") {
      this.#sessions.delete(message.session);
      this.#lastSessionMs = this.app.host.nowMs();
      session.unbind();
      return;
    }
    const weight = bytes + messageOverheadBytes;
    this.#receivedBytes(weight);
    session.receive(message, weight);
  }

  #bind(message: BindMessage): void {
    const { sessionsPerConnectionMax, refusedSessionsMax } = this.app.limits;
    if (this.#sessions.size >= sessionsPerConnectionMax + refusedSessionsMax) {
      this.fail(errorCode.otherError, "too many sessions on one connection");
      return;
    }
    const session = new SyncSession(this, message);
    this.#sessions.set(message.session, session);
    if (this.#sessions.size > sessionsPerConnectionMax) {
      session.fail(errorCode.otherSessionError, "too many sessions on one connection", restartLaterSeconds);
      return;
    }
    session.start(message);
  }

  /** Counts what was received; beyond the bound the socket is not read until some of it was worked through. */
  #receivedBytes(bytes: number): void {
    this.#pendingBytes += bytes;
    if (this.#pendingBytes <= this.app.limits.pendingBytesMax || this.#isReadingPaused) return;
    this.#isReadingPaused = true;
    this.#socket.pause();
  }

  worked(bytes: number): void {
    this.#pendingBytes -= bytes;
    if (!this.#isReadingPaused || this.#pendingBytes > this.app.limits.pendingBytesMax / 2) return;
    this.#isReadingPaused = false;
    this.#socket.resume();
  }

  // --- sending --------------------------------------------------------------------------------------------

  send(message: ServerMessage): void {
    if (!this.#isOpen) return;
    const bytes = serializeServerMessage(message, this.protocolVersion);
    this.app.metrics.count("messagesSent");
    this.app.metrics.count("bytesSent", bytes.length);
    const weight = bytes.length + messageOverheadBytes;
    this.#wait(weight);
    this.#socket.send(bytes, { binary: true, compress: false }, () => {
      this.#wait(-weight);
      if (this.hasRoom) this.#drained.raise();
    });
    const { waitingBytesMax, waitingBytesHardMax, waitingBytesAllMax } = this.app.limits;
    if (this.#waitingBytes > waitingBytesHardMax) this.drop("the receiver does not read");
    else if (this.#context.allWaiting.bytes > waitingBytesAllMax && this.#waitingBytes > waitingBytesMax) {
      this.drop("the receiver is slow, and too much waits for others");
    }
  }

  /** Counts what waits for the receiver. What is left when the socket is closed waits no more. */
  #wait(bytes: number): void {
    if (this.#isClosed) return;
    this.#waitingBytes += bytes;
    this.#context.allWaiting.bytes += bytes;
  }

  get hasRoom(): boolean {
    const { waitingBytesMax, waitingBytesAllMax } = this.app.limits;
    if (this.#context.allWaiting.bytes > waitingBytesAllMax) return this.#waitingBytes === 0;
    return this.#waitingBytes <= waitingBytesMax;
  }

  async room(): Promise<void> {
    if (this.#isOpen && !this.hasRoom) await this.#drained.wait();
  }

  // --- ending ---------------------------------------------------------------------------------------------

  fail(code: number, message: string, overrides: Partial<Pick<ErrorInformation, "tryAgain">> = {}): void {
    if (!this.#isOpen) return;
    this.app.metrics.count("protocolErrors");
    this.app.logger.info({ user: this.userId, code }, message);
    const information = errorInformation(code, message, { logURL: this.logUrl, ...overrides });
    this.send({ type: "json_error", errorCode: code, session: 0, body: JSON.stringify(information) });
    this.close(closeCode.normal, "");
  }

  failBy(error: ProtocolError): void {
    if (error.code === "too-large" && error.where.startsWith("upload")) {
      // Nothing would ever make the server take it, so the client may as well reset.
      this.close(closeCode.messageTooBig, tooBigReason(this.app.limits.uploadBytesMax));
      return;
    }
    const code = errorCodesOfProtocolErrors[error.code];
    this.fail(code, `${errorTexts[error.code]} (${error.where})`);
  }

  /** Closes with a code, and drops the connection if the peer does not close in time. */
  close(code: number, reason: string): void {
    if (!this.#isOpen) return;
    this.#shut();
    this.#socket.close(code, reason);
    this.app.host.after(this.app.limits.closeMs, () => this.#socket.terminate());
  }

  /** Says that the server goes away; clients reconnect without a word to the application. */
  goAway(reason: string): void {
    this.fail(errorCode.connectionClosed, reason);
  }

  drop(reason: string): void {
    this.app.logger.info({ user: this.userId }, `connection dropped: ${reason}`);
    this.#shut();
    this.#socket.terminate();
  }

  /** Drops the connection if it has been silent, or without sessions, for too long. */
  reap(nowMs: number): void {
    const { idleMs, lingerMs } = this.app.limits;
    if (nowMs - this.#lastReceivedMs > idleMs) this.drop("idle");
    else if (this.#sessions.size === 0 && nowMs - this.#lastSessionMs > lingerMs) this.drop("no sessions");
  }

  status(): ConnectionStatus {
    return {
      app: this.app.id,
      user: this.userId,
      protocolVersion: this.protocolVersion,
      remoteAddress: this.#context.remoteAddress,
      connectedMs: this.connectedMs,
      waitingBytes: this.#waitingBytes,
      pendingBytes: this.#pendingBytes,
      sessions: [...this.#sessions.values()].map((session) => session.status()),
    };
  }

  #shut(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    // A close frame of the peer must still be seen.
    if (this.#isReadingPaused) this.#socket.resume();
    this.app.connections.delete(this);
    for (const session of this.#sessions.values()) session.end();
    this.#sessions.clear();
    this.#drained.raise();
  }

  #onClose(): void {
    this.#shut();
    this.#wait(-this.#waitingBytes);
    this.#isClosed = true;
    this.#context.onClosed();
  }
}

const errorTexts: Readonly<Record<ProtocolErrorCode, string>> = {
  "unknown-message": "Unknown type of input message",
  "bad-syntax": "Bad syntax in input message",
  "too-large": "Bad syntax in input message: limit exceeded",
  "bad-decompression": "Error in decompression (UPLOAD)",
  "bad-changeset-header": "Bad changeset header syntax (UPLOAD)",
  "bad-changeset-size": "Bad changeset size (UPLOAD)",
};

/** The text that clients find in the close frame. */
export function tooBigReason(bytesMax: number): string {
  return `read limited at ${bytesMax} bytes`;
}

function toBytes(data: RawData): Uint8Array {
  if (Array.isArray(data)) return Buffer.concat(data);
  return data instanceof ArrayBuffer ? new Uint8Array(data) : data;
}
