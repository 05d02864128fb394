import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { systemHost } from "./host.js";
import { MemoryKeyValue } from "./key-value.js";
import { appId, type Fixture, startFixture } from "./testing/fixture.js";
import { proxyHeaders, statusOf } from "./testing/plain-request.js";
import { logInAnonymously, registerAndLogIn } from "./testing/scripted-client.js";

let fixture: Fixture;
let offsetMs = 0;

beforeEach(async () => {
  offsetMs = 0;
  fixture = await startFixture({ environment: { ...systemHost, nowMs: () => Date.now() + offsetMs } });
});

afterEach(() => fixture.stop());

const base = "/api/client/v2.0";
const provider = `${base}/app/${appId}/auth/providers`;

interface Answer {
  readonly status: number;
  readonly type: string | null;
  readonly requestId: string | null;
  readonly body: Record<string, unknown>;
}

async function call(method: string, path: string, token?: string, body?: unknown): Promise<Answer> {
  const answer = await fetch(fixture.url + path, {
    method,
    headers: token === undefined ? {} : { Authorization: token },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  const text = await answer.text();
  return {
    status: answer.status,
    type: answer.headers.get("content-type"),
    requestId: answer.headers.get("x-appservices-request-id"),
    body: text === "" ? {} : (JSON.parse(text) as Record<string, unknown>),
  };
}

const bearer = (token: string): string => `Bearer ${token}`;

function claims(token: string): Record<string, unknown> {
  const parts = token.split(".");
  expect(parts).toHaveLength(3);
  expect(parts[2]).not.toBe("");
  expect(JSON.parse(Buffer.from(parts[0] ?? "", "base64url").toString())).toEqual({ alg: "HS256", typ: "JWT" });
  return JSON.parse(Buffer.from(parts[1] ?? "", "base64url").toString()) as Record<string, unknown>;
}

function expectError(answer: Answer, status: number, code: string | undefined, text: string): void {
  expect(answer).toMatchObject({ status, type: "application/json" });
  expect(answer.body["error"]).toBe(text);
  expect(answer.body["error_code"]).toBe(code);
  expect(answer.body["link"]).toBe(
    `${fixture.url}/groups/tidemark/apps/${linkApp(answer)}/logs?co_id=${answer.requestId}`,
  );
}

function linkApp(answer: Answer): string {
  return /apps\/([^/]+)\//.exec(String(answer.body["link"]))?.[1] ?? "";
}

describe("location", () => {
  test("names the host by which it was asked", async () => {
    const answer = await call("GET", `${base}/app/${appId}/location`);
    expect(answer).toMatchObject({ status: 200, type: "application/json" });
    expect(answer.body).toEqual({
      deployment_model: "GLOBAL",
      location: "US-VA",
      hostname: fixture.url,
      ws_hostname: fixture.url.replace("http", "ws"),
    });
  });

  test("or the public one", async () => {
    const other = await startFixture({ publicUrl: "https://sync.example.com" });
    const answer = await fetch(`${other.url}${base}/app/${appId}/location`);
    expect(await answer.json()).toMatchObject({
      hostname: "https://sync.example.com",
      ws_hostname: "wss://sync.example.com",
    });
    await other.stop();
  });

  test("an unknown app", async () => {
    const other = await startFixture({ appIds: ["known"] });
    const answer = await fetch(`${other.url}${base}/app/unknown/location`);
    expect(answer.status).toBe(404);
    expect(await answer.json()).toMatchObject({ error: "cannot find app using Client App ID 'unknown'" });
    expect((await fetch(`${other.url}${base}/app/known/location`)).status).toBe(200);
    await other.stop();
  });
});

describe("anonymous login", () => {
  test("makes a new user each time, with tokens that clients can read", async () => {
    const first = await logInAnonymously(fixture.url, appId);
    const second = await logInAnonymously(fixture.url, appId);
    expect(first.user_id).not.toBe(second.user_id);
    expect(first.user_id).toMatch(/^[0-9a-f]{24}$/);
    expect(first.device_id).toMatch(/^[0-9a-f]{24}$/);
    const access = claims(first.access_token);
    expect(access).toMatchObject({ sub: first.user_id, typ: "access", baas_device_id: first.device_id });
    expect(Number(access["exp"]) - Number(access["iat"])).toBe(1800);
    const refresh = claims(first.refresh_token);
    expect(refresh).toMatchObject({ sub: first.user_id, typ: "refresh", baas_data: null });
    expect(refresh["baas_id"]).toBe(access["iss"]);
    expect(refresh["baas_domain_id"]).toBe(access["baas_domain_id"]);
    expect(Number(refresh["exp"]) - Number(refresh["iat"])).toBe(1_576_800_000);
  });

  test("keeps a device id that it once gave", async () => {
    const deviceId = "0123456789abcdef01234567";
    const body = { provider: "anon-user", options: { device: { deviceId } } };
    const answer = await call("POST", `${provider}/anon-user/login`, undefined, body);
    expect(answer.body["device_id"]).toBe(deviceId);
  });

  test("the profile", async () => {
    const { access_token, user_id } = await logInAnonymously(fixture.url, appId);
    const answer = await call("GET", `${base}/auth/profile`, bearer(access_token));
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({
      user_id,
      type: "normal",
      data: {},
      identities: [{ provider_type: "anon-user", id: expect.stringMatching(/^[0-9a-f]{24}$/) as string }],
    });
  });
});

describe("e-mail and password", () => {
  const register = (email: string, password: string): Promise<Answer> =>
    call("POST", `${provider}/local-userpass/register`, undefined, { email, password });
  const logIn = (username: string, password: string): Promise<Answer> =>
    call("POST", `${provider}/local-userpass/login`, undefined, { provider: "local-userpass", username, password });

  test("registration, login, and the same user id ever after", async () => {
    expect(await register("b@example.com", "secret1")).toMatchObject({ status: 201, body: {} });
    const first = await logIn("b@example.com", "secret1");
    const second = await logIn("b@example.com", "secret1");
    expect(first.status).toBe(200);
    expect(second.body["user_id"]).toBe(first.body["user_id"]);
    const refresh = claims(String(first.body["refresh_token"]));
    expect(Number(refresh["exp"]) - Number(refresh["iat"])).toBe(60 * 24 * 3600);
    const profile = await call("GET", `${base}/auth/profile`, bearer(String(first.body["access_token"])));
    expect(profile.body["data"]).toEqual({ email: "b@example.com" });
    expect(profile.body["identities"]).toMatchObject([
      { provider_type: "local-userpass", provider_data: { email: "b@example.com" } },
    ]);
  });

  test("addresses are told apart by case", async () => {
    await register("b@example.com", "secret1");
    expectError(await logIn("B@example.com", "secret1"), 401, "InvalidPassword", "unauthorized");
  });

  test("what registration refuses", async () => {
    await register("b@example.com", "secret1");
    expectError(await register("b@example.com", "secret2"), 409, "AccountNameInUse", "name already in use");
    const length = "password must be between 6 and 128 characters";
    expectError(await register("c@example.com", "five5"), 400, "BadRequest", length);
    expectError(await register("c@example.com", "x".repeat(129)), 400, "BadRequest", length);
    expectError(await register("", "secret1"), 400, "BadRequest", "email invalid");
    expect(await register("c@example.com", "x".repeat(128))).toMatchObject({ status: 201 });
  });

  test("two registrations at once make one account", async () => {
    const answers = await Promise.all([register("d@example.com", "secret1"), register("d@example.com", "secret2")]);
    expect(answers.map((answer) => answer.status).sort()).toEqual([201, 409]);
  });

  test("two first logins at once make one user", async () => {
    await register("d@example.com", "secret1");
    const answers = await Promise.all([logIn("d@example.com", "secret1"), logIn("d@example.com", "secret1")]);
    expect(answers[0]?.body["user_id"]).toBe(answers[1]?.body["user_id"]);
  });

  test("what login refuses", async () => {
    await register("b@example.com", "secret1");
    for (const answer of [
      await logIn("b@example.com", "wrong1"),
      await logIn("nobody@example.com", "secret1"),
      await logIn("b@example.com", "x".repeat(100_000)),
    ]) {
      expectError(answer, 401, "InvalidPassword", "unauthorized");
    }
  });

  test.each(["api-key", "custom-token", "custom-function", "oauth2-google", "nonsense"])(
    "the provider %s is not there",
    async (name) => {
      const answer = await call("POST", `${provider}/${name}/login`, undefined, { provider: name });
      expectError(answer, 404, "AuthProviderNotFound", `authentication provider not found: '${name}'`);
    },
  );

  test("an anonymous user becomes one with an address", async () => {
    const { access_token, user_id } = await logInAnonymously(fixture.url, appId);
    await register("link@example.com", "secret1");
    const body = { provider: "local-userpass", username: "link@example.com", password: "secret1" };
    const path = `${provider}/local-userpass/login?link=true`;
    const linked = await call("POST", path, bearer(access_token), body);
    expect(linked.status).toBe(200);
    expect(Object.keys(linked.body)).toEqual(["access_token"]);
    expect((await logIn("link@example.com", "secret1")).body["user_id"]).toBe(user_id);
    const profile = await call("GET", `${base}/auth/profile`, bearer(access_token));
    const types = (profile.body["identities"] as { provider_type: string }[]).map((one) => one.provider_type);
    expect(types).toEqual(["anon-user", "local-userpass"]);
    expectError(await call("POST", path, bearer(access_token), body), 401, "AuthError", "unauthorized");
  });
});

describe("sessions", () => {
  test("a refresh token gets a new access token until the session ends", async () => {
    const { refresh_token, access_token } = await logInAnonymously(fixture.url, appId);
    const refreshed = await call("POST", `${base}/auth/session`, bearer(refresh_token));
    expect(refreshed.status).toBe(201);
    expect(claims(String(refreshed.body["access_token"]))["iss"]).toBe(claims(access_token)["iss"]);
    expect(await call("DELETE", `${base}/auth/session`, bearer(refresh_token))).toMatchObject({ status: 204 });
    const ended = await call("POST", `${base}/auth/session`, bearer(refresh_token));
    expectError(ended, 401, "InvalidSession", "invalid session");
    // Access tokens that were given stay good until they expire.
    expect((await call("GET", `${base}/auth/profile`, bearer(access_token))).status).toBe(200);
  });

  test("ending one session leaves the user's others", async () => {
    const first = await registerAndLogIn(fixture.url, appId, "s@example.com");
    const second = await registerAndLogIn(fixture.url, appId, "s@example.com");
    await call("DELETE", `${base}/auth/session`, bearer(first.refresh_token));
    expect((await call("POST", `${base}/auth/session`, bearer(second.refresh_token))).status).toBe(201);
  });

  test("tokens that are not accepted", async () => {
    const { access_token, refresh_token } = await logInAnonymously(fixture.url, appId);
    const profile = (token: string | undefined): Promise<Answer> => call("GET", `${base}/auth/profile`, token);
    expectError(await profile(undefined), 401, "MissingAuthReq", "must authenticate first");
    expectError(await profile("Bearer "), 401, undefined, "expected Authorization header with JWT (Bearer schema)");
    expectError(await profile(bearer("a.b.c")), 401, "InvalidSession", "invalid session");
    expectError(await profile(bearer(refresh_token)), 401, "InvalidSession", "invalid session");
    const forged = `${access_token.slice(0, -4)}AAAA`;
    expectError(await profile(bearer(forged)), 401, "InvalidSession", "invalid session");
    const refresh = await call("POST", `${base}/auth/session`, bearer(access_token));
    expectError(refresh, 401, "InvalidSession", "invalid session");
    offsetMs = 1801 * 1000;
    const expired = await profile(bearer(access_token));
    expectError(expired, 401, "InvalidSession", "invalid session: access token expired");
    expect((await call("POST", `${base}/auth/session`, bearer(refresh_token))).status).toBe(201);
  });

  test("a deleted user is gone, with all sessions", async () => {
    const { access_token, refresh_token } = await registerAndLogIn(fixture.url, appId, "gone@example.com");
    expect((await call("DELETE", `${base}/auth/delete`, bearer(access_token))).status).toBe(204);
    expect((await call("GET", `${base}/auth/profile`, bearer(access_token))).status).toBe(401);
    expect((await call("POST", `${base}/auth/session`, bearer(refresh_token))).status).toBe(401);
    const login = await call("POST", `${provider}/local-userpass/login`, undefined, {
      username: "gone@example.com",
      password: "secret1",
    });
    expectError(login, 401, "InvalidPassword", "unauthorized");
  });

  test("a disabled user", async () => {
    const { access_token, refresh_token, user_id } = await registerAndLogIn(fixture.url, appId, "off@example.com");
    await fixture.server.setUserDisabled(appId, user_id, true);
    expect((await call("POST", `${base}/auth/session`, bearer(refresh_token))).status).toBe(401);
    const refused = await call("GET", `${base}/auth/profile`, bearer(access_token));
    expectError(refused, 401, "UserDisabled", "user disabled");
    await expect(registerAndLogIn(fixture.url, appId, "off@example.com")).rejects.toThrow("UserDisabled");
    await fixture.server.setUserDisabled(appId, user_id, false);
    expect((await registerAndLogIn(fixture.url, appId, "off@example.com")).user_id).toBe(user_id);
  });

  test("users, sessions and the key outlive a restart", async () => {
    const store = new MemoryKeyValue();
    const openKeyValue = (): Promise<MemoryKeyValue> => Promise.resolve(store);
    const first = await startFixture({ openKeyValue });
    const login = await registerAndLogIn(first.url, appId, "stay@example.com");
    await first.stop();
    const second = await startFixture({ openKeyValue });
    const headers = { Authorization: bearer(login.access_token) };
    const profile = await fetch(`${second.url}${base}/auth/profile`, { headers });
    expect(await profile.json()).toMatchObject({ user_id: login.user_id });
    expect((await registerAndLogIn(second.url, appId, "stay@example.com")).user_id).toBe(login.user_id);
    await second.stop();
  });
});

describe("requests that are wrong", () => {
  test("bodies", async () => {
    const path = `${provider}/local-userpass/register`;
    expectError(await call("POST", path, undefined, "{"), 400, "BadRequest", "invalid JSON");
    expect((await call("POST", path, undefined, { email: 5 })).body["error"]).toContain("'email'");
    const large = await call("POST", path, undefined, { email: "x".repeat(1_100_000) });
    expectError(large, 413, "ReadSizeLimitExceeded", "request body too large");
  });

  test("paths and functions", async () => {
    expectError(await call("GET", "/nothing"), 404, "NotFound", "not found");
    const { access_token } = await logInAnonymously(fixture.url, appId);
    const path = `${base}/app/${appId}/functions/call`;
    const unknown = await call("POST", path, bearer(access_token), { name: "sum", arguments: [1] });
    expectError(unknown, 404, "FunctionNotFound", "function not found: 'sum'");
    expectError(await call("POST", path, "Bearer ", { name: "sum" }), 401, "AuthError", "unauthorized");
  });

  test("apps that come into being by being asked for are counted", async () => {
    const other = await startFixture({ limits: { appsMax: 2 } });
    await logInAnonymously(other.url, "one");
    await logInAnonymously(other.url, "two");
    await expect(logInAnonymously(other.url, "three")).rejects.toThrow("404");
    await logInAnonymously(other.url, "one");
    await other.stop();
  });
});

describe("the status page", () => {
  test("is there on loopback, and its JSON tells of sessions, schema and rates", async () => {
    const page = await fetch(fixture.url);
    expect(page.headers.get("content-type")).toContain("text/html");
    expect(page.headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(await page.text()).toContain("<title>Tidemark</title>");
    const { access_token, user_id } = await logInAnonymously(fixture.url, appId);
    const client = await fixture.connect(access_token);
    const { openNewFile } = await import("./testing/scripted-client.js");
    const file = await openNewFile(client);
    file.upload("SCHEMA Item", "one");
    await file.download();
    const status = await call("GET", "/api/tidemark/status");
    expect(status.body).toMatchObject({
      software: "tidemark",
      protocolVersions: [9, 14],
      apps: [{ id: appId, developmentMode: true, syncState: "enabled", version: 4, clientFiles: 1, sessions: 1 }],
      totals: { uploads: 1, changesets: 2, openConnections: 1 },
      connections: [
        { user: user_id, protocolVersion: 14, sessions: [{ phase: "identified", uploadClientVersion: 3 }] },
      ],
    });
    const schema = await call("GET", "/api/tidemark/schema");
    expect(schema.body[appId]).toMatchObject([{ collection: "Item", schema: { title: "Item", required: ["_id"] } }]);
  });

  test("is not there elsewhere unless asked for", async () => {
    const closed = await startFixture({ host: "0.0.0.0" });
    expect((await fetch(`http://127.0.0.1:${closed.server.port}/`)).status).toBe(404);
    await closed.stop();
    const open = await startFixture({ host: "0.0.0.0", statusPage: true });
    expect((await fetch(`http://127.0.0.1:${open.server.port}/`)).status).toBe(200);
    await open.stop();
  });

  test("is for this machine only: neither for what a proxy has passed on nor by another name", async () => {
    const open = await startFixture({ statusPage: true });
    for (const path of ["/", "/api/tidemark/status", "/api/tidemark/schema"]) {
      for (const headers of [...proxyHeaders, { host: "evil.example" }]) {
        expect([path, headers, await statusOf(fixture.url, path, headers)]).toEqual([path, headers, 403]);
        expect([path, headers, await statusOf(open.url, path, headers)]).toEqual([path, headers, 200]);
      }
      expect(await statusOf(fixture.url, path, { host: `localhost:${fixture.server.port}` })).toBe(200);
    }
    // Clients may come through a proxy.
    expect(await statusOf(fixture.url, `${base}/app/${appId}/location`, { Via: "1.1 proxy" })).toBe(200);
    await open.stop();
  });

  test("a port in use is an error with a code", async () => {
    await expect(startFixture({ port: fixture.server.port })).rejects.toMatchObject({ code: "port-in-use" });
  });
});
