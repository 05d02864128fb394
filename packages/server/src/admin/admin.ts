/**
 * The part of a server that the Admin API is: its apps, and the API where there is an account for it.
 *
 * @module
 */

import { TidemarkError } from "@tidemark/protocol";
import type { Hono } from "hono";
import type { AppRegistry } from "../app-registry.js";
import type { Host } from "../host.js";
import type { KeyValue } from "../key-value.js";
import type { ServerLimits } from "../limits.js";
import type { Logger } from "../logger.js";
import type { Tokens } from "../tokens.js";
import { createAdminApi } from "./admin-api.js";
import { AdminApps } from "./admin-apps.js";
import { adminKey, type AdminOptions, Administrator, adminPasswordLengthMin } from "./administrator.js";

/** What {@link Admin} needs of the server. */
export interface AdminContext {
  /** The account; `null` offers no API. */
  readonly options: AdminOptions | null;
  /** The server's own key. */
  readonly key: Uint8Array;
  readonly registry: AppRegistry;
  readonly store: KeyValue;
  readonly tokens: Tokens;
  readonly host: Host;
  readonly limits: ServerLimits;
  readonly logger: Logger;
  /** Ends the connections of a user who may not go on; `isForGood` if it cannot log in again. */
  readonly closeUser: (appId: string, userId: string, isForGood: boolean) => void;
}

/** The Admin API cannot be offered as it is asked for. */
export class AdminError extends TidemarkError {
  /** What is wrong; stable. */
  declare readonly code: "admin-exposed" | "admin-account";
}

/**
 * Checks that the API would be offered to nobody by accident.
 *
 * @param isLoopback whether only this machine reaches the server.
 * @throws AdminError
 */
export function checkAdminOptions(options: AdminOptions | null, isLoopback: boolean): void {
  if (options === null) return;
  const { user, password, isRemote = false, isWellKnown = false } = options;
  if (user === "" || password === "") {
    throw new AdminError("admin-account", "the account of the Admin API needs a name and a password");
  }
  if (!isRemote && !isLoopback) {
    const message = "the Admin API is offered on a loopback address only, unless it is allowed for other machines";
    throw new AdminError("admin-exposed", message);
  }
  if (isRemote && isWellKnown) {
    throw new AdminError("admin-account", "an account that everybody knows is not for other machines");
  }
  if (!isWellKnown && password.length < adminPasswordLengthMin) {
    const message = `the account of the Admin API needs a password of ${adminPasswordLengthMin} characters or more`;
    throw new AdminError("admin-account", message);
  }
}

/** The Admin API of one server. */
export class Admin {
  readonly #context: AdminContext;
  readonly #apps: AdminApps;

  constructor(context: AdminContext) {
    this.#context = context;
    this.#apps = new AdminApps(context);
  }

  /** Puts the apps of earlier runs in force, before anybody can connect. */
  load(): Promise<void> {
    return this.#apps.load();
  }

  /** Adds the routes to an API that answers their errors. */
  mount(api: Hono): void {
    const { options, key, tokens, host, limits, closeUser } = this.#context;
    if (options === null) return;
    const administrator = new Administrator(options, adminKey(key, options), host);
    const isRemote = options.isRemote ?? false;
    api.route("/", createAdminApi({ apps: this.#apps, administrator, tokens, host, limits, isRemote, closeUser }));
  }
}
