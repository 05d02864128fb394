/**
 * Apps that are set up: made by the server's Admin API with its well-known account, as the SDKs' own harnesses do it.
 *
 * @module
 */

const adminPath = "/api/admin/v3.0";
const account = { provider: "userpass", username: "unique_user@domain.com", password: "password" };

/** How an app is set up. */
export interface AdminAppOptions {
  /** `partition` is the other kind of synchronisation, which clients of these facades do not speak. */
  readonly syncType?: "flexible" | "partition";
  /** Whether clients that have to start over are to drop what they have not uploaded. */
  readonly isRecoveryDisabled?: boolean;
  /** Fields that rules may look at. */
  readonly queryableFields?: readonly string[];
}

/** A role that allows everything. */
const openRole = {
  name: "default",
  apply_when: {},
  document_filters: { read: true, write: true },
  read: true,
  write: true,
  insert: true,
  delete: true,
  search: true,
};

/** Calls of an administrator who has just logged in: a server that was restarted knows nobody. */
class Administrator {
  readonly #url: string;
  readonly #token: string;

  private constructor(url: string, token: string) {
    this.#url = url;
    this.#token = token;
  }

  static async logIn(url: string): Promise<Administrator> {
    const answer = await fetch(`${url}${adminPath}/auth/providers/local-userpass/login`, {
      method: "POST",
      body: JSON.stringify(account),
    });
    const { access_token: token } = (await answer.json()) as { readonly access_token: string };
    return new Administrator(url, token);
  }

  /** A call that must succeed; its body. */
  async call(method: string, path: string, body?: unknown): Promise<unknown> {
    const answer = await fetch(this.#url + adminPath + path, {
      method,
      headers: { Authorization: `Bearer ${this.#token}`, "Content-Type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text === "" ? undefined : (JSON.parse(text) as unknown);
  }
}

/** An app that was set up. */
export class AdminApp {
  readonly #url: string;
  readonly #path: string;
  #serviceId = "";
  /** What clients call it. */
  readonly clientAppId: string;

  private constructor(url: string, path: string, clientAppId: string) {
    this.#url = url;
    this.#path = path;
    this.clientAppId = clientAppId;
  }

  /** Makes an app in Development Mode that anonymous users and those with an address log in to. */
  static async create(url: string, options: AdminAppOptions = {}): Promise<AdminApp> {
    const administrator = await Administrator.logIn(url);
    const { _id: id, client_app_id: clientAppId } = (await administrator.call("POST", "/groups/tidemark/apps", {
      name: "case",
    })) as { readonly _id: string; readonly client_app_id: string };
    const app = new AdminApp(url, `/groups/tidemark/apps/${id}`, clientAppId);
    await administrator.call("POST", `${app.#path}/auth_providers`, { type: "anon-user" });
    const config = { autoConfirm: true };
    await administrator.call("POST", `${app.#path}/auth_providers`, { type: "local-userpass", config });
    const service = (await administrator.call("POST", `${app.#path}/services`, {
      name: "data",
      type: "mongodb",
      config: { uri: "mongodb://localhost:26000", ...syncConfigOf(options) },
    })) as { readonly _id: string };
    app.#serviceId = service._id;
    await administrator.call("POST", `${app.#path}/services/${service._id}/default_rule`, { roles: [openRole] });
    await administrator.call("PUT", `${app.#path}/sync/config`, { development_mode_enabled: true });
    return app;
  }

  /** Who may see and write what: the default roles of all classes, in their order. */
  async setRoles(roles: readonly object[]): Promise<void> {
    const administrator = await Administrator.logIn(this.#url);
    const path = `${this.#path}/services/${this.#serviceId}/default_rule`;
    const rule = (await administrator.call("GET", path)) as object;
    await administrator.call("PUT", path, { ...rule, roles: roles.map((role) => ({ ...openRole, ...role })) });
  }

  /** Shuts a user out. */
  async disableUser(userId: string): Promise<void> {
    const administrator = await Administrator.logIn(this.#url);
    await administrator.call("PUT", `${this.#path}/users/${userId}/disable`);
  }

  /** Ends a user's log-ins: refresh tokens are refused from now on. */
  async logOutUser(userId: string): Promise<void> {
    const administrator = await Administrator.logIn(this.#url);
    await administrator.call("PUT", `${this.#path}/users/${userId}/logout`);
  }
}

function syncConfigOf(options: AdminAppOptions): object {
  const { syncType = "flexible", isRecoveryDisabled = false, queryableFields = [] } = options;
  const common = { state: "enabled", database_name: "cases", is_recovery_mode_disabled: isRecoveryDisabled };
  if (syncType === "flexible") return { flexible_sync: { ...common, queryable_fields_names: queryableFields } };
  const partition = { key: "_partition", type: "string", required: false, permissions: { read: true, write: true } };
  return { sync: { ...common, partition } };
}
