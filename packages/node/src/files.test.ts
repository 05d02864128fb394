import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { Configuration } from "./configuration.js";
import { Realm } from "./realm.js";

const schema = [{ name: "Note", primaryKey: "_id", properties: { _id: "int", text: "string" } }];
const key = Uint8Array.from({ length: 64 }, (_, index) => index);
const canary = "a word that stands nowhere else";

let directory: string;
let count = 0;
const opened: Realm[] = [];

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "tidemark-files-"));
});
afterEach(() => {
  for (const realm of opened.splice(0)) realm.close();
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function freshPath(): string {
  count += 1;
  return join(directory, `${count}.realm`);
}

function open(configuration: Configuration): Realm {
  const realm = new Realm({ schema, ...configuration });
  opened.push(realm);
  return realm;
}

function fill(realm: Realm, notes = 3): void {
  realm.write(() => {
    for (let _id = 0; _id < notes; _id += 1) realm.create("Note", { _id, text: canary });
  });
}

test("an encrypted file opens with its key alone, and shows nothing", () => {
  const path = freshPath();
  const realm = open({ path, encryptionKey: key });
  fill(realm);
  realm.close();
  const content = readFileSync(path);
  for (const text of [canary, "Note", "text"]) expect(content.includes(text)).toBe(false);
  for (const encryptionKey of [undefined, new Uint8Array(64)]) {
    const configuration = encryptionKey === undefined ? { path } : { path, encryptionKey };
    expect(() => open(configuration)).toThrow(/encrypt/);
    expect(readFileSync(path).equals(content)).toBe(true);
  }
  expect(Realm.schemaVersion(path, key.slice().buffer)).toBe(0);
  expect(() => Realm.schemaVersion(path)).toThrow(/encrypt/);
  // A view of a larger buffer is as good as a buffer.
  const buffer = new ArrayBuffer(100);
  new Uint8Array(buffer, 20, 64).set(key);
  expect(open({ path, encryptionKey: new DataView(buffer, 20, 64) }).objects("Note").length).toBe(3);
  expect(() => open({ path })).toThrow("already opened with a different encryption key");
});

test("a key for a plain file, and what is no key", () => {
  const path = freshPath();
  open({ path }).close();
  const content = readFileSync(path);
  expect(() => open({ path, encryptionKey: key })).toThrow("The file is not encrypted");
  expect(readFileSync(path).equals(content)).toBe(true);
  const missing = freshPath();
  for (const length of [0, 63, 65]) {
    expect(() => open({ path: missing, encryptionKey: new Uint8Array(length) })).toThrow(`got ${length}`);
  }
  expect(() => open({ path: missing, encryptionKey: "key" as never })).toThrow("Expected 'encryptionKey'");
  expect(Realm.exists({ path: missing })).toBe(false);
});

test("compact gives space back and keeps the data", () => {
  const path = freshPath();
  const realm = open({ path, encryptionKey: key });
  fill(realm, 20_000);
  realm.write(() => realm.delete(realm.objects("Note").filtered("_id >= 10")));
  const before = statSync(path).size;
  const notes = realm.objects("Note");
  expect(realm.compact()).toBe(true);
  expect(statSync(path).size).toBeLessThan(before / 2);
  expect(notes.length).toBe(10);
  expect(realm.objectForPrimaryKey("Note", 3)?.["text"]).toBe(canary);
  expect(() => realm.write(() => realm.compact())).toThrow("Cannot compact a Realm within a transaction");
  fill(open({ path: freshPath() }), 1);
});

test("shouldCompact is asked when the file is opened, and not again while it is open", () => {
  const path = freshPath();
  const first = open({ path });
  fill(first, 20_000);
  first.write(() => first.deleteAll());
  first.close();
  const asked: [number, number][] = [];
  const shouldCompact = (totalBytes: number, usedBytes: number): boolean => {
    asked.push([totalBytes, usedBytes]);
    return true;
  };
  const before = statSync(path).size;
  const realm = open({ path, shouldCompact });
  open({ path, shouldCompact });
  expect(asked.length).toBe(1);
  expect(asked[0]?.[0]).toBe(before);
  expect(asked[0]?.[1]).toBeLessThan(before / 2);
  expect(statSync(path).size).toBeLessThan(before / 2);
  expect(realm.objects("Note").length).toBe(0);
  const failing = freshPath();
  expect(() =>
    open({
      path: failing,
      shouldCompact: () => {
        throw new Error("of the application");
      },
    }),
  ).toThrow("of the application");
  Realm.deleteFile({ path: failing });
});

test("copies, encrypted or not", () => {
  const realm = open({ path: freshPath() });
  fill(realm);
  const [plain, sealed] = [freshPath(), freshPath()];
  realm.writeCopyTo({ path: plain });
  realm.writeCopyTo({ path: sealed, encryptionKey: key });
  expect(readFileSync(sealed).includes(canary)).toBe(false);
  for (const configuration of [{ path: plain }, { path: sealed, encryptionKey: key }]) {
    const copy = open(configuration);
    expect(copy.objects("Note").length).toBe(3);
    fill(copy.write(() => copy.deleteAll()) ?? copy, 1);
  }
  expect(realm.objects("Note").length).toBe(3);
  expect(() => realm.writeCopyTo({ path: plain })).toThrow("already exists");
  expect(() => realm.write(() => realm.writeCopyTo({ path: freshPath() }))).toThrow("within a transaction");
  const memory = open({ path: "memory", inMemory: true });
  fill(memory, 2);
  const kept = freshPath();
  memory.writeCopyTo({ path: kept });
  expect(open({ path: kept }).objects("Note").length).toBe(2);
});

test("an encrypted file is migrated and stays encrypted, and copies keep the version of the schema", () => {
  const path = freshPath();
  const first = open({ path, encryptionKey: key });
  fill(first);
  first.close();
  const properties = { _id: "int", text: "string", length: "int" };
  const second = open({
    path,
    encryptionKey: key,
    schemaVersion: 3,
    schema: [{ name: "Note", primaryKey: "_id", properties }],
    onMigration: (before, after) => {
      const old = before.objects<{ text: string }>("Note");
      after.objects<{ length: number }>("Note").forEach((note, index) => {
        note.length = old[index]?.text.length ?? 0;
      });
    },
  });
  expect(second.objects<{ length: number }>("Note").map(({ length }) => length)).toEqual(Array(3).fill(canary.length));
  const [plain, sealed] = [freshPath(), freshPath()];
  second.writeCopyTo({ path: plain });
  second.writeCopyTo({ path: sealed, encryptionKey: key });
  second.close();
  expect(readFileSync(path).includes(canary)).toBe(false);
  expect([Realm.schemaVersion(plain), Realm.schemaVersion(sealed, key.slice().buffer)]).toEqual([3, 3]);
});
