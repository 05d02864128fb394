/** The SDKs' harnesses set their apps up, and clients synchronise under what was set: sessions over a fake ledger. */

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { AdminClient, type AppOfAdmin, openRole, testAdministrator } from "../testing/admin-client.js";
import { type Fixture, startFixture } from "../testing/fixture.js";
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
  registerAndLogIn,
  ScriptedClient,
  type ScriptedFile,
  subscribe,
} from "../testing/scripted-client.js";

let fixture: Fixture;
let client: AdminClient;
let connections: ScriptedClient[] = [];

beforeEach(async () => {
  fixture = await startFixture({ admin: testAdministrator, appIds: [], developmentMode: false, rescue: "open" });
  client = await AdminClient.logIn(fixture.url);
});

afterEach(async () => {
  for (const one of connections) one.close();
  connections = [];
  await fixture.stop();
});

async function connect(app: AppOfAdmin, token?: string): Promise<ScriptedClient> {
  const access = token ?? (await logInAnonymously(fixture.url, app.clientAppId)).access_token;
  const connection = await ScriptedClient.connect(fixture.url, app.clientAppId, access);
  connections.push(connection);
  return connection;
}

const device = async (app: AppOfAdmin, token?: string): Promise<ScriptedFile> => openNewFile(await connect(app, token));

describe.each<[string, (client: AdminClient) => Promise<HarnessApp>]>([
  ["realm-core", createAsCore],
  ["realm-js", importAsJavaScript],
  ["realm-dart", createAsDart],
  ["realm-kotlin", createAsKotlin],
])("an app of %s", (_name, create) => {
  test("lets its users in and synchronises", async () => {
    const { app } = await create(client);
    const user = await registerAndLogIn(fixture.url, app.clientAppId, "a@b.c");
    const first = await device(app, user.access_token);
    const second = await device(app);
    await subscribe(second, '{"City":"(TRUEPREDICATE)"}');
    first.upload("one");
    await first.download();
    await second.download();
    expect(second.received).toContain("one");
    expect((await client.call("DELETE", app.path)).status).toBe(204);
    await first.client.closed;
  });
});

describe("a running app", () => {
  let app: AppOfAdmin;
  let serviceId: string;
  const setSync = (changes: object): Promise<unknown> =>
    app.must("PATCH", `services/${serviceId}/config`, { flexible_sync: changes });

  beforeEach(async () => {
    ({ app, serviceId } = await createAsCore(client));
  });

  test("a change of the default rule reaches the session, and the same rule again does not", async () => {
    const file = await device(app);
    const path = `services/${serviceId}/default_rule`;
    const rule = await app.must("GET", path);
    await app.must("PUT", path, rule);
    await file.client.expectNothing();
    const filters = { read: { country: "DK" }, write: false };
    await app.must("PUT", path, { ...rule, roles: [{ ...openRole, document_filters: filters }] });
    const error = await file.client.expectError(200);
    expect(error).toMatchObject({ action: "Transient" });
    file.unbind();
    await file.open();
    await file.download();
    expect(fixture.ledger().roles.at(-1)?.classes["City"]?.read).toContain('country == "DK"');
  });

  test("a rule of a collection counts before the default rule", async () => {
    const file = await device(app);
    const roles = [{ ...openRole, document_filters: { read: false, write: false } }];
    await app.must("POST", `services/${serviceId}/rules`, { database: "test_data", collection: "City", roles });
    await file.client.expectError(200);
  });

  test("a paused app has its clients wait, and goes on with what they have", async () => {
    const file = await device(app);
    await setSync({ state: "disabled" });
    await file.client.expectError(229);
    file.unbind();
    await setSync({ state: "enabled" });
    await file.open();
    await file.download();
  });

  test("a terminated app forgets its clients", async () => {
    const file = await device(app);
    await setSync({ state: "" });
    await file.client.expectError(201);
    file.unbind();
    await setSync({ state: "enabled" });
    await file.open();
    expect(await file.client.expectError(208)).toMatchObject({ action: "ClientReset" });
  });

  test("a forced reset ends the session, and the next one", async () => {
    const file = await device(app);
    await app.must("PUT", "sync/force_reset", { file_ident: Number(file.fileIdent) });
    const error = await file.client.expectError(208);
    expect(error).toMatchObject({ action: "ClientReset", message: "Bad client file identifier (IDENT)" });
    file.unbind();
    await file.open();
    await file.client.expectError(208);
    const { logs } = await app.must("GET", "logs?errors_only=true");
    const line = { error: "Bad client file identifier (IDENT)", error_code: "208", type: "SYNC_SESSION" };
    expect(logs).toMatchObject([line, line]);
  });

  test("Development Mode is the ledger's to know", async () => {
    await device(app);
    expect(fixture.ledger().isDevelopmentMode).toBe(false);
    await app.must("PUT", "sync/config", { development_mode_enabled: true });
    expect(fixture.ledger().isDevelopmentMode).toBe(true);
  });

  test("a user that is logged out, disabled or deleted is disconnected", async () => {
    for (const [verb, code] of [
      ["logout", 4001],
      ["disable", 4002],
      ["", 4002],
    ] as const) {
      const user = await logInAnonymously(fixture.url, app.clientAppId);
      const { client: connection } = await device(app, user.access_token);
      if (verb === "") await app.must("DELETE", `users/${user.user_id}`);
      else await app.must("PUT", `users/${user.user_id}/${verb}`);
      expect([verb, (await connection.closed).code]).toEqual([verb, code]);
    }
  });

  test("downloads rest where they are told to, and go on", async () => {
    await app.private("PATCH", "settings", { sync: { download_loop_sleep_millis: 1 } });
    const file = await device(app);
    await subscribe(file, '{"City":"(parts:3)"}');
    const other = await device(app);
    other.upload("one");
    await other.download();
    expect((await file.download()).batchState).toBe(2);
  });
});
