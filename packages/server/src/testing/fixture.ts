/**
 * A server with fake ledgers on a free port, for tests.
 *
 * @module
 */

import type { Ledger, LedgerOptions } from "../ledger.js";
import { createServer, type Server, type ServerOptions } from "../server.js";
import { FakeLedger } from "./fake-ledger.js";
import { logInAnonymously, ScriptedClient } from "./scripted-client.js";

export const appId = "test-app";

/** A running server and what tests do with it. */
export interface Fixture {
  readonly server: Server;
  readonly url: string;
  /** The ledger of {@link appId}; there once a client has connected. */
  readonly ledger: () => FakeLedger;
  /** Connects with a token, or as a new anonymous user. */
  readonly connect: (token?: string) => Promise<ScriptedClient>;
  readonly stop: () => Promise<void>;
}

/** Starts a server that keeps everything in memory and hashes passwords cheaply. */
export async function startFixture(options: Partial<ServerOptions> = {}): Promise<Fixture> {
  const ledgers: FakeLedger[] = [];
  const clients: ScriptedClient[] = [];
  const server = createServer({
    dataDirectory: null,
    openLedger: (ledgerOptions: LedgerOptions): Promise<Ledger> => {
      const ledger = new FakeLedger(ledgerOptions);
      ledgers.push(ledger);
      return Promise.resolve(ledger);
    },
    developmentMode: true,
    passwordCost: { memoryKib: 64, passes: 1 },
    ...options,
    limits: { closeMs: 200, ...options.limits },
  });
  await server.start();
  const ledger = (): FakeLedger => {
    const first = ledgers[0];
    if (first === undefined) throw new Error("no ledger was opened");
    return first;
  };
  const connect = async (token?: string): Promise<ScriptedClient> => {
    const access = token ?? (await logInAnonymously(server.url, appId)).access_token;
    const client = await ScriptedClient.connect(server.url, appId, access);
    clients.push(client);
    return client;
  };
  const stop = async (): Promise<void> => {
    for (const client of clients) client.close();
    await server.stop();
    const violations = ledgers.flatMap((one) => one.violations);
    if (violations.length > 0) throw new Error(`the server broke its promises: ${violations.join(", ")}`);
  };
  return { server, url: server.url, ledger, connect, stop };
}
