/**
 * A server whose clock is the test's: clients that are away for longer than the maximum offline time.
 *
 * @module
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer, type Host, openNativeKeyValue, openNativeLedger, systemHost } from "@tidemark/server";

const hourMs = 60 * 60_000;
const dayMs = 24 * hourMs;

/** A host whose time passes when it is told to. */
class ManualHost implements Host {
  #nowMs = Date.now();
  #timers: { readonly atMs: number; readonly run: () => void }[] = [];

  nowMs(): number {
    return this.#nowMs;
  }

  randomBytes(count: number): Uint8Array {
    return systemHost.randomBytes(count);
  }

  after(delayMs: number, run: () => void): () => void {
    const timer = { atMs: this.#nowMs + delayMs, run };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((one) => one !== timer);
    };
  }

  pass(durationMs: number): void {
    this.#nowMs += durationMs;
    const due = this.#timers.filter(({ atMs }) => atMs <= this.#nowMs);
    this.#timers = this.#timers.filter(({ atMs }) => atMs > this.#nowMs);
    for (const { run } of due) run();
  }
}

/** A server that gives clients a day. */
export interface WaitingServer {
  readonly url: string;
  readonly directory: string;
  /** Lets so much time pass that the clients that are away have been so for too long. */
  letClientsExpire(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts a server with an empty folder. */
export async function startWaitingServer(): Promise<WaitingServer> {
  const host = new ManualHost();
  const directory = mkdtempSync(join(tmpdir(), "tidemark-guide-"));
  const server = createServer({
    dataDirectory: join(directory, "server"),
    openLedger: openNativeLedger,
    openKeyValue: openNativeKeyValue,
    developmentMode: true,
    environment: host,
    passwordCost: { memoryKib: 64, passes: 1 },
    port: 0,
    maxOfflineMs: dayMs,
    limits: { closeMs: 200, idleMs: 2 ** 40 },
  });
  await server.start();
  const url = `http://127.0.0.1:${server.port}`;
  const sessionCount = async (): Promise<number> => {
    const answer = await fetch(`${url}/api/tidemark/status`);
    const { apps } = (await answer.json()) as { readonly apps: readonly { readonly sessions: number }[] };
    return apps.reduce((sum, { sessions }) => sum + sessions, 0);
  };
  return {
    url,
    directory,
    letClientsExpire: async () => {
      // A session that is still there is not away.
      while ((await sessionCount()) > 0) await turn();
      while (server.metrics.total("clientFilesExpired") === 0) {
        host.pass(hourMs);
        await turn();
      }
    },
    stop: async () => {
      await server.stop();
      rmSync(directory, { recursive: true, force: true, maxRetries: 10 });
    },
  };
}

function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
