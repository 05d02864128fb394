/**
 * Users of an app: `realm::user`.
 *
 * @module
 */

import type { User as EngineUser } from "@tidemark/engine";
import { BSON } from "@tidemark/engine/bson";
import { db_config } from "../db-config.js";
import type { app_error } from "../errors.js";
import { callWithResult, type future, futureOf } from "../future.js";
import type { names } from "../names.js";
import { sync_config } from "../sync/sync-config.js";
import { syncedPath } from "./path.js";

/** A state of {@link user.state}. */
export type user_state = "logged_out" | "logged_in" | "removed";

const state: names<user_state> = Object.freeze({
  logged_out: "logged_out",
  logged_in: "logged_in",
  removed: "removed",
});

/** A document of custom user data. */
export type bson_document = Readonly<Record<string, unknown>>;

const states = { "logged-out": state.logged_out, "logged-in": state.logged_in, removed: state.removed } as const;
const users = new WeakMap<EngineUser, user>();

/** A user on this device. One who logs in again is the same. */
export class user {
  /** The states of a user. */
  static readonly state: names<user_state> = state;
  /** @internal */
  readonly internal: EngineUser;

  /** @internal */
  constructor(internal: EngineUser) {
    this.internal = internal;
  }

  /** @internal */
  static of(internal: EngineUser): user {
    let known = users.get(internal);
    if (known === undefined) {
      known = new user(internal);
      users.set(internal, known);
    }
    return known;
  }

  /** Whether the user has tokens on this device. */
  is_logged_in(): boolean {
    return this.internal.isLoggedIn;
  }

  /** The id that the server has given. */
  identifier(): string {
    return this.internal.id;
  }

  /** One of {@link user.state}. */
  state(): user_state {
    return states[this.internal.state];
  }

  /** Empty when logged out. */
  access_token(): string {
    return this.internal.accessToken ?? "";
  }

  /** Empty when logged out. */
  refresh_token(): string {
    return this.internal.refreshToken ?? "";
  }

  /** A configuration for a database that syncs what this user subscribes to, at the user's default path. */
  flexible_sync_configuration(): db_config {
    const configuration = new db_config(syncedPath(this.internal));
    configuration.set_sync_config(new sync_config(this));
    return configuration;
  }

  /** Logs out on this device, and tells the server as well as it can. Sessions end, databases stay open. */
  log_out(): future<void>;
  /** The same, calling back with what went wrong, if anything did. */
  log_out(callback: (error: app_error | undefined) => void): void;
  log_out(callback?: (error: app_error | undefined) => void): future<void> | void {
    const work = futureOf(() => this.internal.logOut());
    if (callback === undefined) return work;
    void callWithResult(work, (_, error) => callback(error as app_error | undefined));
  }

  /** Custom data as of the last access token; `undefined` if there is none. */
  get_custom_data(): bson_document | undefined {
    const data = this.internal.customData as bson_document;
    return Object.keys(data).length === 0 ? undefined : (BSON.EJSON.deserialize(data) as bson_document);
  }

  /** @deprecated Use {@link user.get_custom_data}. The same as JSON text. */
  custom_data(): string | undefined {
    const data = this.internal.customData as bson_document;
    return Object.keys(data).length === 0 ? undefined : JSON.stringify(data);
  }

  /** Calls a function of the app. Rejects with {@link app_error}. */
  call_function(name: string, args: readonly unknown[]): future<unknown>;
  call_function(
    name: string,
    args: readonly unknown[],
    callback: (result: unknown, error: app_error | undefined) => void,
  ): void;
  call_function(
    name: string,
    args: readonly unknown[],
    callback?: (result: unknown, error: app_error | undefined) => void,
  ): future<unknown> | void {
    const work = futureOf(() => this.#call(name, args));
    if (callback === undefined) return work;
    void callWithResult(work, (result, error) => callback(result, error as app_error | undefined));
  }

  async #call(name: string, args: readonly unknown[]): Promise<unknown> {
    const values = args.map((value) => BSON.EJSON.serialize(value, { relaxed: false }) as unknown);
    const answer = await this.internal.app.callFunction(this.internal, name, values);
    return typeof answer === "object" && answer !== null ? BSON.EJSON.deserialize(answer) : answer;
  }

  /** Asks the server for a new access token, and with it the custom data of now. */
  refresh_custom_user_data(): future<void>;
  /** The same, calling back with what went wrong, if anything did. */
  refresh_custom_user_data(callback: (error: app_error | undefined) => void): void;
  refresh_custom_user_data(callback?: (error: app_error | undefined) => void): future<void> | void {
    const work = futureOf(() => this.internal.refreshAccessToken());
    if (callback === undefined) return work;
    void callWithResult(work, (_, error) => callback(error as app_error | undefined));
  }

  /** Whether both are the same user: `==`. */
  equals(other: user): boolean {
    return this.internal === other.internal;
  }
}
