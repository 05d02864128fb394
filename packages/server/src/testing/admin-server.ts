/**
 * A server with the Admin API over the embedded ledger in a directory of its own, for tests.
 *
 * @module
 */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openNativeKeyValue, openNativeLedger } from "../native.js";
import { createServer, type Server } from "../server.js";
import { AdminClient, testAdministrator } from "./admin-client.js";
import { logInAnonymously, ScriptedClient } from "./scripted-client.js";

/** The server, an administrator, and connections that end with it. */
export class AdminServer {
  /** Where its data is. */
  readonly directory: string;
  #connections: ScriptedClient[] = [];
  server: Server;
  admin: AdminClient;

  private constructor(directory: string, server: Server, admin: AdminClient) {
    this.directory = directory;
    this.server = server;
    this.admin = admin;
  }

  static async open(): Promise<AdminServer> {
    const directory = await mkdtemp(join(tmpdir(), "tidemark-admin-"));
    const server = await start(directory);
    return new AdminServer(directory, server, await AdminClient.logIn(server.url));
  }

  /** Ends the process's part of it and begins anew with what is stored. */
  async restart(): Promise<void> {
    await this.stop();
    this.server = await start(this.directory);
    this.admin = await AdminClient.logIn(this.server.url);
  }

  /** Connects to an app with a token, or as a new anonymous user. */
  async connect(clientAppId: string, token?: string): Promise<ScriptedClient> {
    const access = token ?? (await logInAnonymously(this.server.url, clientAppId)).access_token;
    const connection = await ScriptedClient.connect(this.server.url, clientAppId, access);
    this.#connections.push(connection);
    return connection;
  }

  async stop(): Promise<void> {
    for (const one of this.#connections) one.close();
    this.#connections = [];
    await this.server.stop();
  }

  /** Stops it, and nothing is left. */
  async remove(): Promise<void> {
    await this.stop();
    await rm(this.directory, { recursive: true });
  }
}

async function start(dataDirectory: string): Promise<Server> {
  const server = createServer({
    dataDirectory,
    openLedger: openNativeLedger,
    openKeyValue: openNativeKeyValue,
    admin: testAdministrator,
    appIds: [],
    rescue: "open",
    limits: { closeMs: 200 },
    passwordCost: { memoryKib: 64, passes: 1 },
  });
  await server.start();
  return server;
}
