import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { core, KeyValue } from "@tidemark/native";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Batch, schema } from "./batch.mjs";

const addon = import.meta.resolve("@tidemark/native");
const SYNCED = JSON.stringify({ synced: true });
const LONG = 10_000;

let folder = "";
let path = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "native-"));
  path = join(folder, "file");
});

afterEach(() => {
  core.closeAll();
  rmSync(folder, { recursive: true, force: true });
});

function withSchema(where = path) {
  const store = core.openStore(where, SYNCED);
  store.beginWrite(LONG);
  store.updateSchema(schema);
  store.commitWrite(1);
  return store;
}

function code(work) {
  try {
    work();
  } catch (error) {
    return error.code;
  }
  return "nothing thrown";
}

function add(store, ...keys) {
  store.beginWrite(LONG);
  for (const key of keys) store.mutate(new Batch().create(key).done());
  return store.commitWrite(2);
}

function count(store) {
  const snapshot = store.beginRead();
  const objects = store.count(snapshot, 0);
  store.endRead(snapshot);
  return objects;
}

/** Runs a body in a worker thread; `core`, `path` and `wait` are there. The answer is what it returns. */
function inWorker(body) {
  const text = `
    const { parentPort, workerData } = require("node:worker_threads");
    const wait = (milliseconds) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
    import(workerData.addon).then(({ core }) => {
      const path = workerData.path;
      const answer = (() => { ${body} })();
      parentPort.postMessage({ answer });
    }).catch((error) => parentPort.postMessage({ code: error.code, message: String(error) }));`;
  const worker = new Worker(text, { eval: true, workerData: { addon, path } });
  const answer = new Promise((resolve) => worker.once("message", resolve));
  const ended = new Promise((resolve) => worker.once("exit", resolve));
  return { worker, answer, ended };
}

describe("one thread", () => {
  test("writes, reads and asks", () => {
    const store = withSchema();
    const view = store.beginWrite(LONG);
    const batch = new Batch().create(7).set(-1, 0).string("Rex").set(-1, 1).int(5).create(8);
    const answer = Buffer.from(store.mutate(batch.done()));
    expect([answer.readDoubleLE(0), answer.readUInt8(8), answer.readDoubleLE(9)]).toEqual([0, 1, 1]);
    expect(store.find(view, 0, new Batch().int(8).done())).toBe(1);
    expect(code(() => store.mutate(new Batch().create(7).done()))).toBe("object-exists");
    expect(store.commitWrite(3)).toBe(3);
    expect(code(() => store.count(view, 0))).toBe("invalid-snapshot");
    const snapshot = store.beginRead();
    expect(store.beginRead()).toBe(snapshot);
    store.endRead(snapshot);
    const row = store.row(snapshot, 0, 0);
    expect(store.row(snapshot, 0, 9)).toBeNull();
    const rows = Buffer.from(store.rows(snapshot, 0, Float64Array.of(9, 0)));
    expect(rows.readUInt32LE(0)).toBe(0);
    expect(rows.subarray(8)).toEqual(Buffer.from(row));
    const scratch = new Uint8Array(256);
    expect(store.rowInto(snapshot, 0, 0, scratch)).toBe(row.length);
    expect(Buffer.from(scratch.subarray(0, row.length))).toEqual(Buffer.from(row));
    expect(store.rowInto(snapshot, 0, 0, new Uint8Array(1))).toBe(row.length);
    expect(store.rowInto(snapshot, 0, 9, scratch)).toBe(-1);
    const none = new Uint8Array(0);
    expect([...store.query(snapshot, 0, "age > 3", none, null)]).toEqual([0]);
    expect([...store.query(snapshot, 0, "TRUEPREDICATE", none, Float64Array.of(1, 0))]).toEqual([1, 0]);
    const five = new Batch().u32(1).int(5).done();
    expect(store.describeQuery(snapshot, 0, "age == $0", five)).toBe("age == 5");
    expect(code(() => store.query(snapshot, 0, "age ==", none, null))).toBe("invalid-query");
    expect(JSON.parse(store.changesSince(2)).classes.Dog.inserted).toEqual([0, 1]);
    store.endRead(snapshot);
    expect(code(() => store.endRead(snapshot))).toBe("invalid-snapshot");
  });

  test("finds what links to an object, and where in a collection", () => {
    const store = core.openStore(path, SYNCED);
    const link = (name, collection) => ({
      name,
      type: "link",
      nullable: collection === "single",
      collection,
      target: "Dog",
    });
    const [dog] = JSON.parse(schema);
    const columns = [link("friend", "single"), link("pack", "list"), link("known", "set")];
    store.beginWrite(LONG);
    store.updateSchema(JSON.stringify([{ ...dog, columns }]));
    const batch = new Batch();
    for (const key of [0, 1, 2]) batch.create(key);
    batch.set(0, 0).link("Dog", 2).set(1, 0).link("Dog", 2);
    for (const [index, key] of [1, 2, 1].entries()) batch.insert(0, 1, index).link("Dog", key);
    batch.add(2, 2).link("Dog", 0);
    store.mutate(batch.done());
    store.commitWrite(2);
    const snapshot = store.beginRead();
    const origins = (target, column) => [...store.origins(snapshot, 0, Float64Array.from(target), 0, column)];
    expect([origins([2], 0), origins([1, 2], 1), origins([0], 2), origins([0], 0)]).toEqual([[0, 1], [0], [2], []]);
    const positions = (object, column, targets) => [
      ...store.linkPositions(snapshot, 0, object, column, 0, Float64Array.from(targets)),
    ];
    expect([positions(0, 1, [1]), positions(0, 1, [2, 1]), positions(2, 2, [0])]).toEqual([[0, 2], [0, 1, 2], [0]]);
    expect([positions(0, 1, [0]), positions(0, 1, [9])]).toEqual([[], []]);
    store.endRead(snapshot);
    expect(code(() => origins([2], 0))).toBe("invalid-snapshot");
    expect(code(() => positions(0, 1, [1]))).toBe("invalid-snapshot");
  });

  test("holds one write at a time", () => {
    const store = withSchema();
    const other = core.openStore(path, SYNCED);
    store.beginWrite(LONG);
    expect(code(() => store.beginWrite(0))).toBe("write-in-progress");
    expect(code(() => other.beginWrite(0))).toBe("write-in-progress");
    expect(code(() => other.commitWrite(0))).toBe("not-in-write");
    expect(code(() => other.setFileIdent(1n, 2n))).toBe("write-in-progress");
    store.abortWrite();
    other.setFileIdent(2n ** 63n - 1n, 2n);
    expect(JSON.parse(store.syncState()).fileIdent).toBe("9223372036854775807");
    // A handle that is closed takes its open write with it.
    other.beginWrite(0);
    other.close();
    store.beginWrite(0);
    store.abortWrite();
  });

  test("refuses with a code", () => {
    expect(code(() => core.openStore(join(folder, "no", "file"), SYNCED))).toBe("file-not-found");
    writeFileSync(path, "certainly no database");
    expect(code(() => core.openStore(path, SYNCED))).toBe("file-damaged");
    core.deleteStore(path);
    expect(code(() => statSync(path))).toBe("ENOENT");
    const store = withSchema();
    expect(code(() => core.deleteStore(path))).toBe("file-open");
    expect(code(() => core.openStore(path, "{"))).toBe("malformed-argument");
    store.beginWrite(0);
    expect(code(() => store.updateSchema(schema.replace('"string"', '"bool"')))).toBe("schema-mismatch");
    store.abortWrite();
    const reader = core.openStore(path, JSON.stringify({ synced: true, readOnly: true }));
    expect(code(() => reader.beginWrite(0))).toBe("read-only");
    store.close();
    expect(core.isOpen(path)).toBe(true);
    reader.close();
    expect(core.isOpen(path)).toBe(false);
    expect(code(() => store.version())).toBe("closed");
    const memory = core.openStore(null, "{}");
    expect(code(() => memory.syncState())).toBe("not-synced");
    memory.close();
  });

  test("changes the schema in more than additions, and keeps the application's version", () => {
    const store = core.openStore(path, JSON.stringify({ synced: false }));
    store.beginWrite(0);
    store.updateSchema(schema);
    store.commitWrite(1);
    let snapshot = store.beginRead();
    expect(store.declaredVersion(snapshot)).toBe(-1);
    store.endRead(snapshot);
    const view = store.beginWrite(0);
    const age = { name: "years", type: "int", nullable: true, collection: "single", from: "age" };
    const operations = [
      { operation: "releaseKey", class: "Dog" },
      { operation: "reshape", class: "Dog", columns: [age] },
      { operation: "makeKey", class: "Dog", name: "years" },
    ];
    store.migrateSchema(JSON.stringify(operations));
    store.setDeclaredVersion(2 ** 53 - 1);
    expect(store.declaredVersion(view)).toBe(2 ** 53 - 1);
    expect(() => store.setDeclaredVersion(-1)).toThrow(expect.objectContaining({ code: "malformed-argument" }));
    const unknown = JSON.stringify([{ operation: "removeClass", class: "None" }]);
    expect(() => store.migrateSchema(unknown)).toThrow(expect.objectContaining({ code: "not-found" }));
    store.commitWrite(2);
    store.close();
    const again = core.openStore(path, JSON.stringify({ synced: false }));
    snapshot = again.beginRead();
    const [dog] = JSON.parse(again.schema(snapshot)).classes;
    expect(dog.primaryKey).toEqual({ name: "years", type: "int", nullable: true });
    expect(dog.columns).toEqual([]);
    expect(again.declaredVersion(snapshot)).toBe(2 ** 53 - 1);
  });

  test("is closed by closeAll", () => {
    const store = withSchema();
    store.beginRead();
    store.beginWrite(0);
    store.mutate(new Batch().create(1).done());
    core.closeAll();
    expect(core.isOpen(path)).toBe(false);
    expect(() => store.version()).not.toThrow();
    expect(code(() => store.commitWrite(1))).not.toBe("nothing thrown");
    const again = core.openStore(path, SYNCED);
    expect(count(again)).toBe(0);
    // What is left of the old handle does not touch the new database.
    store.close();
    expect(count(again)).toBe(0);
    again.close();
  });
});

describe("threads", () => {
  test("share a file by any of its names", async () => {
    const store = withSchema();
    const link = join(folder, "link");
    symlinkSync(path, link);
    expect(core.isOpen(link)).toBe(true);
    const snapshot = store.beginRead();
    const { answer } = inWorker(`
      const store = core.openStore(path, '{"synced":true}');
      const snapshot = store.beginRead();
      store.commitSubscriptionSet("[]", 1);
      store.endRead(snapshot);
      return store.version();`);
    expect(await answer).toEqual({ answer: 3 });
    expect(store.version()).toBe(3);
    expect(store.snapshotVersion(snapshot)).toBe(2);
  });

  test("wait for each other, the application first", async () => {
    const store = withSchema();
    store.beginWrite(LONG);
    const { worker, answer } = inWorker(`
      const store = core.openStore(path, '{"synced":true}');
      let code = "";
      try { store.beginWrite(50); } catch (error) { code = error.code; }
      parentPort.postMessage(code);
      store.setFileIdent(5n, 6n);
      return { version: store.version() };`);
    expect(await answer).toBe("write-timeout");
    const version = new Promise((resolve) => worker.once("message", resolve));
    // Its next write has begun to wait, or will find this one done: the version is the same.
    await new Promise((resolve) => setTimeout(resolve, 100));
    store.mutate(new Batch().create(1).done());
    store.commitWrite(5);
    expect(await version).toEqual({ answer: { version: 3 } });
  });

  test("that end let go of what they hold", async () => {
    const store = withSchema();
    const { worker, ended } = inWorker(`
      const store = core.openStore(path, '{"synced":true}');
      globalThis.kept = [store, store.beginRead(), store.beginWrite(0)];
      parentPort.on("message", () => undefined);
      return 0;`);
    await new Promise((resolve) => worker.once("message", resolve));
    expect(code(() => store.beginWrite(20))).toBe("write-timeout");
    await worker.terminate();
    await ended;
    store.beginWrite(LONG);
    store.abortWrite();
    store.close();
    expect(core.isOpen(path)).toBe(false);
  });

  test("see each commit of the other at once", async () => {
    const store = withSchema();
    const { answer } = inWorker(`
      const store = core.openStore(path, '{"synced":true}');
      for (;;) {
        const snapshot = store.beginRead();
        const objects = store.count(snapshot, 0);
        store.endRead(snapshot);
        if (objects === 10) return objects;
        wait(1);
      }`);
    for (let key = 0; key < 10; key += 1) add(store, key);
    expect(await answer).toEqual({ answer: 10 });
  });
});

describe("processes", () => {
  function inProcess(body) {
    const text = `import(${JSON.stringify(addon)}).then(({ core }) => { const path = ${JSON.stringify(path)}; ${body} });`;
    return spawnSync(process.execPath, ["--eval", text], { encoding: "utf8" });
  }

  test("do not share a file", () => {
    const store = withSchema();
    const other = inProcess(`
      for (const work of [() => core.openStore(path, "{}"), () => core.deleteStore(path)]) {
        try { work(); } catch (error) { console.log(error.code); }
      }`);
    expect(other.stdout).toBe("file-in-use\nfile-in-use\n");
    store.close();
  });

  test("that are killed leave what they committed", () => {
    withSchema().close();
    const other = inProcess(`
      const store = core.openStore(path, '{"synced":true}');
      store.setFileIdent(9n, 1n);
      store.beginWrite(0);
      store.updateSchema('[{"name":"Lost","kind":"embedded","columns":[]}]');
      process.kill(process.pid, "SIGKILL");`);
    expect(other.signal).toBe("SIGKILL");
    const store = core.openStore(path, SYNCED);
    expect(JSON.parse(store.syncState()).fileIdent).toBe("9");
    const snapshot = store.beginRead();
    expect(JSON.parse(store.schema(snapshot)).classes.map(({ name }) => name)).toEqual(["Dog"]);
    store.close();
  });

  test("are told of a file that was cut short", () => {
    const store = withSchema();
    add(store, ...Array.from({ length: 5_000 }, (_, key) => key));
    store.close();
    truncateSync(path, statSync(path).size / 2);
    expect(code(() => core.openStore(path, SYNCED))).toMatch(/^file-/u);
  });
});

describe("synchronisation", () => {
  test("uploads and downloads cross as bytes and JSON", () => {
    const store = withSchema();
    add(store, 1);
    store.setFileIdent(2n, 3n);
    const upload = Buffer.from(store.nextUpload(0, 0, store.version(), 131_072));
    expect([upload.readDoubleLE(0), upload.readDoubleLE(8), upload.readUInt32LE(16)]).toEqual([3, 0, 2]);
    expect(upload.subarray(20).toString("latin1")).toMatch(/^2 0 1 0 \d+ \?/u);
    const progress = {
      downloadServerVersion: 5,
      downloadClientVersion: 3,
      latestServerVersion: 5,
      latestServerVersionSalt: "77",
      uploadClientVersion: 3,
      uploadServerVersion: 0,
      progressEstimate: 1,
    };
    // An empty changeset of another file.
    const body = Buffer.from("5 3 100 1 0 0 ");
    expect(JSON.parse(store.integrate(JSON.stringify(progress), body, 9))).toEqual({ version: 4, done: true });
    const wrong = JSON.stringify({ ...progress, downloadServerVersion: 4 });
    expect(code(() => store.integrate(wrong, Buffer.alloc(0), 9))).toBe("bad-progress");
    expect(code(() => store.integrate(JSON.stringify(progress), Buffer.from("5 3 100 1 1 1 x"), 9))).toBe(
      "bad-changeset",
    );
    const state = JSON.parse(store.syncState());
    expect(state).toMatchObject({ downloadServerVersion: 5, latestServerVersionSalt: "77", clientVersion: 4 });
    expect(store.commitSubscriptionSet("[]", 10)).toBe(1);
    store.storeBootstrap(1, true, true, JSON.stringify(progress), body);
    expect(store.discardPartialBootstrap()).toBe(true);
    expect(JSON.parse(store.applyBootstrap(11))).toEqual({ version: 6, done: true, queryVersion: 1 });
    expect(JSON.parse(store.applyBootstrap(11))).toEqual({ version: 6, done: true, queryVersion: -1 });
    expect(JSON.parse(store.subscriptionSets()).map((set) => [set.version, set.state])).toEqual([[1, "awaiting-mark"]]);
    store.setSubscriptionState(1, "complete", null);
    expect(code(() => store.setSubscriptionState(1, "happy", null))).toBe("malformed-argument");
    store.setRuleFields('{"Item":["owner"]}');
    for (const fields of ["", "[]", '{"Item":"owner"}', '{"Item":[1]}']) {
      expect(code(() => store.setRuleFields(fields))).toBe("malformed-argument");
    }
  });
});

describe("pairs", () => {
  test("are kept by key", () => {
    const pairs = KeyValue.open(path);
    pairs.put("user/1", Buffer.from("one"));
    pairs.write([
      { key: "user/2", value: Buffer.from("two") },
      { key: "zone", value: new Uint8Array(0) },
    ]);
    pairs.close();
    const again = KeyValue.open(path);
    expect(again.entries("user/").map(({ key, value }) => [key, Buffer.from(value).toString()])).toEqual([
      ["user/1", "one"],
      ["user/2", "two"],
    ]);
    again.write([{ key: "user/1" }, { key: "user/3", value: Buffer.from("three") }]);
    again.delete("zone");
    expect(again.get("user/1")).toBeNull();
    expect(again.get("zone")).toBeNull();
    expect(Buffer.from(again.get("user/3")).toString()).toBe("three");
    again.close();
    expect(code(() => again.get("user/3"))).toBe("closed");
    expect(code(() => core.openStore(path, "{}"))).toBe("file-other-kind");
  });
});
