/**
 * Benchmarks of synchronisation beside their floors: bootstrap, upload, grouping, latency, local writes
 * during a bootstrap.
 *
 * @module
 */

import type { ChildProcess } from "node:child_process";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { deflateSync } from "node:zlib";
import type { ObjectSchema, Realm } from "@tidemark/node";
import { citySchema, readCities } from "tidemark/cities";
import { listened } from "./bootstrap.js";
import {
  type Benchmark,
  type BenchmarkOptions,
  type Figure,
  figure,
  interleaved,
  percentile,
  timed,
} from "./figures.js";
import { Floor } from "./floor.js";
import { item, itemSchema, items } from "./items.js";
import { monotonicMs, startProcess, stopProcess } from "./processes.js";
import type { Sighting } from "./reader-process.js";
import { BenchServer } from "./tidemark.js";

/** Objects in one write of the upload benchmark. */
const objectsPerWrite = 1_000;

/** Time between two local writes while a bootstrap arrives. */
const betweenWritesMs = 2;

/** Runs something with a server and a floor, and stops both whatever happens. */
async function* withPeers(
  options: BenchmarkOptions,
  work: (server: BenchServer, floor: Floor) => AsyncIterable<Figure>,
): AsyncIterable<Figure> {
  const floor = await Floor.start();
  try {
    const server = await BenchServer.start(options.directory);
    try {
      yield* work(server, floor);
    } finally {
      await server.stop();
    }
  } finally {
    await floor.stop();
  }
}

/** How many objects move. */
export function countOf(options: BenchmarkOptions): number {
  return options.quick ? 5_000 : 100_000;
}

/** Writes rows in transactions of 1,000 and waits until all are acknowledged. */
export async function upload(realm: Realm, rows: readonly object[], className = "Item"): Promise<void> {
  for (let start = 0; start < rows.length; start += objectsPerWrite) {
    realm.write(() => {
      for (const row of rows.slice(start, start + objectsPerWrite)) realm.create(className, { ...row });
    });
  }
  await realm.syncSession?.uploadAllLocalChanges();
}

/** Fills the server from a device that is closed afterwards. */
export async function fill(server: BenchServer, count: number): Promise<void> {
  const writer = await server.devices.ready();
  await upload(writer, items(count));
  writer.close();
}

/** Milliseconds from opening a new device's file until its listener has seen every item. */
async function bootstrapOnce(server: BenchServer, count: number): Promise<number> {
  const user = await server.devices.user();
  let realm: Realm | undefined;
  const tookMs = await timed(async () => {
    realm = server.devices.open(user);
    await listened(realm, count);
  });
  realm?.close();
  return tookMs;
}

const rowsDown: Benchmark = {
  name: "floor",
  run: async function* (options) {
    const floor = await Floor.start();
    try {
      const [floorMs = 0] = await interleaved(options, [() => floor.rowsDown(countOf(options))]);
      yield figure("floor", "ms", floorMs);
    } finally {
      await floor.stop();
    }
  },
};

const bootstrap: Benchmark = {
  name: "bootstrap",
  run: (options) =>
    withPeers(options, async function* (server, floor) {
      const count = countOf(options);
      await fill(server, count);
      const [bootstrapMs = 0, floorMs = 0] = await interleaved(options, [
        () => bootstrapOnce(server, count),
        () => floor.rowsDown(count),
      ]);
      yield figure("bootstrap", "ms", bootstrapMs, { name: "floor", value: floorMs });
    }),
};

/** Bytes that a device is sent from being opened until its subscription is served, beside the same rows as JSON. */
function bootstrapBytes(
  name: string,
  schema: ObjectSchema,
  rowsOf: (count: number) => readonly object[] | Promise<readonly object[]>,
): Benchmark {
  return {
    name,
    run: (options) =>
      withPeers(options, async function* (server) {
        const rows = await rowsOf(countOf(options));
        const writer = await server.devices.ready(schema);
        await upload(writer, rows, schema.name);
        writer.close();
        const before = await server.bytesSent();
        const device = await server.devices.ready(schema);
        const sent = (await server.bytesSent()) - before;
        const received = device.objects(schema.name).length;
        if (received !== rows.length) throw new Error(`${received} of ${rows.length} objects arrived`);
        device.close();
        const deflated = deflateSync(JSON.stringify(rows)).length;
        yield figure(name, "bytes", sent, { name: "deflated JSON", value: deflated });
      }),
  };
}

const uploading: Benchmark = {
  name: "upload",
  run: (options) =>
    withPeers(options, async function* (server, floor) {
      const rows = items(countOf(options));
      let used = 0;
      const uploadOnce = async (): Promise<number> => {
        const device = await server.devices.ready();
        // Objects that nobody has yet: the same ones again would be changes that say nothing.
        const fresh = rows.map((row) => ({ ...row, _id: row._id + used }));
        used += rows.length;
        const tookMs = await timed(() => upload(device, fresh));
        device.close();
        return tookMs;
      };
      const [uploadMs = 0, floorMs = 0] = await interleaved(options, [uploadOnce, () => floor.rowsUp(rows)]);
      yield figure("upload", "ms", uploadMs, { name: "floor", value: floorMs });
    }),
};

const grouping: Benchmark = {
  name: "grouping",
  run: (options) =>
    withPeers(options, async function* (server) {
      const writeCount = options.quick ? 100 : 1_000;
      let next = 0;
      const writer = await server.devices.ready();
      const single = (): Promise<number> =>
        timed(async () => {
          for (let i = 0; i < writeCount; i += 1) writer.write(() => writer.create("Item", { ...item(next++) }));
          await writer.syncSession?.uploadAllLocalChanges();
        });
      const grouped = (): Promise<number> =>
        timed(async () => {
          writer.write(() => {
            for (let i = 0; i < writeCount; i += 1) writer.create("Item", { ...item(next++) });
          });
          await writer.syncSession?.uploadAllLocalChanges();
        });
      const [singleMs = 0, groupedMs = 0] = await interleaved(options, [single, grouped]);
      yield figure("grouping", "ms", singleMs, { name: `one write of ${writeCount}`, value: groupedMs });
      writer.close();
    }),
};

/** Milliseconds from each of `count` creations to the listener of a device in another process that sees all items. */
async function hops(writer: Realm, reader: ChildProcess, first: number, count: number): Promise<number[]> {
  let onSight: ((sighting: Sighting) => void) | undefined;
  const hear = (sighting: Sighting): void => onSight?.(sighting);
  reader.on("message", hear);
  const samples: number[] = [];
  for (let i = first; i < first + count; i += 1) {
    const seen = new Promise<Sighting>((resolve) => {
      onSight = (sighting) => {
        if (sighting.count > i) resolve(sighting);
      };
    });
    const writtenAtMs = monotonicMs();
    writer.write(() => writer.create("Item", { ...item(i) }));
    samples.push((await seen).atMs - writtenAtMs);
  }
  reader.off("message", hear);
  return samples;
}

const latency: Benchmark = {
  name: "latency",
  run: (options) =>
    withPeers(options, async function* (server, floor) {
      const [turnCount, turnLength] = options.quick ? [1, 20] : [5, 100];
      const writer = await server.devices.ready();
      const [reader] = await startProcess<Sighting>("reader-process", [server.url, join(options.directory, "reader")]);
      const [measured, trips]: [number[], number[]] = [[], []];
      for (let turn = 0; turn < turnCount; turn += 1) {
        measured.push(...(await hops(writer, reader, turn * turnLength, turnLength)));
        trips.push(...(await floor.roundTrips(turnLength)));
      }
      for (const [name, fraction] of [
        ["p50", 0.5],
        ["p99", 0.99],
      ] as const) {
        const peer = { name: `ws round trip ${name}`, value: percentile(trips, fraction) };
        yield figure(`latency-${name}`, "ms", percentile(measured, fraction), peer);
      }
      writer.close();
      await stopProcess(reader);
    }),
};

/** Milliseconds of each of a row of writes of one object, until told that it is enough. */
async function writes(realm: Realm, firstKey: number, isEnough: (written: number) => boolean): Promise<number[]> {
  const samples: number[] = [];
  while (!isEnough(samples.length)) {
    const key = firstKey + samples.length;
    samples.push(await timed(() => realm.write(() => realm.create("Item", { ...item(key) }))));
    await pause(betweenWritesMs);
  }
  return samples;
}

const writeDuringBootstrap: Benchmark = {
  name: "write-during-bootstrap",
  run: (options) =>
    withPeers(options, async function* (server) {
      const count = countOf(options);
      await fill(server, count);
      const device = server.devices.open(await server.devices.user());
      let isComplete = false;
      const arrival = async (): Promise<void> => {
        await device.subscriptions.waitForSynchronization();
        isComplete = true;
      };
      const done = arrival();
      const during = await writes(device, 10 * count, () => isComplete);
      await done;
      await device.syncSession?.uploadAllLocalChanges();
      const alone = await writes(device, 20 * count, (written) => written >= 200);
      for (const [name, fraction] of [
        ["p99", 0.99],
        ["max", 1],
      ] as const) {
        const peer = { name: `the same write alone, ${name}`, value: percentile(alone, fraction) };
        yield figure(`write-during-bootstrap-${name}`, "ms", percentile(during, fraction), peer);
      }
      device.close();
    }),
};

/** All benchmarks that need a server. */
export const syncBenchmarks: readonly Benchmark[] = [
  rowsDown,
  bootstrap,
  bootstrapBytes("bootstrap-bytes", itemSchema, items),
  bootstrapBytes("bootstrap-bytes-cities", citySchema, async (count) => (await readCities(null)).slice(0, count)),
  uploading,
  grouping,
  latency,
  writeDuringBootstrap,
];
