/**
 * A client for tests that speaks the protocol message by message, right or wrong, and checks every DOWNLOAD by the
 * rules that original clients check.
 *
 * @module
 */

import {
  type ClientMessage,
  type DownloadMessage,
  loginPath,
  type LoginBody,
  offeredSubProtocols,
  parseDownloadEntries,
  parseErrorInformation,
  parseServerMessage,
  registerPath,
  serializeClientMessage,
  type ServerErrorMessage,
  type ServerMessage,
  syncPath,
  writeUploadEntries,
} from "@tidemark/protocol";
import { compressBodySync, uncompressBody } from "@tidemark/protocol/node";
import { WebSocket } from "ws";

/** How long a test waits for a message that must come. */
const waitMs = 15_000;

const encoder = new TextEncoder();

/** Logs an anonymous user in. */
export async function logInAnonymously(url: string, appId: string): Promise<LoginBody> {
  const answer = await fetch(url + loginPath(appId, "anon-user"), {
    method: "POST",
    body: '{"provider":"anon-user"}',
  });
  if (!answer.ok) throw new Error(`login: ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as LoginBody;
}

/** Registers an e-mail address and logs it in. */
export async function registerAndLogIn(url: string, appId: string, email: string): Promise<LoginBody> {
  const password = "secret1";
  await fetch(url + registerPath(appId), { method: "POST", body: JSON.stringify({ email, password }) });
  const body = JSON.stringify({ provider: "local-userpass", username: email, password });
  const answer = await fetch(url + loginPath(appId, "local-userpass"), { method: "POST", body });
  if (!answer.ok) throw new Error(`login: ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as LoginBody;
}

/** Waits for something, but not for ever. */
export async function within<T>(promise: Promise<T>, what: string, timeoutMs: number = waitMs): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${timeoutMs} ms for ${what}`)), timeoutMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** What became of a connection that ended. */
export interface Closed {
  readonly code: number;
  readonly reason: string;
}

/** How {@link ScriptedClient.connect} connects. */
export interface ConnectOptions {
  readonly protocols?: readonly string[];
}

/** One WebSocket connection. */
export class ScriptedClient {
  readonly closed: Promise<Closed>;
  readonly socket: WebSocket;
  readonly #messages: ServerMessage[] = [];
  readonly #waiting: (() => void)[] = [];
  #end: Closed | null = null;

  private constructor(socket: WebSocket) {
    this.socket = socket;
    this.closed = new Promise((resolve) => {
      socket.on("close", (code, reason) => {
        this.#end = { code, reason: reason.toString() };
        resolve(this.#end);
        this.#notify();
      });
    });
    socket.on("error", () => undefined);
    socket.on("message", (data: Buffer) => {
      this.#messages.push(parseServerMessage(data));
      this.#notify();
    });
  }

  #notify(): void {
    for (const go of this.#waiting.splice(0)) go();
  }

  /** Opens a connection; rejects with the HTTP status where the upgrade is refused. */
  static connect(url: string, appId: string, token: string, options: ConnectOptions = {}): Promise<ScriptedClient> {
    const target = `${url.replace(/^http/, "ws")}${syncPath(appId)}?baas_at=${token}`;
    const socket = new WebSocket(target, [...(options.protocols ?? offeredSubProtocols())]);
    return new Promise((resolve, reject) => {
      const client = new ScriptedClient(socket);
      socket.on("open", () => resolve(client));
      socket.on("unexpected-response", (_request, response) => {
        let text = "";
        response.on("data", (part: Buffer) => (text += part.toString()));
        response.on("end", () => reject(new Error(`${response.statusCode} ${text.trim()}`)));
      });
      socket.on("error", reject);
    });
  }

  send(message: ClientMessage): void {
    this.socket.send(serializeClientMessage(message));
  }

  /** Sends raw bytes as one binary message. */
  sendRaw(bytes: string | Uint8Array): void {
    this.socket.send(typeof bytes === "string" ? encoder.encode(bytes) : bytes, { binary: true });
  }

  /** The next message that is not for the log. */
  async receive(): Promise<ServerMessage> {
    const loop = async (): Promise<ServerMessage> => {
      for (;;) {
        const message = this.#messages.shift();
        if (message !== undefined && message.type !== "log_message") return message;
        if (message !== undefined) continue;
        if (this.#end !== null) throw new Error(`closed with ${this.#end.code} ${this.#end.reason}`);
        await new Promise<void>((resolve) => this.#waiting.push(resolve));
      }
    };
    return within(loop(), "a message");
  }

  /** The next message, which must be of a type. */
  async expect<Type extends ServerMessage["type"]>(type: Type): Promise<Extract<ServerMessage, { type: Type }>> {
    const message = await this.receive();
    if (message.type !== type) throw new Error(`expected ${type}, not ${JSON.stringify(message, showBigints)}`);
    return message as Extract<ServerMessage, { type: Type }>;
  }

  /** The next message, which must be an error. */
  async expectError(code: number): Promise<ReturnType<typeof parseErrorInformation> & ServerErrorMessage> {
    const message = await this.expect("json_error");
    if (message.errorCode !== code) throw new Error(`expected error ${code}, not ${message.errorCode} ${message.body}`);
    return { ...parseErrorInformation(message.body), ...message };
  }

  /** Makes sure that nothing more has been sent by asking for a PONG. */
  async expectNothing(): Promise<void> {
    this.send({ type: "ping", timestamp: 4711, roundTripMs: 0 });
    await this.expect("pong");
  }

  close(): void {
    this.socket.terminate();
  }
}

/** Marks of {@link ScriptedFile.settle}, beside the small numbers that tests use themselves. */
let settlingMark = 1000;

/** A client file with its cursors: the memory that a real client has. */
export class ScriptedFile {
  readonly session: number;
  client: ScriptedClient;
  fileIdent = 0n;
  fileIdentSalt = 0n;
  downloadServerVersion = 0;
  downloadClientVersion = 0;
  latestServerVersion = 0;
  latestServerVersionSalt = 0n;
  uploadClientVersion = 0;
  queryVersion = 0;
  query = "{}";
  /** Version of the schema that it says it was opened with. */
  schemaVersion = 0;
  clientVersion = 1;
  /** The file's clock, in milliseconds since 2015. */
  clock = 1000;
  /** Changesets received, as text. */
  readonly received: string[] = [];

  constructor(client: ScriptedClient, session = 1) {
    this.client = client;
    this.session = session;
  }

  bind(needsFileIdent: boolean, json = `{"schemaVersion":${this.schemaVersion},"sessionReason":0}`): void {
    this.client.send({
      type: "bind",
      session: this.session,
      json,
      token: "",
      needsFileIdent,
      isSubserver: false,
    });
  }

  ident(): void {
    this.client.send({
      type: "ident",
      session: this.session,
      fileIdent: this.fileIdent,
      fileIdentSalt: this.fileIdentSalt,
      downloadServerVersion: this.downloadServerVersion,
      downloadClientVersion: this.downloadClientVersion,
      latestServerVersion: this.latestServerVersion,
      latestServerVersionSalt: this.latestServerVersionSalt,
      queryVersion: this.queryVersion,
      query: this.query,
    });
  }

  /** Binds, gets an ident if it has none, and identifies. */
  async open(): Promise<void> {
    const isNew = this.fileIdent === 0n;
    this.bind(isNew);
    if (isNew) {
      const message = await this.client.expect("ident");
      this.fileIdent = message.fileIdent;
      this.fileIdentSalt = message.fileIdentSalt;
    }
    this.ident();
  }

  mark(request: number): void {
    this.client.send({ type: "mark", session: this.session, request });
  }

  /** Takes downloads until the server has acknowledged everything and answered a mark. */
  async settle(): Promise<void> {
    const request = (settlingMark += 1);
    this.mark(request);
    for (;;) {
      const message = await this.client.receive();
      if (message.type === "mark" && message.request === request) return;
      if (message.type === "download") await this.take(message);
      else if (message.type !== "mark") throw new Error(`not expected: ${JSON.stringify(message, showBigints)}`);
    }
  }

  sendQuery(queryVersion: number, query: string): void {
    this.client.send({ type: "query", session: this.session, queryVersion, query });
  }

  /** Uploads changesets, each as a client version of its own. */
  upload(...changesets: readonly (string | Uint8Array)[]): void {
    const entries = changesets.map((changeset) => {
      this.clientVersion += 1;
      return {
        clientVersion: this.clientVersion,
        serverVersion: this.downloadServerVersion,
        originTimestamp: this.clock + this.clientVersion,
        originFileIdent: 0n,
        changeset: typeof changeset === "string" ? encoder.encode(changeset) : changeset,
      };
    });
    this.client.send({
      type: "upload",
      session: this.session,
      progressClientVersion: this.clientVersion,
      progressServerVersion: this.downloadServerVersion,
      lockedServerVersion: this.downloadServerVersion,
      ...compressBodySync(writeUploadEntries(entries)),
    });
  }

  unbind(): void {
    this.client.send({ type: "unbind", session: this.session });
  }

  /** Takes the next message, which must be a DOWNLOAD that breaks none of a client's checks. */
  async download(): Promise<DownloadMessage> {
    return this.take(await this.client.expect("download"));
  }

  /** Checks a DOWNLOAD as original clients do, and takes it in. */
  async take(message: DownloadMessage): Promise<DownloadMessage> {
    const must = (holds: boolean, rule: string): void => {
      if (!holds) throw new Error(`${rule}: ${JSON.stringify(message, showBigints)}`);
    };
    must(message.latestServerVersion >= this.latestServerVersion, "latest server version falls");
    must(message.downloadServerVersion >= this.downloadServerVersion, "download server version falls");
    must(message.downloadClientVersion >= this.downloadClientVersion, "download client version falls");
    must(message.uploadClientVersion >= this.uploadClientVersion, "upload client version falls");
    must(message.uploadClientVersion <= this.clientVersion, "acknowledges what the client never made");
    must(message.downloadServerVersion <= message.latestServerVersion, "download beyond latest");
    must(message.downloadClientVersion <= message.uploadClientVersion, "download client beyond acknowledgement");
    must(message.uploadServerVersion <= message.downloadServerVersion, "upload server beyond download");
    const entries = parseDownloadEntries(await uncompressBody(message));
    let [server, client] = [this.downloadServerVersion, this.downloadClientVersion];
    for (const entry of entries) {
      must(entry.serverVersion >= server && entry.serverVersion > 0, "entry's server version falls");
      must(entry.serverVersion <= message.downloadServerVersion || message.batchState === 0, "entry beyond header");
      must(entry.clientVersion >= client, "entry's client version falls");
      must(entry.clientVersion <= message.downloadClientVersion, "entry's client version beyond header");
      must(entry.originFileIdent !== 0n && entry.originFileIdent !== this.fileIdent, "entry of the client's own");
      [server, client] = [entry.serverVersion, entry.clientVersion];
      if (entry.changeset.length > 0) this.received.push(Buffer.from(entry.changeset).toString());
    }
    must(message.batchState !== 1 || entries.length > 0, "an empty bootstrap hangs the client");
    if (message.batchState !== 0) {
      this.downloadServerVersion = message.downloadServerVersion;
      this.downloadClientVersion = message.downloadClientVersion;
      this.uploadClientVersion = message.uploadClientVersion;
    }
    this.latestServerVersion = message.latestServerVersion;
    this.latestServerVersionSalt = message.latestServerVersionSalt;
    if (message.batchState === 1) this.queryVersion = message.queryVersion;
    return message;
  }
}

/** Opens a new file up to the answer of its first MARK. */
export async function openNewFile(client: ScriptedClient, session = 1, schemaVersion = 0): Promise<ScriptedFile> {
  const file = new ScriptedFile(client, session);
  file.schemaVersion = schemaVersion;
  await file.open();
  await file.download();
  file.mark(1);
  await client.expect("mark");
  return file;
}

/** Subscribes up to the answer of the MARK behind the bootstrap. */
export async function subscribe(file: ScriptedFile, query: string): Promise<void> {
  const version = file.queryVersion + 1;
  file.sendQuery(version, query);
  file.mark(version + 100);
  let message = await file.download();
  while (message.batchState !== 1) message = await file.download();
  await file.client.expect("mark");
  file.query = query;
}

function showBigints(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? value.toString() : value;
}
