/**
 * A client without a database: it speaks the protocol as far as benchmarks of the server need it, so that thousands of
 * them fit into a process.
 *
 * @module
 */

import {
  type ClientMessage,
  type DownloadMessage,
  loginPath,
  offeredSubProtocols,
  parseServerMessage,
  serializeClientMessage,
  type ServerMessage,
  syncPath,
  writeUploadEntries,
} from "@tidemark/protocol";
import { compressBodySync } from "@tidemark/protocol/node";
import { WebSocket } from "ws";

const appId = "bench";
const session = 1;
const bindJson = JSON.stringify({ schemaVersion: 0, sessionReason: 0 });

/** Connections that one user may have, with some to spare. */
const clientsPerUser = 100;

/** Logs an anonymous user in and returns the access token. */
async function logIn(url: string): Promise<string> {
  const body = '{"provider":"anon-user"}';
  const answer = await fetch(url + loginPath(appId, "anon-user"), { method: "POST", body });
  if (!answer.ok) throw new Error(`login: ${answer.status}`);
  return ((await answer.json()) as { readonly access_token: string }).access_token;
}

/** Who waits for a message of a type. */
interface Waiting {
  readonly type: ServerMessage["type"];
  readonly resolve: (message: ServerMessage) => void;
}

/** One client file on one connection. */
export class LightClient {
  /** Called with each DOWNLOAD and its size as it came, once the client is open. */
  onDownload: (message: DownloadMessage, bytes: number) => void = () => undefined;
  readonly #socket: WebSocket;
  readonly #waiting: Waiting[] = [];
  #serverVersion = 0;
  #acknowledged = 0;
  #clientVersion = 1;
  #onAcknowledged: () => void = () => undefined;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("message", (data: Buffer) => this.#receive(data));
  }

  /** Opens a new file; with a query, until its bootstrap is there. */
  static async open(url: string, token: string, query?: string): Promise<LightClient> {
    const target = `${url.replace(/^http/, "ws")}${syncPath(appId)}?baas_at=${token}`;
    const socket = new WebSocket(target, offeredSubProtocols(), { perMessageDeflate: false });
    await new Promise((resolve, reject) => {
      socket.once("open", resolve);
      socket.once("error", reject);
    });
    const client = new LightClient(socket);
    await client.#start(query);
    return client;
  }

  async #start(query: string | undefined): Promise<void> {
    const ident = this.#next("ident");
    this.#send({ type: "bind", session, json: bindJson, token: "", needsFileIdent: true, isSubserver: false });
    const { fileIdent, fileIdentSalt } = await ident;
    this.#send({
      type: "ident",
      session,
      fileIdent,
      fileIdentSalt,
      downloadServerVersion: 0,
      downloadClientVersion: 0,
      latestServerVersion: 0,
      latestServerVersionSalt: 0n,
      queryVersion: 0,
      query: "{}",
    });
    await this.#mark();
    if (query === undefined) return;
    this.#send({ type: "query", session, queryVersion: 1, query });
    await this.#mark();
  }

  async #mark(): Promise<void> {
    const answered = this.#next("mark");
    this.#send({ type: "mark", session, request: 1 });
    await answered;
  }

  #next<Type extends ServerMessage["type"]>(type: Type): Promise<Extract<ServerMessage, { type: Type }>> {
    return new Promise((resolve) => {
      this.#waiting.push({ type, resolve: resolve as (message: ServerMessage) => void });
    });
  }

  #receive(data: Buffer): void {
    const message = parseServerMessage(data);
    if (message.type === "json_error") throw new Error(`the server sent error ${message.errorCode}: ${message.body}`);
    if (message.type === "download") {
      this.#serverVersion = Math.max(this.#serverVersion, message.downloadServerVersion);
      this.#acknowledged = Math.max(this.#acknowledged, message.uploadClientVersion);
      this.onDownload(message, data.length);
      if (this.#acknowledged >= this.#clientVersion) this.#onAcknowledged();
    }
    if (this.#waiting[0]?.type === message.type) this.#waiting.shift()?.resolve(message);
  }

  #send(message: ClientMessage): void {
    this.#socket.send(serializeClientMessage(message));
  }

  /** Uploads a changeset; resolves when it is acknowledged. */
  upload(changeset: Uint8Array): Promise<void> {
    this.#clientVersion += 1;
    const entry = {
      clientVersion: this.#clientVersion,
      serverVersion: this.#serverVersion,
      originTimestamp: Date.now() - Date.UTC(2015, 0, 1),
      originFileIdent: 0n,
      changeset,
    };
    const acknowledged = new Promise<void>((resolve) => {
      this.#onAcknowledged = resolve;
    });
    this.#send({
      type: "upload",
      session,
      progressClientVersion: this.#clientVersion,
      progressServerVersion: this.#serverVersion,
      lockedServerVersion: this.#serverVersion,
      ...compressBodySync(writeUploadEntries([entry])),
    });
    return acknowledged;
  }

  close(): void {
    this.#socket.terminate();
  }
}

/** Opens many clients, a hundred a user and a few at a time. */
export async function openLightClients(url: string, count: number, query?: string): Promise<LightClient[]> {
  const clients: LightClient[] = [];
  for (let first = 0; first < count; first += clientsPerUser) {
    const token = await logIn(url);
    const ofUser = Math.min(clientsPerUser, count - first);
    clients.push(...(await Promise.all(Array.from({ length: ofUser }, () => LightClient.open(url, token, query)))));
  }
  return clients;
}
