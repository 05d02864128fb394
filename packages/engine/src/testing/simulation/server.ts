/**
 * A server of the simulation: it keeps what it has acknowledged, and answers in order, late, or not at all.
 *
 * @module
 */

import {
  type ClientMessage,
  type DownloadMessage,
  errorCode,
  errorInformation,
  type MarkMessage,
  type ServerMessage,
} from "@tidemark/protocol";
import type { FakeHost, FakeSocket } from "../fake-host.js";

/** A client file as the server knows it. */
interface ServerFile {
  acknowledged: number;
  /** Subscription set that is in force. */
  queryVersion: number;
}

/** A session of a connection. */
interface ServerSession {
  ident: bigint | undefined;
  queryVersion: number;
  /** Progress of its last UPLOAD. What was said on another connection may be said again. */
  progress: number;
}

/** What {@link ModelServer} needs. */
export interface ServerParts {
  readonly host: FakeHost;
  readonly roll: (sides: number) => number;
  /** Whether a token may be used now. */
  readonly accepts: (token: string) => boolean;
  readonly fail: (what: string) => void;
  /** A fault of its own: now and then it does not answer a MARK. */
  readonly losesMarks: boolean;
}

/** Slowest answer. */
const latencyMsMax = 400;

/** The server. */
export class ModelServer {
  readonly #parts: ServerParts;
  readonly #files = new Map<bigint, ServerFile>();
  readonly #connections = new Set<ServerConnection>();
  #lastIdent = 1n;
  version = 1;
  isUp = true;
  /** Whether it errs of its own accord. */
  isFaulty = true;

  constructor(parts: ServerParts) {
    this.#parts = parts;
  }

  get parts(): ServerParts {
    return this.#parts;
  }

  get connections(): readonly ServerConnection[] {
    return [...this.#connections];
  }

  /** Somebody opens a socket. */
  meet(socket: FakeSocket): void {
    const { host, roll, accepts } = this.#parts;
    host.setTimer(1 + roll(latencyMsMax), () => {
      if (socket.isClosed) return;
      const token = new URL(socket.url).searchParams.get("baas_at") ?? "";
      if (!this.isUp) return socket.end({ kind: "connect", message: "refused" });
      if (!accepts(token)) return socket.end({ kind: "http", status: 401, message: "" });
      const connection = new ServerConnection(this, socket, () => this.#connections.delete(connection));
      this.#connections.add(connection);
      socket.accept();
    });
  }

  /** Forgets connections that their clients have closed, which it learns only when it has something to do for them. */
  forget(): void {
    for (const connection of this.connections) if (!connection.isOpen) this.#connections.delete(connection);
  }

  /** The process dies: what it had answered stays true. */
  die(): void {
    this.isUp = false;
    for (const connection of this.connections) connection.cut();
  }

  allocate(): bigint {
    this.#lastIdent += 1n;
    this.#files.set(this.#lastIdent, { acknowledged: 0, queryVersion: 0 });
    return this.#lastIdent;
  }

  file(ident: bigint): ServerFile | undefined {
    return this.#files.get(ident);
  }
}

/** One accepted socket. */
export class ServerConnection {
  readonly #server: ModelServer;
  readonly #socket: FakeSocket;
  readonly #onGone: () => void;
  readonly #sessions = new Map<number, ServerSession>();
  #tasks: (() => void)[] = [];
  readonly #consequences: (() => void)[] = [];
  #isOver = false;

  constructor(server: ModelServer, socket: FakeSocket, onGone: () => void) {
    this.#server = server;
    this.#socket = socket;
    this.#onGone = onGone;
    socket.onReceived = (message) => this.#take(message);
  }

  /** Whether the client has not closed it. */
  get isOpen(): boolean {
    return !this.#socket.isClosed;
  }

  /** Breaks off; nothing that is under way arrives. */
  cut(): void {
    if (this.#isOver) return;
    this.#end();
    if (!this.#socket.isClosed) this.#socket.end({ kind: "read", message: "cut" });
  }

  #end(): void {
    this.#isOver = true;
    this.#socket.onReceived = () => undefined;
    this.#onGone();
  }

  /** Does something after all that was read before, and what that has led to. */
  #later(act: () => void): void {
    this.#tasks.push(act);
    if (this.#tasks.length === 1) this.#work();
  }

  /** Does something as a consequence of what is done now: before anything else that was read. */
  #next(act: () => void): void {
    this.#consequences.push(act);
  }

  /** One thing at a time, each after a while; nothing more once the connection is over. */
  #work(): void {
    const { host, roll } = this.#server.parts;
    const slowMs = roll(20) === 0 ? 5_000 : 0;
    host.setTimer(roll(latencyMsMax) + slowMs, () => {
      if (this.#isOver) return;
      if (this.#socket.isClosed) return this.#end();
      const [act, ...rest] = this.#tasks;
      act?.();
      this.#tasks = [...this.#consequences.splice(0), ...rest];
      // What was said last may be on its way, or being taken in.
      if (this.#server.isFaulty && roll(50) === 0) return this.cut();
      if (this.#tasks.length > 0) this.#work();
    });
  }

  #answer(message: ServerMessage): void {
    if (!this.#isOver && !this.#socket.isClosed) this.#socket.answer(message);
  }

  #take(message: ClientMessage): void {
    this.#later(() => this.#handle(message));
  }

  #handle(message: ClientMessage): void {
    switch (message.type) {
      case "ping":
        return this.#answer({ type: "pong", timestamp: message.timestamp });
      case "bind":
        return this.#onBind(message.session, message.needsFileIdent);
      case "ident":
        return this.#onIdent(message.session, message.fileIdent, message.queryVersion);
      case "query":
        return this.#onQuery(message.session, message.queryVersion, message.query);
      case "upload":
        return this.#onUpload(message.session, message.progressClientVersion, message.uncompressedSize > 0);
      case "mark":
        return this.#onMark(message);
      case "unbind":
        if (this.#sessions.delete(message.session)) this.#answer({ type: "unbound", session: message.session });
        return undefined;
      case "json_error":
        return this.#server.parts.fail(`the client reports an error: ${message.body}`);
      case "test_command":
        return undefined;
    }
  }

  #onBind(session: number, needsFileIdent: boolean): void {
    if (this.#sessions.has(session)) this.#server.parts.fail(`session ${session} is bound twice`);
    const bound: ServerSession = { ident: undefined, queryVersion: 0, progress: 0 };
    this.#sessions.set(session, bound);
    if (!needsFileIdent) return;
    bound.ident = this.#server.allocate();
    this.#answer({ type: "ident", session, fileIdent: bound.ident, fileIdentSalt: 7n });
  }

  #onIdent(session: number, ident: bigint, queryVersion: number): void {
    const found = this.#sessions.get(session);
    const file = this.#server.file(ident);
    if (found === undefined || file === undefined) return this.#server.parts.fail(`IDENT of session ${session}`);
    found.ident = ident;
    found.queryVersion = queryVersion;
    const isNew = file.queryVersion === 0 && queryVersion === 0;
    this.#download(session, isNew ? 1 : 2);
  }

  #onQuery(session: number, queryVersion: number, query: string): void {
    const found = this.#sessions.get(session);
    if (found?.ident === undefined) return;
    if (queryVersion <= found.queryVersion) this.#server.parts.fail(`query version ${queryVersion} comes twice`);
    if (query.includes("nonsense")) {
      const text = "Invalid query";
      return this.#answer({ type: "query_error", errorCode: errorCode.badQuery, session, queryVersion, message: text });
    }
    found.queryVersion = queryVersion;
    const last = this.#server.parts.roll(4);
    for (let part = 0; part <= last; part += 1) {
      this.#next(() => this.#download(session, part === last ? 1 : 0, [part, last + 1]));
    }
  }

  #onMark(message: MarkMessage): void {
    const { losesMarks, roll } = this.#server.parts;
    if (losesMarks && roll(5) === 0) return;
    if (this.#sessions.has(message.session)) this.#answer(message);
  }

  #onUpload(session: number, progressClientVersion: number, hasChangesets: boolean): void {
    const { roll, fail } = this.#server.parts;
    const found = this.#sessions.get(session);
    const file = found?.ident === undefined ? undefined : this.#server.file(found.ident);
    if (found === undefined || file === undefined) return;
    if (progressClientVersion < found.progress) fail("an upload goes back");
    found.progress = progressClientVersion;
    if (this.#server.isFaulty && roll(15) === 0) return this.#refuse(session);
    file.acknowledged = Math.max(file.acknowledged, progressClientVersion);
    // What only tells of progress is not answered. Of the rest, it may die before it has said so.
    if (hasChangesets) this.#next(() => this.#download(session, 2));
  }

  /** Ends a session with an error that passes. */
  #refuse(session: number): void {
    this.#sessions.delete(session);
    const code = this.#server.parts.roll(2) === 0 ? errorCode.sessionClosed : errorCode.otherSessionError;
    const information = errorInformation(code, "again", { tryAgain: true, action: "Transient", backoffIntervalSec: 2 });
    this.#answer({ type: "json_error", errorCode: code, session, body: JSON.stringify(information) });
  }

  /** @param place which of how many parts it is. */
  #download(
    session: number,
    batchState: DownloadMessage["batchState"],
    place: readonly [part: number, count: number] = [0, 1],
  ): void {
    const found = this.#sessions.get(session);
    const file = found?.ident === undefined ? undefined : this.#server.file(found.ident);
    if (found === undefined || file === undefined) return;
    if (batchState !== 0) this.#server.version += 1;
    if (batchState === 1) file.queryVersion = found.queryVersion;
    const version = this.#server.version;
    this.#answer({
      type: "download",
      session,
      downloadServerVersion: version,
      downloadClientVersion: 0,
      latestServerVersion: version,
      latestServerVersionSalt: 9n,
      uploadClientVersion: file.acknowledged,
      uploadServerVersion: 0,
      queryVersion: found.queryVersion,
      batchState,
      progressEstimate: (place[0] + 1) / place[1],
      isCompressed: false,
      uncompressedSize: place.length,
      body: Uint8Array.from(place),
    });
  }
}
