/** Log-in, tokens, and who may ask at all. */

import { decodeJwt, SignJWT } from "jose";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { systemHost } from "../host.js";
import { createServer } from "../server.js";
import { FakeLedger } from "../testing/fake-ledger.js";
import { adminPath, AdminClient, privatePath, testAdministrator } from "../testing/admin-client.js";
import { appId, type Fixture, startFixture } from "../testing/fixture.js";
import { proxyHeaders, statusOf } from "../testing/plain-request.js";
import { logInAnonymously } from "../testing/scripted-client.js";
import { createTokenKey, Tokens } from "../tokens.js";
import { adminKey, type AdminOptions, Administrator } from "./administrator.js";
import { LogInAttempts } from "./log-in-attempts.js";

let fixture: Fixture;
let offsetMs = 0;

beforeEach(async () => {
  offsetMs = 0;
  const environment = { ...systemHost, nowMs: () => Date.now() + offsetMs };
  fixture = await startFixture({ admin: testAdministrator, environment });
});

afterEach(() => fixture.stop());

async function logIn(username: string, password: string, provider = "local-userpass"): Promise<Response> {
  const path = `${adminPath}/auth/providers/${provider}/login`;
  return fetch(fixture.url + path, { method: "POST", body: JSON.stringify({ username, password }) });
}

describe("log-in", () => {
  test("gives tokens, a user and a device", async () => {
    const answer = await logIn("unique_user@domain.com", "password");
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toBe("application/json");
    const body = (await answer.json()) as Record<string, unknown>;
    expect(body).toMatchObject({ user_id: expect.stringMatching(/^[0-9a-f]{24}$/), device_id: expect.any(String) });
    const claims = JSON.parse(Buffer.from(String(body["access_token"]).split(".")[1] ?? "", "base64url").toString());
    expect(claims).toMatchObject({ aud: "tidemark-admin" });
    expect(claims.exp - claims.iat).toBe(1800);
  });

  test("a wrong name and a wrong password are told alike", async () => {
    const wrong = [await logIn("unique_user@domain.com", "passwort"), await logIn("someone", "password")];
    for (const answer of wrong) {
      expect(answer.status).toBe(401);
      expect(await answer.json()).toMatchObject({ error: "unauthorized", error_code: "InvalidPassword" });
    }
  });

  test("keys of a cloud account are no account here", async () => {
    const answer = await logIn("public", "private", "mongodb-cloud");
    expect(answer.status).toBe(404);
    expect(await answer.json()).toMatchObject({ error: "authentication provider not found: 'mongodb-cloud'" });
  });

  test("an address that fails too often has to wait, also with the right password", async () => {
    for (let failure = 0; failure < 10; failure += 1) expect((await logIn("x", "y")).status).toBe(401);
    const refused = await logIn("unique_user@domain.com", "password");
    expect(refused.status).toBe(429);
    expect(refused.headers.get("retry-after")).toBe("60");
    offsetMs = 60_000;
    expect((await logIn("unique_user@domain.com", "password")).status).toBe(200);
  });

  test("log-ins that succeed are not counted", async () => {
    for (let count = 0; count < 15; count += 1) await AdminClient.logIn(fixture.url);
  });

  test("the profile names one group", async () => {
    const client = await AdminClient.logIn(fixture.url);
    const { roles } = await client.must("GET", "/auth/profile");
    expect(roles).toEqual([{ role_name: expect.any(String), group_id: "tidemark" }]);
  });
});

describe("tokens", () => {
  test("an expired access token is told so that clients refresh it", async () => {
    const client = await AdminClient.logIn(fixture.url);
    offsetMs = 31 * 60_000;
    const expired = await client.call("GET", "/groups/tidemark/apps");
    expect(expired).toMatchObject({ status: 401, type: "application/json" });
    expect(expired.body).toMatchObject({ error: "invalid session: access token expired" });
    const { body } = await client.call("POST", "/auth/session", undefined, client.refreshToken);
    const { access_token: token } = body as { readonly access_token: string };
    expect(await client.call("GET", "/groups/tidemark/apps", undefined, token)).toMatchObject({ status: 200 });
  });

  test("a session that was ended gives no tokens and takes none", async () => {
    const client = await AdminClient.logIn(fixture.url);
    expect((await client.call("DELETE", "/auth/session", undefined, client.refreshToken)).status).toBe(204);
    expect((await client.call("POST", "/auth/session", undefined, client.refreshToken)).status).toBe(401);
    expect((await client.call("GET", "/groups/tidemark/apps")).status).toBe(401);
  });

  test("a refresh token is no access token, and the other way round", async () => {
    const client = await AdminClient.logIn(fixture.url);
    const path = "/groups/tidemark/apps";
    expect((await client.call("GET", path, undefined, client.refreshToken)).status).toBe(401);
    expect((await client.call("POST", "/auth/session", undefined, client.token)).status).toBe(401);
  });

  test("without a token nothing but the log-in and the version answers", async () => {
    const paths = [`${adminPath}/groups/tidemark/apps`, `${adminPath}/auth/profile`, `${adminPath}/elsewhere`];
    for (const path of [...paths, `${privatePath}/groups/tidemark/apps/x/features`]) {
      const answer = await fetch(fixture.url + path);
      expect([path, answer.status]).toEqual([path, 401]);
    }
    expect((await fetch(`${fixture.url}${privatePath}/version`)).status).toBe(200);
  });

  test("users' tokens are not an administrator's, and an administrator's not a user's", async () => {
    const user = await logInAnonymously(fixture.url, appId);
    const client = await AdminClient.logIn(fixture.url);
    for (const token of [user.access_token, user.refresh_token]) {
      expect((await client.call("GET", "/groups/tidemark/apps", undefined, token)).status).toBe(401);
      expect((await client.call("POST", "/auth/session", undefined, token)).status).toBe(401);
    }
    for (const path of ["profile", "session"]) {
      const answer = await fetch(`${fixture.url}/api/client/v2.0/auth/${path}`, {
        method: path === "profile" ? "GET" : "POST",
        headers: { Authorization: `Bearer ${path === "profile" ? client.token : client.refreshToken}` },
      });
      expect(answer.status).toBe(401);
    }
  });

  test("not even where one key signs both", async () => {
    const key = createTokenKey(systemHost);
    const administrator = new Administrator(testAdministrator, key, systemHost);
    const tokens = new Tokens(key, systemHost);
    const subject = { userId: "u", sessionId: "s", deviceId: "d", domainId: "a" };
    await expect(administrator.check(await tokens.access(subject, undefined))).rejects.toThrow("not one of ours");
    const { access_token: access, refresh_token: refresh } = await administrator.openSession();
    await expect(tokens.verifyAccess(access)).rejects.toThrow("not one of ours");
    await expect(tokens.verifyRefresh(refresh)).rejects.toThrow("not one of ours");
    await administrator.check(access);
    // Everything of an administrator's token but for whom it is.
    const { sid } = decodeJwt(access);
    const forged = new SignJWT({ typ: "access", sid }).setProtectedHeader({ alg: "HS256" }).setExpirationTime("1h");
    await expect(administrator.check(await forged.sign(key))).rejects.toThrow("not one of ours");
  });

  test("another password makes another key", () => {
    const key = createTokenKey(systemHost);
    const [first, second] = ["password", "Password"].map((password) => adminKey(key, { user: "a", password }));
    expect(first).not.toEqual(second);
  });
});

describe("who may ask", () => {
  test("a server without an account has no such API", async () => {
    const other = await startFixture();
    const answer = await fetch(`${other.url}${privatePath}/version`);
    expect(answer.status).toBe(404);
    await other.stop();
  });

  const status = (url: string, headers: Readonly<Record<string, string>>): Promise<number | undefined> =>
    statusOf(url, `${privatePath}/version`, headers);

  test("by a name that is not this machine's nobody is served", async () => {
    const asking = (host: string): Promise<number | undefined> => status(fixture.url, { host });
    expect(await asking("evil.example")).toBe(403);
    expect(await asking("127.0.0.1.evil.example")).toBe(403);
    expect(await asking(`localhost:${new URL(fixture.url).port}`)).toBe(200);
    expect(await asking("[::1]:9090")).toBe(200);
  });

  test("what a proxy has passed on is served only where other machines may ask", async () => {
    const remote = await startFixture({ admin: { user: "admin", password: "long enough for all", isRemote: true } });
    for (const headers of proxyHeaders) {
      expect([headers, await status(fixture.url, headers)]).toEqual([headers, 403]);
      expect([headers, await status(remote.url, headers)]).toEqual([headers, 200]);
    }
    expect(await status(fixture.url, { "X-Forward": "no proxy's" })).toBe(200);
    await remote.stop();
  });

  test("other machines only where it is allowed, and nobody with a password that is short", async () => {
    const start = (host: string, admin: Omit<AdminOptions, "user">): Promise<void> => {
      const server = createServer({
        dataDirectory: null,
        openLedger: (options) => Promise.resolve(new FakeLedger(options)),
        host,
        admin: { user: "admin", ...admin },
      });
      return server.start().then(() => server.stop());
    };
    const password = "long enough for all";
    await expect(start("0.0.0.0", { password })).rejects.toMatchObject({ code: "admin-exposed" });
    const short = { code: "admin-account" };
    await expect(start("0.0.0.0", { password: "short", isRemote: true })).rejects.toMatchObject(short);
    await expect(start("127.0.0.1", { password: "" })).rejects.toMatchObject(short);
    await expect(start("127.0.0.1", { password: "elevenchars" })).rejects.toMatchObject(short);
    await start("0.0.0.0", { password, isRemote: true });
    await start("127.0.0.1", { password: "twelve chars" });
    // What everybody knows is for this machine.
    await start("127.0.0.1", { password: "short", isWellKnown: true });
    const wellKnown = { password, isWellKnown: true };
    await expect(start("127.0.0.1", { ...wellKnown, isRemote: true })).rejects.toMatchObject(short);
    await expect(start("0.0.0.0", wellKnown)).rejects.toMatchObject({ code: "admin-exposed" });
  });
});

describe("attempts", () => {
  const limits = { failuresMax: 2, windowMs: 1000, addressesMax: 3 };

  test("are counted by address, in a bounded memory", () => {
    const attempts = new LogInAttempts({ ...systemHost, nowMs: () => 0 }, limits);
    for (let index = 0; index < 10; index += 1) attempts.failed(`10.0.0.${index}`);
    expect(attempts.size).toBe(3);
    attempts.failed("10.0.0.9");
    expect(attempts.isAllowed("10.0.0.9")).toBe(false);
    expect(attempts.isAllowed("10.0.0.8")).toBe(true);
  });

  test("addresses of one network of IPv6 are one, and those of IPv4 in IPv6 are themselves", () => {
    const attempts = new LogInAttempts({ ...systemHost, nowMs: () => 0 }, limits);
    attempts.failed("2001:db8::1");
    attempts.failed("2001:db8:0:0:ffff::2");
    expect(attempts.isAllowed("2001:db8::3")).toBe(false);
    expect(attempts.isAllowed("2001:db8:0:1::3")).toBe(true);
    attempts.failed("::ffff:10.0.0.1");
    attempts.failed("10.0.0.1");
    expect(attempts.isAllowed("10.0.0.1")).toBe(false);
    expect(attempts.isAllowed("::ffff:10.0.0.2")).toBe(true);
  });
});
