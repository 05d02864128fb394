/**
 * Users of an app.
 *
 * @module
 */

import type { User as EngineUser } from "@tidemark/engine";
import { settle, UnsupportedOperationException } from "../errors.js";
import type { App } from "./app.js";
import { AuthenticationProvider, type Credentials, providers } from "./credentials.js";

/**
 * What became of a user.
 *
 * @enum
 */
export const UserState = {
  /** Known on this device, without tokens. */
  LOGGED_OUT: "LOGGED_OUT",
  /** With tokens on this device. */
  LOGGED_IN: "LOGGED_IN",
  /** Forgotten on this device. */
  REMOVED: "REMOVED",
} as const;
export type UserState = (typeof UserState)[keyof typeof UserState];

const states = {
  "logged-in": UserState.LOGGED_IN,
  "logged-out": UserState.LOGGED_OUT,
  removed: UserState.REMOVED,
} as const;

/** One way in which a user logs in. */
export interface UserIdentity {
  /** Id at the provider. */
  readonly id: string;
  /** The provider. */
  readonly provider: AuthenticationProvider;
}

/** Functions of the app: `user.functions`. */
export class Functions {
  readonly #user: EngineUser;

  /** @internal */
  constructor(user: EngineUser) {
    this.#user = user;
  }

  /**
   * Calls a function.
   *
   * @throws {@link FunctionExecutionException} if there is none of the name, or it fails.
   */
  async call<T = unknown>(name: string, ...args: readonly unknown[]): Promise<T> {
    return (await settle(this.#user.app.callFunction(this.#user, name, args))) as T;
  }
}

/** Fields of a document. */
export type BsonDocument = Readonly<Record<string, unknown>>;

/** A user. There is one object per user and app. */
export class User {
  /** The states of a user. */
  static readonly State: typeof UserState = UserState;
  /** The app. */
  readonly app: App;
  /** The app's functions. */
  readonly functions: Functions;
  /** @internal */
  readonly internal: EngineUser;

  /** @internal */
  constructor(app: App, internal: EngineUser) {
    this.app = app;
    this.internal = internal;
    this.functions = new Functions(internal);
  }

  /** The id that the server has given. */
  get id(): string {
    return this.internal.id;
  }

  /** What became of the user. */
  get state(): UserState {
    return states[this.internal.state];
  }

  /** Whether the user has tokens on this device. */
  get loggedIn(): boolean {
    return this.internal.isLoggedIn;
  }

  /** The ways in which the user logs in. */
  get identities(): readonly UserIdentity[] {
    return this.internal.identities.map(({ id, provider_type: provider }) => ({
      id,
      provider: providers[provider] ?? AuthenticationProvider.CUSTOM_FUNCTION,
    }));
  }

  /** Empty when the user is logged out. */
  get accessToken(): string {
    return this.internal.accessToken ?? "";
  }

  /** Empty when the user is logged out. */
  get refreshToken(): string {
    return this.internal.refreshToken ?? "";
  }

  /** Id of this device at the server; empty if it has none. */
  get deviceId(): string {
    return this.internal.deviceId ?? "";
  }

  /** @throws {@link UnsupportedOperationException} always: Tidemark has no API keys of users yet. */
  get apiKeyAuth(): never {
    throw new UnsupportedOperationException("API keys of users are not supported");
  }

  /** @throws {@link UnsupportedOperationException} always: Tidemark offers no access to MongoDB from the SDK yet. */
  mongoClient(_service: string, _ejson?: unknown): never {
    throw new UnsupportedOperationException("Access to MongoDB from the SDK is not supported");
  }

  /** What the log-in provider says of the user. */
  profileAsBsonDocument(): BsonDocument {
    return this.internal.profile;
  }

  /** The same, as an object of a type that the application knows. */
  profile<T extends object = BsonDocument>(): T {
    return this.profileAsBsonDocument() as T;
  }

  /** Custom user data as of the last token; null if there is none. See {@link refreshCustomData}. */
  customDataAsBsonDocument(): BsonDocument | null {
    const data = this.internal.customData as BsonDocument | null;
    return data === null || Object.keys(data).length === 0 ? null : data;
  }

  /** The same, as an object of a type that the application knows. */
  customData<T extends object = BsonDocument>(): T | null {
    return this.customDataAsBsonDocument() as T | null;
  }

  /** Asks the server for a new access token, and with it the custom data of now. */
  async refreshCustomData(): Promise<void> {
    await settle(this.internal.refreshAccessToken());
  }

  /** Logs out on this device. Open realms stay usable without synchronising. Anonymous users are forgotten. */
  async logOut(): Promise<void> {
    await this.app.watched(this.internal.app.logOut(this.internal));
  }

  /** Logs out and forgets the user on this device. */
  async remove(): Promise<this> {
    await this.app.watched(this.internal.app.removeUser(this.internal));
    return this;
  }

  /** Deletes the account on the server, then forgets the user. */
  async delete(): Promise<void> {
    await this.app.watched(this.internal.app.deleteUser(this.internal));
  }

  /**
   * Adds another way to log in.
   *
   * @returns this user.
   */
  async linkCredentials(credentials: Credentials): Promise<this> {
    await settle(this.internal.linkCredentials(credentials.internal));
    return this;
  }
}
