import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

const isBuilt = existsSync(new URL("../pkg/tidemark_wasm.js", import.meta.url));
const entry = fileURLToPath(new URL("../node.js", import.meta.url));
const synced = JSON.stringify({ synced: true });
const column = { name: "age", type: "int", nullable: false, collection: "single" };
const schema = JSON.stringify([
  { name: "Item", kind: "top", primaryKey: { name: "_id", type: "int", nullable: false }, columns: [column] },
]);
/** Of a query without any. */
const noParameters = new Uint8Array(4);

let folder;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tidemark-wasm-"));
});

afterEach(async () => {
  if (isBuilt) (await import("../node.js")).core.closeAll();
  rmSync(folder, { recursive: true, force: true });
});

describe.runIf(isBuilt)("a database in WebAssembly", async () => {
  const { core } = isBuilt ? await import("../node.js") : {};

  function write(store) {
    store.beginWrite(0);
    store.updateSchema(schema);
    return store.commitWrite(1);
  }

  test("is in its file when it is opened again", () => {
    const path = join(folder, "a.realm");
    const store = core.openStore(path, synced);
    const version = write(store);
    store.close();
    const again = core.openStore(path, synced);
    expect(again.version()).toBe(version);
    expect(JSON.parse(again.schema(again.beginRead())).classes.map(({ name }) => name)).toEqual(["Item"]);
  });

  test("finds what links to an object, and where in a collection", () => {
    const store = core.openStore(join(folder, "links.realm"), synced);
    const link = (name, collection) => ({
      name,
      type: "link",
      nullable: collection === "single",
      collection,
      target: "Item",
    });
    const columns = [link("friend", "single"), link("pack", "list")];
    store.beginWrite(0);
    store.updateSchema(JSON.stringify([{ ...JSON.parse(schema)[0], columns }]));
    // As docs/boundary.md lays mutations down.
    const bytes = (size, fill) => {
      const part = Buffer.alloc(size);
      fill(part);
      return part;
    };
    const key = (number) => bytes(9, (part) => part.writeBigInt64LE(BigInt(number), part.writeUInt8(1)));
    const create = (number) => [Buffer.of(1, 0, 0, 0), key(number)];
    const object = (number) => bytes(8, (part) => part.writeDoubleLE(number));
    const to = (number) => [Buffer.of(9, 4, 0), Buffer.from("Item"), key(number)];
    const set = (from, target) => [Buffer.of(3, 0, 0), object(from), Buffer.of(0, 0, 0, 0), ...to(target)];
    const insert = (from, index, target) => [
      Buffer.of(5, 0, 0),
      object(from),
      Buffer.of(1, 0, 1, 0, index, 0, 0, 0),
      ...to(target),
    ];
    const batch = [create(0), create(1), set(0, 1), insert(1, 0, 0), insert(1, 1, 1), insert(1, 2, 0)];
    store.mutate(Buffer.concat(batch.flat()));
    store.commitWrite(1);
    const snapshot = store.beginRead();
    const targets = Float64Array.of(0);
    expect([...store.origins(snapshot, 0, Float64Array.of(1), 0, 0)]).toEqual([0]);
    expect([...store.origins(snapshot, 0, targets, 0, 1)]).toEqual([1]);
    expect([...store.origins(snapshot, 0, targets, 0, 0)]).toEqual([]);
    expect([...store.linkPositions(snapshot, 0, 1, 1, 0, targets)]).toEqual([0, 2]);
    expect([...store.linkPositions(snapshot, 0, 1, 1, 0, Float64Array.of(9))]).toEqual([]);
    store.endRead(snapshot);
    const invalid = expect.objectContaining({ code: "invalid-snapshot" });
    expect(() => store.origins(snapshot, 0, targets, 0, 0)).toThrow(invalid);
    expect(() => store.linkPositions(snapshot, 0, 1, 1, 0, targets)).toThrow(invalid);
  });

  test("changes the schema in more than additions, and keeps the application's version", () => {
    const path = join(folder, "migrated.realm");
    const store = core.openStore(path, JSON.stringify({ synced: false }));
    write(store);
    let snapshot = store.beginRead();
    expect(store.declaredVersion(snapshot)).toBe(-1);
    store.endRead(snapshot);
    const view = store.beginWrite(0);
    const age = { name: "years", type: "int", nullable: true, collection: "single", from: "age" };
    const operations = [
      { operation: "releaseKey", class: "Item" },
      { operation: "reshape", class: "Item", columns: [age] },
      { operation: "makeKey", class: "Item", name: "years" },
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
    const [item] = JSON.parse(again.schema(snapshot)).classes;
    expect(item.primaryKey).toEqual({ name: "years", type: "int", nullable: true });
    expect(item.columns).toEqual([]);
    expect(again.declaredVersion(snapshot)).toBe(2 ** 53 - 1);
  });

  test("is one for all handles of a path, however that is written", () => {
    const store = core.openStore(join(folder, "a.realm"), synced);
    const other = core.openStore(join(folder, ".", "a.realm"), synced);
    write(store);
    expect(other.version()).toBe(store.version());
    store.close();
    expect(core.isOpen(join(folder, "a.realm"))).toBe(true);
    expect(() => core.deleteStore(join(folder, "a.realm"))).toThrow(expect.objectContaining({ code: "file-open" }));
    other.close();
    expect(core.isOpen(join(folder, "a.realm"))).toBe(false);
    core.deleteStore(join(folder, "a.realm"));
    expect(existsSync(join(folder, "a.realm"))).toBe(false);
    expect(existsSync(join(folder, "a.realm.lock"))).toBe(false);
  });

  test("takes one write at a time, and none of the session's meanwhile", () => {
    const store = core.openStore(join(folder, "a.realm"), synced);
    const other = core.openStore(join(folder, "a.realm"), synced);
    store.beginWrite(0);
    const refusal = expect.objectContaining({ code: "write-in-progress" });
    expect(() => store.beginWrite(0)).toThrow(refusal);
    expect(() => other.beginWrite(0)).toThrow(refusal);
    expect(() => other.setFileIdent(1n, 2n)).toThrow(refusal);
    expect(() => other.commitWrite(1)).toThrow(expect.objectContaining({ code: "not-in-write" }));
    store.abortWrite();
    other.setFileIdent(1n, 2n ** 63n);
    expect(JSON.parse(store.syncState())).toMatchObject({ fileIdent: "1", fileIdentSalt: String(2n ** 63n) });
  });

  test("is asked by the application's names too, through the handle that was told them", () => {
    const store = core.openStore(join(folder, "a.realm"), synced);
    const other = core.openStore(join(folder, "a.realm"), synced);
    write(store);
    store.setQueryNames(JSON.stringify({ Item: { stored: { years: "age" } } }));
    const ask = (handle) => handle.describeQuery(handle.beginRead(), 0, "years == 3", noParameters);
    expect(ask(store)).toBe("age == 3");
    expect(Array.from(store.query(store.beginRead(), 0, "years == 3", noParameters, null))).toEqual([]);
    expect(() => ask(other)).toThrow(expect.objectContaining({ code: "invalid-query" }));
    expect(() => store.setQueryNames("[]")).toThrow(expect.objectContaining({ code: "malformed-argument" }));
  });

  test("gives null, not undefined, for what is not there", () => {
    const store = core.openStore(null, synced);
    write(store);
    expect(store.row(store.beginRead(), 0, 1)).toBe(null);
    expect(store.pendingReset()).toBe(null);
    expect(store.resetReports()).toBe(null);
  });

  test("refuses files that are damaged, missing, or of another kind of database", () => {
    const damaged = join(folder, "damaged.realm");
    writeFileSync(damaged, "no database at all, and too short for one");
    expect(() => core.openStore(damaged, synced)).toThrow(expect.objectContaining({ code: "file-damaged" }));
    expect(existsSync(`${damaged}.lock`), "what failed to open is not kept from others").toBe(false);
    expect(() => core.openStore(join(folder, "none", "a.realm"), synced)).toThrow(
      expect.objectContaining({ code: "file-not-found" }),
    );
    const path = join(folder, "cut.realm");
    const store = core.openStore(path, synced);
    write(store);
    store.close();
    truncateSync(path, 4_096);
    expect(() => core.openStore(path, synced)).toThrow(expect.objectContaining({ code: "file-damaged" }));
  });

  // Which bytes were changed comes from a seed. Without a check some of these would end the module.
  test("refuses a file whose content is damaged, and other open ones go on", { timeout: 60_000 }, () => {
    const other = core.openStore(join(folder, "other.realm"), synced);
    write(other);
    const path = join(folder, "filled.realm");
    const store = core.openStore(path, synced);
    write(store);
    for (let version = 0; version < 60; version += 1) {
      store.commitSubscriptionSet("[]", version);
    }
    store.close();
    const sound = readFileSync(path);
    let seed = 1;
    const next = (limit) => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed % limit;
    };
    const refused = new Set();
    for (let round = 0; round < 40; round += 1) {
      const bytes = Buffer.from(sound);
      // Where something is: the file is mostly empty.
      for (let count = 0; count < 40; count += 1) bytes[next(round < 20 ? 5_000 : 100_000)] ^= 1 << next(8);
      writeFileSync(path, bytes);
      try {
        core.openStore(path, synced).close();
      } catch (error) {
        refused.add(error.code);
      }
    }
    expect([...refused]).toEqual(["file-damaged"]);
    writeFileSync(path, sound);
    expect(core.openStore(path, synced).version()).toBeGreaterThan(60);
    write(other);
    expect(core.openStore(join(folder, "new.realm"), synced).version()).toBeGreaterThan(0);
  });

  const native = new URL("../../native/dist/index.js", import.meta.url);
  const hasAddon = existsSync(native) && process.platform === "linux" && spawnSync("flock", ["-V"]).status === 0;

  // The system's lock on the file is what both go by.
  test.runIf(hasAddon)(
    "is refused to the addon, and refuses what the addon has open",
    { timeout: 60_000 },
    async () => {
      const path = join(folder, "a.realm");
      const inAddon = (then) =>
        `import { core } from ${JSON.stringify(native.href)};
      let store; const say = (text) => process.stdout.write(text + "\\n");
      try { store = core.openStore(${JSON.stringify(path)}, '{"synced":true}', null, null); say("open"); }
      catch (error) { say(error.code); }
      try { core.deleteStore(${JSON.stringify(path)}); say("deleted"); } catch (error) { say(error.code); }
      ${then}`;
      const run = (program) => ["--input-type=module", "--eval", program];
      const store = core.openStore(path, synced);
      const refused = spawnSync(process.execPath, run(inAddon("")), { encoding: "utf8" });
      expect(refused.stdout.split("\n").slice(0, 2)).toEqual(["file-in-use", "file-in-use"]);
      store.close();

      const holder = spawn(process.execPath, run(inAddon("setInterval(() => undefined, 1_000);")));
      try {
        await once(holder.stdout, "data");
        const refusal = expect.objectContaining({ code: "file-in-use" });
        expect(() => core.openStore(path, synced)).toThrow(refusal);
        expect(() => core.deleteStore(path)).toThrow(refusal);
        expect(existsSync(`${path}.lock`)).toBe(false);
      } finally {
        holder.kill("SIGKILL");
        await once(holder, "exit");
      }
      core.openStore(path, synced).close();
    },
  );

  const inOther = (path) => {
    const program = `import { core } from ${JSON.stringify(entry)};
      try { core.openStore(${JSON.stringify(path)}, '{"synced":true}'); console.log("open"); }
      catch (error) { console.log(error.code); }
      process.kill(process.pid, "SIGKILL");`;
    return spawnSync(process.execPath, ["--input-type=module", "--eval", program], { encoding: "utf8" }).stdout.trim();
  };

  test("is refused to a second process while the first lives, and free after a crash", () => {
    const path = join(folder, "a.realm");
    const store = core.openStore(path, synced);
    expect(inOther(path)).toBe("file-in-use");
    store.close();
    expect(inOther(path)).toBe("open");
    expect(readFileSync(`${path}.lock`, "utf8"), "the dead process has left its lock").not.toBe("");
    core.openStore(path, synced).close();
  });
});
