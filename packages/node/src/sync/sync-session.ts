/**
 * Sync sessions.
 *
 * @module
 */

import {
  simulateError,
  type SyncOptions,
  type SyncSession as EngineSession,
  within as withinLimits,
} from "@tidemark/engine";
import { App } from "../app/app.js";
import { User } from "../app/user.js";
import { assert, assertFunction, assertNumber } from "../assert.js";
import { type ConnectionState, ProgressDirection, ProgressMode, SessionState } from "../enums.js";
import { engine } from "../engine.js";
import { call, settle, TimeoutError } from "../errors.js";
import type { SSLConfiguration, SyncConfiguration } from "../configuration.js";

/**
 * Told how far a transfer is: called with an estimate from 0 to 1 if it declares one parameter, with bytes otherwise.
 * Bytes of downloads are made from the server's estimate.
 */
export type ProgressNotificationCallback =
  | ((estimate: number) => void)
  | ((transferred: number, transferable: number) => void);

/** Told of a change of the connection: the new state comes first. */
export type ConnectionNotificationCallback = (newState: ConnectionState, oldState: ConnectionState) => void;

/** What the facade keeps with a session for {@link SyncSession.config}; the engine does not look at it. */
export interface NodeSyncOptions extends SyncOptions {
  readonly ssl?: SSLConfiguration | undefined;
}

/** Progress listeners of all sessions, by session and callback. */
const progressListeners = new WeakMap<EngineSession, Map<unknown, () => void>>();

/**
 * The session of a synced realm. It begins when the realm is opened, and syncs in the background by itself. When the
 * realm is closed, every member throws an {@link AssertionError}: `This SyncSession is no longer valid`.
 */
export class SyncSession {
  readonly #session: EngineSession;

  /** @internal */
  constructor(session: EngineSession) {
    this.#session = session;
  }

  /** @internal */
  get internal(): EngineSession {
    assert(this.#session.isAttached, "This SyncSession is no longer valid");
    return this.#session;
  }

  /** What the realm was opened with, made up again: the user, the headers and `ssl`, without callbacks. */
  get config(): SyncConfiguration {
    const { options } = this.internal;
    const { ssl } = options as NodeSyncOptions;
    const config = { user: this.user, flexible: true, customHttpHeaders: { ...options.headers } } as const;
    return ssl === undefined ? config : { ...config, ssl: { ...ssl } };
  }

  /** Whether the session syncs, connected or not. True the moment it is read. */
  get state(): SessionState {
    const { state } = this.internal;
    return state === "inactive" || state === "paused" ? SessionState.Inactive : SessionState.Active;
  }

  /** The address of the server for sync, as far as it is known. */
  get url(): string {
    return this.internal.app.syncRoute().url;
  }

  /** Who syncs. */
  get user(): User {
    const { user } = this.internal;
    return User.of(App.of(user.app), user);
  }

  /** Whether there is a connection with the server. True the moment it is read. */
  get connectionState(): ConnectionState {
    return this.internal.connectionState;
  }

  /** Whether data can move now: the session is active and the connection is there. */
  isConnected(): boolean {
    return this.connectionState === "connected" && this.state === SessionState.Active;
  }

  /**
   * Stops both directions until {@link SyncSession.resume}, or until the last realm of the file is closed; of a closed
   * realm, what it still uploads. Both states have changed when it returns; waits that are under way reject with code
   * 1027. In `realm` 12 another realm of the same file, or another log-in, ends the pause; here it does not.
   */
  pause(): void {
    const isUploadingOnly = !this.#session.isAttached && this.#session.state === "dying";
    (isUploadingOnly ? this.#session : this.internal).pause();
  }

  /** Goes on after a pause, and connects without waiting. Does nothing while the user is logged out. */
  resume(): void {
    this.internal.resume();
  }

  /**
   * Ends the waiting between attempts to connect, for this session. Nothing happens while it is connected, connecting
   * or paused, or after a fatal error.
   */
  reconnect(): void {
    this.internal.reconnect();
  }

  /**
   * Has a callback told how far a transfer is. It is called soon if something is known already, and never before this
   * returns; a realm that has subscribed to nothing reports nothing. With `forCurrentlyOutstandingWork` the last call
   * is the one with everything transferred.
   *
   * @throws if the callback is registered already for this session, or is no function.
   */
  addProgressNotification(
    direction: ProgressDirection,
    mode: ProgressMode,
    callback: ProgressNotificationCallback,
  ): void {
    assertFunction(callback, "callback");
    const session = this.internal;
    const known = progressListeners.get(session) ?? new Map<unknown, () => void>();
    progressListeners.set(session, known);
    if (known.has(callback)) throw new Error("Remove callback before adding it again");
    const isEstimate = callback.length === 1;
    const end = session.addProgressListener(
      toDirection(direction),
      toMode(mode),
      ({ transferred, transferable, estimate }) => {
        if (isEstimate) (callback as (estimate: number) => void)(estimate);
        else callback(transferred, transferable);
      },
      () => known.delete(callback),
    );
    known.set(callback, end);
  }

  // What removes listeners works after the end too: components that go clean up in no order.

  /** Ends calling back. A callback that is not registered is no error. */
  removeProgressNotification(callback: ProgressNotificationCallback): void {
    const known = progressListeners.get(this.#session);
    known?.get(callback)?.();
    known?.delete(callback);
  }

  /**
   * Has a callback told of changes of the connection, from the next one on, in turns of the event loop of their own.
   *
   * @throws if the callback is registered already.
   */
  addConnectionNotification(callback: ConnectionNotificationCallback): void {
    assertFunction(callback, "callback");
    call(() => this.internal.connectionListeners.add(callback));
  }

  /** Ends calling back. A callback that is not registered is no error. */
  removeConnectionNotification(callback: ConnectionNotificationCallback): void {
    this.#session.connectionListeners.remove(callback);
  }

  /**
   * Resolves when everything that is on the server now is here and the realm shows it.
   *
   * @param timeoutMs milliseconds; without an end by default. The transfer outlives it.
   * @throws {@link TimeoutError} when the time is over; {@link SyncError} if the session is paused, logged out or
   * closed meanwhile, or ended by a fatal error; also for failures that are tried again, if
   * `cancelWaitsOnNonFatalError` says so.
   */
  async downloadAllServerChanges(timeoutMs?: number): Promise<void> {
    // First, since a wait that has begun and that nobody has would end the process when it fails.
    if (timeoutMs !== undefined) assertNumber(timeoutMs, "timeoutMs");
    const text = `Downloading changes did not complete in ${String(timeoutMs)} ms.`;
    await within(settle(this.internal.waitForDownload()), timeoutMs, text);
  }

  /**
   * Resolves when everything that was committed until now is on the server.
   *
   * @param timeoutMs milliseconds; without an end by default. The transfer outlives it.
   * @throws as {@link SyncSession.downloadAllServerChanges} does.
   */
  async uploadAllLocalChanges(timeoutMs?: number): Promise<void> {
    if (timeoutMs !== undefined) assertNumber(timeoutMs, "timeoutMs");
    const text = `Uploading changes did not complete in ${String(timeoutMs)} ms.`;
    await within(settle(this.internal.waitForUpload()), timeoutMs, text);
  }

  /** @internal The file's ident at the server; 0 before it has one. For tests that tell the server of a file. */
  get fileIdent(): bigint {
    return BigInt(this.internal.file.fileIdentity().split(":")[0] ?? 0);
  }

  /** @internal Lets the session fail as if the server had said so; for tests of error handlers. */
  _simulateError(code: number, message: string, _type: string, isFatal: boolean): void {
    simulateError(this.internal, code, message, isFatal);
  }
}

function toDirection(direction: ProgressDirection): "upload" | "download" {
  if (direction === ProgressDirection.Download) return "download";
  if (direction === ProgressDirection.Upload) return "upload";
  throw new Error(`Unexpected direction: ${String(direction)}`);
}

function toMode(mode: ProgressMode): "outstanding" | "indefinite" {
  if (mode === ProgressMode.ForCurrentlyOutstandingWork) return "outstanding";
  if (mode === ProgressMode.ReportIndefinitely) return "indefinite";
  throw new Error(`Unexpected mode: ${String(mode)}`);
}

/** @internal A promise that rejects when it takes too long. */
export async function within<T>(promise: Promise<T>, timeoutMs: number | undefined, text: string): Promise<T> {
  const done = await withinLimits(engine().host, promise, { timeoutMs });
  if (done === undefined) throw new TimeoutError(`Timed out: ${text}`);
  return done.value;
}
