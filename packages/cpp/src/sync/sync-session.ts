/**
 * Sessions: `realm::sync_session`.
 *
 * @module
 */

import type { ConnectionListener, SessionState, SyncSession as EngineSession } from "@tidemark/engine";
import { engine } from "../engine.js";
import { runtime_error, type status } from "../errors.js";
import { callWithStatus, type future, futureOf } from "../future.js";
import type { names } from "../names.js";

/** A state of {@link sync_session.state}. */
export type session_state = "active" | "dying" | "inactive" | "waiting_for_access_token" | "paused";
/** A state of {@link sync_session.connection_state}. */
export type connection_state = "disconnected" | "connecting" | "connected";

const state: names<session_state> = Object.freeze({
  /** Data may move. */
  active: "active",
  /** The last database of the file was closed; what was written is still uploaded. */
  dying: "dying",
  /** The user is logged out, or a fatal error has ended it. */
  inactive: "inactive",
  /** The user's access token has run out, and a new one is being asked for. */
  waiting_for_access_token: "waiting_for_access_token",
  /** Until {@link sync_session.resume}. */
  paused: "paused",
});

const connectionState: names<connection_state> = Object.freeze({
  disconnected: "disconnected",
  connecting: "connecting",
  connected: "connected",
});

const states: Readonly<Record<SessionState, session_state>> = {
  active: state.active,
  dying: state.dying,
  inactive: state.inactive,
  "waiting-for-access-token": state.waiting_for_access_token,
  paused: state.paused,
};

/** Listeners by session and token: a handle is a copy like any other, so they cannot be its own. */
const observers = new WeakMap<EngineSession, Map<number, ConnectionListener>>();
let lastToken = 0;

const destroyed = "Realm: Error accessing sync_session which has been destroyed.";

/**
 * A handle of a database's session: small, unchanging, copied by assignment. It does not keep the session: when the
 * last database of the file is closed and nothing is left to upload, every method throws
 * `Realm: Error accessing sync_session which has been destroyed.`
 */
export class sync_session {
  /** The states of a session. */
  static readonly state: names<session_state> = state;
  /** The states of its connection. */
  static readonly connection_state: names<connection_state> = connectionState;
  readonly #session: WeakRef<EngineSession>;

  /** @internal */
  constructor(session: EngineSession) {
    this.#session = new WeakRef(session);
  }

  /** The session, as long as there is one. */
  #require(): EngineSession {
    const session = this.#session.deref();
    if (session === undefined || engine().sync.existing(session.path) !== session) {
      throw new runtime_error("RuntimeError", destroyed);
    }
    return session;
  }

  /** One of {@link sync_session.state}. Data moves while it is active or dying, and the connection is there. */
  state(): session_state {
    return states[this.#require().state];
  }

  /** One of {@link sync_session.connection_state}. */
  connection_state(): connection_state {
    return this.#require().connectionState;
  }

  /**
   * Waits until everything that was committed before is on the server. Rejects with an {@link exception} of the code
   * `OperationAborted` if the session stops meanwhile; while it is stopped, the wait goes on until it is resumed.
   */
  wait_for_upload_completion(): future<void>;
  /** The same, calling back once with how it ended. */
  wait_for_upload_completion(callback: (result: status) => void): void;
  wait_for_upload_completion(callback?: (result: status) => void): future<void> | void {
    return this.#wait((session) => session.waitForUpload(), callback);
  }

  /**
   * Waits until everything that is on the server now is here. The database shows it then; `db.refresh()` is not needed,
   * as it is in realm-cpp. Rejects as the wait for uploads does.
   */
  wait_for_download_completion(): future<void>;
  /** The same, calling back once with how it ended. */
  wait_for_download_completion(callback: (result: status) => void): void;
  wait_for_download_completion(callback?: (result: status) => void): future<void> | void {
    return this.#wait((session) => session.waitForDownload(), callback);
  }

  #wait(
    begin: (session: EngineSession) => Promise<void>,
    callback: ((result: status) => void) | undefined,
  ): future<void> | void {
    const start = (): Promise<void> => {
      const session = this.#require();
      // A session that only finishes its uploads takes no new waits: nobody could end them.
      if (!session.isAttached) throw new runtime_error("RuntimeError", destroyed);
      return begin(session);
    };
    if (callback === undefined) return futureOf(start);
    void callWithStatus(start(), callback);
  }

  /**
   * Stops both directions until {@link sync_session.resume}, or until the last database of the file is closed. What is
   * written meanwhile is kept, and uploaded then. Both states have changed when it returns.
   */
  pause(): void {
    this.#require().pause();
  }

  /** Goes on, and connects at once. Does nothing while the user is logged out. */
  resume(): void {
    this.#require().resume();
  }

  /**
   * Ends the waiting between attempts to connect, of all sessions of the app: in realm-cpp of this one alone. Nothing
   * happens to sessions that are connected, connecting or paused, or that a fatal error has ended.
   */
  reconnect(): void {
    const { sync } = engine();
    sync.reconnect(this.#require().app);
  }

  /**
   * Calls back with the old and the new state of the connection at each change from now on.
   *
   * @returns a token for {@link sync_session.unregister_connection_change_observer}.
   */
  observe_connection_change(callback: (old_state: connection_state, new_state: connection_state) => void): number {
    const session = this.#require();
    const known = observers.get(session) ?? new Map<number, ConnectionListener>();
    observers.set(session, known);
    const listener: ConnectionListener = (newState, oldState) => callback(oldState, newState);
    session.connectionListeners.add(listener);
    lastToken += 1;
    known.set(lastToken, listener);
    return lastToken;
  }

  /** Ends calling back. A token that is not known is no error. */
  unregister_connection_change_observer(token: number): void {
    const session = this.#require();
    const listener = observers.get(session)?.get(token);
    if (listener === undefined) return;
    observers.get(session)?.delete(token);
    session.connectionListeners.remove(listener);
  }

  /** Whether both are handles of one session: `==`. */
  equals(other: sync_session): boolean {
    return this.#session.deref() === other.#session.deref() && this.#session.deref() !== undefined;
  }
}
