import { join } from "node:path";
import { expect, test } from "vitest";
import { app_error, invalid_argument } from "../errors.js";
import { logger, type logger_level, set_default_logger } from "../logger.js";
import { Dog } from "../testing/models.js";
import { useServer } from "../testing/synced.js";
import { App } from "./app.js";
import type { http_request } from "./transport.js";
import { user } from "./user.js";

const synced = useServer();

function makeApp(appId: string, folder: string = appId): App {
  return new App({
    app_id: appId,
    base_url: synced.url(),
    path: join(synced.directory(), folder),
    enable_caching: false,
  });
}

test("a user registers, logs in, logs out and in again, and is the same", async () => {
  const app = makeApp("register");
  expect(app.get_current_user()).toBeUndefined();
  await app.register_user("ada@example.com", "a long password").get();
  const way = App.credentials.username_password("ada@example.com", "a long password");
  const ada = await app.login(way).get();
  expect([ada.is_logged_in(), ada.state(), app.get_current_user()]).toEqual([true, user.state.logged_in, ada]);
  expect([ada.access_token() !== "", ada.refresh_token() !== "", ada.identifier() !== ""]).toEqual([true, true, true]);
  expect([ada.get_custom_data(), ada.custom_data()]).toEqual([undefined, undefined]);
  await ada.refresh_custom_user_data();
  await ada.log_out();
  expect([ada.is_logged_in(), ada.state(), ada.access_token()]).toEqual([false, "logged_out", ""]);
  expect((await app.login(way)).equals(ada)).toBe(true);
});

test("a refusal is an app_error, in both forms", async () => {
  const app = makeApp("refused");
  const way = App.credentials.username_password("nobody@example.com", "a long password");
  const error: unknown = await app
    .login(way)
    .get()
    .catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(app_error);
  const refusal = error as app_error;
  expect([refusal.is_service_error(), refusal.is_http_error(), refusal.is_client_error()]).toEqual([
    true,
    false,
    false,
  ]);
  expect([refusal.code_string(), refusal.message]).toEqual(["InvalidPassword", refusal.what()]);
  const told = await new Promise((resolve) => {
    app.login(way, (logged_in, failure) => resolve([logged_in, failure?.code_string()]));
  });
  expect(told).toEqual([undefined, "InvalidPassword"]);
  const anonymous = await app.login(App.credentials.anonymous());
  await expect(anonymous.call_function("missing", [1n, "two"]).get()).rejects.toBeInstanceOf(app_error);
  const done = await new Promise((resolve) => {
    anonymous.log_out(resolve);
  });
  expect(done).toBeUndefined();
  expect(anonymous.state()).toBe(user.state.removed);
});

test("a server that is not there is an app_error too", async () => {
  const app = new App({ app_id: "x", base_url: "http://127.0.0.1:9", path: synced.directory(), enable_caching: false });
  const error = await app.login(App.credentials.anonymous()).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(app_error);
  expect([(error as app_error).is_custom_error(), (error as app_error).is_service_error()]).toEqual([true, false]);
});

test("apps of one id and address are one app, unless caching is switched off", () => {
  App.clear_cached_apps();
  const configuration = { app_id: "cached", base_url: synced.url(), path: join(synced.directory(), "cached") };
  const app = new App(configuration);
  expect(new App(configuration).equals(app)).toBe(true);
  expect(App.get_cached_app("cached")?.equals(app)).toBe(true);
  expect(App.get_cached_app("cached", `${synced.url()}/`)?.equals(app)).toBe(true);
  expect(App.get_cached_app("cached", "http://elsewhere")).toBeUndefined();
  expect(new App({ ...configuration, enable_caching: false }).equals(app)).toBe(false);
  App.clear_cached_apps();
  expect(App.get_cached_app("cached")).toBeUndefined();
  expect(app.get_base_url()).toBe(synced.url());
  expect(() => new App({} as never)).toThrow(invalid_argument);
  const encrypted = { ...configuration, enable_caching: false, app_id: "encrypted" };
  expect(() => new App({ ...encrypted, metadata_encryption_key: new Uint8Array(63) })).toThrow(invalid_argument);
  expect(new App({ ...encrypted, metadata_encryption_key: new Uint8Array(64) }).get_current_user()).toBeUndefined();
});

test("requests go through the application's transport", async () => {
  const seen: http_request[] = [];
  const app = new App({
    app_id: "transport",
    base_url: synced.url(),
    path: join(synced.directory(), "transport"),
    enable_caching: false,
    http_transport_client: {
      send_request_to_server(request, completion) {
        seen.push(request);
        const { url, headers, body } = request;
        const method = request.method === "del" ? "DELETE" : request.method.toUpperCase();
        void fetch(url, { method, headers: { ...headers }, ...(body === "" ? {} : { body }) }).then(async (answer) =>
          completion({
            http_status_code: answer.status,
            headers: Object.fromEntries(answer.headers),
            body: await answer.text(),
          }),
        );
      },
    },
  });
  expect((await app.login(App.credentials.anonymous())).is_logged_in()).toBe(true);
  expect(seen.map(({ method }) => method)).toEqual(["get", "post", "get"]);
});

test("requests carry the app's headers", async () => {
  const seen: http_request[] = [];
  const app = new App({
    app_id: "headers",
    base_url: synced.url(),
    path: join(synced.directory(), "headers"),
    enable_caching: false,
    custom_http_headers: new Map([["X-Mine", "yes"]]),
    http_transport_client: {
      send_request_to_server(request, completion) {
        seen.push(request);
        completion({ http_status_code: 500, headers: {}, body: "" });
      },
    },
  });
  await expect(app.login(App.credentials.anonymous())).rejects.toBeInstanceOf(app_error);
  expect(seen.map(({ headers }) => headers["X-Mine"])).toEqual(["yes"]);
});

test("ways to connect that are not offered are refused, not passed over", () => {
  const proxy_configuration = { address: "127.0.0.1", port: 1 };
  expect(() => new App({ app_id: "proxied", proxy_configuration })).toThrow(
    "Connecting through a proxy is not supported.",
  );
  expect(() => new App({ app_id: "sockets", sync_socket_provider: {} })).toThrow(
    "Connecting by the application's own sockets is not supported.",
  );
});

test("an error handler that throws is logged, when there is a logger and a level", async () => {
  const lines: [logger_level, string][] = [];
  class Lines extends logger {
    override do_log(level: logger_level, message: string): void {
      lines.push([level, message]);
    }
  }
  const own = new Lines();
  set_default_logger(own);
  const device = await synced.device("logged");
  device.app.get_sync_manager().set_log_level(logger.level.warn);
  const database = device.open((config) => {
    config.sync_config().set_error_handler(() => {
      throw new Error("the handler failed");
    });
  });
  await database.subscriptions().update((set) => set.add(Dog, "rex", (o) => o.name.eq("Rex")));
  database.write(() => database.add(Dog({ _id: 1, name: "Max" })));
  await expect.poll(() => lines.length, { timeout: 10_000 }).toBe(1);
  expect(lines[0]).toEqual([logger.level.error, "The error handler threw: Error: the handler failed"]);
  own.set_level_threshold(logger.level.off);
  expect(own.get_level_threshold()).toBe(8);
  device.app.get_sync_manager().set_log_level(logger.level.off);
  set_default_logger(undefined);
});

test("writes outside of the subscriptions are told with class, key and reason", async () => {
  const device = await synced.device("undone");
  const told: unknown[] = [];
  const database = device.open((config) => {
    config.sync_config().set_error_handler((session, error) => {
      told.push([
        session.state(),
        error.is_fatal(),
        error.is_client_reset_requested(),
        error.get_status().code_string(),
        error.compensating_writes_info().map(({ object_name, primary_key }) => [object_name, primary_key]),
        error.user_info().size,
        error.message() === error.get_status().reason(),
      ]);
    });
  });
  await database.subscriptions().update((set) => set.add(Dog, "rex", (o) => o.name.eq("Rex")));
  database.write(() => database.add(Dog({ _id: 1, name: "Max" })));
  await expect.poll(() => told.length, { timeout: 10_000 }).toBe(1);
  expect(told).toEqual([["active", false, false, "SyncCompensatingWrite", [["Dog", 1]], 0, true]]);
});
