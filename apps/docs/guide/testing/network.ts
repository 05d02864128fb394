/**
 * A network between devices and a server: everything is passed on, until it is cut.
 *
 * @module
 */

import { connect, createServer, type Server, type Socket } from "node:net";

/** The network. */
export class Network {
  readonly url: string;
  readonly #server: Server;
  readonly #sockets: Set<Socket>;
  readonly #port: number;

  private constructor(target: URL, server: Server, port: number) {
    this.url = `http://127.0.0.1:${port}`;
    this.#server = server;
    this.#sockets = new Set();
    this.#port = port;
    server.on("connection", (client) => this.#pass(client, target));
  }

  /** Starts a network that leads to a server. */
  static async start(target: string): Promise<Network> {
    const server = createServer();
    await new Promise<void>((resolve) => {
      server.listen(0, "127.0.0.1", resolve);
    });
    const { port } = server.address() as { readonly port: number };
    return new Network(new URL(target), server, port);
  }

  #pass(client: Socket, target: URL): void {
    const upstream = connect(Number(target.port), target.hostname);
    for (const socket of [client, upstream]) {
      this.#sockets.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => {
        this.#sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.pipe(upstream).pipe(client);
  }

  /** Ends all connections, and has nobody there for new ones. */
  cut(): void {
    if (this.#server.listening) this.#server.close();
    for (const socket of Array.from(this.#sockets)) socket.destroy();
  }

  restore(): void {
    if (!this.#server.listening) this.#server.listen(this.#port, "127.0.0.1");
  }

  stop(): void {
    this.cut();
  }
}
