/**
 * A connection to the server, shared by the sessions of one user: opens, keeps alive, reopens.
 *
 * @module
 */

import {
  defaultProtocolLimits,
  leavesSessionOpen,
  parseErrorInformation,
  parseServerMessage,
  type PingMessage,
  parseSubProtocol,
  protocolVersionMax,
  serializeClientMessage,
  type ServerErrorMessage,
  type ServerMessage,
  subProtocolToken,
} from "@tidemark/protocol";
import { messageOf, simpleFailure, type SyncErrorInformation, syncStatusCode } from "../errors.js";
import type { Socket, SocketFailure, SyncHost, TimerId } from "../host.js";
import { BackOff, type BackOffSettings } from "./back-off.js";
import type { ConnectionState, ErrorConsequence, SyncTimeouts } from "./messages.js";
import { consequenceOf, serverError, socketVerdict } from "./status.js";

/** What a connection needs of a session. */
export interface ConnectedSession {
  /** Ident on the wire. */
  readonly ident: number;
  readonly isSuspended: boolean;
  onConnectionState(state: ConnectionState): void;
  /** @param isFast whether the interruption was short. */
  onEstablished(isFast: boolean): void;
  onLost(): void;
  onMessage(message: ServerMessage): void;
  /** The next message to send, if there is one. */
  nextMessage(): Promise<Uint8Array | undefined>;
  onConnectionError(error: SyncErrorInformation, consequence: ErrorConsequence): void;
  /** Takes up a session that an error had suspended. */
  resumeNow(): void;
}

/** What a connection needs of the client. */
export interface ConnectionOwner {
  readonly host: SyncHost;
  readonly timeouts: SyncTimeouts;
  route(): { readonly url: string; readonly accessToken: string; readonly isUrlVerified: boolean } | undefined;
  onNeeds(what: "token" | "location"): void;
  onUrlVerified(): void;
  onUnused(): void;
}

/** Messages larger than any server sends are refused before they are looked at. */
const limits = { ...defaultProtocolLimits, bodyBytesMax: 1024 * 1024 * 1024 };

type TimerName = "reconnect" | "connect" | "linger" | "ping" | "pong";

/** A connection, or the attempts to get one. */
export class Connection {
  readonly #owner: ConnectionOwner;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #sessions = new Map<number, ConnectedSession>();
  /** Idents whose UNBIND was sent and not answered: what still comes for them is dropped. */
  readonly #unbinding = new Set<number>();
  readonly #backOff: BackOff;
  #state: ConnectionState = "disconnected";
  #socket: Socket | undefined;
  /** Grows with each socket, so that late events of an old one are told apart. */
  #epoch = 0;
  #queue: ConnectedSession[] = [];
  #isSending = false;
  #endWrite: () => void = () => undefined;
  readonly #timers = new Map<TimerName, TimerId>();
  /** Who has sent the largest message on this socket: to blame if the server finds one too large. */
  #largest: { readonly session: ConnectedSession; readonly bytes: number } | undefined;
  #isPingDue = false;
  #pendingPing: number | undefined;
  #pingSentAt = 0;
  #roundTripMs = 0;
  #lostAt: number | undefined;
  /** The next attempt needs no delay: the application asked for it while connected. */
  #isUrgent = false;
  /** No attempts until the application asks: the server said not to try again, or a token is awaited. */
  #isBlocked = false;
  #isClosed = false;

  constructor(owner: ConnectionOwner, headers: Readonly<Record<string, string>>) {
    this.#owner = owner;
    this.#headers = headers;
    const { backOffInitialMs, backOffMaxMs } = owner.timeouts;
    this.#backOff = new BackOff({ initialMs: backOffInitialMs, maxMs: backOffMaxMs, multiplier: 2 });
  }

  get state(): ConnectionState {
    return this.#state;
  }

  get isUsed(): boolean {
    return this.#sessions.size > 0;
  }

  /** Adds a session; it binds as soon as there is a connection. */
  add(session: ConnectedSession): void {
    this.#sessions.set(session.ident, session);
    this.#clear("linger");
    if (this.#state === "disconnected") return this.retryNow();
    session.onConnectionState("connecting");
    if (this.#state === "connected") {
      session.onConnectionState("connected");
      session.onEstablished(false);
      this.enlist(session);
    }
  }

  /** Removes a session once its UNBIND is sent, or at once if there is nothing to send. */
  remove(session: ConnectedSession, wasBound: boolean, mayLinger: boolean): void {
    if (this.#sessions.get(session.ident) !== session) return;
    const isLast = this.#sessions.size === 1;
    if (this.#state === "connected" && wasBound) {
      this.#unbinding.add(session.ident);
      this.#socket?.send(serializeClientMessage({ type: "unbind", session: session.ident }), () => undefined);
    }
    this.#sessions.delete(session.ident);
    this.#queue = this.#queue.filter((queued) => queued !== session);
    if (!isLast) return;
    if (mayLinger && this.#state === "connected") this.#linger();
    else this.close();
  }

  #linger(): void {
    this.#setTimer("linger", this.#owner.timeouts.connectionLingerMs, () => {
      if (!this.isUsed) this.close();
    });
  }

  /** Ends the connection for good. */
  close(): void {
    this.#isClosed = true;
    this.#drop();
    this.#clear("reconnect");
    this.#clear("linger");
    this.#owner.onUnused();
  }

  /** Ends an exchange that the server has ended with an error: it does not answer. */
  sendUnbind(ident: number): void {
    if (this.#state !== "connected") return;
    this.#socket?.send(serializeClientMessage({ type: "unbind", session: ident }), () => undefined);
  }

  /** A session takes part again. */
  wake(session: ConnectedSession): void {
    if (this.#state === "disconnected") {
      if (!this.#timers.has("reconnect") && !this.#isBlocked) this.#connect();
    } else this.enlist(session);
  }

  /** Notes that a session has something to send. */
  enlist(session: ConnectedSession): void {
    if (this.#state !== "connected" || this.#sessions.get(session.ident) !== session) return;
    if (!this.#queue.includes(session)) this.#queue.push(session);
    this.#send();
  }

  /** Ends any waiting: connects at once, or asks the peer for a sign of life. */
  retryNow(): void {
    for (const session of this.#sessions.values()) session.resumeNow();
    this.#isBlocked = false;
    if (this.#state === "disconnected") {
      this.#backOff.reset();
      this.#connect();
      return;
    }
    this.#isUrgent = true;
    if (this.#state === "connected" && this.#pendingPing === undefined) {
      this.#isPingDue = true;
      this.#send();
    }
  }

  /** The route or token has changed. */
  onRoute(): void {
    if (this.#state === "disconnected" && this.isUsed) this.retryNow();
  }

  #hasWork(): boolean {
    for (const session of this.#sessions.values()) if (!session.isSuspended) return true;
    return false;
  }

  #connect(): void {
    const { host, timeouts } = this.#owner;
    this.#clear("reconnect");
    const route = this.#owner.route();
    if (this.#isClosed || route === undefined || !this.#hasWork()) return;
    this.#epoch += 1;
    const epoch = this.#epoch;
    this.#setState("connecting");
    // A session may have ended while it was told.
    if (this.#isClosed || this.#epoch !== epoch) return;
    const separator = route.url.includes("?") ? "&" : "?";
    const url = `${route.url}${separator}baas_at=${route.accessToken}`;
    const headers = { "User-Agent": host.userAgent, ...this.#headers };
    this.#setTimer("connect", timeouts.connectTimeoutMs, () => {
      this.#onEnd({ kind: "connect", message: "The connection was not established in time" });
    });
    try {
      this.#socket = host.sockets.open(url, [subProtocolToken("flexible", protocolVersionMax)], headers, {
        onOpen: (protocol) => {
          if (epoch === this.#epoch) this.#onOpen(protocol);
        },
        onMessage: (bytes) => {
          if (epoch === this.#epoch) this.#onMessage(bytes);
        },
        onEnd: (failure) => {
          if (epoch === this.#epoch) this.#onEnd(failure);
        },
      });
    } catch (error) {
      // An address or a header that cannot be sent: another attempt would be no better.
      this.#isBlocked = true;
      this.#fail("open", simpleFailure(syncStatusCode.syncConnectFailed, messageOf(error), true), "warn");
    }
  }

  #onOpen(protocol: string): void {
    const { host, timeouts } = this.#owner;
    this.#clear("connect");
    if (parseSubProtocol(protocol)?.version !== protocolVersionMax) {
      const message = protocol === "" ? "Missing protocol info from server" : "Bad protocol info from server";
      const error = simpleFailure(syncStatusCode.syncProtocolNegotiationFailed, message, true);
      this.#fail("negotiation", error, "warn");
      return;
    }
    this.#owner.onUrlVerified();
    const isFast = this.#lostAt !== undefined && host.monotonicMs() - this.#lostAt <= timeouts.fastReconnectLimitMs;
    this.#isUrgent = false;
    this.#largest = undefined;
    this.#setState("connected");
    this.#schedulePing(host.random() * timeouts.pingPeriodMs);
    for (const session of Array.from(this.#sessions.values())) {
      session.onEstablished(isFast);
      this.enlist(session);
    }
  }

  #onMessage(bytes: Uint8Array): void {
    let message: ServerMessage;
    try {
      message = parseServerMessage(bytes, limits);
    } catch (error) {
      return this.violation(messageOf(error));
    }
    if (message.type === "pong") return this.#onPong(message.timestamp);
    if (message.type === "json_error" && message.session === 0) return this.#onConnectionError(message);
    if (message.type === "log_message" && message.session === 0) return;
    if (this.#unbinding.has(message.session)) {
      if (endsExchange(message)) this.#unbinding.delete(message.session);
      return;
    }
    const session = this.#sessions.get(message.session);
    if (session !== undefined) session.onMessage(message);
    else if (message.type !== "log_message") this.violation(`message for unknown session ${message.session}`);
  }

  #onConnectionError(message: ServerErrorMessage): void {
    try {
      const information = parseErrorInformation(message.body);
      const error = serverError(message.errorCode, information);
      this.#isBlocked = !information.tryAgain;
      const reason = `error ${message.errorCode}`;
      this.#fail(reason, error, consequenceOf(information), backOffOf(information));
    } catch (error) {
      this.violation(messageOf(error));
    }
  }

  /** The server broke the protocol. */
  violation(detail: string): void {
    const text = `Protocol violation by the server: ${detail}`;
    this.#fail("violation", simpleFailure(syncStatusCode.syncProtocolInvariantFailed, text, true), "warn");
  }

  #onEnd(failure: SocketFailure): void {
    const isUrlVerified = this.#owner.route()?.isUrlVerified ?? false;
    // Whatever ends a connection that is there: it was not that none could be made.
    const isLost = this.#state === "connected" && failure.kind === "connect";
    const verdict = socketVerdict(isLost ? { ...failure, kind: "read" } : failure, isUrlVerified);
    // What is needed is awaited: it ends with a new route, which connects at once.
    if (verdict.needs === "token") this.#isBlocked = true;
    this.#fail(verdict.reason, verdict.error, verdict.consequence);
    if (verdict.needs !== "nothing") this.#owner.onNeeds(verdict.needs);
  }

  #fail(reason: string, error: SyncErrorInformation, consequence: ErrorConsequence, overrides?: BackOffSettings): void {
    const { host } = this.#owner;
    if (this.#state === "connected") this.#lostAt = host.monotonicMs();
    this.#drop();
    for (const session of Array.from(this.#sessions.values())) {
      const isConcerned = !error.isClientReset || session === this.#largest?.session;
      if (isConcerned) session.onConnectionError(error, consequence);
      else session.onConnectionError({ ...error, isClientReset: false, isFatal: false }, "transient");
    }
    if (this.#isClosed || this.#isBlocked || this.#state !== "disconnected") return;
    const delayMs = this.#isUrgent ? 0 : this.#backOff.next(reason, () => host.random(), overrides);
    this.#isUrgent = false;
    this.#setTimer("reconnect", delayMs, () => this.#connect());
  }

  /** Lets go of the socket and tells the sessions. */
  #drop(): void {
    this.#epoch += 1;
    this.#socket?.close();
    this.#socket = undefined;
    this.#endWrite();
    this.#queue = [];
    this.#unbinding.clear();
    this.#pendingPing = undefined;
    this.#isPingDue = false;
    this.#clear("connect");
    this.#clear("ping");
    this.#clear("pong");
    if (this.#state === "disconnected") return;
    for (const session of this.#sessions.values()) session.onLost();
    this.#setState("disconnected");
  }

  #setState(state: ConnectionState): void {
    this.#state = state;
    for (const session of Array.from(this.#sessions.values())) session.onConnectionState(state);
  }

  #send(): void {
    if (this.#isSending) return;
    this.#isSending = true;
    void this.#sendAll().finally(() => {
      this.#isSending = false;
      if (this.#state === "connected" && (this.#queue.length > 0 || this.#isPingDue)) this.#send();
    });
  }

  /** Sends one message at a time; sessions take turns. */
  async #sendAll(): Promise<void> {
    const epoch = this.#epoch;
    while (this.#state === "connected" && this.#epoch === epoch) {
      if (this.#isPingDue) {
        await this.#write(this.#makePing());
        continue;
      }
      const session = this.#queue.shift();
      if (session === undefined) return;
      const message = await session.nextMessage();
      if (message === undefined) continue;
      if (this.#epoch !== epoch) return;
      // It may have more to say; the others come first.
      if (!this.#queue.includes(session)) this.#queue.push(session);
      if (message.length > (this.#largest?.bytes ?? 0)) this.#largest = { session, bytes: message.length };
      await this.#write(message);
    }
  }

  #write(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      // A socket that has ended reports no write, but the sending must come to its end.
      this.#endWrite = resolve;
      if (this.#socket === undefined) resolve();
      else this.#socket.send(bytes, resolve);
    });
  }

  #makePing(): Uint8Array {
    const { host, timeouts } = this.#owner;
    this.#isPingDue = false;
    this.#clear("ping");
    this.#pingSentAt = host.monotonicMs();
    this.#pendingPing = Math.max(0, Math.floor(this.#pingSentAt));
    const ping: PingMessage = {
      type: "ping",
      timestamp: this.#pendingPing,
      roundTripMs: this.#roundTripMs,
    };
    this.#setTimer("pong", timeouts.pongTimeoutMs, () => {
      this.#onEnd({ kind: "read", message: "The server did not answer a sign of life in time" });
    });
    return serializeClientMessage(ping);
  }

  #onPong(timestamp: number): void {
    const { host, timeouts } = this.#owner;
    if (this.#pendingPing !== timestamp) return this.violation("unexpected pong");
    this.#pendingPing = undefined;
    this.#isUrgent = false;
    this.#clear("pong");
    this.#backOff.reset();
    const waitedMs = host.monotonicMs() - this.#pingSentAt;
    this.#roundTripMs = Math.max(0, Math.floor(waitedMs));
    const periodMs = timeouts.pingPeriodMs * (1 - host.random() * 0.1);
    this.#schedulePing(Math.max(0, periodMs - waitedMs));
  }

  /** The server has shown that it works: the next interruption is a new one. */
  onHealthy(): void {
    this.#backOff.reset();
  }

  #schedulePing(delayMs: number): void {
    this.#setTimer("ping", delayMs, () => {
      this.#isPingDue = true;
      this.#send();
    });
  }

  #setTimer(which: TimerName, delayMs: number, callback: () => void): void {
    this.#clear(which);
    const timer = this.#owner.host.setTimer(delayMs, () => {
      this.#timers.delete(which);
      callback();
    });
    this.#timers.set(which, timer);
  }

  #clear(which: TimerName): void {
    const timer = this.#timers.get(which);
    if (timer === undefined) return;
    this.#owner.host.clearTimer(timer);
    this.#timers.delete(which);
  }
}

/** The delays that a server asks for, if it does. */
export function backOffOf(information: {
  readonly backoffIntervalSec?: number;
  readonly backoffMaxDelaySec?: number;
  readonly backoffMultiplier?: number;
}): BackOffSettings | undefined {
  const { backoffIntervalSec, backoffMaxDelaySec, backoffMultiplier } = information;
  if (backoffIntervalSec === undefined) return undefined;
  return {
    initialMs: backoffIntervalSec * 1000,
    maxMs: (backoffMaxDelaySec ?? backoffIntervalSec) * 1000,
    multiplier: Math.max(1, backoffMultiplier ?? 1),
  };
}

/**
 * Whether nothing more is said for a session whose UNBIND is under way: an error that came first stands for UNBOUND.
 */
function endsExchange(message: ServerMessage): boolean {
  return message.type === "unbound" || (message.type === "json_error" && !leavesSessionOpen(message.errorCode));
}
