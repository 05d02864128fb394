/**
 * The users of an app on this device, kept on disk in the app's folder.
 *
 * @module
 */

import type { IdentityBody } from "@tidemark/protocol";
import type { Files } from "../host.js";

/** A user as kept. */
export interface StoredUser {
  readonly id: string;
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly deviceId: string;
  readonly identities: readonly Pick<IdentityBody, "id" | "provider_type">[];
  readonly profile: Readonly<Record<string, unknown>>;
  readonly isLoggedIn: boolean;
}

/** All users of an app. */
export interface StoredUsers {
  readonly currentUserId: string | null;
  /** In order of their last log-in, newest last. */
  readonly users: readonly StoredUser[];
}

const empty: StoredUsers = { currentUserId: null, users: [] };

/** Keeps users in a file, or in memory only. */
export class UserStore {
  readonly #files: Files;
  readonly #path: string | null;

  /** @param path `null` keeps nothing. */
  constructor(files: Files, path: string | null) {
    this.#files = files;
    this.#path = path;
  }

  load(): StoredUsers {
    if (this.#path === null) return empty;
    const text = this.#files.readText(this.#path);
    if (text === null) return empty;
    try {
      const parsed = JSON.parse(text) as Partial<StoredUsers>;
      return Array.isArray(parsed.users) ? { currentUserId: parsed.currentUserId ?? null, users: parsed.users } : empty;
    } catch {
      // A damaged file means that everybody has to log in again; their data is elsewhere.
      return empty;
    }
  }

  save(users: StoredUsers): void {
    if (this.#path === null) return;
    this.#files.makeDirectory(this.#files.directoryOf(this.#path));
    this.#files.writeText(this.#path, JSON.stringify(users));
  }
}
