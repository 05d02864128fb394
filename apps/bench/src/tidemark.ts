/**
 * Tidemark as the benchmarks use it: a server process, and devices in this process.
 *
 * @module
 */

import { type ChildProcess, fork } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { App, Credentials, Realm, type User } from "@tidemark/node";
import { itemSchema } from "./items.js";

/** A server with an empty data directory, and the app whose users are its devices. */
export class BenchServer {
  readonly #url: string;
  readonly #child: ChildProcess;
  readonly #app: App;

  private constructor(url: string, child: ChildProcess, app: App) {
    this.#url = url;
    this.#child = child;
    this.#app = app;
  }

  static async start(directory: string): Promise<BenchServer> {
    const dataDirectory = join(directory, "server");
    const baseFilePath = join(directory, "devices");
    await Promise.all([dataDirectory, baseFilePath].map((folder) => mkdir(folder, { recursive: true })));
    const child = fork(fileURLToPath(new URL("../dist/server-process.js", import.meta.url)), [dataDirectory]);
    const url = await new Promise<string>((resolve, reject) => {
      child.once("message", (message: { readonly url: string }) => resolve(message.url));
      child.once("exit", () => reject(new Error("the server ended")));
    });
    // Apps of one id are one object, so each server has an app of its own.
    const app = new App({ id: `bench-${new URL(url).port}`, baseUrl: url, baseFilePath });
    return new BenchServer(url, child, app);
  }

  /** Bytes of all messages that the server has sent. */
  async bytesSent(): Promise<number> {
    const response = await fetch(`${this.#url}/api/tidemark/status`);
    const { totals } = (await response.json()) as { readonly totals: Readonly<Record<string, number>> };
    return totals["bytesSent"] ?? 0;
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => {
      this.#child.once("exit", resolve);
    });
    this.#child.disconnect();
    await ended;
  }

  /** A new user: files lie apart by user, so each stands for a device of its own. */
  async user(): Promise<User> {
    return this.#app.logIn(Credentials.anonymous(false));
  }

  /** Opens a device's realm with a subscription to every item, without waiting for data. */
  open(user: User): Realm {
    return new Realm({
      schema: [itemSchema],
      sync: {
        user,
        flexible: true,
        initialSubscriptions: {
          update: (subscriptions, realm) => {
            subscriptions.add(realm.objects("Item"));
          },
        },
      },
    });
  }

  /** A new device whose subscription is in force. */
  async device(): Promise<Realm> {
    const realm = this.open(await this.user());
    await realm.subscriptions.waitForSynchronization();
    return realm;
  }
}
