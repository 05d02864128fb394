/**
 * Apps: `realm::App`.
 *
 * @module
 */

import type { App as EngineApp } from "@tidemark/engine";
import type { proxy_config } from "../db-config.js";
import { engine } from "../engine.js";
import { type app_error, guard, invalid_argument, notSupported } from "../errors.js";
import { callWithResult, type future, futureOf } from "../future.js";
import { type logger_level, setSyncLevel } from "../logger.js";
import type { sync_config } from "../sync/sync-config.js";
import { credentials } from "./credentials.js";
import { syncedPath } from "./path.js";
import { type http_transport_client, withHeaders, withTransport } from "./transport.js";
import { user } from "./user.js";

/** How to reach an app: `realm::App::configuration`. */
export interface app_configuration {
  /** Id of the app on the server. */
  readonly app_id: string;
  /** Address of the server; that of the old service if not given. */
  readonly base_url?: string | undefined;
  /** Folder for files; the current directory if not given. */
  readonly path?: string | undefined;
  /**
   * Headers of the app's requests. Those of connections are set by `db_config.set_custom_http_headers`.
   *
   * @deprecated as in realm-cpp.
   */
  readonly custom_http_headers?: Readonly<Record<string, string>> | ReadonlyMap<string, string> | undefined;
  /** Refused: nothing connects through proxies. */
  readonly proxy_configuration?: proxy_config | undefined;
  /** Refused: connections are those of Node.js. */
  readonly sync_socket_provider?: unknown;
  /** 64 bytes: what is kept of users is encrypted with them. */
  readonly metadata_encryption_key?: Uint8Array | undefined;
  /** Whether a second app of the same id and address is the first one; `true` if not given. */
  readonly enable_caching?: boolean | undefined;
  /** Sends requests by other means. Connections for synchronisation do not go through it. */
  readonly http_transport_client?: http_transport_client | undefined;
}

/** Synchronisation of an app. */
export class sync_manager {
  /** Sets what synchronisation logs; `off` at first. It goes to the logger of `set_default_logger`. */
  set_log_level(level: logger_level): void {
    setSyncLevel(level);
  }
}

const defaultBaseUrl = "https://services.cloud.mongodb.com";
/** Of HTTP requests, as in realm-cpp. */
const timeoutMs = 60_000;

/** Apps that later ones of the same id and address share. */
const cached = new Map<string, EngineApp>();

function cacheKey(appId: string, baseUrl: string): string {
  return `${baseUrl.replace(/\/+$/, "")} ${appId}`;
}

function makeApp(configuration: app_configuration): EngineApp {
  const { app_id: id, base_url: baseUrl = defaultBaseUrl, path = ".", enable_caching: isCached = true } = configuration;
  if (typeof id !== "string") throw new invalid_argument("InvalidArgument", "An app needs an app_id.");
  if (configuration.proxy_configuration !== undefined) throw notSupported("Connecting through a proxy");
  if (configuration.sync_socket_provider !== undefined) {
    throw notSupported("Connecting by the application's own sockets");
  }
  const key = cacheKey(id, baseUrl);
  const known = isCached ? cached.get(key) : undefined;
  if (known !== undefined) return known;
  const transport = configuration.http_transport_client;
  const app = engine().createApp(
    {
      id,
      baseUrl,
      timeoutMs,
      isMultiplexed: true,
      baseDirectory: engine().host.files.resolve(path),
      keepsUsers: true,
      usersKey: configuration.metadata_encryption_key,
    },
    withHeaders(
      transport === undefined ? engine().host : withTransport(engine().host, transport),
      configuration.custom_http_headers,
    ),
  );
  if (isCached) cached.set(key, app);
  return app;
}

/** An app. A value: apps of the same id and address share their users unless caching is switched off. */
export class App {
  /** Ways to log in. */
  static readonly credentials: typeof credentials = credentials;
  /** @internal */
  readonly internal: EngineApp;

  /**
   * @throws invalid_argument without an id.
   * @throws runtime_error if a proxy or other sockets are asked for, or the key is not that of the users kept here.
   */
  constructor(configuration: app_configuration | string);
  /** @internal */
  constructor(configuration: app_configuration | string, existing: EngineApp | undefined);
  constructor(configuration: app_configuration | string, existing?: EngineApp) {
    const given = typeof configuration === "string" ? { app_id: configuration } : configuration;
    this.internal = existing ?? guard(() => makeApp(given));
  }

  /** Registers a name and a password. Rejects with {@link app_error}. */
  register_user(username: string, password: string): future<void>;
  /** The same, calling back with what went wrong, if anything did. */
  register_user(username: string, password: string, callback: (error: app_error | undefined) => void): void;
  register_user(
    username: string,
    password: string,
    callback?: (error: app_error | undefined) => void,
  ): future<void> | void {
    const work = futureOf(() => this.internal.callEmailPassword("register", { email: username, password }));
    if (callback === undefined) return work;
    void callWithResult(work, (_, error) => callback(error as app_error | undefined));
  }

  /** Logs a user in, who is the current one then. Rejects with {@link app_error}. */
  login(way: credentials): future<user>;
  /** The same, calling back with the user or the error. */
  login(way: credentials, callback: (logged_in: user | undefined, error: app_error | undefined) => void): void;
  login(
    way: credentials,
    callback?: (logged_in: user | undefined, error: app_error | undefined) => void,
  ): future<user> | void {
    const work = futureOf(async () => user.of(await this.internal.logIn(way.internal)));
    if (callback === undefined) return work;
    void callWithResult(work, (logged, error) => callback(logged, error as app_error | undefined));
  }

  /** What is set for the synchronisation of all databases. */
  get_sync_manager(): sync_manager {
    return new sync_manager();
  }

  /** Who logged in last and still is; `undefined` if nobody is. */
  get_current_user(): user | undefined {
    const { currentUser } = this.internal;
    return currentUser === undefined ? undefined : user.of(currentUser);
  }

  /** Address of the server. */
  get_base_url(): string {
    return this.internal.configuration.baseUrl;
  }

  /** Default path of what a user syncs. */
  path_for_realm(config: sync_config): string {
    return syncedPath(config.user.internal);
  }

  /** Whether both are handles of one app: `==`. */
  equals(other: App): boolean {
    return this.internal === other.internal;
  }

  /** Forgets which apps were made: later ones are new. */
  static clear_cached_apps(): void {
    cached.clear();
  }

  /** The app that was made with an id, and an address if one is given; `undefined` if there is none. */
  static get_cached_app(app_id: string, base_url?: string): App | undefined {
    const found =
      base_url === undefined
        ? [...cached.values()].find(({ id }) => id === app_id)
        : cached.get(cacheKey(app_id, base_url));
    return found === undefined ? undefined : new App({ app_id }, found);
  }
}
