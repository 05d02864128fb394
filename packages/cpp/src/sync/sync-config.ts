/**
 * How a database is synced: `realm::sync_config`.
 *
 * @module
 */

import type { StopPolicy } from "@tidemark/engine";
import type { user } from "../app/user.js";
import { logic_error } from "../errors.js";
import type { names } from "../names.js";
import type { sync_error } from "./sync-error.js";
import type { sync_session } from "./sync-session.js";

/** A policy of {@link session_stop_policy}. */
export type session_stop_policy = "immediately" | "live_indefinitely" | "after_changes_uploaded";

/** What becomes of a session when the last database of its file is closed. */
export const session_stop_policy: names<session_stop_policy> = Object.freeze({
  /** It ends at once. */
  immediately: "immediately",
  /** It goes on. */
  live_indefinitely: "live_indefinitely",
  /** It ends when everything is uploaded. The default. */
  after_changes_uploaded: "after_changes_uploaded",
});

const stopPolicies: Readonly<Record<session_stop_policy, StopPolicy>> = {
  immediately: "immediately",
  live_indefinitely: "never",
  after_changes_uploaded: "after-upload",
};

/** Told what goes wrong in a session. */
export type sync_error_handler = (session: sync_session, error: sync_error) => void;

/** How a database is synced: by flexible sync, for a user. */
export class sync_config {
  /** @internal */
  readonly user: user;
  /** @internal */
  stopPolicy: StopPolicy = "after-upload";
  /** @internal */
  errorHandler: sync_error_handler | undefined;

  /** Syncs what a user subscribes to. */
  constructor(synced: user) {
    this.user = synced;
  }

  /** @throws logic_error for another value. */
  set_stop_policy(policy: session_stop_policy): void {
    if (!Object.hasOwn(stopPolicies, policy)) {
      throw new logic_error("InvalidArgument", `Unknown stop policy: ${policy}`);
    }
    this.stopPolicy = stopPolicies[policy];
  }

  /** Sets who is told what goes wrong. What it throws is logged, and the session goes on. */
  set_error_handler(handler: sync_error_handler): void {
    this.errorHandler = handler;
  }
}
