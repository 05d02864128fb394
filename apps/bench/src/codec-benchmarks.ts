/**
 * The changeset codec beside a copy of the same bytes. The bytes are what a device would upload.
 *
 * @module
 */

import { copyRepeatedly, core, decodeRepeatedly, encodeRepeatedly } from "@tidemark/native";
import { parseUploadEntries } from "@tidemark/protocol";
import { type Benchmark, figure, interleaved, timed } from "./figures.js";
import { items } from "./items.js";
import { BenchServer } from "./tidemark.js";

const objectCount = 10_000;
/** So much more often, since a copy is over before the clock has moved. */
const copiesPerRound = 20;

/** The changeset of one write of many objects, as its device would upload it. */
async function changesetOf(directory: string, count: number): Promise<Uint8Array> {
  const server = await BenchServer.start(directory);
  try {
    const realm = await server.devices.ready();
    realm.syncSession?.pause();
    realm.write(() => {
      for (const row of items(count)) realm.create("Item", { ...row });
    });
    const store = core.openStore(realm.path, JSON.stringify({ synced: true }));
    const newest = store.version();
    const upload = store.nextUpload(newest - 1, 0, newest, 1);
    store.close();
    realm.close();
    const [entry] = parseUploadEntries(upload.subarray(20));
    if (entry === undefined) throw new Error("the write has no changeset");
    return entry.changeset;
  } finally {
    await server.stop();
  }
}

const codec: Benchmark = {
  name: "codec",
  run: async function* (options) {
    const changeset = await changesetOf(options.directory, objectCount);
    const rounds = options.quick ? 1 : 20;
    let bytes = 0;
    const time = (work: (changeset: Uint8Array, rounds: number) => number, times: number) => () =>
      timed(() => {
        bytes = work(changeset, times);
      });
    const megabytes = rounds * changeset.length * 1e-6;
    const [decodeMs = 0, encodeMs = 0, copyMs = 0] = await interleaved(options, [
      time(decodeRepeatedly, rounds),
      time(encodeRepeatedly, rounds),
      time(copyRepeatedly, rounds * copiesPerRound),
    ]);
    if (bytes === 0) throw new Error("nothing was copied");
    const copy = { name: "memcpy", value: (megabytes * copiesPerRound) / (copyMs / 1000) };
    yield figure("codec-decode", "MB/s", megabytes / (decodeMs / 1000), copy);
    yield figure("codec-encode", "MB/s", megabytes / (encodeMs / 1000), copy);
  },
};

/** Benchmarks of the core alone. */
export const codecBenchmarks: readonly Benchmark[] = [codec];
