/**
 * How an app is reached.
 *
 * @module
 */

import type { SyncTimeouts } from "@tidemark/engine";
import { Duration, durationOf, minutes, seconds } from "../duration.js";
import { IllegalArgumentException } from "../errors.js";

const defaultBaseUrl = "https://services.cloud.mongodb.com";
const keyLength = 64;

/** Times of synchronisation. */
export interface SyncTimeoutOptions {
  /** How long connecting may take. */
  readonly connectTimeout: Duration;
  /** How long a connection that nobody uses is kept. */
  readonly connectionLingerTime: Duration;
  /** How often the server is asked whether it is still there. */
  readonly pingKeepAlivePeriod: Duration;
  /** How long it may take to answer that. */
  readonly pongKeepAlivePeriod: Duration;
  /** Connected again within this time, uploads go on at once; after longer, what was missed is downloaded first. */
  readonly fastReconnectLimit: Duration;
}

/** Sets times. Each must not be shorter than the SDK allows. */
export class SyncTimeoutOptionsBuilder implements SyncTimeoutOptions {
  #connectTimeout: Duration = minutes(2);
  #connectionLingerTime: Duration = seconds(30);
  #pingKeepAlivePeriod: Duration = minutes(1);
  #pongKeepAlivePeriod: Duration = minutes(2);
  #fastReconnectLimit: Duration = minutes(1);

  /** How long connecting may take: two minutes by default, at least one second. */
  get connectTimeout(): Duration {
    return this.#connectTimeout;
  }

  /** Two minutes by default; at least one second. */
  set connectTimeout(value: Duration) {
    requireDuration(value, seconds(1), true, "connectTimeout only supports durations >= 1 second.");
    this.#connectTimeout = value;
  }

  /** How long a connection that nobody uses is kept: thirty seconds by default. */
  get connectionLingerTime(): Duration {
    return this.#connectionLingerTime;
  }

  /** Thirty seconds by default. */
  set connectionLingerTime(value: Duration) {
    requireDuration(value, Duration.ZERO, false, "connectionLingerTime must be a positive duration > 0.");
    this.#connectionLingerTime = value;
  }

  /** How often the server is asked whether it is still there: every minute by default; more than five seconds. */
  get pingKeepAlivePeriod(): Duration {
    return this.#pingKeepAlivePeriod;
  }

  /** One minute by default; more than five seconds. */
  set pingKeepAlivePeriod(value: Duration) {
    requireDuration(value, seconds(5), false, "pingKeepAlivePeriod must be a positive duration > 5 seconds.");
    this.#pingKeepAlivePeriod = value;
  }

  /** How long it may take to answer that: two minutes by default, more than five seconds. */
  get pongKeepAlivePeriod(): Duration {
    return this.#pongKeepAlivePeriod;
  }

  /** Two minutes by default; more than five seconds. */
  set pongKeepAlivePeriod(value: Duration) {
    requireDuration(value, seconds(5), false, "pongKeepAlivePeriod must be a positive duration > 5 seconds.");
    this.#pongKeepAlivePeriod = value;
  }

  /** One minute by default; more than one second. See {@link SyncTimeoutOptions.fastReconnectLimit}. */
  get fastReconnectLimit(): Duration {
    return this.#fastReconnectLimit;
  }

  /** One minute by default; more than one second. */
  set fastReconnectLimit(value: Duration) {
    requireDuration(value, seconds(1), false, "fastReconnectLimit must be a positive duration > 1 second.");
    this.#fastReconnectLimit = value;
  }
}

/** The times as they are set now. */
function timesOf(options: SyncTimeoutOptions): SyncTimeoutOptions {
  const { connectTimeout, connectionLingerTime, pingKeepAlivePeriod, pongKeepAlivePeriod, fastReconnectLimit } =
    options;
  return { connectTimeout, connectionLingerTime, pingKeepAlivePeriod, pongKeepAlivePeriod, fastReconnectLimit };
}

function requireDuration(value: Duration, least: Duration, isLeastAllowed: boolean, rule: string): void {
  const order = durationOf(value).compareTo(least);
  if (order > 0 || (isLeastAllowed && order === 0)) return;
  throw new IllegalArgumentException(`${rule} This was: ${String(value)}`);
}

/** @internal @throws {@link IllegalArgumentException} if it is no encryption key. */
export function checkKey(key: Uint8Array): void {
  if (key.length !== keyLength) {
    throw new IllegalArgumentException(`The provided key must be ${keyLength} bytes. Yours was: ${key.length}.`);
  }
}

interface AppSettings {
  /** Id of the app on the server. */
  readonly appId: string;
  readonly encryptionKey: Uint8Array | null;
  /** Address of the server. */
  readonly baseUrl: string;
  readonly syncRootDirectory: string;
  /** Name of the application; kept, of no effect. */
  readonly appName: string | null;
  /** Version of the application; kept, of no effect. */
  readonly appVersion: string | null;
  /** Name of the header that carries tokens in HTTP calls. */
  readonly authorizationHeaderName: string;
  /** Headers that are sent with each HTTP call and each connection. */
  readonly customRequestHeaders: Readonly<Record<string, string>>;
  /** Whether all sessions of a user share one connection. */
  readonly enableSessionMultiplexing: boolean;
  readonly syncTimeoutOptions: SyncTimeoutOptions;
  readonly hasOwnTimeouts: boolean;
}

/** How an app is reached. Made by {@link AppConfiguration.create} or {@link AppConfiguration.Builder}. */
export class AppConfiguration {
  /** `new AppConfiguration.Builder(appId)` */
  static get Builder(): typeof AppConfigurationBuilder {
    return AppConfigurationBuilder;
  }

  /** Id of the app on the server. */
  readonly appId: string;
  /** What users are encrypted with on the disk, if they are. */
  readonly encryptionKey: Uint8Array | null;
  /** Address of the server. */
  readonly baseUrl: string;
  /** Folder for files, absolute or below the current one. */
  readonly syncRootDirectory: string;
  /** Name of the application; kept, of no effect. */
  readonly appName: string | null;
  /** Version of the application; kept, of no effect. */
  readonly appVersion: string | null;
  /** Name of the header that carries tokens in HTTP calls. */
  readonly authorizationHeaderName: string;
  /** Headers that are sent with each HTTP call and each connection. */
  readonly customRequestHeaders: Readonly<Record<string, string>>;
  /** Whether all sessions of a user share one connection. */
  readonly enableSessionMultiplexing: boolean;
  /** Times of synchronisation. */
  readonly syncTimeoutOptions: SyncTimeoutOptions;
  /** @internal Whether the times are the application's own, so that they are to be in force. */
  readonly hasOwnTimeouts: boolean;

  /** @internal */
  constructor(settings: AppSettings) {
    this.appId = settings.appId;
    this.encryptionKey = settings.encryptionKey;
    this.baseUrl = settings.baseUrl;
    this.syncRootDirectory = settings.syncRootDirectory;
    this.appName = settings.appName;
    this.appVersion = settings.appVersion;
    this.authorizationHeaderName = settings.authorizationHeaderName;
    this.customRequestHeaders = settings.customRequestHeaders;
    this.enableSessionMultiplexing = settings.enableSessionMultiplexing;
    this.syncTimeoutOptions = settings.syncTimeoutOptions;
    this.hasOwnTimeouts = settings.hasOwnTimeouts;
  }

  /** With all defaults. @throws {@link IllegalArgumentException} for an empty id. */
  static create(appId: string): AppConfiguration {
    return new AppConfigurationBuilder(appId).build();
  }
}

/** Sets how an app is reached. */
export class AppConfigurationBuilder {
  #settings: AppSettings;

  /** @throws {@link IllegalArgumentException} for an empty id. */
  constructor(appId: string) {
    if (appId === "") throw new IllegalArgumentException("The app ID must be a non-empty string.");
    this.#settings = {
      appId,
      encryptionKey: null,
      baseUrl: defaultBaseUrl,
      syncRootDirectory: ".",
      appName: null,
      appVersion: null,
      authorizationHeaderName: "Authorization",
      customRequestHeaders: {},
      enableSessionMultiplexing: false,
      syncTimeoutOptions: timesOf(new SyncTimeoutOptionsBuilder()),
      hasOwnTimeouts: false,
    };
  }

  #set(change: Partial<AppSettings>): this {
    this.#settings = { ...this.#settings, ...change };
    return this;
  }

  /**
   * What is kept of users is encrypted with these 64 bytes. Making the app throws {@link IllegalStateException} if they
   * are not those that it is encrypted with.
   *
   * @throws {@link IllegalArgumentException} if the key has another length.
   */
  encryptionKey(key: Uint8Array): this {
    checkKey(key);
    return this.#set({ encryptionKey: key.slice() });
  }

  /** Address of the server, `https://services.cloud.mongodb.com` by default. */
  baseUrl(url: string): this {
    return this.#set({ baseUrl: url });
  }

  /** Folder for files; the current one by default. */
  syncRootDirectory(directory: string): this {
    return this.#set({ syncRootDirectory: directory });
  }

  /** Kept, of no effect. @throws {@link IllegalArgumentException} if it is empty. */
  appName(name: string): this {
    if (name === "") throw new IllegalArgumentException("The application name can't be empty.");
    return this.#set({ appName: name });
  }

  /** Kept, of no effect. @throws {@link IllegalArgumentException} if it is empty. */
  appVersion(version: string): this {
    if (version === "") throw new IllegalArgumentException("The application version can't be empty.");
    return this.#set({ appVersion: version });
  }

  /** Name of the header that carries tokens in HTTP calls, `Authorization` by default. */
  authorizationHeaderName(name: string): this {
    if (name === "") throw new IllegalArgumentException("Non-empty 'name' required.");
    return this.#set({ authorizationHeaderName: name });
  }

  /** Headers to send with each HTTP call and each connection. */
  customRequestHeaders(block: (headers: Map<string, string>) => void): this {
    const headers = new Map(Object.entries(this.#settings.customRequestHeaders));
    block(headers);
    return this.#set({ customRequestHeaders: Object.fromEntries(headers) });
  }

  /** Whether all sessions of a user share one connection; not by default. */
  enableSessionMultiplexing(enabled: boolean): this {
    return this.#set({ enableSessionMultiplexing: enabled });
  }

  /** Times of synchronisation; those of realm-kotlin unless set. */
  syncTimeouts(block: (options: SyncTimeoutOptionsBuilder) => void): this {
    const options = new SyncTimeoutOptionsBuilder();
    block(options);
    return this.#set({ syncTimeoutOptions: timesOf(options), hasOwnTimeouts: true });
  }

  /** Accepted, of no effect: nothing of HTTP calls is logged. */
  httpLogObfuscator(_obfuscator: unknown): this {
    return this;
  }

  /** Accepted, of no effect: callbacks run on the event loop. */
  dispatcher(_dispatcher: unknown): this {
    return this;
  }

  /** Accepted, of no effect: documents are plain objects. */
  ejson(_ejson: unknown): this {
    return this;
  }

  /** Accepted, of no effect: connections are always those of the platform. */
  usePlatformNetworking(_enable: boolean = true): this {
    return this;
  }

  /** The configuration as it is set now. */
  build(): AppConfiguration {
    return new AppConfiguration(this.#settings);
  }
}

/** Times as the engine takes them. */
export function engineTimeouts(options: SyncTimeoutOptions): Partial<SyncTimeouts> {
  return {
    connectTimeoutMs: options.connectTimeout.inWholeMilliseconds,
    connectionLingerMs: options.connectionLingerTime.inWholeMilliseconds,
    pingPeriodMs: options.pingKeepAlivePeriod.inWholeMilliseconds,
    pongTimeoutMs: options.pongKeepAlivePeriod.inWholeMilliseconds,
    fastReconnectLimitMs: options.fastReconnectLimit.inWholeMilliseconds,
  };
}
