/**
 * What a user may not read never leaves the server.
 *
 * Every value that the watched user may not read at the time holds the word CANARY. All bytes that the server sends to
 * that user, HTTP and WebSocket, downloads uncompressed, are searched for it.
 */

import { parseServerMessage } from "@tidemark/protocol";
import { uncompressBody } from "@tidemark/protocol/node";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { App } from "./app.js";
import { readApp } from "./app-rules.js";
import { openNativeKeyValue, openNativeLedger } from "./native.js";
import { createServer, type Server } from "./server.js";
import { app as appFiles, appWithSync, type FileContents, memoryFiles, tasks } from "./testing/app-files.js";
import { Changeset } from "./testing/changesets.js";
import { ScriptedClient, ScriptedFile } from "./testing/scripted-client.js";

const appId = "canaries";
const word = "CANARY";
const everything = JSON.stringify({ Note: "(TRUEPREDICATE)" });

const clients: ScriptedClient[] = [];
let server: Server;
let app: App;
let marks = 0;

type Json = Readonly<Record<string, unknown>>;

const names = ["owner_id", "team", "text", "secret"];

/** Bosses may do everything. Others read the notes of their team but for some fields, and write their own. */
function files(memberFields: Json): FileContents {
  const filters = (read: unknown, write: unknown): Json => ({ document_filters: { read, write } });
  const boss = { name: "boss", apply_when: { "%%user.custom_data.role": "boss" }, ...filters(true, true) };
  const team = { team: "%%user.custom_data.team" };
  const own = { $and: [team, { owner_id: "%%user.id" }] };
  const string = { bsonType: "string" };
  return appFiles({
    ...appWithSync({
      queryable_fields_names: ["owner_id", "team"],
      collection_queryable_fields_names: {},
      indexed_queryable_fields_names: [],
    }),
    [`${tasks}schema.json`]: {
      title: "Note",
      bsonType: "object",
      properties: {
        _id: { bsonType: "long" },
        ...Object.fromEntries(names.map((name) => [name, string])),
        tags: { bsonType: "array", items: string },
      },
      required: ["_id", ...names],
    },
    [`${tasks}rules.json`]: {
      database: "shop",
      collection: "tasks",
      roles: [
        { ...boss, read: true, write: true },
        { name: "member", apply_when: {}, ...filters(team, own), ...memberFields },
      ],
    },
  });
}

const hidden = { read: false, write: false };
const withoutSecrets: Json = {
  fields: { secret: hidden, tags: hidden },
  additional_fields: { read: true, write: true },
};
const withSecrets: Json = { fields: { tags: hidden }, additional_fields: { read: true, write: true } };

async function configure(memberFields: Json): Promise<void> {
  const { configuration, findings } = readApp(memoryFiles(files(memberFields)));
  expect(findings).toEqual([]);
  await app.configure(configuration);
}

/** A user with one device, of which every byte is kept that the server sent. */
class Person {
  readonly #bytes: Buffer[] = [];
  readonly #errors: number[] = [];
  readonly userId: string;
  readonly file: ScriptedFile;

  private constructor(userId: string, client: ScriptedClient, texts: readonly string[]) {
    this.userId = userId;
    this.file = new ScriptedFile(client);
    this.#bytes.push(...texts.map((text) => Buffer.from(text)));
    client.socket.on("message", (data: Buffer) => this.#bytes.push(data));
  }

  static async register(data: Json): Promise<Person> {
    const base = `${server.url}/api/client/v2.0`;
    const login = await (await post(`${base}/app/${appId}/auth/providers/anon-user/login`, "", {})).text();
    const { user_id: userId, refresh_token: refresh } = JSON.parse(login) as Record<string, string>;
    await app.users.setCustomData(userId ?? "", data);
    const session = await (await post(`${base}/auth/session`, refresh ?? "")).text();
    const { access_token: token } = JSON.parse(session) as Record<string, string>;
    const headers = { Authorization: `Bearer ${token}` };
    const profile = await (await fetch(`${base}/auth/profile`, { headers })).text();
    const client = await ScriptedClient.connect(server.url, appId, token ?? "");
    clients.push(client);
    return new Person(userId ?? "", client, [login, session, profile]);
  }

  /** Takes everything that the server owes; session errors and compensations are noted. */
  async settle(): Promise<readonly number[]> {
    const { file } = this;
    file.mark((marks += 1));
    for (;;) {
      const message = await file.client.receive();
      if (message.type === "download") await file.take(message);
      else if (message.type === "json_error") {
        this.#errors.push(message.errorCode);
        if (message.errorCode !== 231) throw new Error(`${message.errorCode}: ${message.body}`);
      } else if (message.type === "mark" && message.request === marks) return this.#errors.splice(0);
    }
  }

  /** Says its classes, as every client does at first, and subscribes to all notes. */
  async subscribe(): Promise<void> {
    await this.file.open();
    await this.settle();
    const schema = names.reduce(
      (done, name) => done.column("Note", name, "string"),
      new Changeset().table("Note").column("Note", "tags", "string", "list"),
    );
    expect(await this.write(schema)).toEqual([]);
    this.file.query = everything;
    this.file.sendQuery(1, everything);
    await this.settle();
    expect(this.file.queryVersion).toBe(1);
  }

  /** Comes back after the server ended the session because of another role. */
  async comeBack(): Promise<void> {
    await this.file.client.expectError(200);
    this.file.unbind();
    await this.file.open();
    await this.settle();
  }

  /** Uploads changes, each a transaction of its own; gives the codes of what was refused. */
  async write(...changes: readonly Changeset[]): Promise<readonly number[]> {
    this.file.upload(...changes.map((change) => change.bytes()));
    return this.settle();
  }

  /** Everything that the server has sent so far, as one text. */
  async sent(): Promise<string> {
    const parts = await Promise.all(
      this.#bytes.map(async (bytes) => {
        const text = bytes.toString("latin1");
        if (!text.startsWith("download ")) return text;
        const message = parseServerMessage(bytes);
        if (message.type !== "download") throw new Error("no DOWNLOAD");
        return `${text}\n${Buffer.from(await uncompressBody(message)).toString("latin1")}`;
      }),
    );
    return parts.join("\n");
  }
}

function post(url: string, token: string, body?: object): Promise<Response> {
  return fetch(url, {
    method: "POST",
    headers: { Authorization: `Bearer ${token}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

const on = (key: number, values: Readonly<Record<string, string>>, change = new Changeset()): Changeset =>
  Object.entries(values).reduce((done, [field, value]) => done.set("Note", key, field, value), change);
const note = (key: number, owner: string, team: string, text: string, secret: string): Changeset =>
  on(key, { owner_id: owner, team, text, secret }, new Changeset().create("Note", key)).insert(
    "Note",
    key,
    "tags",
    0,
    `${word} tag`,
    0,
  );

beforeEach(async () => {
  server = createServer({
    dataDirectory: null,
    openLedger: openNativeLedger,
    openKeyValue: openNativeKeyValue,
    appIds: [appId],
    limits: { closeMs: 200 },
    passwordCost: { memoryKib: 64, passes: 1 },
    prepare: async (apps) => {
      const found = await apps.find(appId);
      if (found === undefined) throw new Error("there is no app");
      app = found;
      await configure(withoutSecrets);
    },
  });
  await server.start();
});

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await server.stop();
});

test("no byte of what a user may not read is sent to that user", async () => {
  const boss = await Person.register({ role: "boss" });
  await boss.subscribe();
  const member = await Person.register({ team: "red" });
  const clean = async (): Promise<void> => {
    const sent = await member.sent();
    const at = sent.indexOf(word);
    expect(at < 0 ? "" : sent.slice(Math.max(0, at - 100), at + 100)).toBe("");
  };

  // A bootstrap.
  await boss.write(
    note(1, member.userId, "red", "first", `${word} secret 1`),
    note(2, boss.userId, "red", "second", `${word} secret 2`),
    note(3, boss.userId, "blue", `${word} text 3`, `${word} secret 3`),
  );
  await member.subscribe();
  expect(await member.sent()).toMatch(/first[^]*second/);
  await clean();

  // Deltas: fields that are hidden, objects that are, and those that come into view and leave it.
  await boss.write(
    on(3, { text: `${word} text 3b` }),
    on(1, { secret: `${word} secret 1b` }),
    new Changeset().insert("Note", 1, "tags", 1, `${word} tag`, 1),
    on(2, { text: "second again", secret: `${word} secret 2b` }),
    on(3, { text: "third" }),
    on(3, { team: "red" }),
  );
  await member.settle();
  expect(await member.sent()).toMatch(/second again[^]*third/);
  await boss.write(on(2, { team: "blue", text: `${word} text 2` }), on(2, { text: `${word} text 2b` }));
  await member.settle();
  await clean();

  // Writes that are refused: of another's note, of one out of view, of one that is made there, of hidden fields.
  expect(await member.write(on(3, { text: "mine" }))).toEqual([231]);
  expect(await member.write(on(2, { text: "mine" }))).toEqual([231]);
  expect(await member.write(note(2, member.userId, "red", "mine", "mine"))).toEqual([231]);
  expect(await member.write(on(1, { secret: "guess" }))).toEqual([231]);
  expect(await member.write(new Changeset().insert("Note", 1, "tags", 0, "guess", 0))).toEqual([231]);
  expect(await member.write(new Changeset().erase("Note", 2))).toEqual([231]);
  await clean();

  // Another role by custom data: first it shows nothing, then other notes than before.
  await app.users.setCustomData(member.userId, { team: "green" });
  await member.comeBack();
  await boss.write(on(1, { text: `${word} text 1` }), on(3, { text: `${word} text 3c` }), on(2, { text: "blue one" }));
  await member.settle();
  await app.users.setCustomData(member.userId, { team: "blue" });
  await member.comeBack();
  expect(await member.sent()).toContain("blue one");
  await clean();

  // Other rules: a field opens, and is closed again.
  await boss.write(on(2, { secret: "opened" }), new Changeset().erase("Note", 3), new Changeset().erase("Note", 1));
  await boss.write(
    note(4, boss.userId, "blue", "fourth", "opened too").set("Note", 4, "text", "fourth again"),
    note(5, boss.userId, "red", `${word} text 5`, `${word} secret 5`),
  );
  await member.settle();
  expect(await member.sent()).not.toContain("opened");
  // Tags hold canaries still: only the secrets are opened.
  await configure(withSecrets);
  await member.comeBack();
  expect(await member.sent()).toMatch(/opened[^]*opened too/);
  await configure(withoutSecrets);
  await member.comeBack();
  await boss.write(on(2, { secret: `${word} secret 2c` }), on(4, { secret: `${word} secret 4`, text: "the end" }));
  await member.settle();
  expect(await member.sent()).toContain("the end");
  await clean();

  // Who may read it gets it: the search finds what is there.
  expect((await boss.sent()).includes(`${word} tag`)).toBe(false);
  const second = await Person.register({ role: "boss" });
  await second.subscribe();
  expect(await second.sent()).toMatch(new RegExp(`${word} secret 2c[^]*${word} secret 4`));
});
