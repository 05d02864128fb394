/**
 * Sync sessions.
 *
 * @module
 */

import { simulateError, type SyncSession as EngineSession, within as withinLimits } from "@tidemark/engine";
import { App } from "../app/app.js";
import { User } from "../app/user.js";
import { assert, assertFunction, assertNumber } from "../assert.js";
import { type ConnectionState, ProgressDirection, ProgressMode, SessionState } from "../enums.js";
import { engine } from "../engine.js";
import { call, settle, TimeoutError } from "../errors.js";
import type { SyncConfiguration } from "../configuration.js";

/** Called with an estimate from 0 to 1 if it declares one parameter, with bytes otherwise. */
export type ProgressNotificationCallback =
  | ((estimate: number) => void)
  | ((transferred: number, transferable: number) => void);

export type ConnectionNotificationCallback = (newState: ConnectionState, oldState: ConnectionState) => void;

/** Progress listeners of all sessions, by session and callback. */
const progressListeners = new WeakMap<EngineSession, Map<unknown, () => void>>();

/** The session of a synced realm. */
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

  /** What the realm was opened with, made up again. */
  get config(): SyncConfiguration {
    const { headers } = this.internal.options;
    return { user: this.user, flexible: true, customHttpHeaders: { ...headers } };
  }

  get state(): SessionState {
    const { state } = this.internal;
    return state === "inactive" || state === "paused" ? SessionState.Inactive : SessionState.Active;
  }

  get url(): string {
    return this.internal.app.syncRoute().url;
  }

  get user(): User {
    const { user } = this.internal;
    return User.of(App.of(user.app), user);
  }

  get connectionState(): ConnectionState {
    return this.internal.connectionState;
  }

  /** Whether data can move now. */
  isConnected(): boolean {
    return this.connectionState === "connected" && this.state === SessionState.Active;
  }

  /** Stops both directions until {@link resume}; of a closed realm, what it still uploads. */
  pause(): void {
    const isUploadingOnly = !this.#session.isAttached && this.#session.state === "dying";
    (isUploadingOnly ? this.#session : this.internal).pause();
  }

  resume(): void {
    this.internal.resume();
  }

  /** Ends the waiting between attempts to connect. Nothing happens while connected. */
  reconnect(): void {
    this.internal.reconnect();
  }

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

  removeProgressNotification(callback: ProgressNotificationCallback): void {
    const known = progressListeners.get(this.internal);
    known?.get(callback)?.();
    known?.delete(callback);
  }

  addConnectionNotification(callback: ConnectionNotificationCallback): void {
    assertFunction(callback, "callback");
    call(() => this.internal.connectionListeners.add(callback));
  }

  removeConnectionNotification(callback: ConnectionNotificationCallback): void {
    this.internal.connectionListeners.remove(callback);
  }

  /** Resolves when everything that is on the server now is here. The transfer outlives the timeout. */
  async downloadAllServerChanges(timeoutMs?: number): Promise<void> {
    const text = `Downloading changes did not complete in ${String(timeoutMs)} ms.`;
    await within(settle(this.internal.waitForDownload()), timeoutMs, text);
  }

  /** Resolves when everything committed until now is on the server. The transfer outlives the timeout. */
  async uploadAllLocalChanges(timeoutMs?: number): Promise<void> {
    const text = `Uploading changes did not complete in ${String(timeoutMs)} ms.`;
    await within(settle(this.internal.waitForUpload()), timeoutMs, text);
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

/** A promise that rejects when it takes too long. */
export async function within<T>(promise: Promise<T>, timeoutMs: number | undefined, text: string): Promise<T> {
  if (timeoutMs !== undefined) assertNumber(timeoutMs, "timeoutMs");
  const done = await withinLimits(engine().host, promise, { timeoutMs });
  if (done === undefined) throw new TimeoutError(`Timed out: ${text}`);
  return done.value;
}
