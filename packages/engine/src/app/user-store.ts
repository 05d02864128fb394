/**
 * The users of an app on this device, kept on disk in the app's folder.
 *
 * @module
 */

import type { IdentityBody } from "@tidemark/protocol";
import { EngineError } from "../errors.js";
import type { Files, Host, Sealing } from "../host.js";

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

/** Version of the form that an encrypted file has. */
const sealedVersion = 1;
const keyBytes = 64;

/** An encrypted file. */
interface SealedUsers {
  readonly version: number;
  readonly sealed: string;
}

/** A key, and what is done with it. */
interface Secret {
  readonly key: Uint8Array;
  readonly sealing: Sealing;
}

/** Keeps users in a file, encrypted if there is a key, or in memory only. */
export class UserStore {
  readonly #files: Files;
  readonly #path: string | null;
  readonly #secret: Secret | undefined;

  /**
   * @param path `null` keeps nothing.
   * @param key 64 bytes.
   * @throws {@link EngineError} for a key of another length, and where the host cannot encrypt.
   */
  constructor({ files, sealing }: Pick<Host, "files" | "sealing">, path: string | null, key?: Uint8Array) {
    this.#files = files;
    this.#path = path;
    if (key === undefined) return;
    if (key.length !== keyBytes) {
      throw new EngineError("invalid-key", `An encryption key has ${keyBytes} bytes, this one has ${key.length}.`);
    }
    if (sealing === undefined) throw new EngineError("invalid-argument", "Users cannot be encrypted here.");
    this.#secret = { key: key.slice(), sealing };
  }

  /** @throws {@link EngineError} if the key is not the file's. The file stays as it is. */
  load(): StoredUsers {
    if (this.#path === null) return empty;
    const text = this.#files.readText(this.#path);
    const parsed = text === null ? {} : parse(text);
    const plain = typeof parsed.sealed === "string" ? this.#unseal(parsed as SealedUsers, this.#path) : parsed;
    if (!Array.isArray(plain.users)) return empty;
    if (plain === parsed && this.#secret !== undefined) {
      throw new EngineError("file-not-encrypted", `${this.#path} is not encrypted, but there is a key.`);
    }
    return { currentUserId: plain.currentUserId ?? null, users: plain.users };
  }

  #unseal({ version, sealed }: SealedUsers, path: string): Partial<StoredUsers> {
    if (version !== sealedVersion) throw new EngineError("file-damaged", `${path} is of a newer version.`);
    if (this.#secret === undefined)
      throw new EngineError("file-key-needed", `${path} is encrypted, and there is no key.`);
    const text = this.#secret.sealing.unseal(this.#secret.key, sealed);
    if (text === undefined) throw new EngineError("file-key-wrong", `The key is not that of ${path}.`);
    return parse(text);
  }

  save(users: StoredUsers): void {
    if (this.#path === null) return;
    this.#files.makeDirectory(this.#files.directoryOf(this.#path));
    this.#files.writeText(this.#path, this.#textOf(users));
  }

  #textOf(users: StoredUsers): string {
    const text = JSON.stringify(users);
    if (this.#secret === undefined) return text;
    const sealed = this.#secret.sealing.seal(this.#secret.key, text);
    return JSON.stringify({ version: sealedVersion, sealed } satisfies SealedUsers);
  }
}

/** A damaged file means that everybody has to log in again; their data is elsewhere. */
function parse(text: string): Partial<StoredUsers & SealedUsers> {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === "object" && parsed !== null ? parsed : {};
  } catch {
    return {};
  }
}
