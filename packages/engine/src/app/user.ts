/**
 * A user of an app on this device.
 *
 * @module
 */

import type { IdentityBody, ProviderType } from "@tidemark/protocol";
import { EngineError, ServiceError } from "../errors.js";
import type { App } from "./app.js";
import type { Credentials } from "./credentials.js";
import { Listeners } from "./listeners.js";
import { isExpired, readToken } from "./token.js";
import { SharedRequest } from "./shared-request.js";
import type { StoredUser } from "./user-store.js";

/** Whether a user has tokens, is known without them, or is forgotten. */
export type UserState = "logged-in" | "logged-out" | "removed";

/** An identity of a user: one way to log in. */
export type UserIdentity = Pick<IdentityBody, "id" | "provider_type">;

/** No device id issued. */
const noDeviceId = "0".repeat(24);

/** A user. There is one object per user and app. */
export class User {
  /** The app. */
  readonly app: App;
  /** The id that the server has given. */
  readonly id: string;
  /** Told, in turns of their own, that something about the user has changed. */
  readonly listeners: Listeners<() => void> = new Listeners();
  #state: UserState;
  #accessToken: string;
  #refreshToken: string;
  #deviceId: string;
  #identities: readonly UserIdentity[];
  #profile: Readonly<Record<string, unknown>>;
  #refreshing: SharedRequest<void> | undefined;

  /** @internal */
  constructor(app: App, stored: StoredUser) {
    this.app = app;
    this.id = stored.id;
    this.#state = stored.isLoggedIn ? "logged-in" : "logged-out";
    this.#accessToken = stored.accessToken;
    this.#refreshToken = stored.refreshToken;
    this.#deviceId = stored.deviceId;
    this.#identities = stored.identities;
    this.#profile = stored.profile;
  }

  /** @internal What is kept of the user. */
  stored(): StoredUser {
    return {
      id: this.id,
      accessToken: this.#accessToken,
      refreshToken: this.#refreshToken,
      deviceId: this.#deviceId,
      identities: this.#identities,
      profile: this.#profile,
      isLoggedIn: this.#state === "logged-in",
    };
  }

  /** Whether the user may call the server. */
  get state(): UserState {
    return this.#state;
  }

  /** Whether the user has tokens on this device. */
  get isLoggedIn(): boolean {
    return this.#state === "logged-in";
  }

  /** The token that calls are made with; `null` when logged out. */
  get accessToken(): string | null {
    return this.#accessToken === "" ? null : this.#accessToken;
  }

  /** The token by which access tokens are renewed; `null` when logged out. */
  get refreshToken(): string | null {
    return this.#refreshToken === "" ? null : this.#refreshToken;
  }

  /** Id of this device at the server; `null` if it has none. */
  get deviceId(): string | null {
    return this.#deviceId === "" || this.#deviceId === noDeviceId ? null : this.#deviceId;
  }

  /** The ways in which the user logs in. */
  get identities(): readonly UserIdentity[] {
    return this.#identities;
  }

  /** The way of the first log-in. */
  get providerType(): ProviderType | undefined {
    return this.#identities[0]?.provider_type;
  }

  /** What the provider knows of the user. */
  get profile(): Readonly<Record<string, unknown>> {
    return this.#profile;
  }

  /** Custom user data as of the last token. */
  get customData(): unknown {
    return readToken(this.#accessToken)?.userData ?? {};
  }

  /** Whether the access token must be refreshed before it can be used. */
  get needsRefresh(): boolean {
    return isExpired(this.#accessToken, this.app.host.nowMs());
  }

  /** @internal The user has logged in (again). */
  onLogIn(stored: StoredUser): void {
    this.#state = "logged-in";
    this.#refreshing = undefined;
    this.#accessToken = stored.accessToken;
    this.#refreshToken = stored.refreshToken;
    this.#deviceId = stored.deviceId;
    this.onProfile(stored.identities, stored.profile);
  }

  /** @internal */
  onProfile(identities: readonly UserIdentity[], profile: Readonly<Record<string, unknown>>): void {
    this.#identities = identities;
    this.#profile = profile;
  }

  /**
   * Gets a new access token with the refresh token. Several callers share one request.
   *
   * @param signal tells that the caller wants none any more.
   */
  refreshAccessToken(signal?: AbortSignal): Promise<void> {
    this.#refreshing ??= this.#beginRefresh();
    return this.#refreshing.join(signal);
  }

  #beginRefresh(): SharedRequest<void> {
    const refreshing: SharedRequest<void> = new SharedRequest(async (signal) => {
      try {
        await this.#requestAccessToken(signal);
      } finally {
        if (this.#refreshing === refreshing) this.#refreshing = undefined;
      }
    });
    return refreshing;
  }

  async #requestAccessToken(signal: AbortSignal): Promise<void> {
    const refreshToken = this.#refreshToken;
    // The user may have logged out, and in again, by the time of the answer: it is nothing to the later log-in.
    const isCurrent = (): boolean => this.#state === "logged-in" && this.#refreshToken === refreshToken;
    try {
      const token = await this.app.requestAccessToken(refreshToken, signal);
      if (isCurrent()) this.onAccessToken(token);
    } catch (error) {
      const isRefused = error instanceof ServiceError && (error.status === 401 || error.status === 403);
      if (isRefused && isCurrent()) this.app.forgetTokens(this, error);
      throw error;
    }
  }

  /** @internal */
  onAccessToken(token: string): void {
    this.#accessToken = token;
    this.app.onUserChanged(this, "token");
  }

  /** @internal Local part of logging out. */
  clear(state: "logged-out" | "removed"): { readonly refreshToken: string } {
    const refreshToken = this.#refreshToken;
    this.#state = state;
    this.#accessToken = "";
    this.#refreshToken = "";
    this.#refreshing = undefined;
    return { refreshToken };
  }

  /** Logs out on this device at once, and tells the server as well as it can. */
  logOut(): Promise<void> {
    return this.app.logOut(this);
  }

  /** Adds another way to log in. */
  linkCredentials(credentials: Credentials): Promise<void> {
    return this.app.link(this, credentials);
  }

  /** Calls with the access token; one that has expired is refreshed once. */
  async call(method: "GET" | "POST" | "PUT" | "DELETE", path: string, body?: unknown): Promise<unknown> {
    if (this.#state !== "logged-in") throw new EngineError("logged-out", "User is not logged in");
    try {
      return await this.app.call({ method, path, body, token: this.#accessToken });
    } catch (error) {
      if (!(error instanceof ServiceError) || error.status !== 401) throw error;
      await this.refreshAccessToken();
      return this.app.call({ method, path, body, token: this.#accessToken });
    }
  }
}
