/**
 * How a database is opened: `realm::db_config`.
 *
 * @module
 */

import type { SchemaMode } from "@tidemark/engine";
import { engine } from "./engine.js";
import { invalid_argument, logic_error, notSupported } from "./errors.js";
import type { names } from "./names.js";
import type { any_class } from "./schema/model.js";
import { client_reset, type client_reset_handler, type client_reset_mode } from "./sync/client-reset.js";
import type { sync_config } from "./sync/sync-config.js";

/** A mode of {@link schema_mode}. */
export type schema_mode =
  | "automatic"
  | "immutable"
  | "read_only"
  | "soft_reset_file"
  | "hard_reset_file"
  | "additive_discovered"
  | "additive_explicit"
  | "manual";

/** What may happen to the classes of a file. */
export const schema_mode: names<schema_mode> = Object.freeze({
  /** Classes are added; with a higher version the file is changed to the classes, values kept as far as they fit. */
  automatic: "automatic",
  /** The file is only read, and must have the same version. */
  immutable: "immutable",
  /** The file is only read. */
  read_only: "read_only",
  /** A file that would have to be changed in more than additions, or has another version, is deleted first. */
  soft_reset_file: "soft_reset_file",
  /** The file is deleted first, unless it is open. */
  hard_reset_file: "hard_reset_file",
  /** Classes and properties are added, whatever the version. What all synced databases do. */
  additive_discovered: "additive_discovered",
  /** The same. */
  additive_explicit: "additive_explicit",
  /** Nothing is changed but new files: others must have the classes already. */
  manual: "manual",
});

const modes: Readonly<Record<schema_mode, SchemaMode>> = {
  automatic: "automatic",
  immutable: "immutable",
  read_only: "read-only",
  soft_reset_file: "soft-reset",
  hard_reset_file: "hard-reset",
  additive_discovered: "additive",
  additive_explicit: "additive",
  manual: "manual",
};

/** Where callbacks run. Here it is always the event loop. */
export interface scheduler {
  /** Whether it is the one of this thread. */
  is_on_thread(): boolean;
}

/** The scheduler of the event loop, as `realm::scheduler::make_default()`. */
export const scheduler: {
  /** The scheduler of the event loop. */
  make_default(): scheduler;
} = Object.freeze({
  make_default: () => ({ is_on_thread: () => true }),
});

/** A proxy for connections. */
export interface proxy_config {
  /** Host name. */
  readonly address: string;
  /** Number of the port. */
  readonly port: number;
  /** `name:password` */
  readonly username_password?: string;
}

const keyBytes = 64;

/** How a database is opened. */
export class db_config {
  #path: string;
  #scheduler: scheduler;
  #sync: sync_config | undefined;
  #schema: readonly any_class[] | undefined;
  #mode: schema_mode = schema_mode.automatic;
  #version = 0;
  #headers: Readonly<Record<string, string>> = {};
  #reset: client_reset_handler = client_reset.manual();
  #key: Uint8Array | undefined;
  #decide: ((total_bytes: number, unused_bytes: number) => boolean) | undefined;

  /**
   * A configuration for a database that is not synced.
   *
   * @param path absolute, or from the current directory; `default.realm` if not given.
   */
  constructor(path: string = "default.realm", runs_on: scheduler = scheduler.make_default()) {
    this.#path = path;
    this.#scheduler = runs_on;
  }

  /** Where the file is: absolute. */
  path(): string {
    return engine().host.files.resolve(this.#path);
  }

  /**
   * How the database is synced.
   *
   * @throws logic_error if it is not.
   */
  sync_config(): sync_config {
    if (this.#sync === undefined) throw new logic_error("IllegalOperation", "The config is not for a synced Realm.");
    return this.#sync;
  }

  /** Where callbacks run. */
  scheduler(): scheduler {
    return this.#scheduler;
  }

  /** Sets where the file is. */
  set_path(path: string): void {
    this.#path = path;
  }

  /** Sets the classes; without it all that were declared are taken. */
  set_schema(classes: readonly any_class[]): void {
    this.#schema = classes;
  }

  /** Sets what may happen to the classes of the file; `automatic` at first. Synced databases are only added to. */
  set_schema_mode(mode: schema_mode): void {
    this.#mode = mode;
  }

  /** Of no effect: everything runs on the event loop. */
  set_scheduler(runs_on: scheduler): void {
    this.#scheduler = runs_on;
  }

  /** Sets how the database is synced; `undefined` for not at all. */
  set_sync_config(config: sync_config | undefined): void {
    this.#sync = config;
  }

  /**
   * Sets headers that are sent when connecting.
   *
   * @throws logic_error for a database that is not synced.
   */
  set_custom_http_headers(headers: Readonly<Record<string, string>> | ReadonlyMap<string, string>): void {
    this.#requireSynced("HTTP headers");
    this.#headers = Object.fromEntries(headers instanceof Map ? headers : Object.entries(headers));
  }

  /**
   * Not offered.
   *
   * @throws logic_error for a database that is not synced, else runtime_error.
   */
  set_proxy_config(_proxy: proxy_config): void {
    this.#requireSynced("Proxy configuration");
    throw notSupported("Connecting through a proxy");
  }

  #requireSynced(what: string): void {
    if (this.#sync !== undefined) return;
    throw new logic_error("IllegalOperation", `${what} can only be set on a config for a synced Realm.`);
  }

  /**
   * Sets the version of the schema, 0 at first. A file keeps the highest it was opened with; the server is told that of
   * a synced database.
   */
  set_schema_version(version: number): void {
    this.#version = version;
  }

  /**
   * Sets the key that a file is encrypted with when it is made, and opened with. Opening throws runtime_error if it is
   * not the file's, and leaves the file as it is.
   *
   * @throws invalid_argument unless it has 64 bytes.
   */
  set_encryption_key(key: Uint8Array | readonly number[]): void {
    if (key.length !== keyBytes) {
      throw new invalid_argument(
        "InvalidArgument",
        `The encryption key must be ${keyBytes} bytes long, not ${key.length}`,
      );
    }
    this.#key = Uint8Array.from(key);
  }

  /** Sets who says, when a file is opened that nobody has open, whether to give its unused space back. */
  should_compact_on_launch(decide: (total_bytes: number, unused_bytes: number) => boolean): void {
    this.#decide = decide;
  }

  /** Sets what happens when the server demands that the file starts over; `manual` at first. */
  set_client_reset_handler(handler: client_reset_handler): void {
    this.#reset = handler;
  }

  /** What happens when the server demands that the file starts over. */
  get_client_reset_mode(): client_reset_mode {
    return this.#reset.mode;
  }

  /** @internal What opening needs. */
  settings(): Settings {
    return {
      path: this.path(),
      sync: this.#sync,
      schema: this.#schema,
      isReadOnly: this.#mode === schema_mode.immutable || this.#mode === schema_mode.read_only,
      schemaMode: modes[this.#mode],
      schemaVersion: this.#version,
      headers: this.#headers,
      reset: this.#reset,
      encryptionKey: this.#key,
      decidesOnCompaction: this.#decide,
    };
  }
}

/** @internal A configuration as it was when a database was opened. */
export interface Settings {
  readonly path: string;
  readonly sync: sync_config | undefined;
  readonly schema: readonly any_class[] | undefined;
  readonly isReadOnly: boolean;
  readonly schemaMode: SchemaMode;
  readonly schemaVersion: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly reset: client_reset_handler;
  readonly encryptionKey: Uint8Array | undefined;
  readonly decidesOnCompaction: ((total_bytes: number, unused_bytes: number) => boolean) | undefined;
}
