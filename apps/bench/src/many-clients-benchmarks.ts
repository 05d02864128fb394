/**
 * Benchmarks of a server with many clients: what a change costs, fan-out, idle clients, durable uploads.
 *
 * @module
 */

import type { ChildProcess } from "node:child_process";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { WebSocket } from "ws";
import { editNote, newNote, noteQuery, noteSchema } from "./changesets.js";
import type { Delivered } from "./fan-process.js";
import { type Benchmark, type BenchmarkOptions, figure, interleaved, percentile, timed } from "./figures.js";
import { Floor } from "./floor.js";
import { type LightClient, openLightClients } from "./light-client.js";
import { matchCost } from "./match-cost.js";
import { monotonicMs, startProcess, stopProcess } from "./processes.js";
import { BenchServer } from "./tidemark.js";

/** Processes that the clients of a fan-out are spread over. */
const fanProcessCount = 2;

async function withServer<T>(options: BenchmarkOptions, work: (server: BenchServer) => Promise<T>): Promise<T> {
  const server = await BenchServer.start(options.directory);
  try {
    return await work(server);
  } finally {
    await server.stop();
  }
}

/** A client that has made the class and, in it, one note for each of some keys. */
async function writerOf(server: BenchServer, noteCount: number): Promise<LightClient> {
  const [maker] = await openLightClients(server.url, 1);
  await maker?.upload(noteSchema());
  maker?.close();
  const [writer] = await openLightClients(server.url, 1, noteQuery());
  if (writer === undefined) throw new Error("no client was opened");
  for (let key = 0; key < noteCount; key += 1) await writer.upload(newNote(key, key, "first"));
  return writer;
}

/** Clients in processes of their own, all of which get everything. */
class Fan {
  readonly #children: ChildProcess[];

  private constructor(children: ChildProcess[]) {
    this.#children = children;
  }

  static async start(kind: "tidemark" | "floor", url: string, count: number): Promise<Fan> {
    const share = String(count / fanProcessCount);
    const children: ChildProcess[] = [];
    for (let i = 0; i < fanProcessCount; i += 1) {
      const [child] = await startProcess<string>("fan-process", [kind, url, share]);
      children.push(child);
    }
    return new Fan(children);
  }

  /** Milliseconds from an action until the last client has got what came of it, and how large that was. */
  async reach(action: () => unknown): Promise<{ readonly tookMs: number; readonly bytes: number }> {
    const delivered = this.#children.map(
      (child) => new Promise<Delivered>((resolve) => child.once("message", (said) => resolve(said as Delivered))),
    );
    const startedAtMs = monotonicMs();
    void action();
    const all = await Promise.all(delivered);
    return { tookMs: Math.max(...all.map((one) => one.lastAtMs)) - startedAtMs, bytes: all[0]?.bytes ?? 0 };
  }

  async stop(): Promise<void> {
    await Promise.all(this.#children.map((child) => stopProcess(child)));
  }
}

const fanOut: Benchmark = {
  name: "fan-out",
  run: async function* (options) {
    const count = options.quick ? 20 : 1_000;
    const writes = options.quick ? 5 : 100;
    const floor = await Floor.start();
    const server = await BenchServer.start(options.directory);
    const writer = await writerOf(server, 1);
    const fan = await Fan.start("tidemark", server.url, count);
    const bareFan = await Fan.start("floor", floor.url("/member"), count);
    const caster = new WebSocket(floor.url("/cast"), { perMessageDeflate: false });
    await new Promise((resolve) => caster.once("message", resolve));
    const [samples, floorSamples]: [number[], number[]] = [[], []];
    try {
      for (let i = -3; i < writes; i += 1) {
        let acknowledged: Promise<void> = Promise.resolve();
        const text = `edit ${i + 100} ${"of a note ".repeat(8)}`;
        const { tookMs, bytes } = await fan.reach(() => (acknowledged = writer.upload(editNote(0, text))));
        await acknowledged;
        const bare = await bareFan.reach(() => caster.send(Buffer.alloc(bytes)));
        // The first few warm up.
        if (i < 0) continue;
        samples.push(tookMs);
        floorSamples.push(bare.tookMs);
      }
    } finally {
      caster.terminate();
      writer.close();
      await Promise.all([fan.stop(), bareFan.stop()]);
      await Promise.all([server.stop(), floor.stop()]);
    }
    for (const [name, fraction] of [["fan-out-p50", 0.5] as const, ["fan-out-p99", 0.99] as const]) {
      const value = percentile(floorSamples, fraction);
      yield figure(name, "ms", percentile(samples, fraction), { name: "ws broadcast of the same bytes", value });
    }
  },
};

const idleClient: Benchmark = {
  name: "idle-client",
  run: async function* (options) {
    const count = options.quick ? 50 : 5_000;
    const perClient = await withServer(options, async (server) => {
      const writer = await writerOf(server, 10);
      // What the first clients make the server load is not theirs.
      const warm = await Fan.start("tidemark", server.url, fanProcessCount);
      const before = await server.residentBytes();
      const fan = await Fan.start("tidemark", server.url, count);
      await pause(options.quick ? 0 : 2_000);
      const after = await server.residentBytes();
      await Promise.all([fan.stop(), warm.stop()]);
      writer.close();
      return (after - before) / count;
    });
    yield figure("idle-client", "kB", perClient / 1024);
  },
};

/** Durable writes per second of a small block at the end of a file, one after the other. */
async function bareSyncsPerSecond(path: string, count: number): Promise<number> {
  const file = await open(path, "a");
  try {
    const block = Buffer.alloc(4096, 1);
    const tookMs = await timed(async () => {
      for (let i = 0; i < count; i += 1) {
        await file.write(block);
        await file.datasync();
      }
    });
    return (count * 1000) / tookMs;
  } finally {
    await file.close();
  }
}

const durableUploads: Benchmark = {
  name: "durable-uploads",
  run: async function* (options) {
    const clientCount = options.quick ? 10 : 200;
    const uploadsEach = options.quick ? 3 : 25;
    const [uploadsMs, syncMs] = await withServer(options, async (server) => {
      const writer = await writerOf(server, clientCount);
      writer.close();
      // Each sees its own note alone, so that this measures uploads and not fan-out.
      const clients: LightClient[] = [];
      for (let key = 0; key < clientCount; key += 50) {
        const some = Array.from({ length: Math.min(50, clientCount - key) }, (_, i) =>
          openLightClients(server.url, 1, noteQuery(key + i)),
        );
        clients.push(...(await Promise.all(some)).flat());
      }
      const uploads = (): Promise<number> =>
        timed(() =>
          Promise.all(
            clients.map(async (client, key) => {
              for (let i = 0; i < uploadsEach; i += 1) await client.upload(editNote(key, `edit ${i}`));
            }),
          ),
        );
      const syncs = async (): Promise<number> =>
        1000 / (await bareSyncsPerSecond(join(options.directory, "bare"), options.quick ? 20 : 300));
      const best = await interleaved(options, [uploads, syncs]);
      for (const client of clients) client.close();
      return best;
    });
    const perSecond = (clientCount * uploadsEach * 1000) / (uploadsMs ?? Number.NaN);
    const peer = { name: "fsyncs", value: 1000 / (syncMs ?? Number.NaN) };
    yield figure("durable-uploads", "1/s", perSecond, peer);
  },
};

/** Benchmarks of many clients. */
export const manyClientsBenchmarks: readonly Benchmark[] = [matchCost, fanOut, idleClient, durableUploads];
