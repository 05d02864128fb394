/**
 * What the error handler of a session is told: `realm::sync_error`.
 *
 * @module
 */

import type { SyncErrorInformation } from "@tidemark/engine";
import { type status, statusOf } from "../errors.js";
import type { single_value } from "../schema/types.js";

/** An object whose changes the server has undone. */
export interface compensating_write_info {
  /** Name of the class. */
  readonly object_name: string;
  /** Key of the object. */
  readonly primary_key: single_value;
  /** Why, in the server's words. */
  readonly reason: string;
}

/** Something that went wrong in a session. A value, not something thrown. */
export class sync_error {
  readonly #information: SyncErrorInformation;
  readonly #path: string;

  /** @internal */
  constructor(information: SyncErrorInformation, path: string) {
    this.#information = information;
    this.#path = path;
  }

  /**
   * More about it. Of a client reset that is left to the application, `ORIGINAL_FILE_PATH` and `RECOVERY_FILE_PATH`:
   * where the file is, and where the next start of the app moves it.
   */
  user_info(): ReadonlyMap<string, string> {
    const { isClientReset, recoveryPath } = this.#information;
    if (!isClientReset) return new Map();
    return new Map([
      ["ORIGINAL_FILE_PATH", this.#path],
      ["RECOVERY_FILE_PATH", recoveryPath ?? ""],
    ]);
  }

  /** The writes that the server has undone; empty if it is about something else. */
  compensating_writes_info(): readonly compensating_write_info[] {
    return this.#information.writes.map(({ objectName, primaryKey, reason }) => ({
      object_name: objectName,
      primary_key: primaryKey as single_value,
      reason,
    }));
  }

  /** What went wrong, by name. */
  get_status(): status {
    return statusOf(this.#information);
  }

  /** Whether the session cannot go on. */
  is_fatal(): boolean {
    return this.#information.isFatal;
  }

  /** What went wrong, in words. */
  message(): string {
    return this.#information.message;
  }

  /** Whether the file has to start over and the application must see to it. */
  is_client_reset_requested(): boolean {
    return this.#information.isClientReset;
  }
}
