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
  | { readonly kind: "held-answers" }
  | { readonly kind: "slow"; readonly bytesPerSecond: number }
  | { readonly kind: "late"; readonly delayMs: number };

/** How often a slow connection moves its next bytes, and a swallowed one looks whether it may go on. */
const sliceMs = 20;
/** Bytes that may wait in one direction before no more are taken from the sender, as in a network. */
const waitingBytesMax = 256 * 1024;
/** What only the address of a sync connection contains. */
const syncPath = "/realm-sync";
/** The head of the server's MARK: it names the session. */
const markHead = /mark (\d+) \d+\n/g;

/** Bytes on their way. */
interface Piece {
  readonly bytes: Buffer;
  readonly arrivedMs: number;
}

/** Bytes on their way from one socket to the other, as fast as the mode lets them. */
class Flow {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #mode: () => Mode;
  readonly #isAnswers: boolean;
  readonly #waiting: Piece[] = [];
  #waitingBytes = 0;
  #isEnded = false;
  #onSevered: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** @param isAnswers whether they come from the server. */
  constructor(from: Socket, to: Socket, mode: () => Mode, isAnswers: boolean) {
    this.#isAnswers = isAnswers;
    this.#from = from;
    this.#to = to;
    this.#mode = mode;
    from.on("data", (bytes: Buffer) => {
      this.#waiting.push({ bytes, arrivedMs: performance.now() });
      this.#waitingBytes += bytes.length;
      if (this.#waitingBytes > waitingBytesMax) from.pause();
      if (this.#timer === undefined) this.#move();
    });
    from.on("end", () => {
      this.#isEnded = true;
      if (this.#timer === undefined) this.#move();
    });
    to.on("drain", () => {
      if (this.#timer === undefined) this.#move();
    });
  }

  /** Bytes that have not been passed on. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#waiting.length = 0;
    this.#waitingBytes = 0;
  }

  /** The next bytes get half through; then it is over. */
  sever(onSevered: () => void): void {
    this.#onSevered = onSevered;
  }

  /** Nothing more goes this way, and nobody notices. */
  silence(): void {
    this.stop();
    this.#from.removeAllListeners("data").resume();
  }

  /** Nothing more goes this way, though the other one stays. */
  halfClose(): void {
    this.stop();
    this.#isEnded = true;
    this.#from.removeAllListeners("data").resume();
    this.#to.end();
  }

  #move(): void {
    this.#timer = undefined;
    if (this.#onSevered !== undefined) return this.#breakOff(this.#onSevered);
    this.#take(this.#allowance());
    if (this.#waitingBytes <= waitingBytesMax && this.#from.isPaused()) this.#from.resume();
    if (this.#waiting.length > 0) {
      if (!this.#to.writableNeedDrain) this.#timer = setTimeout(() => this.#move(), sliceMs).unref();
    } else if (this.#isEnded) this.#to.end();
  }

  #breakOff(onSevered: () => void): void {
    const first = this.#waiting.shift();
    if (first !== undefined) this.#to.write(first.bytes.subarray(0, Math.floor(first.bytes.length / 2)));
    this.stop();
    this.#from.removeAllListeners("data").resume();
    // What was written leaves before the connection does.
    setTimeout(onSevered, sliceMs);
  }

  /** How many bytes may move now. */
  #allowance(): number {
    const mode = this.#mode();
    if (mode.kind === "slow") return Math.max(1, Math.floor((mode.bytesPerSecond * sliceMs) / 1_000));
    if (mode.kind === "held-answers") return this.#isAnswers ? 0 : Number.POSITIVE_INFINITY;
    return mode.kind === "open" || mode.kind === "late" ? Number.POSITIVE_INFINITY : 0;
  }

  #take(sizeMax: number): void {
    const mode = this.#mode();
    const dueMs = mode.kind === "late" ? performance.now() - mode.delayMs : Number.POSITIVE_INFINITY;
    let left = sizeMax;
    while (left > 0 && !this.#to.writableNeedDrain) {
      const first = this.#waiting[0];
      if (first === undefined || first.arrivedMs > dueMs) return;
      this.#waiting.shift();
      const now = first.bytes.subarray(0, left);
      const rest = first.bytes.subarray(now.length);
      if (rest.length > 0) this.#waiting.unshift({ bytes: rest, arrivedMs: first.arrivedMs });
      this.#to.write(now);
      this.#waitingBytes -= now.length;
      left -= now.length;
    }
  }
}

/** One pair of sockets. */
class Link {
  readonly #sockets: readonly Socket[];
  readonly #flows: readonly Flow[];
  readonly #device: Socket;
  #isWebSocket = false;
  #session: number | undefined;

  constructor(device: Socket, server: Socket, mode: () => Mode, ended: () => void) {
    this.#sockets = [device, server];
    this.#device = device;
    this.#flows = [new Flow(device, server, mode, false), new Flow(server, device, mode, true)];
    server.on("data", (bytes: Buffer) => {
      for (const [, session] of bytes.toString("latin1").matchAll(markHead)) this.#session = Number(session);
    });
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

  /** The session that the server answered a MARK of last. */
  get session(): number | undefined {
    return this.#session;
  }

  /** Bytes of the server that have not been passed on. */
  get heldAnswerBytes(): number {
    return this.#flows[1]?.waitingBytes ?? 0;
  }

  /** Says something in the server's name; what the server itself says is not heard any more. */
  say(message: Uint8Array): void {
    const [, fromServer] = this.#flows;
    fromServer?.silence();
    this.#device.write(frameOf(message));
  }

  /** Ends it in the middle of the next bytes in one direction. */
  sever(direction: 0 | 1): void {
    this.#flows[direction]?.sever(() => this.destroy());
  }

  halfClose(direction: 0 | 1): void {
    this.#flows[direction]?.halfClose();
  }

  destroy(): void {
    for (const flow of this.#flows) flow.stop();
    for (const socket of this.#sockets) socket.destroy();
  }
}

/** A message as a binary frame of a WebSocket server. */
function frameOf(message: Uint8Array): Uint8Array {
  const isShort = message.length < 126;
  const head = Buffer.alloc(isShort ? 2 : 4);
  head.writeUInt8(0x82, 0);
  head.writeUInt8(isShort ? message.length : 126, 1);
  if (!isShort) head.writeUInt16BE(message.length, 2);
  return Buffer.concat([head, message]);
}

/** The proxy of one device. */
export class FaultProxy {
  /** Where it listens; stands for the server. */
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

  /** Passes on what devices say, and holds back what the server answers. */
  holdAnswers(): void {
    this.#mode = { kind: "held-answers" };
  }

  /** Bytes that the server has said and no device has got. */
  heldAnswerBytes(): number {
    return [...this.#links].reduce((sum, link) => sum + link.heldAnswerBytes, 0);
  }

  /** Limits each direction of each connection. */
  slow(bytesPerSecond: number): void {
    this.#mode = { kind: "slow", bytesPerSecond };
  }

  /** Passes everything on, but later; bytes keep their order. */
  delay(delayMs: number): void {
    this.#mode = { kind: "late", delayMs };
  }

  /**
   * Breaks off some connections in the middle of the next bytes of one direction.
   *
   * @param isChosen asked once for each open connection.
   * @param direction 0: those that the device sends; 1: those that the server sends.
   * @returns how many will break off.
   */
  sever(isChosen: () => boolean, direction: 0 | 1): number {
    const chosen = [...this.#links].filter(isChosen);
    for (const link of chosen) link.sever(direction);
    return chosen.length;
  }

  /** Ends one direction of some connections and leaves the other; chosen and counted like {@link FaultProxy.sever}. */
  halfClose(isChosen: () => boolean, direction: 0 | 1): number {
    const chosen = [...this.#links].filter(isChosen);
    for (const link of chosen) link.halfClose(direction);
    return chosen.length;
  }

  /** Everything works again; what waited moves on. */
  restore(): void {
    this.#mode = { kind: "open" };
  }

  /**
   * Says something in the server's name, once everything has arrived that the server said: on each sync connection
   * where a session has synchronised. From then on the server is not heard there.
   *
   * @param messageTo makes the message for the session that was heard of last.
   * @returns how many connections were told.
   */
  say(messageTo: (session: number) => Uint8Array): number {
    let count = 0;
    for (const link of this.#links) {
      if (!link.isWebSocket || link.session === undefined) continue;
      link.say(messageTo(link.session));
      count += 1;
    }
    return count;
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
