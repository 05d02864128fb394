/**
 * Users of an app.
 *
 * @module
 */

import type { User as EngineUser } from "@tidemark/engine";
import { AuthProviderType, UserState } from "../enums.js";
import { RealmError, settle } from "../errors.js";
import { Stream } from "../stream.js";
import { App } from "./app.js";
import type { Credentials } from "./credentials.js";

/** One way in which a user logs in. */
export interface UserIdentity {
  /** Id at the provider. */
  readonly id: string;
  /** The provider. */
  readonly provider: AuthProviderType;
}

/** Something about a user has changed. */
export interface UserChanges {
  /** Who it is. */
  readonly user: User;
}

/** What is known of a user; `null` where the provider does not say it. */
export interface UserProfile extends Readonly<Record<string, unknown>> {
  /** The whole name. */
  readonly name: string | null;
  /** The first name. */
  readonly firstName: string | null;
  /** The family name. */
  readonly lastName: string | null;
  /** The e-mail address. */
  readonly email: string | null;
  /** Address of a picture. */
  readonly pictureUrl: string | null;
  /** The gender. */
  readonly gender: string | null;
  /** The day of birth. */
  readonly birthDay: string | null;
  /** How old the user is at least. */
  readonly minAge: string | null;
  /** How old the user is at most. */
  readonly maxAge: string | null;
}

const users = new WeakMap<EngineUser, User>();

const states = {
  "logged-in": UserState.loggedIn,
  "logged-out": UserState.loggedOut,
  removed: UserState.removed,
} as const;

const providers: Readonly<Record<string, AuthProviderType>> = {
  "anon-user": AuthProviderType.anonymous,
  "api-key": AuthProviderType.apiKey,
  "local-userpass": AuthProviderType.emailPassword,
  "custom-function": AuthProviderType.function,
  "custom-token": AuthProviderType.jwt,
  "oauth2-google": AuthProviderType.google,
  "oauth2-facebook": AuthProviderType.facebook,
  "oauth2-apple": AuthProviderType.apple,
};

/** Names of the profile in the SDK and with the server. */
const profileNames: Readonly<Record<keyof UserProfile, string>> = {
  name: "name",
  firstName: "first_name",
  lastName: "last_name",
  email: "email",
  pictureUrl: "picture_url",
  gender: "gender",
  birthDay: "birthday",
  minAge: "min_age",
  maxAge: "max_age",
};

/** Calls of the app's functions. */
export class FunctionsClient {
  readonly #user: EngineUser;

  /** @internal */
  constructor(user: EngineUser) {
    this.#user = user;
  }

  /** Calls a function as the user. Rejects with `AppException` if the server refuses it. */
  async call(name: string, functionArgs: readonly unknown[] = []): Promise<unknown> {
    return settle(() => this.#user.app.callFunction(this.#user, name, functionArgs));
  }
}

/** A user. There is one object per user and app. */
export class User {
  /** @internal */
  readonly internal: EngineUser;

  private constructor(internal: EngineUser) {
    this.internal = internal;
  }

  /** @internal */
  static of(internal: EngineUser): User {
    let user = users.get(internal);
    if (user === undefined) {
      user = new User(internal);
      users.set(internal, user);
    }
    return user;
  }

  /** The app. */
  get app(): App {
    return App.of(this.internal.app);
  }

  /** The id that the server has given. */
  get id(): string {
    return this.internal.id;
  }

  /** Whether the user may call the server. */
  get state(): UserState {
    return states[this.internal.state];
  }

  /** The ways in which the user logs in. */
  get identities(): UserIdentity[] {
    return this.internal.identities.map(({ id, provider_type: type }) => ({
      id,
      provider: providers[type] ?? AuthProviderType.function,
    }));
  }

  /** `null` if the server gave none. */
  get deviceId(): string | null {
    return this.internal.deviceId;
  }

  /** What the provider says of the user. Other names are found as the server writes them: `profile["own_field"]`. */
  get profile(): UserProfile {
    const { profile } = this.internal;
    const named = Object.entries(profileNames).map(([name, stored]) => [name, profile[stored] ?? null]);
    return { ...profile, ...Object.fromEntries(named) } as UserProfile;
  }

  /** Empty when logged out. */
  get refreshToken(): string {
    return this.internal.refreshToken ?? "";
  }

  /** Empty when logged out. */
  get accessToken(): string {
    return this.internal.accessToken ?? "";
  }

  /** Custom data as of the last token. */
  get customData(): unknown {
    return this.internal.customData;
  }

  /** Gets a new token, and with it the custom data of now. */
  async refreshCustomData(): Promise<unknown> {
    await settle(() => this.internal.refreshAccessToken());
    return this.customData;
  }

  /** The app's functions. @throws `RealmError` if the user is not logged in. */
  get functions(): FunctionsClient {
    if (!this.internal.isLoggedIn) throw new RealmError("User must be logged in to call functions");
    return new FunctionsClient(this.internal);
  }

  /** @throws `RealmError` always: API keys are not supported. */
  get apiKeys(): never {
    if (!this.internal.isLoggedIn) throw new RealmError("User must be logged in to access API keys");
    throw new RealmError("API keys of users are not supported", { code: "not-supported" });
  }

  /** Logs out on this device at once; the user's sessions become inactive, realms stay open. */
  async logOut(): Promise<void> {
    await settle(() => this.internal.logOut());
  }

  /** Adds a way to log in. */
  async linkCredentials(given: Credentials): Promise<User> {
    await settle(() => this.internal.linkCredentials(given.internal));
    return this;
  }

  /** Told whenever the user logs in or out, and when the profile changes. Never ends by itself. */
  get changes(): Stream<UserChanges> {
    const { listeners } = this.internal;
    return new Stream((sink) => {
      const listener = (): void => sink.add({ user: this });
      listeners.add(listener);
      return () => listeners.remove(listener);
    });
  }

  /** Whether both are the same user of the same app: what `==` is in Dart. */
  equals(other: unknown): boolean {
    return other instanceof User && other.internal === this.internal;
  }
}
