/** What is set by the Admin API, with real changes, rules and schemas: sessions over the embedded ledger. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openNativeKeyValue, openNativeLedger } from "../native.js";
import { createServer, type Server } from "../server.js";
import { AdminClient, type AppOfAdmin, openRole, testAdministrator } from "../testing/admin-client.js";
import { Changeset, citySchema, newCity } from "../testing/changesets.js";
import {
  createAsCore,
  createAsDart,
  createAsKotlin,
  type HarnessApp,
  importAsJavaScript,
} from "../testing/harnesses.js";
import {
  logInAnonymously,
  openNewFile,
  ScriptedClient,
  type ScriptedFile,
  subscribe,
} from "../testing/scripted-client.js";

let directory: string;
let server: Server;
let client: AdminClient;
let connections: ScriptedClient[] = [];

async function start(): Promise<void> {
  server = createServer({
    dataDirectory: directory,
    openLedger: openNativeLedger,
    openKeyValue: openNativeKeyValue,
    admin: testAdministrator,
    appIds: [],
    rescue: "open",
    limits: { closeMs: 200 },
    passwordCost: { memoryKib: 64, passes: 1 },
  });
  await server.start();
  client = await AdminClient.logIn(server.url);
}

async function stop(): Promise<void> {
  for (const one of connections) one.close();
  connections = [];
  await server.stop();
}

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "tidemark-admin-"));
  await start();
});

afterEach(async () => {
  await stop();
  await rm(directory, { recursive: true });
});

async function device({ clientAppId }: AppOfAdmin, token?: string): Promise<ScriptedFile> {
  const access = token ?? (await logInAnonymously(server.url, clientAppId)).access_token;
  const connection = await ScriptedClient.connect(server.url, clientAppId, access);
  connections.push(connection);
  return openNewFile(connection);
}

let marks = 1000;

/** Takes downloads until a mark is answered. */
async function settle(file: ScriptedFile): Promise<void> {
  const request = (marks += 1);
  file.mark(request);
  for (;;) {
    const message = await file.client.receive();
    if (message.type === "mark" && message.request === request) return;
    if (message.type === "download") await file.take(message);
    else if (message.type !== "mark") throw new Error(`not expected: ${message.type}`);
  }
}

const cities = '{"City":"(TRUEPREDICATE)"}';
const texts = (file: ScriptedFile): string => file.received.join("\n");

describe.each<[string, (client: AdminClient) => Promise<HarnessApp>, boolean]>([
  ["realm-core", createAsCore, false],
  ["realm-js", importAsJavaScript, true],
  ["realm-dart", createAsDart, false],
  ["realm-kotlin", createAsKotlin, false],
])("an app of %s", (_name, create, bringsSchema) => {
  test("synchronises what one device writes to another", async () => {
    const { app } = await create(client);
    const first = await device(app);
    if (bringsSchema) {
      first.upload(citySchema());
      await settle(first);
    }
    await subscribe(first, cities);
    first.upload(newCity(1, "Aarhus", "DK"));
    await settle(first);
    const second = await device(app);
    await subscribe(second, cities);
    expect(texts(second)).toContain("Aarhus");
  });
});

describe("a running app", () => {
  let app: AppOfAdmin;
  let serviceId: string;

  beforeEach(async () => {
    ({ app, serviceId } = await createAsCore(client));
  });

  test("another default rule takes away what may not be seen, and a restart keeps it", async () => {
    const user = await logInAnonymously(server.url, app.clientAppId);
    const file = await device(app, user.access_token);
    await subscribe(file, cities);
    file.upload(newCity(1, "Aarhus", "DK"), newCity(2, "Malmo", "SE"));
    await settle(file);
    const path = `services/${serviceId}/default_rule`;
    const rule = await app.must("GET", path);
    const filters = { read: { country: "DK" }, write: { country: "DK" } };
    await app.must("PUT", path, { ...rule, roles: [{ ...openRole, document_filters: filters }] });
    await file.client.expectError(200);
    file.unbind();
    await file.open();
    await settle(file);
    const erased = Buffer.from(new Changeset().erase("City", 2).bytes()).toString();
    expect(file.received.at(-1)).toBe(erased);
    await stop();
    await start();
    const late = await device(app);
    await subscribe(late, cities);
    expect(texts(late)).toContain("Aarhus");
    expect(texts(late)).not.toContain("Malmo");
  });

  test("without Development Mode clients add nothing, with it they do", async () => {
    const added = new Changeset().table("Dog").column("Dog", "name", "string").bytes();
    const file = await device(app);
    file.upload(added);
    expect((await file.client.expectError(225)).message).toContain("developer mode is disabled");
    await app.must("PUT", "sync/config", { development_mode_enabled: true });
    const other = await device(app);
    other.upload(added);
    await settle(other);
    await app.must("PUT", "sync/config", { development_mode_enabled: false });
    // In Development Mode any field was queryable, so that sessions begin anew.
    await other.client.expectError(200);
    other.unbind();
    await other.open();
    await settle(other);
    other.upload(new Changeset().column("Dog", "age", "int").bytes());
    expect((await other.client.expectError(225)).message).toContain("developer mode is disabled");
  });

  test("a field is queryable when it is said to be", async () => {
    const file = await device(app);
    file.sendQuery(1, '{"City":"(name == \\"Aarhus\\")"}');
    const refusal = await file.client.expect("query_error");
    expect(refusal.message).toContain('key "name" is not a queryable field');
    await app.must("PATCH", `services/${serviceId}/config`, {
      flexible_sync: { queryable_fields_names: ["country", "name"] },
    });
    file.sendQuery(2, '{"City":"(name == \\"Aarhus\\")"}');
    await file.download();
  });

  test("a forced reset and a termination are told by 208", async () => {
    const [one, other] = [await device(app), await device(app)];
    await app.must("PUT", "sync/force_reset", { file_ident: Number(one.fileIdent) });
    await one.client.expectError(208);
    await other.client.expectNothing();
    for (const state of ["", "enabled"]) {
      await app.must("PATCH", `services/${serviceId}/config`, { flexible_sync: { state } });
    }
    await other.client.expectError(201);
    other.unbind();
    await other.open();
    await other.client.expectError(208);
  });

  test("a property of another type contradicts the data, in a draft as well, and what is taken away does not", async () => {
    const { body } = await app.call("GET", "schemas");
    const city = (body as readonly { readonly _id: string; readonly metadata: { readonly collection: string } }[]).find(
      ({ metadata }) => metadata.collection === "City",
    );
    const { schema, ...rest } = await app.must("GET", `schemas/${city?._id}`);
    const { properties, ...others } = schema as { readonly properties: Readonly<Record<string, unknown>> };
    const put = (changed: object) =>
      app.call("PUT", `schemas/${city?._id}`, { ...rest, schema: { ...others, properties: changed } });
    const contradiction = await put({ ...properties, tags: { bsonType: "string" } });
    expect(contradiction).toMatchObject({ status: 400, body: { error: expect.stringContaining("tags") } });
    const draft = await app.idOf("POST", "drafts", {});
    expect((await put({ ...properties, tags: { bsonType: "string" } })).status).toBe(204);
    expect((await app.call("POST", `drafts/${draft}/deployment`, {})).status).toBe(400);
    const { tags: _, ...fewer } = properties;
    expect((await put(fewer)).status).toBe(204);
    expect((await app.call("POST", `drafts/${draft}/deployment`, {})).status).toBe(201);
    expect((await app.must("GET", "sync/schemas/versions"))["versions"]).toHaveLength(2);
  });

  test("a deleted app leaves nothing, not even its ledger", async () => {
    const { readdir } = await import("node:fs/promises");
    const file = await device(app);
    expect(await readdir(join(directory, "apps"))).toEqual([app.clientAppId]);
    expect((await client.call("DELETE", app.path)).status).toBe(204);
    await file.client.closed;
    expect(await readdir(join(directory, "apps"))).toEqual([]);
  });
});
