import { beforeEach, expect, test } from "vitest";
import { must, ServiceError } from "../errors.js";
import type { Files, Host, HttpRequest, HttpResponse } from "../host.js";
import { FakeHost } from "../testing/fake-host.js";
import { App, type AppConfiguration } from "./app.js";
import { anonymous, apiKey, customFunction, emailPassword } from "./credentials.js";
import { readToken } from "./token.js";

const seconds = 1000;

/** A token that ends at a time. */
function token(name: string, expiresMs: number): string {
  const payload = btoa(JSON.stringify({ exp: expiresMs / seconds, iat: 0, name })).replaceAll("=", "");
  return `e30.${payload}.signature`;
}

class MemoryFiles implements Files {
  readonly texts = new Map<string, string>();
  join(...parts: string[]): string {
    return parts.join("/");
  }
  resolve(path: string): string {
    return path;
  }
  directoryOf(path: string): string {
    return path.slice(0, path.lastIndexOf("/"));
  }
  exists(path: string): boolean {
    return this.texts.has(path);
  }
  makeDirectory(): void {
    // Everything exists.
  }
  readText(path: string): string | null {
    return this.texts.get(path) ?? null;
  }
  writeText(path: string, text: string): void {
    this.texts.set(path, text);
  }
  remove(path: string): void {
    this.texts.delete(path);
  }
  copy(from: string, to: string): void {
    this.texts.set(to, this.texts.get(from) ?? "");
  }
}

let clock: FakeHost;
let files: MemoryFiles;
let requests: HttpRequest[];
/** Answers by the end of the path; the first that fits. */
let answers: (readonly [pathEnd: string, answer: () => Partial<HttpResponse> | undefined])[];
let users: number;

function answer(status: number, body: unknown): Partial<HttpResponse> {
  return { status, body: JSON.stringify(body) };
}

beforeEach(() => {
  clock = new FakeHost();
  files = new MemoryFiles();
  requests = [];
  users = 0;
  userOf = (login) => `user-${login}`;
  answers = [
    ["/location", () => answer(200, { hostname: "http://real", ws_hostname: "ws://real" })],
    [
      "/login",
      () => {
        users += 1;
        const access = token(`access ${users}`, clock.nowMs() + 1_800 * seconds);
        return answer(200, {
          access_token: access,
          refresh_token: `refresh ${users}`,
          user_id: userOf(users),
          device_id: "0".repeat(24),
        });
      },
    ],
    [
      "/auth/profile",
      () => answer(200, { identities: [{ id: "i", provider_type: provider }], data: { email: "a@b.c" } }),
    ],
  ];
});

let provider = "local-userpass";
let userOf = (login: number): string => `user-${login}`;

function makeApp(change: Partial<AppConfiguration> = {}): App {
  const host: Host = {
    nowMs: () => clock.nowMs(),
    monotonicMs: () => clock.monotonicMs(),
    randomBytes: (count: number) => new Uint8Array(count),
    random: () => 0,
    setTimer: (delayMs, callback) => clock.setTimer(delayMs, callback),
    clearTimer: (timer) => clock.clearTimer(timer),
    defer: (callback) => clock.defer(callback),
    files,
    device: { platform: "test" },
    fetch: async (request) => {
      requests.push(request);
      const path = new URL(request.url).pathname;
      const found = answers.find(([end]) => path.endsWith(end))?.[1]();
      if (found === undefined) throw new Error("connection refused");
      return { status: 200, contentType: "application/json", body: "", ...found };
    },
  };
  return new App(
    {
      id: "app",
      baseUrl: "http://base/",
      timeoutMs: 1000,
      isMultiplexed: true,
      baseDirectory: "/files",
      keepsUsers: true,
      ...change,
    },
    host,
  );
}

function paths(): string[] {
  return requests.map(({ method, url }) => `${method} ${url}`);
}

test("the location is asked for once, before the first call, and decides where calls go", async () => {
  const app = makeApp();
  expect(app.syncRoute()).toEqual({ url: "ws://base/api/client/v2.0/app/app/realm-sync", isVerified: false });
  await Promise.all([
    app.logIn(emailPassword("a@b.c", "p")),
    app.callEmailPassword("confirm", {}).catch(() => undefined),
  ]);
  expect(paths().filter((path) => path.endsWith("/location"))).toEqual([
    "GET http://base/api/client/v2.0/app/app/location",
  ]);
  expect(paths()).toContain("POST http://real/api/client/v2.0/app/app/auth/providers/local-userpass/login");
  expect(app.syncRoute()).toEqual({ url: "ws://real/api/client/v2.0/app/app/realm-sync", isVerified: true });
});

test("a log-in sends credentials and device, then reads the profile", async () => {
  const user = await makeApp().logIn(emailPassword("a@b.c", "p"));
  const [, login, profile] = requests;
  expect(JSON.parse(login?.body ?? "")).toEqual({
    provider: "local-userpass",
    username: "a@b.c",
    password: "p",
    options: { device: { appId: "app", platform: "test" } },
  });
  expect(profile?.headers["Authorization"]).toBe(`Bearer ${user.accessToken ?? ""}`);
  expect([user.id, user.profile["email"], user.deviceId, user.isLoggedIn]).toEqual(["user-1", "a@b.c", null, true]);
});

test("a custom function gets the document alone", async () => {
  await makeApp().logIn(customFunction({ who: "me" }));
  expect(JSON.parse(requests[1]?.body ?? "")).toMatchObject({ who: "me" });
  expect(JSON.parse(requests[1]?.body ?? "")).not.toHaveProperty("provider");
});

test("users are kept on disk; an app made later needs no server for them", async () => {
  const first = await makeApp().logIn(emailPassword("a@b.c", "p"));
  requests = [];
  const app = makeApp();
  expect(app.currentUser?.id).toBe(first.id);
  expect(app.currentUser?.accessToken).toBe(first.accessToken);
  expect(app.currentUser?.needsRefresh).toBe(false);
  expect(requests).toEqual([]);
  expect(makeApp({ keepsUsers: false }).currentUser).toBeUndefined();
});

test("a damaged file of users means logging in again, nothing worse", () => {
  files.writeText("/files/mongodb-realm/app/users.json", "{ not json");
  expect(makeApp().users).toEqual([]);
});

test("anonymous users are reused if wanted, and forgotten when they log out", async () => {
  provider = "anon-user";
  const app = makeApp();
  const first = await app.logIn(anonymous());
  expect(await app.logIn(anonymous())).toBe(first);
  const second = await app.logIn(anonymous(false));
  expect(second).not.toBe(first);
  answers.unshift(["/auth/session", () => ({ status: 204, body: "" })]);
  await second.logOut();
  expect([second.state, app.currentUser]).toEqual(["removed", first]);
  expect(app.users).toEqual([first]);
  provider = "local-userpass";
});

test("logging out works offline, and a user that logs in again is the same object", async () => {
  const app = makeApp();
  const user = await app.logIn(emailPassword("a@b.c", "p"));
  await user.logOut();
  expect([user.state, user.accessToken, app.currentUser]).toEqual(["logged-out", null, undefined]);
  users = 0;
  expect(await app.logIn(emailPassword("a@b.c", "p"))).toBe(user);
  expect(user.isLoggedIn).toBe(true);
});

test("a call that the server does not let in is sent once more with a fresh token", async () => {
  const app = makeApp();
  const user = await app.logIn(apiKey("k"));
  let refusals = 1;
  answers.unshift(
    [
      "/functions/call",
      () => {
        refusals -= 1;
        return refusals >= 0 ? answer(401, { error: "expired", error_code: "InvalidSession" }) : answer(200, 5);
      },
    ],
    ["/auth/session", () => answer(201, { access_token: token("fresh", clock.nowMs() + seconds) })],
  );
  expect(await app.callFunction(user, "sum", [1])).toBe(5);
  expect(readToken(must(user.accessToken, "logged in"))?.exp).toBe((clock.nowMs() + seconds) / seconds);
  const bodies = requests
    .filter(({ url }) => url.endsWith("/functions/call"))
    .map(({ headers }) => headers["Authorization"]);
  expect(new Set(bodies).size).toBe(2);
});

test("a refresh token that is refused logs the user out", async () => {
  const app = makeApp();
  const user = await app.logIn(emailPassword("a@b.c", "p"));
  answers.unshift(["/auth/session", () => answer(401, { error: "invalid session", error_code: "InvalidSession" })]);
  await expect(user.refreshAccessToken()).rejects.toMatchObject({ status: 401, serviceCode: "InvalidSession" });
  expect(user.isLoggedIn).toBe(false);
});

test("a server that does not answer a refresh leaves the user logged in; callers share one request", async () => {
  const app = makeApp();
  const user = await app.logIn(emailPassword("a@b.c", "p"));
  answers.unshift(["/auth/session", () => undefined]);
  requests = [];
  const results = await Promise.allSettled([user.refreshAccessToken(), user.refreshAccessToken()]);
  expect(results.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  expect(requests).toHaveLength(1);
  expect(user.isLoggedIn).toBe(true);
});

test.each([
  [401, { error: "unauthorized", error_code: "InvalidPassword" }, "unauthorized"],
  [404, { error: "cannot find app using Client App ID 'app'" }, "cannot find app using Client App ID 'app'"],
  [502, "not json at all", "http error code considered fatal"],
])("status %i gives the server's text", async (status, body, message) => {
  answers.unshift(["/login", () => answer(status, body)]);
  const error: unknown = await makeApp()
    .logIn(emailPassword("a@b.c", "p"))
    .catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(ServiceError);
  expect((error as ServiceError).message).toContain(message);
  expect((error as ServiceError).status).toBe(status);
});

test("listeners hear of log-ins, switches and log-outs, in a turn of their own", async () => {
  const app = makeApp();
  let calls = 0;
  app.listeners.add(() => {
    calls += 1;
  });
  const first = await app.logIn(emailPassword("a@b.c", "p"));
  await app.logIn(emailPassword("d@e.f", "p"));
  app.switchUser(first);
  await first.logOut();
  expect(calls).toBe(0);
  await clock.run();
  expect(calls).toBe(4);
});

test("a listener that is removed before its turn comes is not called, the app's and the user's alike", async () => {
  const app = makeApp();
  const user = await app.logIn(emailPassword("a@b.c", "p"));
  await clock.run();
  const seen: string[] = [];
  const onApp = (): void => void seen.push("app");
  const onUser = (): void => void seen.push("user");
  app.listeners.add(onApp);
  user.listeners.add(onUser);
  app.switchUser(user);
  app.listeners.remove(onApp);
  user.listeners.remove(onUser);
  await clock.run();
  expect(seen).toEqual([]);
});

test.each([
  ["refused", 401],
  ["given", 200],
])("a refresh of an earlier log-in that is %s late does nothing to the later one", async (_, status) => {
  const app = makeApp();
  const user = await app.logIn(emailPassword("a@b.c", "p"));
  let end: () => void = () => undefined;
  const host = app.host as { fetch: Host["fetch"] };
  const { fetch } = host;
  host.fetch = async (request) => {
    if (!request.url.endsWith("/auth/session") || request.method === "DELETE") return fetch(request);
    await new Promise<void>((resolve) => (end = resolve));
    return {
      contentType: "",
      ...answer(status, status === 200 ? { access_token: "late" } : { error: "no" }),
    } as HttpResponse;
  };
  const refresh = user.refreshAccessToken().catch(() => undefined);
  await clock.run();
  await app.logOut(user);
  userOf = () => "user-1";
  expect(await app.logIn(emailPassword("a@b.c", "p"))).toBe(user);
  const { accessToken } = user;
  end();
  await refresh;
  expect([user.isLoggedIn, user.accessToken]).toEqual([true, accessToken]);
});

test.each([
  ["", undefined],
  ["a.b", undefined],
  ["a.!!.c", undefined],
  [`a.${btoa('{"iat":1}')}.c`, undefined],
  [`a.${btoa('{"exp":5,"user_data":{"x":1}}')}.c`, { exp: 5, userData: { x: 1 } }],
])("token %s", (text, expected) => {
  expect(readToken(text)).toEqual(expected);
});
