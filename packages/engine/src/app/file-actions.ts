/**
 * Files that are to be set aside because they cannot be synced any more: moved to a recovery path by the next start
 * of the app, or before if the application says so.
 *
 * @module
 */

import type { Core, SyncState } from "../core.js";
import type { Clock, Files } from "../host.js";
import { secretOf } from "../data/secret.js";
import { identityOf } from "../sync/sync-file.js";

/** A file that is to be moved. */
interface FileAction {
  readonly path: string;
  readonly recoveryPath: string;
  /** Identity of the file that is meant: another one at the same path stays. */
  readonly fileIdentity: string;
}

/** Kept file actions of one app. */
export class FileActions {
  readonly #host: Clock & { readonly files: Files };
  readonly #directory: string;
  readonly #path: string | null;
  #actions: readonly FileAction[];
  /** Keys of encrypted files that are scheduled; never written down. */
  readonly #keys = new Map<string, Uint8Array>();

  /**
   * @param directory the app's folder.
   * @param isKept whether they outlast the process.
   */
  constructor(host: Clock & { readonly files: Files }, directory: string, isKept: boolean) {
    this.#host = host;
    this.#directory = directory;
    this.#path = isKept ? host.files.join(directory, "file-actions.json") : null;
    this.#actions = this.#load();
  }

  #load(): readonly FileAction[] {
    const text = this.#path === null ? null : this.#host.files.readText(this.#path);
    if (text === null) return [];
    try {
      const parsed: unknown = JSON.parse(text);
      return Array.isArray(parsed) ? (parsed as FileAction[]) : [];
    } catch {
      // A damaged list moves nothing; the server will ask for a reset again.
      return [];
    }
  }

  #save(actions: readonly FileAction[]): void {
    this.#actions = actions;
    if (this.#path === null) return;
    this.#host.files.makeDirectory(this.#directory);
    this.#host.files.writeText(this.#path, JSON.stringify(actions));
  }

  /** Schedules that a file is moved; returns where it will be. */
  schedule(path: string, fileIdentity: string, encryptionKey?: Uint8Array): string {
    if (encryptionKey !== undefined) this.#keys.set(path, encryptionKey);
    const known = this.#actions.find((action) => action.path === path && action.fileIdentity === fileIdentity);
    if (known !== undefined) return known.recoveryPath;
    const { files } = this.#host;
    const stamp = new Date(this.#host.nowMs())
      .toISOString()
      .replaceAll(/[-:]|\..*/g, "")
      .replace("T", "-");
    const chance = Math.floor(this.#host.random() * 2 ** 32).toString(36);
    const recoveryPath = files.join(this.#directory, "recovered-realms", `recovered_realm-${stamp}-${chance}`);
    this.#save([...this.#actions.filter((action) => action.path !== path), { path, recoveryPath, fileIdentity }]);
    return recoveryPath;
  }

  /** Moves a file that is scheduled; an encrypted one needs its key. Returns false if it is not, or is open. */
  run(core: Core, path: string, encryptionKey?: Uint8Array): boolean {
    const action = this.#actions.find((one) => one.path === path);
    if (action === undefined || core.isOpen(path)) return false;
    const isDone = this.#move(core, action, encryptionKey ?? this.#keys.get(path));
    if (isDone) this.#save(this.#actions.filter((one) => one !== action));
    return isDone;
  }

  /** Moves all files that are scheduled and not open. */
  runAll(core: Core): void {
    for (const { path } of this.#actions) this.run(core, path);
  }

  #move(core: Core, { path, recoveryPath, fileIdentity }: FileAction, key: Uint8Array | undefined): boolean {
    const { files } = this.#host;
    // The process may have ended right after the file was moved, or the application has removed it.
    if (!files.exists(path)) return true;
    try {
      if (storedIdentity(core, path, secretOf(key, this.#host)) !== fileIdentity) return true;
      files.copy(path, recoveryPath);
      core.deleteStore(path);
      return true;
    } catch {
      // It is open in another process, the disk is full, or its key is not known yet: another time.
      return false;
    }
  }
}

function storedIdentity(core: Core, path: string, secret: ReturnType<typeof secretOf>): string {
  const store = core.openStore(path, JSON.stringify({ synced: true, readOnly: true }), ...secret);
  try {
    return identityOf(JSON.parse(store.syncState()) as SyncState);
  } finally {
    store.close();
  }
}
