/**
 * Calls of the Admin API for tests.
 *
 * @module
 */

import type { AdminOptions } from "../admin/administrator.js";

/** The account that the SDKs' harnesses use. */
export const testAdministrator: AdminOptions = {
  user: "unique_user@domain.com",
  password: "password",
  isWellKnown: true,
};

/** What an answer holds that tests look at. */
export interface AdminAnswer {
  readonly status: number;
  readonly type: string | null;
  /** Parsed; `undefined` without one. */
  readonly body: unknown;
}

export const adminPath = "/api/admin/v3.0";
export const privatePath = "/api/private/v1.0";

/** An administrator who is logged in. */
export class AdminClient {
  readonly #url: string;
  readonly token: string;
  readonly refreshToken: string;
  readonly groupPath: string;

  private constructor(url: string, tokens: Readonly<Record<string, string>>, group: string) {
    this.#url = url;
    this.token = tokens["access_token"] ?? "";
    this.refreshToken = tokens["refresh_token"] ?? "";
    this.groupPath = `/groups/${group}`;
  }

  /** Logs in as the harnesses do, and asks for the group. */
  static async logIn(url: string, { user, password }: AdminOptions = testAdministrator): Promise<AdminClient> {
    const answer = await fetch(`${url}${adminPath}/auth/providers/local-userpass/login`, {
      method: "POST",
      body: JSON.stringify({ provider: "userpass", username: user, password }),
    });
    if (answer.status !== 200) throw new Error(`log-in: ${answer.status} ${await answer.text()}`);
    const tokens = (await answer.json()) as Record<string, string>;
    const profile = await fetch(`${url}${adminPath}/auth/profile`, {
      headers: { Authorization: `Bearer ${tokens["access_token"]}` },
    });
    const { roles } = (await profile.json()) as { readonly roles: readonly { readonly group_id: string }[] };
    return new AdminClient(url, tokens, roles[0]?.group_id ?? "");
  }

  /** A call, whatever it is answered with. */
  async call(method: string, path: string, body?: unknown, token: string = this.token): Promise<AdminAnswer> {
    const base = path.startsWith("/api/") ? "" : adminPath;
    const answer = await fetch(this.#url + base + path, {
      method,
      headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json;charset=utf-8" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return {
      status: answer.status,
      type: answer.headers.get("content-type"),
      body: text === "" ? undefined : (JSON.parse(text) as unknown),
    };
  }

  /** A call that must succeed; its body. */
  async must(method: string, path: string, body?: unknown): Promise<Record<string, unknown>> {
    const answer = await this.call(method, path, body);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return (answer.body ?? {}) as Record<string, unknown>;
  }

  /** Makes an app. */
  async createApp(name: string, rest: object = {}): Promise<AppOfAdmin> {
    const app = await this.must("POST", `${this.groupPath}/apps`, { name, ...rest });
    const { _id: id, client_app_id: clientAppId } = app as { readonly _id: string; readonly client_app_id: string };
    return new AppOfAdmin(this, `${this.groupPath}/apps/${id}`, id, clientAppId);
  }
}

/** Calls below one app. */
export class AppOfAdmin {
  readonly #client: AdminClient;
  readonly path: string;
  readonly id: string;
  readonly clientAppId: string;

  constructor(client: AdminClient, path: string, id: string, clientAppId: string) {
    this.#client = client;
    this.path = path;
    this.id = id;
    this.clientAppId = clientAppId;
  }

  call(method: string, path: string, body?: unknown): Promise<AdminAnswer> {
    return this.#client.call(method, `${this.path}/${path}`, body);
  }

  must(method: string, path: string, body?: unknown): Promise<Record<string, unknown>> {
    return this.#client.must(method, `${this.path}/${path}`, body);
  }

  /** A call of the private API. */
  private(method: string, path: string, body?: unknown): Promise<AdminAnswer> {
    return this.#client.call(method, `${privatePath}${this.path}/${path}`, body);
  }

  /** `_id` of the thing that a call made. */
  async idOf(method: string, path: string, body?: unknown): Promise<string> {
    return String((await this.must(method, path, body))["_id"]);
  }
}

/** A role that allows everything, as most suites have it. */
export const openRole = {
  name: "default",
  apply_when: {},
  document_filters: { read: true, write: true },
  read: true,
  write: true,
  insert: true,
  delete: true,
  search: true,
};
