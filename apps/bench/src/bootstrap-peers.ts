/**
 * Those whose bootstraps are compared: Tidemark, Triplit and Zero, each with a server that holds the same rows and with
 * clients in processes of their own.
 *
 * @module
 */

import type { ChildProcess } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { BootstrapRun } from "./bootstrap.js";
import type { BenchmarkOptions } from "./figures.js";
import { items } from "./items.js";
import { installPeer, startPeer } from "./peer-packages.js";
import { Postgres } from "./postgres.js";
import { firstMessage, startProcess, stopProcess } from "./processes.js";
import { fill } from "./sync-benchmarks.js";
import { BenchServer } from "./tidemark.js";

/** A filled server and how to start a client of it. */
export interface Contestant {
  readonly name: string;
  /** The server's processes; what they started belongs to them. */
  readonly serverPids: readonly number[];
  /** A new client, in a process of its own; the number is different each time. */
  startClient(number: number): Promise<BootstrapClient>;
  /** Bytes that the server has sent so far, if it counts them; else the clients do. */
  bytesSent?(): Promise<number>;
  stop(): Promise<void>;
}

/** A client's process. Each bootstrap is that of a new device. */
export class BootstrapClient {
  readonly #child: ChildProcess;

  constructor(child: ChildProcess) {
    this.#child = child;
  }

  async bootstrap(): Promise<BootstrapRun> {
    const answer = firstMessage<BootstrapRun>(this.#child, "a client");
    this.#child.send("go");
    return await answer;
  }

  async stop(): Promise<void> {
    await stopProcess(this.#child);
  }
}

/** What all contestants are made from. */
export interface Ring {
  readonly options: BenchmarkOptions;
  readonly count: number;
  /** The rows, as JSON. */
  readonly rowsFile: string;
}

/** Writes the rows for those who read them from a file. */
export async function prepareRing(options: BenchmarkOptions, count: number): Promise<Ring> {
  const rowsFile = join(options.directory, "rows.json");
  await writeFile(rowsFile, JSON.stringify(items(count)));
  return { options, count, rowsFile };
}

/** Tidemark: files on both sides, and what is acknowledged is on the disk. */
export async function tidemark({ options, count }: Ring): Promise<Contestant> {
  const server = await BenchServer.start(options.directory);
  await fill(server, count);
  return {
    name: "tidemark",
    serverPids: [server.pid],
    startClient: async (number) => {
      const folder = join(options.directory, `device-${number}`);
      const [child] = await startProcess("bootstrap-process", [server.url, folder, String(count)]);
      return new BootstrapClient(child);
    },
    bytesSent: () => server.bytesSent(),
    stop: () => server.stop(),
  };
}

/** Triplit, with both sides in memory or both with LMDB. */
function triplit(storage: "memory" | "disk"): (ring: Ring) => Promise<Contestant> {
  return async ({ options, count, rowsFile }) => {
    await installPeer("triplit");
    const folderOf = async (name: string): Promise<string> => {
      if (storage === "memory") return "-";
      const folder = join(options.directory, `triplit-${name}`);
      await mkdir(folder, { recursive: true });
      return folder;
    };
    const serverArguments = [await folderOf("server"), rowsFile];
    const [server, { url }] = await startPeer<{ readonly url: string }>("triplit", "server.mjs", serverArguments);
    return {
      name: `triplit-${storage}`,
      serverPids: [server.pid ?? 0],
      startClient: async (number) => {
        const clientArguments = [url, await folderOf(`client-${number}`), String(count)];
        const [child] = await startPeer("triplit", "reader.mjs", clientArguments);
        return new BootstrapClient(child);
      },
      stop: () => stopProcess(server),
    };
  };
}

/** The table, and its rows behind it. */
function postgresRows(count: number): string {
  const rows = items(count).map(({ _id, name, n, d, b, t, note }) =>
    [_id, name, n, d, b, t.toISOString(), note].join("\t"),
  );
  return [
    "CREATE TABLE item (id integer PRIMARY KEY, name text NOT NULL, n integer NOT NULL, d double precision NOT NULL,",
    "  b boolean NOT NULL, t timestamptz NOT NULL, note text NOT NULL);",
    "COPY item (id, name, n, d, b, t, note) FROM STDIN;",
    ...rows,
    "\\.",
    "",
  ].join("\n");
}

/** Zero: its cache and PostgreSQL on the disk, its clients in memory. */
async function zero({ options, count }: Ring): Promise<Contestant> {
  await installPeer("zero");
  const postgres = await Postgres.start();
  try {
    await postgres.run(postgresRows(count));
    const folder = join(options.directory, "zero");
    await mkdir(folder);
    const [cache, { url }] = await startPeer<{ readonly url: string }>("zero", "server.mjs", [postgres.url, folder]);
    return {
      name: "zero",
      serverPids: [cache.pid ?? 0, postgres.pid],
      startClient: async (number) => {
        const [child] = await startPeer("zero", "reader.mjs", [url, `device-${number}`, String(count)]);
        return new BootstrapClient(child);
      },
      stop: async () => {
        await stopProcess(cache);
        await postgres.stop();
      },
    };
  } catch (error) {
    await postgres.stop();
    throw error;
  }
}

/** Starters of those that Tidemark is compared with, by the names of their figures. */
export const peerStarters: ReadonlyMap<string, (ring: Ring) => Promise<Contestant>> = new Map([
  ["triplit-memory", triplit("memory")],
  ["triplit-disk", triplit("disk")],
  ["zero", zero],
]);
