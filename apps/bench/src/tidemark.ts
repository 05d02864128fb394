/**
 * Tidemark as the benchmarks use it: a server process, and devices.
 *
 * @module
 */

import type { ChildProcess } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { App, Credentials, type ObjectSchema, Realm, type User } from "@tidemark/node";
import { itemSchema } from "./items.js";
import { startProcess, stopProcess } from "./processes.js";

/** Devices of this process. */
export class Devices {
  readonly #app: App;

  constructor(url: string, baseFilePath: string) {
    mkdirSync(baseFilePath, { recursive: true });
    this.#app = new App({ id: "bench", baseUrl: url, baseFilePath });
  }

  /** A new user: files lie apart by user, so each stands for a device of its own. */
  async user(): Promise<User> {
    return this.#app.logIn(Credentials.anonymous(false));
  }

  /** Opens a device's realm with a subscription to every object of a class, without waiting for data. */
  open(user: User, schema: ObjectSchema = itemSchema): Realm {
    return new Realm({
      schema: [schema],
      sync: {
        user,
        flexible: true,
        initialSubscriptions: {
          update: (subscriptions, realm) => {
            subscriptions.add(realm.objects(schema.name));
          },
        },
      },
    });
  }

  /** A new device whose subscription is in force. */
  async ready(schema: ObjectSchema = itemSchema): Promise<Realm> {
    const realm = this.open(await this.user(), schema);
    await realm.subscriptions.waitForSynchronization();
    return realm;
  }
}

/** A server with an empty data directory. */
export class BenchServer {
  readonly url: string;
  readonly devices: Devices;
  readonly #child: ChildProcess;

  private constructor(url: string, devices: Devices, child: ChildProcess) {
    this.url = url;
    this.devices = devices;
    this.#child = child;
  }

  static async start(directory: string): Promise<BenchServer> {
    const dataDirectory = join(directory, "server");
    mkdirSync(dataDirectory, { recursive: true });
    const [child, { url }] = await startProcess<{ readonly url: string }>("server-process", [dataDirectory]);
    return new BenchServer(url, new Devices(url, join(directory, "devices")), child);
  }

  /** Its process. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Bytes of all messages that the server has sent. */
  async bytesSent(): Promise<number> {
    const response = await fetch(`${this.url}/api/tidemark/status`);
    const { totals } = (await response.json()) as { readonly totals: Readonly<Record<string, number>> };
    return totals["bytesSent"] ?? 0;
  }

  /** Memory that the server's process takes up, without garbage. */
  async residentBytes(): Promise<number> {
    const said = new Promise<{ readonly residentBytes: number }>((resolve) => {
      this.#child.once("message", (message) => resolve(message as { readonly residentBytes: number }));
    });
    this.#child.send("memory");
    return (await said).residentBytes;
  }

  async stop(): Promise<void> {
    await stopProcess(this.#child);
  }
}
