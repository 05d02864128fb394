/** Apps of the Admin API: made, found again after a restart, removed. */

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { systemHost } from "../host.js";
import { MemoryKeyValue } from "../key-value.js";
import { silentLogger } from "../logger.js";
import { AdminClient, type AppOfAdmin, testAdministrator } from "../testing/admin-client.js";
import { type Fixture, startFixture } from "../testing/fixture.js";
import { logInAnonymously } from "../testing/scripted-client.js";
import { AdminApp, type AdminAppRecord, type Draft, readFiles } from "./admin-app.js";
import type { FileEdits, VirtualFiles } from "./virtual-files.js";

let fixture: Fixture;
let client: AdminClient;
let app: AppOfAdmin;

beforeEach(async () => {
  fixture = await startFixture({ admin: testAdministrator, appIds: [] });
  client = await AdminClient.logIn(fixture.url);
  app = await client.createApp("todo");
});

afterEach(() => fixture.stop());

const flexible = { state: "enabled", database_name: "db" };

describe("apps", () => {
  test("have what harnesses look for", async () => {
    const known = await client.must("GET", app.path);
    expect(known).toMatchObject({ _id: app.id, client_app_id: app.clientAppId, name: "todo", group_id: "tidemark" });
    expect(app.clientAppId).toMatch(/^todo-[a-z]{5}$/);
    expect(known["domain_id"]).toMatch(/^[0-9a-f]{24}$/);
    const { body } = await client.call("GET", `${client.groupPath}/apps`);
    expect(body).toEqual([known]);
  });

  test("a name that cannot be one is refused, and nothing is left of it", async () => {
    for (const name of ["", "a b", "x".repeat(33)]) {
      const answer = await client.call("POST", `${client.groupPath}/apps`, { name });
      expect([name, answer.status]).toEqual([name, 400]);
    }
    expect((await client.call("GET", `${client.groupPath}/apps`)).body).toHaveLength(1);
  });

  test("are answered for beside those that the server was started with, and only by their id", async () => {
    const location = (id: string): Promise<Response> => fetch(`${fixture.url}/api/client/v2.0/app/${id}/location`);
    expect((await location(app.clientAppId)).status).toBe(200);
    expect((await location("todo-zzzzz")).status).toBe(404);
  });

  test("go with their users, and their tokens with them", async () => {
    await app.must("POST", "auth_providers", { type: "anon-user" });
    const user = await logInAnonymously(fixture.url, app.clientAppId);
    expect((await client.call("DELETE", app.path)).status).toBe(204);
    expect((await client.call("DELETE", app.path)).status).toBe(404);
    const profile = await fetch(`${fixture.url}/api/client/v2.0/auth/profile`, {
      headers: { Authorization: `Bearer ${user.access_token}` },
    });
    expect(profile.status).toBe(401);
    await expect(logInAnonymously(fixture.url, app.clientAppId)).rejects.toThrow("404");
  });

  test("unknown apps and groups", async () => {
    expect((await client.call("GET", `${client.groupPath}/apps/nothing`)).status).toBe(404);
    expect((await client.call("GET", app.path.replace("tidemark", "other"))).body).toMatchObject({
      error: "group not found: 'other'",
      link: expect.stringContaining("logs?co_id="),
    });
  });

  test("survive a restart with everything they were told", async () => {
    const store = new MemoryKeyValue();
    const openKeyValue = (): Promise<MemoryKeyValue> => Promise.resolve(store);
    const first = await startFixture({ admin: testAdministrator, appIds: [], openKeyValue });
    const admin = await AdminClient.logIn(first.url);
    const made = await admin.createApp("kept");
    await made.must("POST", "auth_providers", { type: "anon-user" });
    await made.must("POST", "secrets", { name: "key", value: "hidden" });
    await made.must("POST", "values", { name: "limit", value: "key", from_secret: true });
    await made.must("POST", "services", { name: "db", type: "mongodb", config: { flexible_sync: flexible } });
    await made.private("PATCH", "settings", { sync: { download_loop_sleep_millis: 7 } });
    const before = first.server.apps.findByDomain(String((await admin.must("GET", made.path))["domain_id"]));
    const { configuration } = before ?? {};
    expect(configuration).toMatchObject({ values: { limit: "hidden" }, sync: { state: "enabled" } });
    await first.stop();
    // Without an account there is no API, and the app's rules hold all the same.
    const second = await startFixture({ appIds: [], openKeyValue });
    const after = await second.server.apps.find(made.clientAppId);
    expect(after?.configuration).toMatchObject({ values: { limit: "hidden" }, sync: { state: "enabled" } });
    expect((await after?.sync())?.downloadSettings.pauseMs).toBe(7);
    await second.stop();
  });

  test("a removal that was interrupted is finished at the next start", async () => {
    const store = new MemoryKeyValue();
    const openKeyValue = (): Promise<MemoryKeyValue> => Promise.resolve(store);
    const first = await startFixture({ admin: testAdministrator, appIds: [], openKeyValue });
    const made = await (await AdminClient.logIn(first.url)).createApp("gone");
    await made.must("POST", "auth_providers", { type: "anon-user" });
    await logInAnonymously(first.url, made.clientAppId);
    first.server.apps.remove = () => Promise.reject(new Error("the process dies here"));
    const admin = await AdminClient.logIn(first.url);
    expect((await admin.call("DELETE", made.path)).status).toBe(500);
    await first.stop();
    const second = await startFixture({ admin: testAdministrator, appIds: [], openKeyValue });
    expect(await second.server.apps.find(made.clientAppId)).toBeUndefined();
    for (const kind of ["admin/", "app/", "user/", "session/"]) expect(await store.list(kind)).toEqual([]);
    await second.stop();
  });

  test("no change is made once their removal has begun", async () => {
    const store = new MemoryKeyValue();
    const served = await startFixture({ appIds: [] });
    const context = { app: await served.server.apps.create("gone"), store, host: systemHost, logger: silentLogger };
    const record: AdminAppRecord = {
      id: "0",
      clientAppId: "gone",
      createdMs: 0,
      modifiedMs: 0,
      isDeleted: false,
      deployments: [],
      tuning: {},
      features: [],
    };
    const files: VirtualFiles = new Map();
    const draft: Draft = { id: "1", userId: "2", createdMs: 0, changes: [] };
    const change = (editing: FileEdits): void => void editing.put("root_config.json", { name: "late" });
    for (const open of [draft, null]) {
      const one = new AdminApp(context, record, files, open, readFiles(files).configuration);
      await one.markDeleted();
      const before = await store.list("");
      const late = [one.openDraft("2"), one.discardDraft("1"), one.deployDraft("1"), one.change(change)];
      const others = [one.tune({ download_loop_sleep_millis: 7 }), one.changeFeatures(() => ["late"])];
      const refused = { status: "rejected", reason: { serviceCode: "AppNotFound" } };
      for (const call of await Promise.allSettled([...late, ...others])) expect(call).toMatchObject(refused);
      expect(await store.list("")).toEqual(before);
      // May be repeated, as its removal.
      await one.markDeleted();
    }
    await served.stop();
  });

  test("an app that cannot be read any more lets nobody in", async () => {
    const store = new MemoryKeyValue();
    const openKeyValue = (): Promise<MemoryKeyValue> => Promise.resolve(store);
    const first = await startFixture({ admin: testAdministrator, appIds: [], openKeyValue });
    const made = await (await AdminClient.logIn(first.url)).createApp("odd");
    await first.stop();
    const file = { id: "0", modifiedMs: 0, version: 1, content: { name: "not a name" } };
    const value = new TextEncoder().encode(JSON.stringify(file));
    await store.write([{ key: `admin/file/${made.id}/root_config.json`, value }]);
    const second = await startFixture({ appIds: [], openKeyValue });
    const after = await second.server.apps.find(made.clientAppId);
    expect(after?.configuration).toMatchObject({ sync: { state: "disabled" }, defaultRoles: {} });
    await second.stop();
  });
});
