/**
 * Apps.
 *
 * @module
 */

import type { App as EngineApp, AppListener, Engine, Host, HttpRequest, User as EngineUser } from "@tidemark/engine";
import { AppConfiguration, engineTimeouts } from "../configuration/app-configuration.js";
import { engine } from "../engine.js";
import { call, IllegalArgumentException, settle, UnsupportedOperationException } from "../errors.js";
import type { Flow } from "../flow/flow.js";
import { Sync } from "../sync/sync.js";
import { type AuthenticationChange, AuthenticationChanges, LoggedIn, LoggedOut, Removed } from "./authentication.js";
import type { Credentials } from "./credentials.js";
import { EmailPasswordAuth } from "./email-password-auth.js";
import { User } from "./user.js";

/** Of HTTP calls, as in realm-kotlin. */
const timeoutMs = 120_000;

/** An app: its users, and synchronisation as a whole. Made by {@link App.create}. */
export class App {
  /** How the app is reached. */
  readonly configuration: AppConfiguration;
  /** Registration and passwords. */
  readonly emailPasswordAuth: EmailPasswordAuth;
  /** Synchronisation of the whole app. */
  readonly sync: Sync;
  /** @internal */
  readonly internal: EngineApp;
  readonly #users = new WeakMap<EngineUser, User>();
  readonly #changes = new AuthenticationChanges();
  readonly #listener: AppListener;

  private constructor(configuration: AppConfiguration) {
    this.configuration = configuration;
    const { appId, baseUrl, enableSessionMultiplexing, syncRootDirectory, syncTimeoutOptions, hasOwnTimeouts } =
      configuration;
    const { host } = engine();
    const create = (...parameters: Parameters<Engine["createApp"]>): EngineApp =>
      call(() => engine().createApp(...parameters));
    this.internal = create(
      {
        id: appId,
        baseUrl,
        timeoutMs,
        isMultiplexed: enableSessionMultiplexing,
        baseDirectory: host.files.resolve(syncRootDirectory),
        keepsUsers: true,
        usersKey: configuration.encryptionKey ?? undefined,
        syncTimeouts: hasOwnTimeouts ? engineTimeouts(syncTimeoutOptions) : undefined,
      },
      withHeaders(host, configuration),
    );
    this.emailPasswordAuth = new EmailPasswordAuth(this.internal);
    this.sync = new Sync(this.internal);
    this.#listener = (user, change) => {
      if (change === "logged-in") this.#changes.emit(new LoggedIn(this.userOf(user)));
      if (change === "logged-out") this.#changes.emit(leftAs(this.userOf(user)));
    };
    this.internal.listeners.add(this.#listener);
  }

  /** The app of an id or a configuration. @throws {@link IllegalArgumentException} for an empty id. */
  static create(given: string | AppConfiguration): App {
    return new App(typeof given === "string" ? AppConfiguration.create(given) : given);
  }

  /** @internal */
  userOf(internal: EngineUser): User {
    let user = this.#users.get(internal);
    if (user === undefined) {
      user = new User(this, internal);
      this.#users.set(internal, user);
    }
    return user;
  }

  /** Address of the server. */
  get baseUrl(): string {
    return this.internal.configuration.baseUrl;
  }

  /** @throws {@link UnsupportedOperationException} always: an app keeps the address that it was made with. */
  async updateBaseUrl(_baseUrl: string | null): Promise<void> {
    throw new UnsupportedOperationException("Changing the base URL of an app is not supported: make another app");
  }

  /** The user that logged in or was switched to last, and is logged in; null if there is none. */
  get currentUser(): User | null {
    const user = this.internal.currentUser;
    return user === undefined ? null : this.userOf(user);
  }

  /** Users on this device, those that are logged out too. */
  allUsers(): User[] {
    return this.internal.users.map((user) => this.userOf(user));
  }

  /**
   * Logs a user in, who is the current one then.
   *
   * @throws {@link AuthException} if it is refused; {@link ConnectionException} if the server cannot be reached;
   * {@link IllegalStateException} if a collector of {@link authenticationChangeAsFlow} is blocked.
   */
  async login(credentials: Credentials): Promise<User> {
    const before = new Set(this.internal.users.filter((user) => user.isLoggedIn));
    const user = await this.watched(this.internal.logIn(credentials.internal));
    // An anonymous user that is taken again has logged in for the one who asked.
    if (before.has(user) && credentials.internal.isReusable === true) {
      this.#changes.emit(new LoggedIn(this.userOf(user)));
      this.#changes.requireTaken();
    }
    return this.userOf(user);
  }

  /** @internal Waits for a call that changes users, until all have been told of it. */
  async watched<T>(change: Promise<T>): Promise<T> {
    const result = await settle(change);
    await new Promise<void>((resolve) => engine().host.defer(resolve));
    this.#changes.requireTaken();
    return result;
  }

  /** Makes another user the current one. @throws {@link IllegalArgumentException} if the user is not logged in. */
  switchUser(user: User): void {
    if (!user.loggedIn) throw new IllegalArgumentException("User is no longer valid or is logged out.");
    call(() => this.internal.switchUser(user.internal));
  }

  /** Follows users that log in, log out and are removed, from now on. Eight changes may wait for a collector. */
  authenticationChangeAsFlow(): Flow<AuthenticationChange> {
    return this.#changes.flow;
  }

  /** Ends the flows of this app. Realms stay open. */
  close(): void {
    this.internal.listeners.remove(this.#listener);
    this.#changes.complete();
  }
}

function leftAs(user: User): AuthenticationChange {
  return user.internal.state === "removed" ? new Removed(user) : new LoggedOut(user);
}

/** The host with the application's own headers. */
function withHeaders(host: Host, configuration: AppConfiguration): Host {
  const { authorizationHeaderName, customRequestHeaders } = configuration;
  const rename = ([name, value]: [string, string]): [string, string] =>
    name === "Authorization" ? [authorizationHeaderName, value] : [name, value];
  const headersOf = ({ headers }: HttpRequest): Record<string, string> => ({
    ...customRequestHeaders,
    ...Object.fromEntries(Object.entries(headers).map(rename)),
  });
  return { ...host, fetch: (request) => host.fetch({ ...request, headers: headersOf(request) }) };
}
