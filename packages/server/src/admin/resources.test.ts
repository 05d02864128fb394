/** Each resource of the Admin API on a server in this process. */

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { systemHost } from "../host.js";
import { AdminClient, type AppOfAdmin, openRole, testAdministrator } from "../testing/admin-client.js";
import { type Fixture, startFixture } from "../testing/fixture.js";
import { logInAnonymously, registerAndLogIn } from "../testing/scripted-client.js";

let fixture: Fixture;
let client: AdminClient;
let app: AppOfAdmin;
let offsetMs = 0;

const environment = { ...systemHost, nowMs: (): number => Date.now() + offsetMs };

beforeEach(async () => {
  offsetMs = 0;
  fixture = await startFixture({ admin: testAdministrator, appIds: [], environment });
  client = await AdminClient.logIn(fixture.url);
  app = await client.createApp("todo");
});

afterEach(() => fixture.stop());

const schema = (title: string, properties: object = {}, required: readonly string[] = []): object => ({
  title,
  bsonType: "object",
  properties: { _id: { bsonType: "objectId" }, ...properties },
  required: ["_id", ...required],
});
const place = (collection: string): object => ({ data_source: "BackingDB", database: "db", collection });
const flexible = { state: "enabled", database_name: "db", queryable_fields_names: ["owner"], asymmetric_tables: [] };

async function addService(config: object = {}): Promise<string> {
  return app.idOf("POST", "services", {
    name: "BackingDB",
    type: "mongodb",
    config: { uri: "mongodb://x", ...config },
  });
}

describe("secrets and values", () => {
  test("a secret is named and never told", async () => {
    const created = await app.must("POST", "secrets", { name: "key", value: "hidden" });
    expect(created).toEqual({ _id: expect.any(String), name: "key" });
    expect((await app.call("GET", "secrets")).body).toEqual([created]);
    expect((await app.call("POST", "secrets", { name: "key", value: "other" })).status).toBe(409);
    expect((await app.call("DELETE", `secrets/${String(created["_id"])}`)).status).toBe(204);
    expect((await app.call("GET", "secrets")).body).toEqual([]);
  });

  test("a value may be a secret's, and follows it", async () => {
    const secret = await app.idOf("POST", "secrets", { name: "key", value: "one" });
    const value = await app.idOf("POST", "values", { name: "limit", value: "key", from_secret: true });
    const values = async (): Promise<unknown> =>
      (await fixture.server.apps.find(app.clientAppId))?.configuration?.values;
    expect(await values()).toEqual({ limit: "one" });
    expect((await app.call("PUT", `secrets/${secret}`, { name: "key", value: "two" })).status).toBe(204);
    expect(await values()).toEqual({ limit: "two" });
    expect((await app.call("PUT", `values/${value}`, { name: "limit", value: { max: 3 } })).status).toBe(204);
    expect(await values()).toEqual({ limit: { max: 3 } });
    expect((await app.call("GET", `values/${value}`)).body).toMatchObject({ name: "limit", value: { max: 3 } });
    expect((await app.call("DELETE", `values/${value}`)).status).toBe(204);
    expect((await app.call("GET", "values")).body).toEqual([]);
  });

  test("names that would lead out of a folder are refused", async () => {
    for (const name of ["../root_config", "a/b", ".hidden", "", "x".repeat(201)]) {
      expect([name, (await app.call("POST", "values", { name, value: 1 })).status]).toEqual([name, 400]);
      expect([name, (await app.call("POST", "secrets", { name, value: "1" })).status]).toEqual([name, 400]);
    }
  });
});

describe("functions", () => {
  test("are kept, listed and changed", async () => {
    const body = { name: "confirm", source: "exports = () => 1", private: false, can_evaluate: {} };
    const id = await app.idOf("POST", "functions", body);
    expect((await app.call("GET", "functions")).body).toEqual([
      { _id: id, name: "confirm", last_modified: expect.any(Number) },
    ]);
    const changed = { ...body, source: "exports = () => 2", run_as_system: true };
    expect((await app.call("PUT", `functions/${id}`, changed)).status).toBe(204);
    expect((await app.call("GET", `functions/${id}`)).body).toMatchObject({ ...changed, _id: id });
    expect((await app.call("POST", "functions", body)).status).toBe(409);
    expect((await app.call("DELETE", `functions/${id}`)).status).toBe(204);
    expect((await app.call("GET", "functions")).body).toEqual([]);
  });

  test("do not run, and whoever calls one is told", async () => {
    await app.must("POST", "functions", { name: "sum", source: "exports = () => 1" });
    const execute = (name: string) => app.call("POST", "debug/execute_function?run_as_system=true", { name });
    expect(await execute("sum")).toMatchObject({
      status: 501,
      body: { error: `the function "sum" does not run: there are no functions yet` },
    });
    expect(await execute("other")).toMatchObject({ status: 404, body: { error: "function not found: 'other'" } });
  });
});

describe("auth providers", () => {
  test("a new app has a disabled provider of API keys and no other", async () => {
    expect((await app.call("GET", "auth_providers")).body).toEqual([
      { _id: expect.any(String), name: "api-key", type: "api-key", disabled: true },
    ]);
    await expect(logInAnonymously(fixture.url, app.clientAppId)).rejects.toThrow("404");
  });

  test("are added, disabled and enabled, with effect", async () => {
    const id = await app.idOf("POST", "auth_providers", { type: "anon-user", name: "anon-user", disabled: false });
    await logInAnonymously(fixture.url, app.clientAppId);
    expect((await app.call("PUT", `auth_providers/${id}/disable`, {})).status).toBe(204);
    await expect(logInAnonymously(fixture.url, app.clientAppId)).rejects.toThrow("404");
    expect((await app.call("PUT", `auth_providers/${id}/enable`)).status).toBe(204);
    await logInAnonymously(fixture.url, app.clientAppId);
    expect((await app.call("POST", "auth_providers", { type: "anon-user" })).status).toBe(409);
    expect((await app.call("DELETE", `auth_providers/${id}`)).status).toBe(204);
    expect((await app.call("GET", `auth_providers/${id}`)).status).toBe(404);
  });

  test("a PATCH merges settings name by name, and functions have name and id", async () => {
    const confirm = await app.idOf("POST", "functions", { name: "confirm", source: "exports = () => 1" });
    const reset = await app.idOf("POST", "functions", { name: "reset", source: "exports = () => 1" });
    const config = {
      autoConfirm: false,
      runConfirmationFunction: true,
      confirmationFunctionId: confirm,
      runResetFunction: true,
      resetFunctionName: "reset",
    };
    const id = await app.idOf("POST", "auth_providers", { type: "local-userpass", config });
    expect((await app.call("PATCH", `auth_providers/${id}`, { config: { autoConfirm: true } })).status).toBe(204);
    expect((await app.call("GET", `auth_providers/${id}`)).body).toMatchObject({
      _id: id,
      type: "local-userpass",
      config: { ...config, autoConfirm: true, confirmationFunctionName: "confirm", resetFunctionId: reset },
    });
  });

  test("an unknown type and a wrong setting are refused, and leave nothing", async () => {
    expect((await app.call("POST", "auth_providers", { type: "magic" })).status).toBe(400);
    const wrong = await app.call("POST", "auth_providers", { type: "local-userpass", config: { autoConfirm: 1 } });
    expect(wrong).toMatchObject({ status: 400, body: { error: expect.stringContaining("autoConfirm") } });
    expect((await app.call("GET", "auth_providers")).body).toHaveLength(1);
  });

  test("custom user data names its service by id", async () => {
    const service = await addService();
    const body = { mongo_service_id: service, enabled: true, database_name: "d", collection_name: "c" };
    expect((await app.call("PATCH", "custom_user_data", body)).status).toBe(400);
    expect((await app.call("PATCH", "custom_user_data", { ...body, user_id_field: "u" })).status).toBe(204);
    const { configuration } = (await fixture.server.apps.find(app.clientAppId)) ?? {};
    expect(configuration?.customUserData).toMatchObject({ service: "BackingDB", userIdField: "u" });
    expect((await app.call("PATCH", "custom_user_data", { mongo_service_id: "0" })).status).toBe(404);
  });
});

describe("services", () => {
  test("a data source shows its synchronisation as a part of it", async () => {
    const id = await addService({ flexible_sync: flexible });
    expect((await app.call("GET", "services")).body).toEqual([
      { _id: id, name: "BackingDB", type: "mongodb", version: expect.any(Number), last_modified: expect.any(Number) },
    ]);
    const config = await app.must("GET", `services/${id}/config`);
    expect(config).toMatchObject({ uri: "mongodb://x", flexible_sync: { ...flexible, permissions: null } });
    expect(config["sync"]).toBeUndefined();
  });

  test("a PATCH changes what it names, and what was read may be written back", async () => {
    const id = await addService({ flexible_sync: flexible });
    const config = await app.must("GET", `services/${id}/config`);
    const paused = { ...(config["flexible_sync"] as object), state: "disabled" };
    expect((await app.call("PATCH", `services/${id}/config`, { flexible_sync: paused })).status).toBe(204);
    const patch = { flexible_sync: { is_recovery_mode_disabled: true } };
    expect((await app.call("PATCH", `services/${id}/config`, patch)).status).toBe(204);
    expect((await app.must("GET", `services/${id}/config`))["flexible_sync"]).toMatchObject({
      ...flexible,
      state: "disabled",
      is_recovery_mode_disabled: true,
      last_disabled: expect.any(Number),
    });
  });

  test("partition-based sync is kept as it is told", async () => {
    const partition = { key: "realm_id", type: "string", required: false, permissions: { read: true, write: true } };
    const id = await addService({ sync: { state: "enabled", database_name: "db", partition } });
    expect((await app.must("GET", `services/${id}/config`))["sync"]).toMatchObject({ state: "enabled", partition });
    expect((await app.must("GET", "sync/progress"))["accepting_clients"]).toBe(true);
    const other = await app.call("PATCH", `services/${id}/config`, { flexible_sync: flexible });
    expect(other).toMatchObject({ status: 400, body: { error: expect.stringContaining("terminate that first") } });
  });

  test("one data source is synchronised at a time", async () => {
    await addService({ flexible_sync: flexible });
    const second = { name: "Other", type: "mongodb", config: { flexible_sync: flexible } };
    expect((await app.call("POST", "services", second)).body).toMatchObject({
      error: 'flexible_sync: sync is on for "BackingDB"; terminate that first',
    });
    expect((await app.call("GET", "services")).body).toHaveLength(1);
  });

  test("services of other kinds are kept as data", async () => {
    const body = { name: "gcm", type: "gcm", config: { senderId: "1" }, secret_config: { apiKey: "k" }, version: 1 };
    const id = await app.idOf("POST", "services", body);
    expect((await app.call("GET", `services/${id}/config`)).body).toEqual({ senderId: "1" });
    const wrong = await app.call("PATCH", `services/${id}/config`, { flexible_sync: flexible });
    expect(wrong).toMatchObject({ status: 400 });
    const rule = await app.must("POST", `services/${id}/rules`, { name: "all", actions: ["get"] });
    expect(rule).toMatchObject({ name: "all", actions: ["get"] });
    expect((await app.call("DELETE", `services/${id}`)).status).toBe(204);
    expect((await app.call("GET", "services")).body).toEqual([]);
  });

  test("a wrong setting is told with the file that it stands in", async () => {
    const id = await addService();
    const wrong = await app.call("PATCH", `services/${id}/config`, { flexible_sync: { state: "on" } });
    expect(wrong.body).toMatchObject({ error: expect.stringMatching(/^sync\/config\.json: state: /) });
    expect((await app.must("GET", `services/${id}/config`))["flexible_sync"]).toBeUndefined();
  });
});

describe("rules", () => {
  test("a default rule is there once, and is replaced by its id", async () => {
    const path = `services/${await addService()}/default_rule`;
    expect(await app.call("GET", path)).toMatchObject({
      status: 404,
      body: { error: "default rule does not exist on service" },
    });
    const created = await app.must("POST", path, { roles: [openRole], filters: [] });
    expect(created).toMatchObject({ _id: expect.any(String), roles: [openRole] });
    expect(await app.call("POST", path, { roles: [openRole] })).toMatchObject({
      status: 400,
      body: { error: "default rule already exists" },
    });
    const changed = { ...created, roles: [{ ...openRole, name: "other" }] };
    expect(await app.call("PUT", path, changed)).toMatchObject({ status: 204, body: undefined });
    expect((await app.call("GET", path)).body).toEqual(changed);
    expect(await app.call("PUT", path, { ...changed, _id: "0" })).toMatchObject({
      status: 400,
      body: { error: "service default rule id mismatch" },
    });
  });

  test("rules of collections", async () => {
    const path = `services/${await addService()}/rules`;
    const body = { database: "db", collection: "Dog", roles: [openRole], filters: null };
    const created = await app.must("POST", path, body);
    expect(created).toEqual({ _id: expect.any(String), database: "db", collection: "Dog", roles: [openRole] });
    expect((await app.call("POST", path, body)).status).toBe(409);
    const id = String(created["_id"]);
    expect((await app.call("PUT", `${path}/${id}`, { ...created, roles: [] })).status).toBe(204);
    expect((await app.call("GET", path)).body).toEqual([{ ...created, roles: [] }]);
    expect((await app.call("PUT", `${path}/${id}`, { ...created, collection: "Cat" })).status).toBe(400);
    expect((await app.call("DELETE", `${path}/${id}`)).status).toBe(204);
    expect((await app.call("GET", `${path}/${id}`)).status).toBe(404);
  });

  test("a role that cannot be read is refused", async () => {
    const path = `services/${await addService({ flexible_sync: flexible })}/default_rule`;
    const wrong = await app.call("POST", path, { roles: [{ ...openRole, apply_when: { "%%nothing": 1 } }] });
    expect(wrong).toMatchObject({ status: 400, body: { error: expect.stringContaining("default_rule.json") } });
    expect((await app.call("GET", path)).status).toBe(404);
  });
});

describe("schemas", () => {
  test("are put first without links and then with them", async () => {
    await addService();
    const dog = await app.idOf("POST", "schemas", { metadata: place("Dog"), schema: schema("Dog") });
    const owner = await app.must("POST", "schemas", { metadata: place("Owner"), schema: schema("Owner") });
    expect(owner).toEqual({ _id: expect.any(String), metadata: place("Owner") });
    const relationships = { keeper: { ref: "#/relationship/BackingDB/db/Owner", foreign_key: "_id", is_list: false } };
    const linked = {
      metadata: place("Dog"),
      schema: schema("Dog", { keeper: { bsonType: "objectId" } }),
      relationships,
    };
    expect((await app.call("PUT", `schemas/${dog}`, { ...linked, _id: dog })).status).toBe(204);
    expect((await app.call("GET", `schemas/${dog}`)).body).toMatchObject({ ...linked, _id: dog });
    await app.must("PATCH", `services/${await serviceId()}/config`, { flexible_sync: flexible });
    const { configuration } = (await fixture.server.apps.find(app.clientAppId)) ?? {};
    const columns = configuration?.classes.find((one) => one.name === "Dog")?.columns;
    expect(columns).toMatchObject([{ name: "keeper", type: "link", target: "Owner" }]);
    expect((await app.call("GET", "schemas")).body).toHaveLength(2);
  });

  test("a schema for no service, a second one and a wrong one are refused", async () => {
    const body = { metadata: place("Dog"), schema: schema("Dog") };
    expect((await app.call("POST", "schemas", body)).status).toBe(404);
    await addService({ flexible_sync: flexible });
    await app.must("POST", "schemas", body);
    expect((await app.call("POST", "schemas", body)).status).toBe(409);
    const wrong = { metadata: place("Cat"), schema: schema("Cat", { name: { bsonType: "text" } }) };
    expect((await app.call("POST", "schemas", wrong)).body).toMatchObject({
      error: expect.stringContaining("data_sources/BackingDB/db/Cat/schema.json"),
    });
    expect((await app.call("GET", "schemas")).body).toHaveLength(1);
  });

  test("a schema that contradicts the data is refused, and the one before stays", async () => {
    const id = await addService({ flexible_sync: flexible });
    await app.must("POST", "schemas", { metadata: place("Dog"), schema: schema("Dog") });
    const [ledger] = await ledgersOf();
    if (ledger !== undefined) ledger.conflicts = ["class Dog, property name: expected string, found int"];
    const changed = { metadata: place("Cat"), schema: schema("Cat") };
    expect((await app.call("POST", "schemas", changed)).body).toMatchObject({
      error: expect.stringContaining("expected string, found int"),
    });
    if (ledger !== undefined) ledger.conflicts = [];
    expect((await app.call("GET", "schemas")).body).toHaveLength(1);
    expect((await app.call("GET", `services/${id}/config`)).status).toBe(200);
  });
});

async function serviceId(): Promise<string> {
  const { body } = await app.call("GET", "services");
  return (body as readonly { readonly _id: string }[])[0]?._id ?? "";
}

async function ledgersOf(): Promise<ReturnType<Fixture["ledger"]>[]> {
  await (await fixture.server.apps.find(app.clientAppId))?.sync();
  return [fixture.ledger()];
}

describe("synchronisation", () => {
  test("progress and state, as the state goes on", async () => {
    expect(await app.call("GET", "sync/progress")).toMatchObject({
      body: { error: "there are no mongodb/atlas services with provided sync state" },
    });
    const id = await addService({ flexible_sync: flexible });
    const state = async (): Promise<unknown> => (await app.must("GET", "sync/state?sync_type=flexible"))["state"];
    expect(await app.must("GET", "sync/progress")).toEqual({ accepting_clients: true, progress: {} });
    expect(await state()).toBe("enabled");
    expect((await app.must("GET", "sync/state?sync_type=partition"))["state"]).toBe("");
    await app.must("PATCH", `services/${id}/config`, { flexible_sync: { ...flexible, state: "disabled" } });
    expect(await state()).toBe("disabled");
    expect((await app.must("GET", "sync/progress"))["accepting_clients"]).toBe(false);
    await app.must("PATCH", `services/${id}/config`, { flexible_sync: { ...flexible, state: "" } });
    expect(await state()).toBe("");
  });

  test("Development Mode is switched in a file of its own part", async () => {
    const other = await client.createApp("dev", { sync: { development_mode_enabled: true } });
    expect((await other.must("GET", "sync/config"))["development_mode_enabled"]).toBe(true);
    await other.must("POST", "services", { name: "m", type: "mongodb", config: { flexible_sync: flexible } });
    const configuration = async () => (await fixture.server.apps.find(other.clientAppId))?.configuration?.sync;
    expect(await configuration()).toMatchObject({ isDevelopmentMode: true, state: "enabled", serviceName: "m" });
    await other.must("PUT", "sync/config", { development_mode_enabled: false });
    expect(await configuration()).toMatchObject({ isDevelopmentMode: false, state: "enabled" });
  });

  test("a client file that is not there cannot be reset", async () => {
    expect((await app.call("PUT", "sync/force_reset", { file_ident: 7 })).status).toBe(404);
    expect((await app.call("PUT", "sync/force_reset", { file_ident: "7" })).status).toBe(400);
  });
});

describe("drafts and versions of the schema", () => {
  const versions = async (): Promise<unknown> => (await app.must("GET", "sync/schemas/versions"))["versions"];
  const change = (id: string, properties: object): Promise<unknown> =>
    app.must("PUT", `schemas/${id}`, { metadata: place("Dog"), schema: schema("Dog", properties) });
  const [name, age] = [{ name: { bsonType: "string" } }, { age: { bsonType: "long" } }];

  test("what is added stays in its version, what is taken away makes one, before sync is on none", async () => {
    const service = await addService();
    const dog = await app.idOf("POST", "schemas", { metadata: place("Dog"), schema: schema("Dog", name) });
    await change(dog, {});
    await change(dog, name);
    await app.must("PATCH", `services/${service}/config`, { flexible_sync: flexible });
    expect(await versions()).toEqual([{ version_major: 0 }]);
    await change(dog, { ...name, ...age });
    expect(await versions()).toEqual([{ version_major: 0 }]);
    await change(dog, age);
    expect(await versions()).toEqual([{ version_major: 0 }, { version_major: 1 }]);
    await app.must("PATCH", `services/${service}/config`, { flexible_sync: { state: "" } });
    await app.must("PATCH", `services/${service}/config`, { flexible_sync: { state: "enabled" } });
    expect(await versions()).toEqual([{ version_major: 0 }]);
  });

  test("a draft collects changes, and one deployment makes one version of them", async () => {
    await addService({ flexible_sync: flexible });
    const dog = await app.idOf("POST", "schemas", {
      metadata: place("Dog"),
      schema: schema("Dog", { ...name, ...age }),
    });
    const inForce = async (): Promise<number | undefined> =>
      (await fixture.server.apps.find(app.clientAppId))?.configuration?.classes[0]?.columns.length;
    const draft = await app.idOf("POST", "drafts", {});
    expect((await app.call("POST", "drafts", {})).status).toBe(409);
    await change(dog, name);
    await change(dog, {});
    expect(await inForce()).toBe(2);
    expect(await versions()).toHaveLength(1);
    expect((await app.must("GET", `schemas/${dog}`))["schema"]).toEqual(schema("Dog"));
    const deployment = await app.must("POST", `drafts/${draft}/deployment`, {});
    expect(deployment).toMatchObject({ status: "successful", deployed_at: expect.any(Number), draft_id: draft });
    expect(await inForce()).toBe(0);
    expect(await versions()).toEqual([{ version_major: 0 }, { version_major: 1 }]);
    expect((await app.call("GET", "drafts")).body).toEqual([]);
    const { body: deployments } = await app.call("GET", "deployments");
    expect(deployments).toMatchObject([deployment, {}, {}]);
    expect(await app.must("GET", `deployments/${String(deployment["_id"])}`)).toEqual(deployment);
  });

  test("a draft that is discarded was never there", async () => {
    await addService();
    const draft = await app.idOf("POST", "drafts", {});
    const dog = await app.idOf("POST", "schemas", { metadata: place("Dog"), schema: schema("Dog") });
    expect((await app.call("DELETE", `drafts/${draft}`)).status).toBe(204);
    expect((await app.call("GET", `schemas/${dog}`)).status).toBe(404);
    expect((await app.call("POST", `drafts/${draft}/deployment`, {})).status).toBe(404);
  });
});

describe("users", () => {
  beforeEach(async () => {
    await app.must("POST", "auth_providers", { type: "local-userpass", config: { autoConfirm: true } });
  });

  const login = (email: string, password = "secret1"): Promise<Response> =>
    fetch(`${fixture.url}/api/client/v2.0/app/${app.clientAppId}/auth/providers/local-userpass/login`, {
      method: "POST",
      body: JSON.stringify({ provider: "local-userpass", username: email, password }),
    });
  const refresh = (token: string): Promise<Response> =>
    fetch(`${fixture.url}/api/client/v2.0/auth/session`, {
      method: "POST",
      headers: { Authorization: `Bearer ${token}` },
    });

  test("are made, and log in as who they are", async () => {
    const user = await app.must("POST", "users", { email: "a@b.c", password: "secret1" });
    expect(user).toMatchObject({ type: "normal", disabled: false, data: { email: "a@b.c" } });
    expect((await app.call("POST", "users", { email: "a@b.c", password: "secret1" })).status).toBe(409);
    const answer = (await (await login("a@b.c")).json()) as { readonly user_id: string };
    expect(answer.user_id).toBe(user["_id"]);
    expect((await app.call("GET", "users")).body).toEqual([user]);
    expect((await app.call("GET", `users?after=${answer.user_id}`)).body).toEqual([]);
    expect((await app.call("DELETE", `users/${answer.user_id}`)).status).toBe(204);
    expect((await login("a@b.c")).status).toBe(401);
    expect((await app.call("DELETE", `users/${answer.user_id}`)).status).toBe(404);
  });

  test("a user that is logged out keeps its access token, which can be looked at", async () => {
    const user = await registerAndLogIn(fixture.url, app.clientAppId, "a@b.c");
    expect((await app.call("PUT", `users/${user.user_id}/logout`)).status).toBe(204);
    expect((await refresh(user.refresh_token)).status).toBe(401);
    const verify = (token: string) => app.call("POST", "users/verify_token", { token });
    expect((await verify(user.access_token)).body).toEqual({
      sub: user.user_id,
      exp: expect.any(Number),
      iat: expect.any(Number),
      iss: expect.any(String),
      domain_id: expect.any(String),
      device_id: user.device_id,
    });
    expect(await verify("a.b.c")).toMatchObject({ status: 401, body: { error: "signature is invalid" } });
    expect((await verify(client.token)).status).toBe(401);
    offsetMs = 30 * 60_000 + 1000;
    client = await AdminClient.logIn(fixture.url);
    const path = `${app.path}/users/verify_token`;
    const late = await client.call("POST", path, { token: user.access_token });
    expect(late).toMatchObject({ status: 200, body: "token expired" });
  });

  test("a token of another app is not one of this app", async () => {
    const other = await client.createApp("other");
    await other.must("POST", "auth_providers", { type: "anon-user" });
    const user = await logInAnonymously(fixture.url, other.clientAppId);
    expect((await app.call("POST", "users/verify_token", { token: user.access_token })).status).toBe(401);
    expect((await app.call("DELETE", `users/${user.user_id}`)).status).toBe(404);
  });

  test("are disabled and enabled", async () => {
    const user = await registerAndLogIn(fixture.url, app.clientAppId, "a@b.c");
    expect((await app.call("PUT", `users/${user.user_id}/disable`)).status).toBe(204);
    expect(await (await login("a@b.c")).json()).toMatchObject({ error_code: "UserDisabled" });
    expect((await refresh(user.refresh_token)).status).toBe(401);
    expect((await app.call("PUT", `users/${user.user_id}/enable`)).status).toBe(204);
    expect(await (await login("a@b.c")).json()).toMatchObject({ user_id: user.user_id });
  });

  test("addresses that never logged in are pending, and are removed by address", async () => {
    const register = `${fixture.url}/api/client/v2.0/app/${app.clientAppId}/auth/providers/local-userpass/register`;
    const body = JSON.stringify({ email: "new+1@b.c", password: "secret1" });
    await fetch(register, { method: "POST", body });
    await registerAndLogIn(fixture.url, app.clientAppId, "a@b.c");
    expect((await app.call("GET", "user_registrations/pending_users")).body).toMatchObject([
      { login_ids: [{ id_type: "email", id: "new+1@b.c" }] },
    ]);
    const remove = (email: string) => app.call("DELETE", `user_registrations/by_email/${encodeURIComponent(email)}`);
    expect((await remove("new+1@b.c")).status).toBe(204);
    expect((await login("new+1@b.c")).status).toBe(401);
    expect((await remove("a@b.c")).status).toBe(404);
  });
});

describe("private settings", () => {
  test("flags are kept", async () => {
    const change = (action: string, ...flags: readonly string[]) =>
      app.private("POST", "features", { action, feature_flags: flags });
    await change("enable", "a", "b");
    await change("disable", "a");
    expect((await app.private("GET", "features")).body).toEqual({ enabled: ["b"] });
    const many = Array.from({ length: 100 }, (_, index) => `flag ${index}`);
    await change("enable", ...many);
    expect((await change("enable", ...many.map((flag) => `${flag}!`))).status).toBe(400);
  });

  test("sizes of downloads are bounded by the server's own", async () => {
    const sync = { num_objects_before_bootstrap_flush: 10, qbs_download_changeset_soft_max_byte_size: 4096 };
    expect((await app.private("PATCH", "settings", { sync })).status).toBe(204);
    expect((await app.private("GET", "settings")).body).toEqual({ sync: { ...sync, download_loop_sleep_millis: 0 } });
    const { downloadSettings } = (await (await fixture.server.apps.find(app.clientAppId))?.sync()) ?? {};
    expect(downloadSettings).toEqual({ downloadBytesMax: 4096, bootstrapBytesMax: 4096, pauseMs: 0 });
    await app.private("PATCH", "settings", { sync: { qbs_download_changeset_soft_max_byte_size: 2 ** 40 } });
    const larger = (await (await fixture.server.apps.find(app.clientAppId))?.sync())?.downloadSettings;
    expect(larger?.downloadBytesMax).toBe(1024 * 1024);
    const endless = { sync: { download_loop_sleep_millis: 1e9 } };
    expect((await app.private("PATCH", "settings", endless)).status).toBe(400);
  });
});

describe("what is not offered", () => {
  test.each([
    ["POST", "api_keys"],
    ["PUT", "api_keys/0/disable"],
    ["GET", "sync/migration"],
    ["PUT", "sync/migration"],
    ["POST", "deployments/0/redeploy"],
    ["PATCH", "deploy/config"],
    ["POST", "endpoints"],
  ])("%s %s says why", async (method, path) => {
    const answer = await app.call(method, path, method === "GET" ? undefined : {});
    expect(answer).toMatchObject({ status: 501, type: "application/json", body: { error_code: "NotOffered" } });
  });

  test("other paths are not found, and bodies that are too large or no JSON are refused", async () => {
    expect((await app.call("GET", "hosting")).status).toBe(404);
    const large = await app.call("POST", "functions", { name: "f", source: "x".repeat(1024 * 1024) });
    expect(large.status).toBe(413);
    const answer = await fetch(`${fixture.url}/api/admin/v3.0${app.path}/values`, {
      method: "POST",
      headers: { Authorization: `Bearer ${client.token}` },
      body: "{",
    });
    expect(answer.status).toBe(400);
  });

  test("allowed origins are kept", async () => {
    expect((await app.call("POST", "security/allowed_request_origins", ["https://a.example"])).status).toBe(204);
    expect((await app.call("GET", "security/allowed_request_origins")).body).toEqual(["https://a.example"]);
  });
});
