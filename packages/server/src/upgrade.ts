/**
 * The WebSocket handshake: from an HTTP upgrade request to a connection, or to the refusal that the client
 * understands.
 *
 * @module
 */

import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { apiPath, chooseSubProtocol, closeCode, type SubProtocol } from "@tidemark/protocol";
import { WebSocket, WebSocketServer } from "ws";
import type { App, AppRegistry } from "./app-registry.js";
import { type AllWaiting, SyncConnection, tooBigReason } from "./connection.js";
import { type Host, randomId } from "./host.js";
import type { ServerLimits } from "./limits.js";
import type { Logger } from "./logger.js";
import type { Metrics } from "./metrics.js";
import type { SyncApp } from "./sync-app.js";
import { TokenError, type Tokens } from "./tokens.js";

/** What {@link Upgrades} needs. */
export interface UpgradesContext {
  readonly registry: AppRegistry;
  readonly tokens: Tokens;
  readonly host: Host;
  readonly limits: ServerLimits;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Link to the log of a request. */
  readonly logUrl: (request: IncomingMessage, appId: string, requestId: string) => string;
}

interface Refusal {
  readonly closeCode: number;
  readonly reason: string;
}

type Admission = { readonly userId: string } | Refusal;

const syncRoute = new RegExp(`^${apiPath}/app/([^/?]{1,200})/realm-sync$`);
const urlLengthMax = 16_384;

/** Takes upgrade requests and keeps the connections that come of them. */
export class Upgrades {
  readonly connections: Set<SyncConnection> = new Set();
  readonly #context: UpgradesContext;
  readonly #server: WebSocketServer;
  readonly #allWaiting: AllWaiting = { bytes: 0 };
  #isStopping = false;

  constructor(context: UpgradesContext) {
    this.#context = context;
    const { messageBytesMax } = context.limits;
    this.#server = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: messageBytesMax,
      WebSocket: webSocketWithReason(tooBigReason(messageBytesMax)),
    });
    this.#server.on("wsClientError", (error, socket) => {
      context.logger.info({ err: error }, "bad upgrade request");
      refuseByHttp(socket, 400, "Bad Request", "bad WebSocket handshake");
    });
  }

  /** Listener for the HTTP server's `upgrade` event. */
  handle(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    // Before anything asynchronous: a socket that fails without a listener would end the process.
    socket.on("error", (error: Error) => {
      this.#context.logger.debug({ err: error }, "socket error");
      socket.destroy();
    });
    this.#admit(request, socket, head).catch((error: unknown) => {
      this.#context.logger.error({ err: error }, "an upgrade failed");
      refuseByHttp(socket, 500, "Internal Server Error", "internal server error");
    });
  }

  /** Refuses further upgrades and tells all connections that the server goes away. */
  stop(): void {
    this.#isStopping = true;
    for (const connection of this.connections) connection.goAway("the server is shutting down");
  }

  /** Closes the connections of a user with a code that the client understands. */
  closeUser(appId: string, userId: string, code: number, reason: string): void {
    for (const connection of this.connections) {
      if (connection.app.id === appId && connection.userId === userId) connection.close(code, reason);
    }
  }

  /** Drops connections that were silent for too long. */
  reap(): void {
    const nowMs = this.#context.host.nowMs();
    for (const connection of this.connections) connection.reap(nowMs);
  }

  async #admit(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const { registry, limits, metrics } = this.#context;
    if (this.#isStopping || this.connections.size >= limits.connectionsMax) {
      metrics.count("connectionsRefused");
      refuseByHttp(socket, 503, "Service Unavailable", "too many connections");
      return;
    }
    const route = parseRoute(request.url ?? "");
    if (route === null) {
      refuseByHttp(socket, 404, "Not Found", "not found");
      return;
    }
    const app = await registry.find(route.appId);
    if (app === undefined) {
      refuseByHttp(socket, 404, "Not Found", `cannot find app using Client App ID '${route.appId}'`);
      return;
    }
    const choice = chooseSubProtocol(request.headers["sec-websocket-protocol"]);
    if ("mismatch" in choice) {
      refuseByHttp(socket, 400, "Bad Request", mismatchText(choice.mismatch));
      return;
    }
    const admission = await this.#checkUser(app, route.token);
    if ("userId" in admission && this.#connectionsOf(app.id, admission.userId) >= limits.connectionsPerUserMax) {
      metrics.count("connectionsRefused");
      refuseByHttp(socket, 503, "Service Unavailable", "too many connections of this user");
      return;
    }
    await this.#accept(request, socket, head, app, choice.chosen, admission);
  }

  async #checkUser(app: App, token: string): Promise<Admission> {
    const unauthorized = { closeCode: closeCode.unauthorized, reason: "invalid session" };
    try {
      const subject = await this.#context.tokens.verifyAccess(token);
      if (subject.domainId !== app.domainId) return unauthorized;
      const user = await app.users.find(subject.userId);
      // A user who is missing from a restored store: a client that were logged out might delete its files.
      if (user === null && app.rescue.isClosed) return unauthorized;
      if (user === null) return { closeCode: closeCode.forbidden, reason: "user not found" };
      if (user.isDisabled) return { closeCode: closeCode.forbidden, reason: "user disabled" };
      return { userId: user.id };
    } catch (error) {
      if (!(error instanceof TokenError)) throw error;
      if (error.code !== "token-expired") return unauthorized;
      return { closeCode: closeCode.unauthorized, reason: "invalid session: access token expired" };
    }
  }

  #connectionsOf(appId: string, userId: string): number {
    let count = 0;
    for (const connection of this.connections) {
      if (connection.userId === userId && connection.app.id === appId) count += 1;
    }
    return count;
  }

  async #accept(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    app: App,
    subProtocol: SubProtocol,
    admission: Admission,
  ): Promise<void> {
    const syncApp = "userId" in admission && !this.#isStopping ? await app.sync() : null;
    if (socket.destroyed) return;
    if (this.#isStopping) {
      refuseByHttp(socket, 503, "Service Unavailable", "the server is shutting down");
      return;
    }
    const requestId = randomId(this.#context.host);
    // Everything up to the listeners happens in one go, so that no message can be missed.
    this.#shake(request, socket, head, subProtocol, requestId, (webSocket) => {
      if (!("userId" in admission) || syncApp === null) this.#turnAway(webSocket, admission as Refusal);
      else this.#connect(webSocket, request, syncApp, admission.userId, subProtocol, requestId);
    });
  }

  /** Browsers hide the status of a refused upgrade, so this refusal is a close code. */
  #turnAway(webSocket: WebSocket, { closeCode: code, reason }: Refusal): void {
    const { host, limits, metrics } = this.#context;
    metrics.count("connectionsRefused");
    webSocket.on("error", () => undefined);
    webSocket.close(code, reason);
    host.after(limits.closeMs, () => webSocket.terminate());
  }

  #connect(
    webSocket: WebSocket,
    request: IncomingMessage,
    app: SyncApp,
    userId: string,
    subProtocol: SubProtocol,
    requestId: string,
  ): void {
    const connection: SyncConnection = new SyncConnection({
      allWaiting: this.#allWaiting,
      socket: webSocket,
      app,
      userId,
      subProtocol,
      requestId,
      logUrl: this.#context.logUrl(request, app.id, requestId),
      remoteAddress: request.socket.remoteAddress ?? "",
      onClosed: () => this.connections.delete(connection),
    });
    this.connections.add(connection);
    this.#context.metrics.count("connections");
    connection.start();
  }

  #shake(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    subProtocol: SubProtocol,
    requestId: string,
    accepted: (webSocket: WebSocket) => void,
  ): void {
    // The library would refuse tokens with the older separator, so the header is answered here.
    delete request.headers["sec-websocket-protocol"];
    const onHeaders = (headers: string[]): void => {
      headers.push(`Sec-WebSocket-Protocol: ${subProtocol.token}`, `X-Appservices-Request-Id: ${requestId}`);
    };
    this.#server.on("headers", onHeaders);
    this.#server.handleUpgrade(request, socket, head, accepted);
    this.#server.removeListener("headers", onHeaders);
  }
}

function parseRoute(url: string): { appId: string; token: string } | null {
  if (url.length > urlLengthMax) return null;
  let parsed: URL;
  try {
    parsed = new URL(url, "http://localhost");
  } catch {
    return null;
  }
  const match = syncRoute.exec(parsed.pathname);
  if (match?.[1] === undefined) return null;
  try {
    return { appId: decodeURIComponent(match[1]), token: parsed.searchParams.get("baas_at") ?? "" };
  } catch {
    return null;
  }
}

/** Older clients look for these words in the body. */
function mismatchText(mismatch: "client-too-old" | "client-too-new" | "none"): string {
  if (mismatch === "none") return "REALM_SYNC_PROTOCOL_MISMATCH: no sync protocol was offered\n";
  const side = mismatch === "client-too-old" ? "CLIENT_TOO_OLD" : "CLIENT_TOO_NEW";
  return `REALM_SYNC_PROTOCOL_MISMATCH:${side}\n`;
}

function refuseByHttp(socket: Duplex, status: number, phrase: string, text: string): void {
  if (socket.destroyed) return;
  const head = [
    `HTTP/1.1 ${status} ${phrase}`,
    "Connection: close",
    "Content-Type: text/plain; charset=utf-8",
    `Content-Length: ${Buffer.byteLength(text)}`,
  ];
  socket.end(`${head.join("\r\n")}\r\n\r\n${text}`);
}

/** A WebSocket class that gives the reason when the library closes for a message that is too big. */
function webSocketWithReason(reason: string): typeof WebSocket {
  return class extends WebSocket {
    override close(code?: number, data?: string | Buffer): void {
      super.close(code, code === closeCode.messageTooBig && data === undefined ? reason : data);
    }
  };
}
