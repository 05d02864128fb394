/**
 * Users of an app.
 *
 * @module
 */

import { type User as EngineUser } from "@tidemark/engine";
import { assertFunction } from "../assert.js";
import { type ProviderType, UserState } from "../enums.js";
import { call, settle } from "../errors.js";
import type { App } from "./app.js";
import type { DefaultObject } from "../schema/types.js";
import type { Credentials } from "./credentials.js";

/** One way in which a user logs in. */
export interface UserIdentity {
  /** Id at the provider. */
  readonly id: string;
  /** The provider. */
  readonly providerType: ProviderType;
}

/** Functions of an app by name. */
export type DefaultFunctionsFactory = Record<string, (...values: unknown[]) => Promise<unknown>>;

const users = new WeakMap<EngineUser, User>();

const states = {
  "logged-in": UserState.LoggedIn,
  "logged-out": UserState.LoggedOut,
  removed: UserState.Removed,
} as const;

/** A user on this device. One who logs in again is the same object. */
export class User<
  FunctionsFactoryType = DefaultFunctionsFactory,
  CustomDataType = DefaultObject,
  UserProfileDataType = DefaultObject,
> {
  /** The app. */
  readonly app: App;
  /** @internal */
  readonly internal: EngineUser;
  /** The app's functions: `user.functions.name(…)`. */
  readonly functions: FunctionsFactoryType;

  /** @internal */
  constructor(app: App, internal: EngineUser) {
    this.app = app;
    this.internal = internal;
    this.functions = new Proxy(
      {},
      {
        get: (_, name) =>
          typeof name === "string" ? (...values: unknown[]) => this.callFunction(name, ...values) : undefined,
      },
    ) as FunctionsFactoryType;
  }

  /** @internal */
  static of(app: App, internal: EngineUser): User {
    let user = users.get(internal);
    if (user === undefined) {
      user = new User(app, internal);
      users.set(internal, user);
    }
    return user;
  }

  /** The id that the server has given. */
  get id(): string {
    return this.internal.id;
  }

  /** The provider of the first identity. @throws if there is none. */
  get providerType(): ProviderType {
    const type = this.internal.providerType;
    if (type === undefined) throw new Error("No provider found");
    return type;
  }

  /** Id of this device at the server; `null` if it has none. */
  get deviceId(): string | null {
    return this.internal.deviceId;
  }

  /** Whether the user may call the server. */
  get state(): UserState {
    return states[this.internal.state];
  }

  /** Whether the user has tokens on this device. */
  get isLoggedIn(): boolean {
    return this.internal.isLoggedIn;
  }

  /** The ways in which the user logs in. */
  get identities(): UserIdentity[] {
    return this.internal.identities.map(({ id, provider_type: providerType }) => ({ id, providerType }));
  }

  /** The token that calls are made with; `null` when logged out. It is renewed by itself. */
  get accessToken(): string | null {
    return this.internal.accessToken;
  }

  /** The token by which access tokens are renewed; `null` when logged out. */
  get refreshToken(): string | null {
    return this.internal.refreshToken;
  }

  /** The app's data about the user, as of the last access token; empty if there is none. */
  get customData(): CustomDataType {
    return this.internal.customData as CustomDataType;
  }

  /** What the provider knows of the user. */
  get profile(): UserProfileDataType {
    return this.internal.profile as UserProfileDataType;
  }

  /** Logs out on this device at once, and tells the server as well as it can. Sessions end, realms stay open. */
  async logOut(): Promise<void> {
    await settle(this.internal.logOut());
  }

  /** Adds a way to log in, as for an anonymous user who registers. */
  async linkCredentials(credentials: Credentials): Promise<void> {
    await settle(this.internal.linkCredentials(credentials.internal));
  }

  /** Calls a function of the app. @throws an error with the server's text. */
  async callFunction(name: string, ...values: unknown[]): Promise<unknown> {
    return settle(this.internal.app.callFunction(this.internal, name, values));
  }

  /** Calls a function of one of the app's services. */
  async callFunctionOnService(name: string, service: string | undefined, ...values: unknown[]): Promise<unknown> {
    return settle(this.internal.app.callFunction(this.internal, name, values, service));
  }

  /** Asks the server for the app's data about the user. @returns it. */
  async refreshCustomData(): Promise<CustomDataType> {
    await settle(this.internal.refreshAccessToken());
    return this.customData;
  }

  /**
   * Calls back when the user logs in or out, and when data of the user changes.
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
