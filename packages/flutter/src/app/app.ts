/**
 * Apps.
 *
 * @module
 */

import { type App as EngineApp, type Engine, type SyncTimeouts, withFetch } from "@tidemark/engine";
import { type Duration, millisecondsOf } from "../duration.js";
import { keyOf } from "../encryption-key.js";
import { engine, existingEngine } from "../engine.js";
import { MetadataPersistenceMode } from "../enums.js";
import { call, RealmError, RealmException, settle } from "../errors.js";
import type { Credentials } from "./credentials.js";
import { EmailPasswordAuthProvider } from "./email-password.js";
import { User } from "./user.js";

/** Times of the connections of an app's users. */
export interface SyncTimeoutOptions {
  /** For a connection to come about; 2 minutes. */
  readonly connectTimeout?: Duration | undefined;
  /** How long a connection stays that nobody uses; 30 seconds. */
  readonly connectionLingerTime?: Duration | undefined;
  /** Between signs of life; 1 minute. */
  readonly pingKeepAlivePeriod?: Duration | undefined;
  /** Until a silent connection is given up; 2 minutes. */
  readonly pongKeepAliveTimeout?: Duration | undefined;
  /** Connected again within this, uploads go on at once; else what was missed is downloaded first. 1 minute. */
  readonly fastReconnectLimit?: Duration | undefined;
}

/** How to reach an app. */
export interface AppConfigurationOptions {
  /** Address of the server. The default is that of the closed service: give your own. */
  readonly baseUrl?: string | URL | undefined;
  /** Folder for files; the current directory by default. */
  readonly baseFilePath?: string | undefined;
  /** Of HTTP requests; 60 seconds. */
  readonly defaultRequestTimeout?: Duration | undefined;
  /** 64 bytes: what is kept of users is encrypted with them. Needed for `MetadataPersistenceMode.encrypted`. */
  readonly metadataEncryptionKey?: readonly number[] | Uint8Array | undefined;
  /** `plaintext` by default. */
  readonly metadataPersistenceMode?: MetadataPersistenceMode | undefined;
  /** @deprecated `syncTimeoutOptions.connectTimeout` says it. */
  readonly maxConnectionTimeout?: Duration | undefined;
  /** Sends the HTTP requests instead of the platform's `fetch`. */
  readonly httpClient?: typeof fetch | undefined;
  /** Times of the connection. */
  readonly syncTimeoutOptions?: SyncTimeoutOptions | undefined;
}

const defaultBaseUrl = "https://services.cloud.mongodb.com";
const defaultRequestTimeoutMs = 60_000;
const defaultTimeouts = {
  connectTimeout: { minutes: 2 },
  connectionLingerTime: { seconds: 30 },
  pingKeepAlivePeriod: { minutes: 1 },
  pongKeepAliveTimeout: { minutes: 2 },
  fastReconnectLimit: { minutes: 1 },
} as const;

/** How to reach an app. */
export class AppConfiguration {
  /** Id of the app on the server. */
  readonly appId: string;
  /** Address of the server. */
  readonly baseUrl: URL;
  /** Folder for files: absolute. */
  readonly baseFilePath: string;
  /** How long an HTTP request may take. */
  readonly defaultRequestTimeout: Duration;
  /** How users are remembered beyond the process. */
  readonly metadataPersistenceMode: MetadataPersistenceMode;
  /** What they are encrypted with, if they are. */
  readonly metadataEncryptionKey: Uint8Array | undefined;
  /** Sends the HTTP requests, if the application wants to. */
  readonly httpClient: typeof fetch | undefined;
  /** @deprecated `syncTimeoutOptions.connectTimeout` says it. */
  readonly maxConnectionTimeout: Duration;
  /** Times of the connection. */
  readonly syncTimeoutOptions: Readonly<Record<keyof SyncTimeoutOptions, Duration>>;
  /** @internal Those that the application has given, which are to be in force. */
  readonly ownTimeouts: SyncTimeoutOptions;

  /** @throws {@link RealmException} if the id is empty, or something is asked for that is not supported. */
  constructor(appId: string, options: AppConfigurationOptions = {}) {
    if (appId === "") throw new RealmException("Supplied appId must be a non-empty value");
    const mode = options.metadataPersistenceMode ?? MetadataPersistenceMode.plaintext;
    const key = options.metadataEncryptionKey;
    // A key for want of one would come from a keychain, which there is none of.
    if (mode === MetadataPersistenceMode.encrypted && key === undefined) {
      throw new RealmException("metadataEncryptionKey is needed to encrypt user data");
    }
    this.metadataEncryptionKey = key === undefined ? undefined : keyOf(key);
    this.appId = appId;
    this.baseUrl = new URL(options.baseUrl ?? defaultBaseUrl);
    this.baseFilePath = engine().host.files.resolve(options.baseFilePath ?? ".");
    this.defaultRequestTimeout = options.defaultRequestTimeout ?? defaultRequestTimeoutMs;
    this.metadataPersistenceMode = mode;
    this.httpClient = options.httpClient;
    const { connectTimeout = options.maxConnectionTimeout, ...others } = options.syncTimeoutOptions ?? {};
    this.ownTimeouts = { connectTimeout, ...others };
    this.syncTimeoutOptions = withDefaults(this.ownTimeouts);
    this.maxConnectionTimeout = options.maxConnectionTimeout ?? defaultTimeouts.connectTimeout;
  }
}

function withDefaults(given: SyncTimeoutOptions): AppConfiguration["syncTimeoutOptions"] {
  return {
    connectTimeout: given.connectTimeout ?? defaultTimeouts.connectTimeout,
    connectionLingerTime: given.connectionLingerTime ?? defaultTimeouts.connectionLingerTime,
    pingKeepAlivePeriod: given.pingKeepAlivePeriod ?? defaultTimeouts.pingKeepAlivePeriod,
    pongKeepAliveTimeout: given.pongKeepAliveTimeout ?? defaultTimeouts.pongKeepAliveTimeout,
    fastReconnectLimit: given.fastReconnectLimit ?? defaultTimeouts.fastReconnectLimit,
  };
}

const apps = new Set<WeakRef<App>>();
const byEngineApp = new WeakMap<EngineApp, App>();

/** An app: its users on this device, and its server. */
export class App {
  /** @internal */
  readonly internal: EngineApp;
  /** Registration and passwords. */
  readonly emailPasswordAuthProvider: EmailPasswordAuthProvider;
  readonly #configuration: AppConfiguration;

  /** @throws {@link RealmException} if the key is not that of the users kept here. */
  constructor(configuration: AppConfiguration) {
    const { host } = engine();
    const { httpClient } = configuration;
    this.#configuration = configuration;
    const create = (...parameters: Parameters<Engine["createApp"]>): EngineApp =>
      call(() => engine().createApp(...parameters));
    this.internal = create(
      {
        id: configuration.appId,
        baseUrl: configuration.baseUrl.href,
        timeoutMs: millisecondsOf(configuration.defaultRequestTimeout),
        // The original has no choice here, and shares connections.
        isMultiplexed: true,
        baseDirectory: configuration.baseFilePath,
        keepsUsers: configuration.metadataPersistenceMode !== MetadataPersistenceMode.disabled,
        usersKey: configuration.metadataEncryptionKey,
        syncTimeouts: timeoutsOf(configuration.ownTimeouts),
      },
      httpClient === undefined ? host : withFetch(host, httpClient),
    );
    this.emailPasswordAuthProvider = new EmailPasswordAuthProvider(this.internal);
    apps.add(new WeakRef(this));
    byEngineApp.set(this.internal, this);
  }

  /** The app of an id that was made last, with the address if one is given; `null` if there is none. */
  static getById(id: string, { baseUrl }: { readonly baseUrl?: string | URL } = {}): App | null {
    let found: App | null = null;
    for (const reference of Array.from(apps)) {
      const app = reference.deref();
      if (app === undefined) apps.delete(reference);
      else if (app.id === id && (baseUrl === undefined || app.baseUrl.href === new URL(baseUrl).href)) found = app;
    }
    return found;
  }

  /** @internal */
  static of(internal: EngineApp): App {
    const app = byEngineApp.get(internal);
    if (app === undefined) throw new RealmError("the app was not made here");
    return app;
  }

  /** Id of the app on the server. */
  get id(): string {
    return this.internal.id;
  }

  /** Address of the server. */
  get baseUrl(): URL {
    return this.#configuration.baseUrl;
  }

  /** @throws {@link RealmException} always: make another app for another address. */
  updateBaseUrl(_baseUrl?: string | URL | null): Promise<void> {
    return Promise.reject(
      new RealmException("The address of an app cannot be changed; make another App", { code: "not-supported" }),
    );
  }

  /** Logs in, and makes the user the current one. @throws `AppException` if the server refuses. */
  async logIn(credentials: Credentials): Promise<User> {
    return User.of(await settle(() => this.internal.logIn(credentials.internal)));
  }

  /** The user that logged in or was switched to last, and is logged in; also after a new start. */
  get currentUser(): User | null {
    const user = this.internal.currentUser;
    return user === undefined ? null : User.of(user);
  }

  /** Users on this device, those that are logged out too. */
  get users(): User[] {
    return this.internal.users.map((user) => User.of(user));
  }

  /** Logs out and forgets the user on this device. */
  async removeUser(user: User): Promise<void> {
    await settle(() => this.internal.removeUser(user.internal));
  }

  /** Deletes the account on the server, then forgets the user. */
  async deleteUser(user: User): Promise<void> {
    await settle(() => this.internal.deleteUser(user.internal));
  }

  /** Makes another logged-in user the current one. */
  switchUser(user: User): void {
    call(() => this.internal.switchUser(user.internal));
  }

  /** @internal How many sessions a user has, those that still upload for closed realms too; for tests. */
  static sessionCountOf(user: User): number {
    return existingEngine()?.sync.sessionsOf(user.internal).length ?? 0;
  }

  /** Ends the waiting between attempts to connect, for all sessions. Connected and paused ones stay as they are. */
  reconnect(): void {
    existingEngine()?.sync.reconnect(this.internal);
  }
}

function timeoutsOf(options: SyncTimeoutOptions): Partial<SyncTimeouts> {
  const pairs: readonly (readonly [keyof SyncTimeouts, Duration | undefined])[] = [
    ["connectTimeoutMs", options.connectTimeout],
    ["connectionLingerMs", options.connectionLingerTime],
    ["pingPeriodMs", options.pingKeepAlivePeriod],
    ["pongTimeoutMs", options.pongKeepAliveTimeout],
    ["fastReconnectLimitMs", options.fastReconnectLimit],
  ];
  const given = pairs.flatMap(([name, duration]) =>
    duration === undefined ? [] : [[name, millisecondsOf(duration)] as const],
  );
  return Object.fromEntries(given);
}
