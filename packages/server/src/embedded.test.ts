/** The server over the embedded ledger: everything that the session machine promises, with real merging and views. */

import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { deflateSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openNativeKeyValue, openNativeLedger } from "./native.js";
import { createServer, type Server } from "./server.js";
import { Changeset, citySchema, newCity } from "./testing/changesets.js";
import { Replay, type TraceLine } from "./testing/replay.js";
import { logInAnonymously, openNewFile, ScriptedClient, ScriptedFile, subscribe } from "./testing/scripted-client.js";

const appId = "cities";
let server: Server;
let clients: ScriptedClient[] = [];

async function start(dataDirectory: string | null): Promise<Server> {
  const started = createServer({
    dataDirectory,
    openLedger: openNativeLedger,
    openKeyValue: openNativeKeyValue,
    developmentMode: true,
    limits: { closeMs: 200 },
    passwordCost: { memoryKib: 64, passes: 1 },
  });
  await started.start();
  return started;
}

async function connect(token?: string): Promise<ScriptedClient> {
  const access = token ?? (await logInAnonymously(server.url, appId)).access_token;
  const client = await ScriptedClient.connect(server.url, appId, access);
  clients.push(client);
  return client;
}

/** A client file with the schema and a subscription. */
async function city(query: string, token?: string): Promise<ScriptedFile> {
  const file = await openNewFile(await connect(token));
  file.upload(citySchema());
  await file.download();
  await subscribe(file, JSON.stringify({ City: `(${query})` }));
  return file;
}

/** EraseObject of the first class that a changeset names. */
const eraseOf = (key: number): string => String.fromCharCode(0x03, 0x00, 0x01, key);
const texts = (file: ScriptedFile): string => file.received.join("\n");

beforeEach(async () => {
  server = await start(null);
});

afterEach(async () => {
  for (const client of clients) client.close();
  clients = [];
  await server.stop();
});

describe("views", () => {
  test("each client gets what its subscription matches, as it enters and leaves", async () => {
    const all = await city("TRUEPREDICATE");
    all.upload(newCity(1, "Aarhus", "DK"), newCity(2, "Malmo", "SE"));
    await all.settle();
    const danish = await city('country == "DK"');
    expect(texts(danish)).toContain("Aarhus");
    expect(texts(danish)).not.toContain("Malmo");
    all.upload(new Changeset().set("City", 2, "country", "DK").bytes());
    await all.settle();
    await danish.settle();
    expect(texts(danish)).toContain("Malmo");
    const before = danish.received.length;
    all.upload(new Changeset().set("City", 1, "country", "SE").bytes());
    all.upload(new Changeset().set("City", 1, "name", "Elsewhere").bytes());
    await all.settle();
    await danish.settle();
    const erase = Buffer.from(new Changeset().erase("City", 1).bytes()).toString();
    expect(danish.received.slice(before)).toEqual([erase]);
  });

  test("a change of the subscription brings and takes objects", async () => {
    const all = await city("TRUEPREDICATE");
    all.upload(newCity(1, "Aarhus", "DK"), newCity(2, "Malmo", "SE"));
    await all.settle();
    const file = await city('country == "DK"');
    await subscribe(file, JSON.stringify({ City: '(country == "SE")' }));
    expect(texts(file)).toContain("Malmo");
    expect(file.received.some((text) => text.includes(eraseOf(1)))).toBe(true);
  });

  test("concurrent edits of one list are merged", async () => {
    const a = await city("TRUEPREDICATE");
    a.upload(newCity(1, "Aarhus", "DK"));
    await a.settle();
    const b = await city("TRUEPREDICATE");
    a.upload(new Changeset().insert("City", 1, "tags", 0, "fromA", 0).bytes());
    b.upload(new Changeset().insert("City", 1, "tags", 0, "fromB", 0).bytes());
    await a.settle();
    await b.settle();
    await a.settle();
    expect(texts(a)).toContain("fromB");
    expect(texts(b)).toContain("fromA");
    expect(server.metrics.total("conflicts")).toBe(1);
  });
});

describe("refusals", () => {
  test("a write outside the view is compensated: the error first, then the download", async () => {
    const file = await city('country == "DK"');
    file.upload(newCity(5, "Oslo", "NO"));
    const error = await file.client.expectError(231);
    expect(error.rejectedUpdates).toEqual([
      {
        reason: 'write to 5 in table "City" not allowed; object is outside of the current query view',
        pk: "AQU=",
        table: "City",
      },
    ]);
    const download = await file.download();
    expect(download.downloadServerVersion).toBeGreaterThanOrEqual(error.compensatingWriteServerVersion ?? Infinity);
    expect(file.received.at(-1)).toBe(Buffer.from(new Changeset().erase("City", 5).bytes()).toString());
  });

  test("a bad query is named, and a good one follows", async () => {
    const file = await city("TRUEPREDICATE");
    file.sendQuery(2, JSON.stringify({ City: "(name == )" }));
    file.mark(9);
    const error = await file.client.expect("query_error");
    expect(error.message).toMatch(/^Invalid query: invalid RQL for table "City": /);
    await file.client.expect("mark");
    await subscribe(Object.assign(file, { queryVersion: 2 }), JSON.stringify({ City: '(name == "x")' }));
  });

  const bad: readonly [name: string, body: Uint8Array, code: number][] = [
    ["bytes that are no changeset", Uint8Array.of(0x7f, 1, 2, 3), 212],
    ["an unknown class", new Changeset().set("Nothing", 1, "name", "x").bytes(), 212],
    [
      "a list insertion at a place that is not there",
      new Changeset().insert("City", 1, "tags", 9, "x", 9).bytes(),
      212,
    ],
  ];

  test.each(bad)("%s ends the session, and nothing of it stays", async (_name, changeset, code) => {
    const bystander = await city("TRUEPREDICATE");
    bystander.upload(newCity(1, "Aarhus", "DK"));
    await bystander.settle();
    const file = await city("TRUEPREDICATE");
    const before = (await server.status()).apps[0]?.objects;
    file.upload(newCity(9, "Gone", "DK"), changeset);
    expect(await file.client.expectError(code)).toMatchObject({ session: 1 });
    bystander.upload(newCity(3, "Ribe", "DK"));
    await bystander.settle();
    const after = (await server.status()).apps[0]?.objects;
    expect(after?.["City"]).toBe((before?.["City"] ?? 0) + 1);
    expect(texts(bystander)).not.toContain("Gone");
  });

  test.each([
    ["a broken head of an entry", "x 0 1 0 0 ", 111],
    ["an entry longer than the body", "50 0 1 0 99 abc", 112],
  ])("%s is an error of the connection", async (_name, body, code) => {
    const file = await city("TRUEPREDICATE");
    const compressed = deflateSync(Buffer.from(body));
    const head = `upload 1 1 ${body.length} ${compressed.length} 60 ${file.downloadServerVersion} 1\n`;
    file.client.sendRaw(Buffer.concat([Buffer.from(head), compressed]));
    expect(await file.client.expectError(code)).toMatchObject({ session: 0 });
  });

  test("progress beyond what was sent", async () => {
    const file = await city("TRUEPREDICATE");
    file.downloadServerVersion += 1000;
    file.upload(newCity(1, "Aarhus", "DK"));
    await file.client.expectError(209);
  });

  test("forged idents, wrong salts, someone else's file, cursors beyond history", async () => {
    const owner = await city("TRUEPREDICATE");
    owner.unbind();
    await owner.client.expect("unbound");
    const forge = async (change: (file: ScriptedFile) => void, token?: string): Promise<ScriptedFile> => {
      const file = new ScriptedFile(await connect(token));
      Object.assign(file, {
        fileIdent: owner.fileIdent,
        fileIdentSalt: owner.fileIdentSalt,
        downloadServerVersion: owner.downloadServerVersion,
        downloadClientVersion: owner.downloadClientVersion,
        latestServerVersion: owner.latestServerVersion,
        latestServerVersionSalt: owner.latestServerVersionSalt,
        queryVersion: owner.queryVersion,
        query: owner.query,
      });
      change(file);
      await file.open();
      return file;
    };
    const wrongIdent = await forge((file) => (file.fileIdent = 9999n));
    await wrongIdent.client.expectError(208);
    const wrongSalt = await forge((file) => (file.fileIdentSalt += 1n));
    await wrongSalt.client.expectError(211);
    const wrongUser = await forge(() => undefined);
    await wrongUser.client.expectError(223);
  });
});

describe("older versions of the protocol", () => {
  test.each([9, 10, 11, 12, 13])("%i", async (version) => {
    const { access_token } = await logInAnonymously(server.url, appId);
    const protocols = [`com.mongodb.realm-query-sync#${version}`];
    const client = await ScriptedClient.connect(server.url, appId, access_token, { protocols });
    clients.push(client);
    const raw: string[] = [];
    client.socket.on("message", (data: Buffer) => raw.push(data.toString("latin1").split("\n")[0] ?? ""));
    const file = await openNewFile(client);
    file.upload(citySchema());
    await file.download();
    await subscribe(file, JSON.stringify({ City: '(country == "DK")' }));
    const other = await city("TRUEPREDICATE");
    other.upload(newCity(1, "Aarhus", "DK"), newCity(2, "Oslo", "NO"));
    await other.settle();
    await file.settle();
    expect(texts(file)).toContain("Aarhus");
    expect(texts(file)).not.toContain("Oslo");
    const downloads = raw.filter((head) => head.startsWith("download")).map((head) => head.split(" "));
    expect(downloads.map((fields) => fields[10])).toEqual(downloads.map(() => (version < 12 ? "0" : "1")));
    // Clients before 14 take a steady message of another query version for a bootstrap.
    const active = downloads.map((fields) => [fields[8], fields[9]]);
    expect(active).toEqual([...active].sort(([a], [b]) => Number(a) - Number(b)));
    expect(active.at(-1)).toEqual(["1", "2"]);
    expect(raw.some((head) => head.startsWith("log_message"))).toBe(version >= 10);
  });
});

describe("restarts", () => {
  let directory: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "tidemark-"));
    await server.stop();
    server = await start(directory);
  });

  afterEach(() => rm(directory, { recursive: true, force: true }));

  test("objects, files, users and acknowledgements are there again", async () => {
    const login = await logInAnonymously(server.url, appId);
    const file = await city("TRUEPREDICATE", login.access_token);
    file.upload(newCity(1, "Aarhus", "DK"));
    await file.settle();
    file.client.close();
    await server.stop();
    server = await start(directory);
    expect((await server.status()).apps[0]).toMatchObject({ id: appId, objects: { City: 1 }, epoch: 2 });
    file.client = await connect(login.access_token);
    await file.open();
    expect((await file.download()).uploadClientVersion).toBe(file.clientVersion);
    file.clientVersion -= 1;
    file.upload(newCity(1, "Aarhus", "DK"));
    file.upload(newCity(2, "Ribe", "DK"));
    await file.settle();
    expect((await server.status()).apps[0]?.objects).toEqual({ City: 2 });
    const other = await city("TRUEPREDICATE");
    expect(texts(other)).toContain("Ribe");
  });
});

test("a data directory belongs to one server at a time", async () => {
  const directory = await mkdtemp(join(tmpdir(), "tidemark-"));
  const first = await start(directory);
  await expect(start(directory)).rejects.toMatchObject({ name: "ServerError" });
  await first.stop();
  const second = await start(directory);
  await second.stop();
  await rm(directory, { recursive: true });
});

describe("recorded sessions", () => {
  const folder = fileURLToPath(new URL("../../conformance/vectors/wire/", import.meta.url));
  const traces = readdirSync(folder).filter((name) => name.endsWith(".trace.jsonl"));

  test.each(traces)("%s", async (name) => {
    const lines = readFileSync(folder + name, "utf8")
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as TraceLine);
    const report = await new Replay(server.url).run(lines);
    expect(report.errors).toEqual([]);
    expect(report.messagesSent).toBe(lines.filter((line) => line.kind === "ws-receive").length);
    expect(report.bootstraps).toBeGreaterThan(2);
  });
});
