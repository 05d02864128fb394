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
  readonly id: string;
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

/** A user. */
export class User<
  FunctionsFactoryType = DefaultFunctionsFactory,
  CustomDataType = DefaultObject,
  UserProfileDataType = DefaultObject,
> {
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

  get id(): string {
    return this.internal.id;
  }

  get providerType(): ProviderType {
    const type = this.internal.providerType;
    if (type === undefined) throw new Error("No provider found");
    return type;
  }

  get deviceId(): string | null {
    return this.internal.deviceId;
  }

  get state(): UserState {
    return states[this.internal.state];
  }

  get isLoggedIn(): boolean {
    return this.internal.isLoggedIn;
  }

  get identities(): UserIdentity[] {
    return this.internal.identities.map(({ id, provider_type: providerType }) => ({ id, providerType }));
  }

  get accessToken(): string | null {
    return this.internal.accessToken;
  }

  get refreshToken(): string | null {
    return this.internal.refreshToken;
  }

  get customData(): CustomDataType {
    return this.internal.customData as CustomDataType;
  }

  get profile(): UserProfileDataType {
    return this.internal.profile as UserProfileDataType;
  }

  async logOut(): Promise<void> {
    await settle(this.internal.logOut());
  }

  async linkCredentials(credentials: Credentials): Promise<void> {
    await settle(this.internal.linkCredentials(credentials.internal));
  }

  async callFunction(name: string, ...values: unknown[]): Promise<unknown> {
    return settle(this.internal.app.callFunction(this.internal, name, values));
  }

  async callFunctionOnService(name: string, service: string | undefined, ...values: unknown[]): Promise<unknown> {
    return settle(this.internal.app.callFunction(this.internal, name, values, service));
  }

  async refreshCustomData(): Promise<CustomDataType> {
    await settle(this.internal.refreshAccessToken());
    return this.customData;
  }

  addListener(callback: () => void): void {
    assertFunction(callback, "callback");
    call(() => this.internal.listeners.add(callback));
  }

  removeListener(callback: () => void): void {
    this.internal.listeners.remove(callback);
  }

  removeAllListeners(): void {
    this.internal.listeners.clear();
  }
}
