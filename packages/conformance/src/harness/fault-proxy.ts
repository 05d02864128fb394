/**
 * A TCP proxy in front of the server that can lose the network in the ways networks get lost.
 *
 * @module
 */

import { connect, createServer, type Server, type Socket } from "node:net";

type Mode =
  | { readonly kind: "open" }
  | { readonly kind: "cut" }
  | { readonly kind: "blackhole" }
  | { readonly kind: "slow"; readonly bytesPerSecond: number };

/** How often a slow connection moves its next bytes, and a swallowed one looks whether it may go on. */
const sliceMs = 20;
/** What only the address of a sync connection contains. */
const syncPath = "/realm-sync";

/** Bytes on their way from one socket to the other, as fast as the mode lets them. */
class Flow {
  readonly #to: Socket;
  readonly #mode: () => Mode;
  readonly #waiting: Buffer[] = [];
  #isEnded = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(from: Socket, to: Socket, mode: () => Mode) {
    this.#to = to;
    this.#mode = mode;
    from.on("data", (bytes: Buffer) => {
      this.#waiting.push(bytes);
      if (this.#timer === undefined) this.#move();
    });
    from.on("end", () => {
      this.#isEnded = true;
      if (this.#timer === undefined) this.#move();
    });
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#waiting.length = 0;
  }

  #move(): void {
    this.#timer = undefined;
    this.#take(this.#allowance());
    if (this.#waiting.length > 0) this.#timer = setTimeout(() => this.#move(), sliceMs).unref();
    else if (this.#isEnded) this.#to.end();
  }

  /** How many bytes may move now. */
  #allowance(): number {
    const mode = this.#mode();
    if (mode.kind === "slow") return Math.max(1, Math.floor((mode.bytesPerSecond * sliceMs) / 1_000));
    return mode.kind === "open" ? Number.POSITIVE_INFINITY : 0;
  }

  #take(sizeMax: number): void {
    let left = sizeMax;
    while (left > 0) {
      const first = this.#waiting.shift();
      if (!first) return;
      const now = first.subarray(0, left);
      if (now.length < first.length) this.#waiting.unshift(first.subarray(now.length));
      this.#to.write(now);
      left -= now.length;
    }
  }
}

/** One pair of sockets. */
class Link {
  readonly #sockets: readonly Socket[];
  readonly #flows: readonly Flow[];
  #isWebSocket = false;

  constructor(device: Socket, server: Socket, mode: () => Mode, ended: () => void) {
    this.#sockets = [device, server];
    this.#flows = [new Flow(device, server, mode), new Flow(server, device, mode)];
    device.on("data", (bytes: Buffer) => {
      if (bytes.includes(syncPath)) this.#isWebSocket = true;
    });
    for (const socket of this.#sockets) {
      socket.on("error", () => this.destroy());
      socket.on("close", () => {
        this.destroy();
        ended();
      });
    }
  }

  /** Whether it is a sync connection rather than one of the HTTP API. */
  get isWebSocket(): boolean {
    return this.#isWebSocket;
  }

  destroy(): void {
    for (const flow of this.#flows) flow.stop();
    for (const socket of this.#sockets) socket.destroy();
  }
}

/** The proxy of one device. */
export class FaultProxy {
  readonly url: string;
  readonly #server: Server;
  readonly #links = new Set<Link>();
  #mode: Mode = { kind: "open" };
  #acceptedCount = 0;

  private constructor(server: Server, port: number, target: URL) {
    this.#server = server;
    this.url = `http://127.0.0.1:${port}`;
    server.on("connection", (device) => {
      if (this.#mode.kind === "cut") {
        device.on("error", () => undefined);
        device.destroy();
        return;
      }
      this.#acceptedCount += 1;
      const upstream = connect(Number(target.port), target.hostname);
      const link: Link = new Link(
        device,
        upstream,
        () => this.#mode,
        () => this.#links.delete(link),
      );
      this.#links.add(link);
    });
  }

  /** Starts a proxy in front of a server. */
  static async start(target: string): Promise<FaultProxy> {
    const server = createServer({ allowHalfOpen: true });
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(0, "127.0.0.1", resolve);
    });
    const address = server.address();
    if (typeof address !== "object" || !address) throw new Error("the proxy has no port");
    return new FaultProxy(server, address.port, new URL(target));
  }

  /** Ends every connection and refuses new ones. */
  cut(): void {
    this.#mode = { kind: "cut" };
    for (const link of this.#links) link.destroy();
  }

  /** Takes connections and bytes and passes none on; connections stay up. */
  blackhole(): void {
    this.#mode = { kind: "blackhole" };
  }

  /** Limits each direction of each connection. */
  slow(bytesPerSecond: number): void {
    this.#mode = { kind: "slow", bytesPerSecond };
  }

  /** Everything works again; what waited moves on. */
  restore(): void {
    this.#mode = { kind: "open" };
  }

  /** Open sync connections. */
  connections(): number {
    return [...this.#links].filter((link) => link.isWebSocket).length;
  }

  /** Connections of any kind that were let in since the start. */
  get acceptedCount(): number {
    return this.#acceptedCount;
  }

  /** Ends every connection and the proxy itself. */
  async stop(): Promise<void> {
    for (const link of this.#links) link.destroy();
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
  }
}
