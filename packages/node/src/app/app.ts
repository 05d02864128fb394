/**
 * Apps.
 *
 * @module
 */

import { type App as EngineApp, type Engine, withFetch } from "@tidemark/engine";
import {
  assertBoolean,
  assertFunction,
  assertInstanceOf,
  assertNumber,
  assertObject,
  assertString,
} from "../assert.js";
import { engine } from "../engine.js";
import { MetadataMode } from "../enums.js";
import { AssertionError, call, settle, TypeAssertionError } from "../errors.js";
import { Sync } from "../sync/sync.js";
import { Credentials } from "./credentials.js";
import { EmailPasswordAuth } from "./email-password-auth.js";
import type { DefaultObject } from "../schema/types.js";
import { type DefaultFunctionsFactory, User } from "./user.js";

/** How to reach an app. */
export type AppConfiguration = {
  /** Id of the app on the server. */
  id: string;
  /**
   * Address of the server. The default is that of the closed service, `https://services.cloud.mongodb.com`: give your
   * own.
   */
  baseUrl?: string;
  /** Of HTTP requests, in milliseconds; 60 000 by default. */
  timeout?: number;
  /** Whether all sessions of a user share one connection; `true` by default. */
  multiplexSessions?: boolean;
  /** Folder for files; the current directory if not given. */
  baseFilePath?: string;
  /** How users are remembered beyond the process. */
  metadata?: {
    /** Whether they are, and how. */
    mode: MetadataMode;
    /** 64 bytes: what is kept of users is encrypted with them. Needed for `MetadataMode.Encryption`. */
    encryptionKey?: ArrayBuffer;
  };
  /** Sends the HTTP requests instead of the platform's `fetch`. Connections for sync do not go through it. */
  fetch?: typeof fetch;
  /** @deprecated Not used. */
  app?: {
    /** Of no effect. */
    name?: string;
    /** Of no effect. */
    version?: string;
  };
};

const defaultBaseUrl = "https://services.cloud.mongodb.com";
const defaultTimeoutMs = 60_000;

const apps = new Map<string, WeakRef<App>>();
const byEngineApp = new WeakMap<EngineApp, App>();

/** An app: its users on this device, and its server. Making one sends nothing. */
export class App<
  FunctionsFactoryType = DefaultFunctionsFactory,
  CustomDataType extends Record<string, unknown> = DefaultObject,
> {
  /** {@link Sync} by the name that it has in the SDK: `Realm.App.Sync`. */
  static Sync: typeof Sync = Sync;
  /** {@link Credentials} by the name that it has in the SDK. */
  static Credentials: typeof Credentials = Credentials;
  /** @internal */
  readonly internal: EngineApp;
  /** Registration and passwords. */
  readonly emailPasswordAuth: EmailPasswordAuth;

  /** The app of an id at the default address. */
  constructor(id: string);
  /**
   * @throws `TypeAssertionError` if a value has the wrong type, `Error` for a key that has not 64 bytes or is not that
   * of the users kept here.
   */
  constructor(configuration: AppConfiguration);
  constructor(given: string | AppConfiguration) {
    const configuration = typeof given === "string" ? { id: given } : given;
    checkConfiguration(configuration);
    const { id, baseUrl, timeout, multiplexSessions, baseFilePath, metadata } = configuration;
    const { host } = engine();
    const create = (...parameters: Parameters<Engine["createApp"]>): EngineApp =>
      call(() => engine().createApp(...parameters));
    this.internal = create(
      {
        id,
        baseUrl: baseUrl ?? defaultBaseUrl,
        timeoutMs: timeout ?? defaultTimeoutMs,
        isMultiplexed: multiplexSessions ?? true,
        baseDirectory: host.files.resolve(baseFilePath ?? "."),
        keepsUsers: metadata?.mode !== MetadataMode.InMemory && metadata?.mode !== MetadataMode.NoMetadata,
        usersKey: metadata?.encryptionKey === undefined ? undefined : new Uint8Array(metadata.encryptionKey),
      },
      configuration.fetch === undefined ? host : withFetch(host, configuration.fetch),
    );
    this.emailPasswordAuth = new EmailPasswordAuth(this.internal);
    apps.set(id, new WeakRef(this as unknown as App));
    byEngineApp.set(this.internal, this as unknown as App);
  }

  /** The app of an id: the one made last, or a new one. */
  static get(id: string): App {
    assertString(id, "id");
    return apps.get(id)?.deref() ?? new App(id);
  }

  /** @deprecated Use {@link App.get}. */
  static getApp(id: string): App {
    return App.get(id);
  }

  /** @internal */
  static of(internal: EngineApp): App {
    const app = byEngineApp.get(internal);
    if (app === undefined) throw new Error("the app was not made here");
    return app;
  }

  /** Id of the app on the server. */
  get id(): string {
    return this.internal.id;
  }

  /**
   * Logs in, and makes the user the current one.
   *
   * @throws an error with the server's text if it refuses or cannot be reached; `TypeAssertionError` for other
   * things than credentials.
   */
  async logIn(credentials: Credentials): Promise<User<FunctionsFactoryType, CustomDataType>> {
    assertInstanceOf(credentials, Credentials, "Credentials", "credentials");
    const user = await settle(this.internal.logIn(credentials.internal));
    return this.#wrap(user);
  }

  #wrap(user: Parameters<typeof User.of>[1]): User<FunctionsFactoryType, CustomDataType> {
    return User.of(this as unknown as App, user) as unknown as User<FunctionsFactoryType, CustomDataType>;
  }

  /**
   * The user that logged in or was switched to last, and is logged in; also after a new start. `null` if there is none.
   */
  get currentUser(): User<FunctionsFactoryType, CustomDataType> | null {
    const user = this.internal.currentUser;
    return user === undefined ? null : this.#wrap(user);
  }

  /** Users on this device by their ids, those that are logged out too. */
  get allUsers(): Readonly<Record<string, User<FunctionsFactoryType, CustomDataType>>> {
    return Object.fromEntries(this.internal.users.map((user) => [user.id, this.#wrap(user)]));
  }

  /** Makes another logged-in user the current one. @throws if the user is logged out or removed. */
  switchUser(nextUser: User<FunctionsFactoryType, CustomDataType>): void {
    call(() => this.internal.switchUser(nextUser.internal));
  }

  /** Logs out and forgets the user on this device. */
  async removeUser(user: User<FunctionsFactoryType, CustomDataType>): Promise<void> {
    await settle(this.internal.removeUser(user.internal));
  }

  /** Deletes the account on the server, then forgets the user. */
  async deleteUser(user: User<FunctionsFactoryType, CustomDataType>): Promise<void> {
    await settle(this.internal.deleteUser(user.internal));
  }

  /**
   * Calls back when users log in, log out or are switched, and when their data changes.
   *
   * @throws if the callback is registered already.
   */
  addListener(callback: () => void): void {
    assertFunction(callback, "callback");
    call(() => this.internal.listeners.add(callback));
  }

  /** Ends calling back. A callback that is not registered is no error. */
  removeListener(callback: () => void): void {
    this.internal.listeners.remove(callback);
  }

  /** Ends calling back whomever. */
  removeAllListeners(): void {
    this.internal.listeners.clear();
  }
}

function checkConfiguration(configuration: AppConfiguration): void {
  assertObject(configuration, "config");
  const { id, baseUrl, timeout, multiplexSessions, baseFilePath, metadata, fetch } = configuration;
  assertString(id, "id");
  if (baseUrl !== undefined) assertString(baseUrl, "baseUrl");
  if (timeout !== undefined) assertNumber(timeout, "timeout");
  if (multiplexSessions !== undefined) assertBoolean(multiplexSessions, "multiplexSessions");
  if (baseFilePath !== undefined) assertString(baseFilePath, "baseFilePath");
  if (fetch !== undefined) assertFunction(fetch, "fetch");
  if (metadata === undefined) return;
  assertObject(metadata, "metadata");
  const { mode, encryptionKey } = metadata;
  if (!Object.values(MetadataMode).includes(mode)) throw new AssertionError(`Invalid 'metadata.mode': '${mode}'`);
  if (encryptionKey !== undefined && !(encryptionKey instanceof ArrayBuffer)) {
    throw new TypeAssertionError("Expected 'metadata.encryptionKey' to be an ArrayBuffer");
  }
  // A key for want of one would come from a keychain, which there is none of.
  if (mode === MetadataMode.Encryption && encryptionKey === undefined) {
    throw new AssertionError("Expected 'metadata.encryptionKey' for 'metadata.mode' Encryption");
  }
}
