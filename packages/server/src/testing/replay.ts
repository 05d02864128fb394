/**
 * Replays the client's side of a recorded session against a server: idents, salts, tokens and server versions are
 * exchanged for those of the server's own answers, and each answer is checked by the rules of an original client.
 *
 * @module
 */

import {
  type ClientMessage,
  type DownloadMessage,
  parseClientMessage,
  parseServerMessage,
  parseUploadEntries,
  serializeClientMessage,
  type ServerMessage,
  writeUploadEntries,
} from "@tidemark/protocol";
import { compressBodySync, uncompressBodySync } from "@tidemark/protocol/node";
import { WebSocket } from "ws";
import { ScriptedFile, type ScriptedClient, within } from "./scripted-client.js";

/** One line of a recording. */
export interface TraceLine {
  readonly kind: string;
  readonly method?: string;
  readonly url?: string;
  readonly headers?: readonly (readonly [string, string])[];
  readonly body?: string;
  readonly status?: number;
  readonly connection?: number;
  readonly hex?: string;
}

/** What came of a replay. */
export interface ReplayReport {
  readonly requests: number;
  readonly connections: number;
  readonly messagesSent: number;
  readonly downloads: number;
  readonly bootstraps: number;
  readonly marks: number;
  /** Errors that the server sent: there should be none. */
  readonly errors: readonly string[];
}

interface Position {
  readonly recorded: number;
  readonly actual: number;
}

/** A session as recorded and as it goes now. */
class ReplayedSession {
  readonly file: ReplayedFile;
  readonly marks = new Set<number>();
  isIdentified = false;
  isUnbound = false;
  hasDownloaded = false;

  constructor(file: ReplayedFile) {
    this.file = file;
  }
}

/** A client file: its cursors now, and which recorded server versions they stand for. */
class ReplayedFile {
  readonly state: ScriptedFile = new ScriptedFile(null as unknown as ScriptedClient);
  readonly positions: Position[] = [{ recorded: 0, actual: 0 }];
  /** Client versions of changesets that were uploaded: these must be acknowledged. */
  owed = 0;

  /** The server version now for one in the recording. */
  actual(recorded: number): number {
    const known = this.positions.filter((position) => position.recorded <= recorded).at(-1);
    return known?.actual ?? 0;
  }
}

/** Replays one recording. */
export class Replay {
  readonly #url: string;
  readonly #tokens = new Map<string, string>();
  readonly #connections = new Map<number, ReplayedConnection>();
  readonly #files = new Map<bigint, ReplayedFile>();
  readonly #upgrades: TraceLine[] = [];
  #requests = 0;
  #opened = 0;
  #lastAnswer: { status: number; body: string } | null = null;
  readonly #counts = { messagesSent: 0, downloads: 0, bootstraps: 0, marks: 0 };
  readonly #errors: string[] = [];

  constructor(url: string) {
    this.#url = url;
  }

  /** Goes through all lines in order. */
  async run(lines: readonly TraceLine[]): Promise<ReplayReport> {
    for (const line of lines) await this.#step(line);
    for (const connection of this.#connections.values()) connection.close();
    return { requests: this.#requests, connections: this.#opened, ...this.#counts, errors: this.#errors };
  }

  async #step(line: TraceLine): Promise<void> {
    switch (line.kind) {
      case "http-request":
        return this.#request(line);
      case "http-response":
        return this.#response(line);
      case "ws-upgrade":
        this.#upgrades.push(line);
        return;
      case "ws-close":
        this.#connections.get(line.connection ?? 0)?.close();
        return;
      case "ws-receive":
        return this.#sent(await this.#connection(line.connection ?? 0), bytesOf(line));
      case "ws-send":
        return this.#answered(await this.#connection(line.connection ?? 0), parseServerMessage(bytesOf(line)));
      default:
        return;
    }
  }

  // --- HTTP -----------------------------------------------------------------------------------------------

  async #request(line: TraceLine): Promise<void> {
    const headers: Record<string, string> = {};
    for (const [name, value] of line.headers ?? []) {
      if (name === "Authorization") headers[name] = this.#exchangeTokens(value);
      if (name === "Content-Type" || name === "Accept") headers[name] = value;
    }
    const method = line.method ?? "GET";
    const body = line.body === undefined || line.body === "" ? {} : { body: line.body };
    const answer = await fetch(this.#url + (line.url ?? ""), { method, headers, ...body });
    this.#lastAnswer = { status: answer.status, body: await answer.text() };
    this.#requests += 1;
  }

  #response(line: TraceLine): void {
    const answer = this.#lastAnswer;
    if (answer === null) throw new Error("an answer without a request");
    if (answer.status !== line.status) throw new Error(`answered ${answer.status} ${answer.body}, not ${line.status}`);
    const recorded = parseObject(line.body ?? "");
    const actual = parseObject(answer.body);
    for (const [key, value] of Object.entries(recorded)) {
      if (typeof actual[key] !== typeof value) throw new Error(`no ${key} in ${answer.body}`);
      if (key.endsWith("_token")) this.#tokens.set(String(value), String(actual[key]));
    }
  }

  #exchangeTokens(text: string): string {
    let exchanged = text;
    for (const [recorded, actual] of this.#tokens) exchanged = exchanged.replace(recorded, actual);
    return exchanged;
  }

  // --- WebSocket ------------------------------------------------------------------------------------------

  async #connection(number: number): Promise<ReplayedConnection> {
    const known = this.#connections.get(number);
    if (known !== undefined) return known;
    const upgrade = this.#upgrades.shift();
    if (upgrade === undefined) throw new Error(`connection ${number} without an upgrade`);
    const offered = upgrade.headers?.find(([name]) => name === "Sec-WebSocket-Protocol")?.[1] ?? "";
    const url = this.#url.replace("http", "ws") + this.#exchangeTokens(upgrade.url ?? "");
    const socket = new WebSocket(url, offered.split(", "));
    const connection = new ReplayedConnection(socket, (session, message) => this.#received(session, message));
    await within(connection.opened, "the upgrade");
    if (socket.protocol !== "com.mongodb.realm-query-sync#14") throw new Error(`chose ${socket.protocol}`);
    this.#connections.set(number, connection);
    this.#opened += 1;
    return connection;
  }

  /** What the server says now, as it comes. */
  async #received(session: ReplayedSession | undefined, message: ServerMessage): Promise<void> {
    if (message.type === "json_error" || message.type === "query_error") {
      this.#errors.push(JSON.stringify(message));
      return;
    }
    if (session === undefined) return;
    if (message.type === "ident") {
      session.file.state.fileIdent = message.fileIdent;
      session.file.state.fileIdentSalt = message.fileIdentSalt;
    }
    if (message.type === "download") {
      await session.file.state.take(message);
      session.hasDownloaded = true;
      this.#counts.downloads += 1;
      if (message.batchState === 1) this.#counts.bootstraps += 1;
    }
    if (message.type === "mark") {
      if (!session.hasDownloaded) throw new Error("a mark was answered before the first download");
      session.marks.add(message.request);
      this.#counts.marks += 1;
    }
    if (message.type === "unbound") session.isUnbound = true;
  }

  /** What the client said in the recording. */
  #sent(connection: ReplayedConnection, bytes: Uint8Array): void {
    const message = parseClientMessage(bytes);
    this.#counts.messagesSent += 1;
    if (message.type === "bind") {
      connection.sessions.set(message.session, new ReplayedSession(new ReplayedFile()));
      connection.send(message);
      return;
    }
    const session = "session" in message ? connection.sessions.get(message.session) : undefined;
    connection.send(session === undefined ? message : this.#exchange(connection, session, message));
  }

  #exchange(connection: ReplayedConnection, bound: ReplayedSession, message: ClientMessage): ClientMessage {
    if (message.type === "ident") {
      const known = this.#files.get(message.fileIdent);
      const file = known ?? bound.file;
      this.#files.set(message.fileIdent, file);
      const session = known === undefined ? bound : new ReplayedSession(known);
      session.isIdentified = true;
      connection.sessions.set(message.session, session);
      const { state } = file;
      return {
        ...message,
        fileIdent: state.fileIdent,
        fileIdentSalt: state.fileIdentSalt,
        downloadServerVersion: state.downloadServerVersion,
        downloadClientVersion: state.downloadClientVersion,
        latestServerVersion: state.latestServerVersion,
        latestServerVersionSalt: state.latestServerVersionSalt,
      };
    }
    if (message.type !== "upload") return message;
    const { file } = bound;
    const entries = parseUploadEntries(uncompressBodySync(message)).map((entry) => ({
      ...entry,
      serverVersion: file.actual(entry.serverVersion),
    }));
    file.state.clientVersion = Math.max(file.state.clientVersion, message.progressClientVersion);
    if (entries.length > 0) file.owed = message.progressClientVersion;
    return {
      ...message,
      progressServerVersion: file.actual(message.progressServerVersion),
      lockedServerVersion: file.actual(message.lockedServerVersion),
      ...compressBodySync(writeUploadEntries(entries)),
    };
  }

  /** Waits until the server has said what stands for a message of the recorded one. */
  async #answered(connection: ReplayedConnection, message: ServerMessage): Promise<void> {
    if (message.type === "log_message" || message.type === "pong") return;
    const session = connection.sessions.get(message.session);
    if (session === undefined) throw new Error(`an answer to unknown session ${message.session}`);
    switch (message.type) {
      case "ident":
        return connection.until(() => session.file.state.fileIdent !== 0n, "an ident");
      case "mark":
        return connection.until(() => session.marks.has(message.request), `mark ${message.request}`);
      case "unbound":
        return connection.until(() => session.isUnbound, "unbound");
      case "download":
        return this.#awaitDownload(connection, session, message);
      default:
        return;
    }
  }

  async #awaitDownload(
    connection: ReplayedConnection,
    session: ReplayedSession,
    message: DownloadMessage,
  ): Promise<void> {
    const { state } = session.file;
    await connection.until(() => session.hasDownloaded, "the first download");
    if (message.batchState === 1) {
      await connection.until(() => state.queryVersion >= message.queryVersion, `bootstrap ${message.queryVersion}`);
    }
    const owed = Math.min(message.uploadClientVersion, session.file.owed);
    await connection.until(() => state.uploadClientVersion >= owed, `acknowledgement of ${owed}`);
    session.file.positions.push({ recorded: message.downloadServerVersion, actual: state.downloadServerVersion });
  }
}

class ReplayedConnection {
  readonly opened: Promise<void>;
  readonly sessions = new Map<number, ReplayedSession>();
  readonly #socket: WebSocket;
  #waiting: (() => void)[] = [];
  #failure: Error | null = null;

  constructor(
    socket: WebSocket,
    received: (session: ReplayedSession | undefined, message: ServerMessage) => Promise<void>,
  ) {
    this.#socket = socket;
    this.opened = new Promise((resolve, reject) => {
      socket.on("open", resolve);
      socket.on("error", reject);
    });
    let order = Promise.resolve();
    socket.on("message", (data: Buffer) => {
      const message = parseServerMessage(data);
      const session = "session" in message ? this.sessions.get(message.session) : undefined;
      order = order
        .then(() => received(session, message))
        .catch((error: Error) => {
          this.#failure ??= error;
        })
        .then(() => this.#notify());
    });
    socket.on("close", (code) => {
      this.#failure ??= new Error(`the server closed with ${code}`);
      this.#notify();
    });
  }

  #notify(): void {
    for (const go of this.#waiting.splice(0)) go();
  }

  send(message: ClientMessage): void {
    this.#socket.send(serializeClientMessage(message));
  }

  async until(condition: () => boolean, what: string): Promise<void> {
    const loop = async (): Promise<void> => {
      while (!condition()) {
        if (this.#failure !== null) throw this.#failure;
        await new Promise<void>((resolve) => this.#waiting.push(resolve));
      }
    };
    await within(loop(), what);
  }

  close(): void {
    this.#socket.terminate();
  }
}

function bytesOf(line: TraceLine): Uint8Array {
  return new Uint8Array(Buffer.from(line.hex ?? "", "hex"));
}

function parseObject(json: string): Record<string, unknown> {
  return json === "" ? {} : (JSON.parse(json) as Record<string, unknown>);
}
