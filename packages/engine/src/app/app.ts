/**
 * An app: its users on this device, and the calls to its server.
 *
 * The server's location is asked for before the first call and never for opening a file.
 *
 * @module
 */

import {
  apiPath,
  type LocationBody,
  locationPath,
  type LoginBody,
  loginPath,
  type ProfileBody,
  profilePath,
  deleteUserPath,
  type SessionBody,
  sessionPath,
  syncPath,
} from "@tidemark/protocol";
import { EngineError, ServiceError } from "../errors.js";
import type { Host } from "../host.js";
import { defaultSyncTimeouts, type SyncTimeouts } from "../sync/messages.js";
import type { Credentials } from "./credentials.js";
import { type ApiCall, sendCall } from "./http.js";
import { FileActions } from "./file-actions.js";
import { type AnyCallback, Listeners } from "./listeners.js";
import { SharedRequest } from "./shared-request.js";
import { User } from "./user.js";
import { type StoredUser, UserStore } from "./user-store.js";

/** How an app is configured. */
export interface AppConfiguration {
  /** Id of the app on the server. */
  readonly id: string;
  /** Address of the server. */
  readonly baseUrl: string;
  /** How long an HTTP request may take. */
  readonly timeoutMs: number;
  /** Whether all sessions of a user share one connection. */
  readonly isMultiplexed: boolean;
  /** Folder for files of users; the default directory if not given. */
  readonly baseDirectory: string;
  /** Whether users are remembered beyond this process. */
  readonly keepsUsers: boolean;
  /** 64 bytes: they are encrypted on the disk. */
  readonly usersKey?: Uint8Array | undefined;
  /** Times of the connections of its users that differ from {@link defaultSyncTimeouts}. */
  readonly syncTimeouts?: Partial<SyncTimeouts> | undefined;
}

/** What became of a user. */
export type UserChange = "logged-in" | "logged-out" | "token" | "profile";

/** Told of users that come, go and change; `switched` tells of another current user. */
export type AppListener = (user: User, change: UserChange | "switched") => void;

/** Where calls and connections go. */
interface Location {
  readonly http: string;
  readonly webSocket: string;
  readonly syncRoute: string | undefined;
}

/** Where the files of one app's users are below the base directory. */
const folderName = "mongodb-realm";

/** An app. */
export class App {
  /** How the app is reached; the address without slashes at its end. */
  readonly configuration: AppConfiguration;
  /** What its requests go through. */
  readonly host: Host;
  /** Told, in turns of their own, what becomes of users. */
  readonly listeners: Listeners<AppListener> = new Listeners();
  /** @internal The synchronisation's side: told of every change of a user, and why the server has logged one out. */
  onChange: (user: User, change: UserChange, cause?: Error) => void = () => undefined;
  /** Whether all sessions of a user share one connection; in force for sessions that begin later. */
  isMultiplexed: boolean;
  /** Times of the connections of its users. */
  readonly syncTimeouts: SyncTimeouts;
  /** @internal What is to be done with files when the app is made the next time. */
  readonly fileActions: FileActions;
  readonly #store: UserStore;
  readonly #users = new Map<string, User>();
  #currentUserId: string | null;
  #location: Location | undefined;
  #locating: SharedRequest<Location> | undefined;

  /** @throws {@link EngineError} if the key of the users is not that of their file. */
  constructor(configuration: AppConfiguration, host: Host) {
    const { usersKey, ...rest } = configuration;
    // What is kept of the key is where it is needed.
    this.configuration = { ...rest, baseUrl: configuration.baseUrl.replace(/\/+$/, "") };
    this.host = host;
    this.isMultiplexed = configuration.isMultiplexed;
    this.syncTimeouts = { ...defaultSyncTimeouts, ...configuration.syncTimeouts };
    this.fileActions = new FileActions(host, this.directory, configuration.keepsUsers);
    const path = configuration.keepsUsers ? host.files.join(this.directory, "users.json") : null;
    this.#store = new UserStore(host, path, usersKey);
    const { users, currentUserId } = this.#store.load();
    for (const stored of users) this.#users.set(stored.id, new User(this, stored));
    this.#currentUserId = currentUserId;
  }

  /** Id of the app on the server. */
  get id(): string {
    return this.configuration.id;
  }

  /** Folder of this app. */
  get directory(): string {
    return this.host.files.join(this.configuration.baseDirectory, folderName, this.configuration.id);
  }

  // --- location --------------------------------------------------------------------------------------------

  #locate(signal?: AbortSignal): Promise<Location> {
    if (this.#location !== undefined) return Promise.resolve(this.#location);
    this.#locating ??= new SharedRequest(async (ending) => {
      try {
        return await this.#requestLocation(ending);
      } finally {
        this.#locating = undefined;
      }
    });
    return this.#locating.join(signal);
  }

  async #requestLocation(signal: AbortSignal): Promise<Location> {
    const { baseUrl, timeoutMs } = this.configuration;
    const call: ApiCall = { method: "GET", path: locationPath(this.id), signal };
    const body = (await sendCall(this.host, baseUrl, call, timeoutMs)) as Partial<LocationBody> | undefined;
    if (typeof body?.hostname !== "string" || typeof body.ws_hostname !== "string") {
      throw new ServiceError("Bad location response from server", { status: 200 });
    }
    const http = body.hostname === "" ? baseUrl : body.hostname.replace(/\/+$/, "");
    this.#location = {
      http,
      webSocket: body.ws_hostname === "" ? webSocketOf(http) : body.ws_hostname.replace(/\/+$/, ""),
      syncRoute: body.sync_route,
    };
    return this.#location;
  }

  /** Asks the server again where it is. */
  async refreshLocation(signal?: AbortSignal): Promise<void> {
    this.#location = undefined;
    await this.#locate(signal);
  }

  /** The sync route as far as it is known: before the first answer it is derived from the base URL. */
  syncRoute(): {
    /** Whole address, as of a WebSocket. */
    readonly url: string;
    /** Whether the server has named it. */
    readonly isVerified: boolean;
  } {
    const location = this.#location;
    if (location?.syncRoute !== undefined) return { url: location.syncRoute, isVerified: true };
    const base = location?.webSocket ?? webSocketOf(this.configuration.baseUrl);
    return { url: `${base}${syncPath(this.id)}`, isVerified: location !== undefined };
  }

  // --- calls -----------------------------------------------------------------------------------------------

  /** A call of the API, after the location is known. */
  async call(call: ApiCall): Promise<unknown> {
    const { http } = await this.#locate(call.signal);
    return sendCall(this.host, http, call, this.configuration.timeoutMs);
  }

  /** A call of the e-mail/password provider: registration, confirmation, resets. */
  async callEmailPassword(action: string, body: Readonly<Record<string, unknown>>): Promise<void> {
    const path = `${apiPath}/app/${encodeURIComponent(this.id)}/auth/providers/local-userpass/${action}`;
    await this.call({ method: "POST", path, body });
  }

  /** Calls a function of the app as a user. */
  callFunction(user: User, name: string, values: readonly unknown[], service?: string): Promise<unknown> {
    const path = `${apiPath}/app/${encodeURIComponent(this.id)}/functions/call`;
    return user.call("POST", path, { name, arguments: values, ...(service === undefined ? {} : { service }) });
  }

  /** A new access token for a refresh token. */
  async requestAccessToken(refreshToken: string, signal?: AbortSignal): Promise<string> {
    const answer = await this.call({ method: "POST", path: sessionPath, token: refreshToken, signal });
    const token = (answer as Partial<SessionBody> | undefined)?.access_token;
    if (typeof token !== "string") throw new ServiceError("Bad session response from server", { status: 200 });
    return token;
  }

  // --- users -----------------------------------------------------------------------------------------------

  /** Users on this device, those that are logged out too. */
  get users(): readonly User[] {
    return [...this.#users.values()];
  }

  /** The user that logged in or was switched to last, and is logged in. */
  get currentUser(): User | undefined {
    const user = this.#currentUserId === null ? undefined : this.#users.get(this.#currentUserId);
    return user?.isLoggedIn === true ? user : undefined;
  }

  /** A user on this device. */
  user(id: string): User | undefined {
    return this.#users.get(id);
  }

  /**
   * Logs in, and makes the user the current one.
   *
   * @throws {@link ServiceError} if the server refuses or does not answer.
   */
  async logIn(credentials: Credentials): Promise<User> {
    const reused = this.#reusableUser(credentials);
    if (reused !== undefined) {
      this.switchUser(reused);
      return reused;
    }
    const answer = (await this.call({
      method: "POST",
      path: loginPath(this.id, credentials.provider),
      body: this.#loginBody(credentials),
    })) as LoginBody;
    const profile = await this.#requestProfile(answer.access_token);
    const stored: StoredUser = {
      id: answer.user_id,
      accessToken: answer.access_token,
      refreshToken: answer.refresh_token,
      deviceId: answer.device_id,
      identities: profile.identities.map(({ id, provider_type }) => ({ id, provider_type })),
      profile: profile.data,
      isLoggedIn: true,
    };
    const user = this.#takeIn(stored);
    this.onUserChanged(user, "logged-in");
    return user;
  }

  #reusableUser(credentials: Credentials): User | undefined {
    if (credentials.provider !== "anon-user" || credentials.isReusable !== true) return undefined;
    return this.users.find((user) => user.isLoggedIn && user.providerType === "anon-user");
  }

  #loginBody(credentials: Credentials): Readonly<Record<string, unknown>> {
    const { provider, payload } = credentials;
    const device = { appId: this.id, ...this.host.device };
    const named = provider === "custom-function" ? payload : { provider, ...payload };
    return { ...named, options: { device } };
  }

  async #requestProfile(accessToken: string): Promise<ProfileBody> {
    const answer = await this.call({ method: "GET", path: profilePath, token: accessToken });
    const profile = answer as Partial<ProfileBody> | undefined;
    if (!Array.isArray(profile?.identities)) {
      throw new ServiceError("Bad profile response from server", { status: 200 });
    }
    return { ...(profile as ProfileBody), data: profile.data ?? {} };
  }

  #takeIn(stored: StoredUser): User {
    const known = this.#users.get(stored.id);
    const user = known ?? new User(this, stored);
    known?.onLogIn(stored);
    // The newest log-in comes last: it is the next current user when this one leaves.
    this.#users.delete(stored.id);
    this.#users.set(stored.id, user);
    this.#currentUserId = stored.id;
    return user;
  }

  /** Adds a way to log in. @throws {@link ServiceError} if the server refuses or does not answer. */
  async link(user: User, credentials: Credentials): Promise<void> {
    const path = `${loginPath(this.id, credentials.provider)}?link=true`;
    const answer = await user.call("POST", path, this.#loginBody(credentials));
    const token = (answer as Partial<LoginBody> | undefined)?.access_token;
    if (typeof token !== "string") throw new ServiceError("Bad login response from server", { status: 200 });
    user.onAccessToken(token);
    const profile = await this.#requestProfile(token);
    user.onProfile(
      profile.identities.map(({ id, provider_type }) => ({ id, provider_type })),
      profile.data,
    );
    this.onUserChanged(user, "profile");
  }

  /** Makes another user the current one. @throws {@link EngineError} `user-removed` or `logged-out`. */
  switchUser(user: User): void {
    this.#requireKnown(user);
    if (!user.isLoggedIn) throw new EngineError("logged-out", "User is no longer valid or is logged out");
    this.#currentUserId = user.id;
    this.#save();
    this.#notify(user, "switched");
  }

  #requireKnown(user: User): void {
    if (this.#users.get(user.id) !== user) {
      throw new EngineError("user-removed", "User does not exist or has been removed");
    }
  }

  /** Logs out on this device at once, and tells the server as well as it can. Anonymous users are forgotten. */
  async logOut(user: User): Promise<void> {
    if (!user.isLoggedIn) return;
    const { refreshToken } = this.#logOutLocally(user, user.providerType === "anon-user");
    await this.#revoke(refreshToken);
  }

  async #revoke(refreshToken: string): Promise<void> {
    try {
      await this.call({ method: "DELETE", path: sessionPath, token: refreshToken });
    } catch {
      // The user is logged out here; the server forgets the token when it expires.
    }
  }

  /** @internal The server does not accept the refresh token any more. */
  forgetTokens(user: User, cause?: Error): void {
    if (user.isLoggedIn) this.#logOutLocally(user, user.providerType === "anon-user", cause);
  }

  #logOutLocally(user: User, isForgotten: boolean, cause?: Error): { readonly refreshToken: string } {
    const cleared = user.clear(isForgotten ? "removed" : "logged-out");
    if (isForgotten) this.#users.delete(user.id);
    if (this.#currentUserId === user.id) {
      this.#currentUserId = this.users.findLast((other) => other.isLoggedIn)?.id ?? null;
    }
    this.onUserChanged(user, "logged-out", cause);
    return cleared;
  }

  /** Logs out and forgets the user on this device. */
  async removeUser(user: User): Promise<void> {
    this.#requireKnown(user);
    const wasLoggedIn = user.isLoggedIn;
    const { refreshToken } = this.#logOutLocally(user, true);
    if (wasLoggedIn) await this.#revoke(refreshToken);
  }

  /** Deletes the account on the server, then forgets the user. */
  async deleteUser(user: User): Promise<void> {
    this.#requireKnown(user);
    await user.call("DELETE", deleteUserPath);
    this.#logOutLocally(user, true);
  }

  /** @internal Something about a user has changed: keeps it and tells everybody. */
  onUserChanged(user: User, change: UserChange, cause?: Error): void {
    this.#save();
    this.onChange(user, change, cause);
    if (change !== "token") this.#notify(user, change);
  }

  #notify(user: User, change: Parameters<AppListener>[1]): void {
    this.#later(this.listeners, (listener) => listener(user, change));
    this.#later(user.listeners, (listener) => listener());
  }

  /** One that is removed before its turn comes is not called. */
  #later<Callback extends AnyCallback>(listeners: Listeners<Callback>, call: (listener: Callback) => void): void {
    listeners.each((listener) =>
      this.host.defer(() => {
        if (listeners.isWanted(listener)) call(listener);
      }),
    );
  }

  #save(): void {
    this.#store.save({ currentUserId: this.#currentUserId, users: this.users.map((user) => user.stored()) });
  }
}

/** The WebSocket base for an HTTP base. */
function webSocketOf(base: string): string {
  return base.replace(/^http/, "ws");
}
