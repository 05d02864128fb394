import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

const isBuilt = existsSync(new URL("../pkg/tidemark_wasm.js", import.meta.url));
const entry = new URL("../node.js", import.meta.url).href;
const schema = JSON.stringify([
  {
    name: "Item",
    kind: "top",
    primaryKey: { name: "_id", type: "int", nullable: false },
    columns: [{ name: "age", type: "int", nullable: false, collection: "single" }],
  },
]);
const LOCAL = JSON.stringify({ synced: false });
const SYNCED = JSON.stringify({ synced: true });
const key = new Uint8Array(64).fill(5);
let seeds = 0;
let folder = "";
let path = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "wasm-files-"));
  path = join(folder, "file");
});

afterEach(async () => {
  if (isBuilt) (await import("../node.js")).core.closeAll();
  rmSync(folder, { recursive: true, force: true });
});

function seed() {
  seeds += 1;
  return new Uint8Array(32).fill(seeds);
}

describe.runIf(isBuilt)("files in WebAssembly", async () => {
  const { core } = isBuilt ? await import("../node.js") : {};

  function open(options, ...secret) {
    return core.openStore(path, options, ...secret);
  }

  function withSchema(options, ...secret) {
    const store = open(options, ...secret);
    store.beginWrite(0);
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
    return undefined;
  }

  test("keys that do not fit are refused, and the file stays as it is", () => {
    withSchema(SYNCED, key, seed()).close();
    const content = readFileSync(path);
    expect(code(() => open(SYNCED))).toBe("file-key-needed");
    expect(code(() => open(SYNCED, new Uint8Array(64), seed()))).toBe("file-key-wrong");
    expect(code(() => open(SYNCED, key.subarray(1), seed()))).toBe("invalid-key");
    expect(readFileSync(path).equals(content)).toBe(true);
    const store = open(SYNCED, key, seed());
    expect(code(() => open(SYNCED))).toBe("file-key-wrong");
    open(SYNCED, key, seed()).close();
    store.close();
    core.deleteStore(path);
    expect(existsSync(path)).toBe(false);
    withSchema(LOCAL).close();
    expect(code(() => open(LOCAL, key, seed()))).toBe("file-not-encrypted");
    core.deleteStore(path);
    expect(code(() => open(LOCAL, key.subarray(1), seed()))).toBe("invalid-key");
    expect(existsSync(path)).toBe(false);
  });

  test("an encrypted file that another process has open is told from one of another key", () => {
    withSchema(SYNCED, key, seed());
    const script = `
      import { core } from ${JSON.stringify(entry)};
      try { core.openStore(process.argv[1], '{"synced":true}'); } catch (error) { process.stdout.write(error.code); }`;
    const { stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", script, path], { encoding: "utf8" });
    expect(stdout).toBe("file-in-use");
  });

  test("compaction waits for nobody", () => {
    const store = withSchema(LOCAL);
    const { totalBytes, usedBytes } = JSON.parse(store.sizes());
    expect(totalBytes).toBe(statSync(path).size);
    expect(usedBytes).toBeLessThanOrEqual(totalBytes);
    const snapshot = store.beginRead();
    expect(store.compact()).toBe(false);
    store.endRead(snapshot);
    expect(store.compact()).toBe(true);
    expect(statSync(path).size).toBeLessThanOrEqual(totalBytes);
    store.beginWrite(0);
    expect(code(() => store.compact())).toBe("write-in-progress");
    store.abortWrite();
  });

  test("copies, and what is refused", () => {
    const copy = join(folder, "copy");
    const store = withSchema(SYNCED);
    expect(code(() => store.writeCopy(copy, "synced"))).toBe("unsynced-changes");
    expect(code(() => store.writeCopy(copy, "other"))).toBe("malformed-argument");
    expect(code(() => store.writeCopy(copy, "local", key.subarray(1), seed()))).toBe("invalid-key");
    expect(existsSync(copy)).toBe(false);
    store.writeCopy(copy, "local", key, seed());
    expect(code(() => store.writeCopy(copy, "local"))).toBe("file-exists");
    const local = core.openStore(copy, LOCAL, key, seed());
    expect(local.schema(local.beginRead())).toBe(store.schema(store.beginRead()));
    expect(code(() => local.writeCopy(join(folder, "third"), "synced"))).toBe("not-synced");
  });
});
