/**
 * A server that logs in and connects whoever comes, and then says nothing: not even that a connection has ended.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";

/** How it treats its clients. */
export interface MuteServerOptions {
  /** Whether the access tokens that it gives have run out. */
  readonly givesOldTokens?: boolean;
  /** What a refresh of a token is answered; not at all if not given. */
  readonly refreshStatus?: number;
}

/** Of RFC 6455. */
const webSocketGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** The server. */
export class MuteServer {
  readonly #server: Server;
  readonly #sockets = new Set<Duplex>();
  readonly #options: MuteServerOptions;
  #tell: (what: "connected" | "refresh") => void = () => undefined;
  /** Resolves with what the first client does: it connects, or asks for a token. */
  readonly first: Promise<"connected" | "refresh"> = new Promise((resolve) => (this.#tell = resolve));

  #tellLeft: () => void = () => undefined;
  /** Resolves when a client has left. */
  readonly left: Promise<void> = new Promise((resolve) => (this.#tellLeft = resolve));

  constructor(options: MuteServerOptions = {}) {
    this.#options = options;
    this.#server = createServer(({ url = "" }, answer) => {
      const body = this.#answer(url);
      if (url.endsWith("/auth/session")) {
        this.#tell("refresh");
        if (options.refreshStatus === undefined) return;
        answer.statusCode = options.refreshStatus;
      }
      answer.end(JSON.stringify(body));
    });
    this.#server.on("upgrade", ({ headers }, socket) => {
      const hash = createHash("sha1")
        .update(`${headers["sec-websocket-key"] ?? ""}${webSocketGuid}`)
        .digest("base64");
      const protocol = headers["sec-websocket-protocol"];
      const lines = [
        "HTTP/1.1 101 Switching Protocols",
        "Upgrade: websocket",
        "Connection: Upgrade",
        `Sec-WebSocket-Accept: ${hash}`,
        ...(protocol === undefined ? [] : [`Sec-WebSocket-Protocol: ${protocol.split(/,\s*/)[0] ?? ""}`]),
      ];
      socket.write(`${lines.join("\r\n")}\r\n\r\n`);
      socket.on("error", () => undefined);
      socket.on("end", () => this.#tellLeft());
      socket.resume();
      this.#sockets.add(socket);
      this.#tell("connected");
    });
  }

  #answer(path: string): object {
    if (path.endsWith("/location")) return { hostname: "", ws_hostname: "" };
    if (path.endsWith("/profile")) return { identities: [{ id: "1", provider_type: "anon-user" }], data: {} };
    const seconds = Math.floor(Date.now() / 1000) + (this.#options.givesOldTokens === true ? -3600 : 3600);
    const payload = Buffer.from(JSON.stringify({ exp: seconds })).toString("base64url");
    const tokens = { access_token: `e30.${payload}.s`, refresh_token: "r", device_id: "0".repeat(24) };
    return { ...tokens, user_id: "64b7f1a2c3d4e5f601234567" };
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}
