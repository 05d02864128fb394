/**
 * Sync sessions.
 *
 * @module
 */

import { type ProgressCall, type RealmFile, type SyncSession as EngineSession, within } from "@tidemark/engine";
import type { User } from "../app/user.js";
import type { SyncConfiguration } from "../configuration/sync-configuration.js";
import { Duration, timeoutMsOf } from "../duration.js";
import { engine } from "../engine.js";
import { IllegalStateException, settle } from "../errors.js";
import type { FlowSource } from "../flow/channel.js";
import type { Flow } from "../flow/flow.js";

/**
 * States of a session. Data moves while it is `ACTIVE` or `DYING` and the connection is `CONNECTED`.
 *
 * @enum
 */
export const SessionState = {
  /** Not synchronising: the user is logged out, or an error has ended it. */
  INACTIVE: "INACTIVE",
  /** Synchronising, or trying to: also without a connection. */
  ACTIVE: "ACTIVE",
  /** Stopped by `pause`. */
  PAUSED: "PAUSED",
  /** The realm is closed; what is left is being uploaded. */
  DYING: "DYING",
  /** The user's access token has run out, and a new one is being asked for. */
  WAITING_FOR_ACCESS_TOKEN: "WAITING_FOR_ACCESS_TOKEN",
} as const;
export type SessionState = (typeof SessionState)[keyof typeof SessionState];

const states = {
  inactive: SessionState.INACTIVE,
  active: SessionState.ACTIVE,
  paused: SessionState.PAUSED,
  dying: SessionState.DYING,
  "waiting-for-access-token": SessionState.WAITING_FOR_ACCESS_TOKEN,
} as const;

/**
 * States of the connection that a session uses.
 *
 * @enum
 */
export const ConnectionState = {
  /** There is none. */
  DISCONNECTED: "DISCONNECTED",
  /** An attempt is under way. */
  CONNECTING: "CONNECTING",
  /** There is one. */
  CONNECTED: "CONNECTED",
} as const;
export type ConnectionState = (typeof ConnectionState)[keyof typeof ConnectionState];

const connectionStates = {
  disconnected: ConnectionState.DISCONNECTED,
  connecting: ConnectionState.CONNECTING,
  connected: ConnectionState.CONNECTED,
} as const;

/** The connection is in another state. */
export interface ConnectionStateChange {
  /** The state before. */
  readonly oldState: ConnectionState;
  /** The state now. */
  readonly newState: ConnectionState;
}

/**
 * Which way data moves.
 *
 * @enum
 */
export const Direction = {
  /** From the server. */
  DOWNLOAD: "DOWNLOAD",
  /** To the server. */
  UPLOAD: "UPLOAD",
} as const;
export type Direction = (typeof Direction)[keyof typeof Direction];

const directions = { DOWNLOAD: "download", UPLOAD: "upload" } as const;

/**
 * How long progress is told.
 *
 * @enum
 */
export const ProgressMode = {
  /** Until what was outstanding at the beginning has moved. Estimates only grow. */
  CURRENT_CHANGES: "CURRENT_CHANGES",
  /** Until nobody listens. Estimates fall when there is more to move. */
  INDEFINITELY: "INDEFINITELY",
} as const;
export type ProgressMode = (typeof ProgressMode)[keyof typeof ProgressMode];

const modes = { CURRENT_CHANGES: "outstanding", INDEFINITELY: "indefinite" } as const;

/** How much has moved. */
export interface Progress {
  /** From 0 to 1. */
  readonly estimate: number;
  /** Whether everything has moved. What was downloaded is there after `downloadAllServerChanges`. */
  readonly isTransferComplete: boolean;
}

function progressOf({ estimate }: ProgressCall): Progress {
  return { estimate, isTransferComplete: estimate >= 1 };
}

/** @internal What a session object is made of. */
export interface SyncSessionParts {
  readonly session: EngineSession;
  readonly configuration: SyncConfiguration;
  /** A flow that completes when the realm is closed. */
  flow<T>(source: FlowSource<T>): Flow<T>;
  readonly file: () => RealmFile | undefined;
  /** Whether it is the one that an error handler gets, which may do less. */
  readonly isOfErrorHandler: boolean;
}

/** The session of a realm. It begins with the realm, and synchronises in the background by itself. */
export class SyncSession {
  /** The states of a session. */
  static readonly State: typeof SessionState = SessionState;
  readonly #parts: SyncSessionParts;

  /** @internal */
  constructor(parts: SyncSessionParts) {
    this.#parts = parts;
  }

  get #session(): EngineSession {
    return this.#parts.session;
  }

  #requireNoErrorHandler(): void {
    if (!this.#parts.isOfErrorHandler) return;
    throw new IllegalStateException("Operation is not allowed inside a `SyncSession.ErrorHandler`.");
  }

  /** What the realm was opened with. @throws {@link IllegalStateException} inside of an error handler. */
  get configuration(): SyncConfiguration {
    this.#requireNoErrorHandler();
    return this.#parts.configuration;
  }

  /** Who synchronises. @throws {@link IllegalStateException} inside of an error handler. */
  get user(): User {
    return this.configuration.user;
  }

  /**
   * Whether the session synchronises, connected or not. True the moment it is read, and also after the realm was
   * closed.
   */
  get state(): SessionState {
    return states[this.#session.state];
  }

  /** Whether there is a connection with the server. True the moment it is read. */
  get connectionState(): ConnectionState {
    return connectionStates[this.#session.connectionState];
  }

  /**
   * Waits until everything that is on the server now is here; the realm shows it then.
   *
   * @param timeout how long to wait; milliseconds if it is a number, for ever by default.
   * @returns false if the time is over. The transfer goes on.
   * @throws {@link SyncException} if synchronisation fails or the session is stopped meanwhile;
   * {@link IllegalArgumentException} if the timeout is not positive; {@link IllegalStateException} inside of an error
   * handler, or if the realm is closed.
   */
  async downloadAllServerChanges(timeout: Duration | number = Duration.INFINITE): Promise<boolean> {
    return this.#wait(timeout, () => this.#session.waitForDownload());
  }

  /**
   * Waits until everything that was written here until now is on the server. Timeout, result and errors are those of
   * {@link downloadAllServerChanges}.
   */
  async uploadAllLocalChanges(timeout: Duration | number = Duration.INFINITE): Promise<boolean> {
    return this.#wait(timeout, () => this.#session.waitForUpload());
  }

  async #wait(timeout: Duration | number, begin: () => Promise<void>): Promise<boolean> {
    this.#requireNoErrorHandler();
    const timeoutMs = timeoutMsOf(timeout);
    if (this.#parts.file() === undefined) {
      throw new IllegalStateException("This method is not available when the Realm has been closed.");
    }
    const wait = settle((async () => begin())());
    const done = await within(engine().host, wait, { timeoutMs });
    this.#parts.file()?.onChanged();
    return done !== undefined;
  }

  /**
   * Stops both directions until {@link resume}, or until the last realm of the file is closed. Both states have changed
   * when it returns; waits that are under way throw `[Sync][OperationAborted(1027)] Sync session became inactive.` Does
   * nothing once the last realm of the file is closed.
   */
  pause(): void {
    if (this.#session.isAttached) this.#session.pause();
  }

  /**
   * Goes on after a pause, at once and without waiting for the next attempt to connect. Does nothing while the user is
   * logged out.
   */
  resume(): void {
    if (this.#session.isAttached) this.#session.resume();
  }

  /**
   * Follows the progress of one direction. Each collection listens by itself. Completes when the realm is closed, and
   * in the mode `CURRENT_CHANGES` when the transfer is complete.
   */
  progressAsFlow(direction: Direction, progressMode: ProgressMode): Flow<Progress> {
    const [way, mode] = [directions[direction], modes[progressMode]];
    return this.#parts.flow<Progress>((emitter) =>
      this.#session.addProgressListener(
        way,
        mode,
        (progress) => emitter.emit(progressOf(progress)),
        () => emitter.complete(),
      ),
    );
  }

  /** Follows changes of the connection's state, from the next one on. Completes when the realm is closed. */
  connectionStateAsFlow(): Flow<ConnectionStateChange> {
    return this.#parts.flow<ConnectionStateChange>((emitter) => {
      const { connectionListeners } = this.#session;
      const listener: Parameters<typeof connectionListeners.add>[0] = (newState, oldState) =>
        emitter.emit({ oldState: connectionStates[oldState], newState: connectionStates[newState] });
      connectionListeners.add(listener);
      return () => connectionListeners.remove(listener);
    });
  }
}
