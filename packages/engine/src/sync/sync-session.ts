/**
 * A session as the application sees it: states that are true the moment they are read, waits, listeners.
 *
 * The loop runs elsewhere; what the application asks is mirrored here at once, and what the loop then says is taken in
 * by generations. Order on pause: state, connection listeners, subscription waiters, waits (sdk-surfaces §2.3).
 *
 * @module
 */

import type { App } from "../app/app.js";
import { Listeners } from "../app/listeners.js";
import type { User } from "../app/user.js";
import type { SnapshotId } from "../core.js";
import { EngineError, must, operationAborted, type SyncErrorInformation, SyncFailure } from "../errors.js";
import type { Clock } from "../host.js";
import type { LogCategory } from "../log.js";
import type { LogLevel } from "../binding/log-filter.js";
import { withKeys } from "./rejected-key.js";
import { askBefore, tellAfter, tellReports } from "./reset-handlers.js";
import type { SyncFile } from "./sync-file.js";
import type { ConnectionListener, StatusListener, SyncOptions } from "./sync-options.js";
import { type SessionAction, type SessionEvent, type SessionState, sessionTransitions } from "./session-states.js";
import type { SyncManager } from "./sync-manager.js";
import { isSameStatus, statusOf, type SyncStatus } from "./sync-status.js";
import type {
  ConnectionState,
  ErrorConsequence,
  Generation,
  ProgressReport,
  SessionId,
  SessionSettings,
  SyncEvent,
} from "./messages.js";
import type { ProgressCall, ProgressDirection, ProgressListener, ProgressMode } from "./progress.js";
import { ProgressNotifier } from "./progress.js";

/** A wait that was asked for. */
interface Wait {
  readonly kind: "upload" | "download";
  readonly targetVersion: number;
  readonly fileIdentity: string;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** The session of one file. */
export class SyncSession {
  /** Never reused in a process. */
  readonly id: SessionId;
  /** Where the file is. */
  readonly path: string;
  /** Told of changes of the connection. */
  readonly connectionListeners: Listeners<ConnectionListener> = new Listeners();
  readonly #manager: SyncManager;
  readonly #clock: Clock;
  #options: SyncOptions;
  #file: SyncFile | undefined;
  #state: SessionState = "inactive";
  #connectionState: ConnectionState = "disconnected";
  /** Whether the loop has a connection, also when nobody is told any more. */
  #isLinked = false;
  #generation: Generation = 0;
  #lastWait = 0;
  /** Errors that are told when the loop has closed the file, by the generation of the command. */
  readonly #toldWhenClosed = new Map<Generation, () => void>();
  readonly #waits = new Map<number, Wait>();
  /** Waits asked for while there was no live session; they begin with the next one. */
  #queued: Wait[] = [];
  /** @internal Called when the session stops, before the waits fail: waiters for subscriptions. */
  readonly subscriptionWaiters: Set<(error: Error) => void> = new Set();
  readonly #progressListeners = new Set<ProgressListener>();
  /** Called with the status after each change of it, never with the one at registration. */
  readonly #statusListeners: Listeners<StatusListener> = new Listeners();
  #knownStatus: SyncStatus | undefined;
  #isStatusDue = false;
  /** The error that ended the session, until it is taken up again. */
  #endedBy: SyncErrorInformation | undefined;
  #lastReport: ProgressReport | undefined;

  constructor(id: SessionId, path: string, manager: SyncManager, options: SyncOptions) {
    this.id = id;
    this.path = path;
    this.#manager = manager;
    this.#clock = manager.clock;
    this.#options = options;
  }

  /** The user's app. */
  get app(): App {
    return this.#options.user.app;
  }

  /** Who syncs. */
  get user(): User {
    return this.#options.user;
  }

  /** How the file is synced: as of the realm that was opened last. */
  get options(): SyncOptions {
    return this.#options;
  }

  /** True the moment it is read. */
  get state(): SessionState {
    return this.#state;
  }

  /** True the moment it is read. */
  get connectionState(): ConnectionState {
    return this.#connectionState;
  }

  /** Whether a realm of this file is open. */
  get isAttached(): boolean {
    return this.#file !== undefined;
  }

  /** Whether the session runs for the sake of somebody: an open realm, or uploads that are under way. */
  get keepsProcess(): boolean {
    if (this.isAttached) return this.#state === "active" || this.#state === "waiting-for-access-token";
    // One that never stops, or was resumed without a realm, would keep it for ever.
    const isFinishing = this.#state === "dying" || (this.#state === "active" && this.#options.stopPolicy !== "never");
    return isFinishing && this.#isLinked;
  }

  /** Whether the application is to be told something as soon as the loop has closed the file. */
  get awaitsClose(): boolean {
    return this.#toldWhenClosed.size > 0;
  }

  #settings(): SessionSettings {
    return {
      path: this.path,
      userKey: this.#manager.userKey(this.user),
      isMultiplexed: this.app.isMultiplexed,
      schemaVersion: this.#options.schemaVersion,
      headers: this.#options.headers,
      resetPolicy: this.#options.resetPolicy ?? "manual",
      timeouts: this.app.syncTimeouts,
      encryptionKey: this.#options.encryptionKey,
    };
  }

  // --- life ------------------------------------------------------------------------------------------------

  /** @internal A realm of the file was opened. */
  attach(file: SyncFile, options: SyncOptions): void {
    this.#file = file;
    const { onError, reset } = this.#options;
    this.#options = { ...options, onError: options.onError ?? onError, reset: options.reset ?? reset };
    this.revive();
    this.#later(() => this.#tellReports());
  }

  /** @internal The last realm of the file was closed. */
  detach(): void {
    this.#file = undefined;
    if (this.#on(`detach-${this.#options.stopPolicy}`)) this.#dropListeners();
    else this.#manager.onActivityChanged();
  }

  #dropListeners(): void {
    // What has happened until now is still told, this last change too.
    const leaving = this.connectionListeners.retire();
    this.#later(() => this.connectionListeners.forgetRetired(leaving));
    this.#statusListeners.clear();
    const queued = this.#queued.splice(0);
    this.#later(() => {
      // A realm opened meanwhile has its own listeners already; these belong to the closed one.
      for (const wait of queued) wait.reject(operationAborted());
    });
    this.#progressListeners.clear();
    this.#lastReport = undefined;
  }

  /** Stops both directions until {@link resume}. */
  pause(): void {
    this.#on("pause");
  }

  /** Goes on after {@link pause}, or after an error. Does nothing while the user is logged out. */
  resume(): void {
    if (this.user.isLoggedIn) this.#on(this.user.needsRefresh ? "resume-without-token" : "resume");
  }

  /** Stops because of the user or an error; another log-in or open takes it up again, unless it is paused. */
  forceClose(error: Error = operationAborted()): void {
    this.#on("force-close", error);
  }

  /** Begins to sync if the user is logged in and the session is not paused. */
  revive(): void {
    if (this.user.isLoggedIn) this.#on(this.user.needsRefresh ? "revive-without-token" : "revive");
  }

  /** @internal The user has a usable token, or none can be had just now: in both cases the loop may try. */
  onToken(): void {
    this.#on("token");
  }

  /**
   * Takes in an event as the table of states says.
   *
   * @param error what waits fail with, if they do.
   * @returns whether anything happened.
   */
  #on(event: SessionEvent, error: Error = operationAborted()): boolean {
    const transition = sessionTransitions[this.#state][event];
    if (transition === null) return false;
    if (this.#state !== transition.to) this.#log("Session", "debug", `${this.#state} → ${transition.to}`);
    this.#state = transition.to;
    this.#generation += 1;
    for (const action of transition.actions) this.#do(action, error);
    this.#statusMayHaveChanged();
    this.#manager.onActivityChanged();
    return true;
  }

  #do(action: SessionAction, error: Error): void {
    switch (action) {
      case "activate":
        return this.#activate();
      case "request-token":
        return this.#manager.refreshToken(this.user);
      case "finish":
        return this.#manager.post({ type: "finish", session: this.id, generation: this.#generation });
      case "deactivate":
      case "deactivate-lingering": {
        this.#isLinked = false;
        const mayLinger = action === "deactivate-lingering";
        return this.#manager.post({ type: "deactivate", session: this.id, generation: this.#generation, mayLinger });
      }
      case "disconnect":
        return this.#setConnectionState("disconnected");
      case "fail-waits":
        return this.#failAll(error);
      case "forget":
        return this.#manager.forget(this);
    }
  }

  #activate(): void {
    this.#endedBy = undefined;
    this.#connectionState = "disconnected";
    this.#manager.postUser(this.user);
    this.#manager.post({
      type: "activate",
      session: this.id,
      generation: this.#generation,
      settings: this.#settings(),
    });
    for (const wait of this.#queued.splice(0)) this.#begin(wait);
  }

  #failAll(error: Error): void {
    const waits = [...this.#waits.values()];
    this.#waits.clear();
    this.failSubscriptionWaiters(error);
    this.#later(() => {
      for (const wait of waits) wait.reject(error);
    });
  }

  /** @internal A wait for subscriptions cannot end well while the session is stopped. */
  failSubscriptionWaiters(error: Error = operationAborted()): void {
    const waiters = [...this.subscriptionWaiters];
    this.subscriptionWaiters.clear();
    this.#later(() => {
      for (const fail of waiters) fail(error);
    });
  }

  #setConnectionState(state: ConnectionState): void {
    const before = this.#connectionState;
    if (before === state) return;
    this.#connectionState = state;
    this.#log("Network", "debug", `${before} → ${state}`);
    const { connectionListeners } = this;
    const callbacks = connectionListeners.all();
    this.#later(() => {
      for (const callback of callbacks) {
        if (connectionListeners.isWanted(callback)) this.#guard(() => callback(state, before));
      }
    });
  }

  #later(call: () => void): void {
    this.#clock.defer(call);
  }

  #log(part: "Session" | "Network" | "Reset", level: LogLevel, text: string): void {
    const category: LogCategory = `Realm.Sync.Client.${part}`;
    this.#manager.log(category, level, `Session ${this.id} (${this.path}): ${text}`);
  }

  /** What a listener throws must not keep the others from being called. */
  #guard(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#later(() => {
        throw error;
      });
    }
  }

  /** @internal The application has committed something. */
  onCommitted(): void {
    if (this.#state === "active") this.#manager.post({ type: "committed", session: this.id });
    this.#statusMayHaveChanged();
  }

  /** Ends the waiting between attempts to connect. */
  reconnect(): void {
    if (this.#state === "active") this.#manager.post({ type: "reconnect", session: this.id });
  }

  // --- waits -----------------------------------------------------------------------------------------------

  /** Resolves when everything committed until now is on the server. */
  waitForUpload(): Promise<void> {
    return this.#wait("upload", this.#requireFile().uploadTarget());
  }

  /** Resolves when everything that is on the server now is here. */
  waitForDownload(): Promise<void> {
    // Nobody could end the wait of a session that only finishes its uploads.
    this.#requireFile();
    return this.#wait("download", { targetVersion: 0, fileIdentity: "0" });
  }

  /** Resolves when what the loop has said until now is taken in; at once where it does not run. */
  async caughtUp(): Promise<void> {
    if (this.#state !== "active") return;
    // Nothing is left to upload for this one: the loop answers at once, behind everything it has said before.
    await this.#wait("upload", { targetVersion: 0, fileIdentity: "0" }).catch(() => undefined);
  }

  #requireFile(): SyncFile {
    if (this.#file === undefined) throw new EngineError("invalidated", "This SyncSession is no longer valid");
    return this.#file;
  }

  #wait(kind: Wait["kind"], target: Pick<Wait, "targetVersion" | "fileIdentity">): Promise<void> {
    return new Promise((resolve, reject) => {
      const wait: Wait = { kind, ...target, resolve, reject };
      if (this.#state === "active") this.#begin(wait);
      else this.#queued.push(wait);
    });
  }

  #begin(wait: Wait): void {
    this.#lastWait += 1;
    this.#waits.set(this.#lastWait, wait);
    const { kind, targetVersion, fileIdentity } = wait;
    const common = { session: this.id, wait: this.#lastWait };
    this.#manager.post(
      kind === "upload"
        ? { type: "wait-upload", ...common, targetVersion, fileIdentity }
        : { type: "wait-download", ...common },
    );
  }

  // --- client resets ---------------------------------------------------------------------------------------

  /** @internal Begins a client reset as if the server had demanded it with this error. */
  demandReset(error: SyncErrorInformation, code: number): void {
    if ((this.#options.resetPolicy ?? "manual") === "manual") return this.onError(error, "stop");
    if (this.#state !== "active") return;
    const demand = { error, code, allowsRecovery: true };
    this.#manager.post({ type: "demand-reset", session: this.id, generation: this.#generation, demand });
  }

  async #onResetReady(generation: Generation): Promise<void> {
    if (generation !== this.#generation) return;
    this.#log("Reset", "detail", "a client reset begins");
    const refusal = await askBefore(this, this.#options.reset);
    this.#manager.post({ type: "reset-answer", session: this.id, generation, refusal });
  }

  async #onResetDone(before: SnapshotId, isRecovered: boolean): Promise<void> {
    this.#log("Reset", "detail", `a client reset has ${isRecovered ? "recovered" : "discarded"} what was not uploaded`);
    const error = this.isAttached ? await tellAfter(this, this.#options.reset, before, isRecovered) : undefined;
    this.#manager.post({ type: "reset-seen", session: this.id, before });
    if (error !== undefined) this.onError(error, "warn");
    this.#tellReports();
  }

  #tellReports(): void {
    tellReports(
      this,
      this.#clock,
      () => this.#file,
      (call) => this.#guard(call),
    );
  }

  /** What the application is told of a file that it has to deal with: where the file will be set aside. */
  #withRecoveryPath(error: SyncErrorInformation): SyncErrorInformation {
    if (!error.isClientReset || this.#file === undefined) return error;
    const identity = this.#file.fileIdentity();
    const recoveryPath = this.app.fileActions.schedule(this.path, identity, this.#options.encryptionKey);
    return { ...error, recoveryPath };
  }

  // --- progress --------------------------------------------------------------------------------------------

  /**
   * Registers a listener. If a progress is known, it is called with it soon, never before this returns.
   *
   * @param onExpired called when an `outstanding` listener has had its last call.
   * @returns what removes the listener.
   */
  addProgressListener(
    direction: ProgressDirection,
    mode: ProgressMode,
    callback: (call: ProgressCall) => void,
    onExpired: () => void = () => undefined,
  ): () => void {
    const registration = this.#requireFile().progressRegistration();
    const listener: ProgressListener = {
      notifier: new ProgressNotifier(direction, mode, registration),
      callback,
      onExpired,
    };
    this.#progressListeners.add(listener);
    const known = this.#lastReport;
    if (known !== undefined) this.#tell(listener, known);
    return () => {
      this.#progressListeners.delete(listener);
    };
  }

  #tell(listener: ProgressListener, report: ProgressReport): void {
    const call = listener.notifier.take(report);
    if (call === undefined) return;
    const { isExpired } = listener.notifier;
    this.#later(() => {
      if (!this.#progressListeners.has(listener)) return;
      if (isExpired) this.#progressListeners.delete(listener);
      this.#guard(() => listener.callback(call));
      if (isExpired) listener.onExpired();
    });
  }

  // --- status ----------------------------------------------------------------------------------------------

  /** What a user interface shows of the session now. */
  get status(): SyncStatus {
    return statusOf({
      ...this.#requireFile().pendingTransfer(),
      state: this.#state,
      connectionState: this.#connectionState,
      downloadEstimate: this.#lastReport?.downloadEstimate ?? 1,
      endedBy: this.#endedBy,
    });
  }

  /** Registers a listener of the status. @returns what removes it. */
  addStatusListener(listener: StatusListener): () => void {
    this.#knownStatus ??= this.status;
    this.#statusListeners.add(listener);
    return () => this.#statusListeners.remove(listener);
  }

  /** Compares in a later turn: what happens in one turn is one change. */
  #statusMayHaveChanged(): void {
    if (this.#isStatusDue || this.#statusListeners.size === 0) return;
    this.#isStatusDue = true;
    this.#later(() => {
      this.#isStatusDue = false;
      if (this.#file === undefined) return;
      const status = this.status;
      if (this.#knownStatus !== undefined && isSameStatus(this.#knownStatus, status)) return;
      this.#knownStatus = status;
      this.#statusListeners.each((listener) => this.#guard(() => listener(status)));
    });
  }

  // --- the loop's side -------------------------------------------------------------------------------------

  /** @internal Takes in what the loop says. */
  onEvent(event: Extract<SyncEvent, { session: SessionId }>): void {
    this.#statusMayHaveChanged();
    switch (event.type) {
      case "connection":
        if (event.generation !== this.#generation) return;
        this.#isLinked = event.state === "connected";
        if (this.#state === "active") this.#setConnectionState(event.state);
        this.#manager.onActivityChanged();
        return;
      case "changed":
        this.#file?.onChanged();
        return;
      case "progress":
        this.#lastReport = event.report;
        for (const listener of Array.from(this.#progressListeners)) this.#tell(listener, event.report);
        return;
      case "wait-done": {
        const wait = this.#waits.get(event.wait);
        this.#waits.delete(event.wait);
        if (wait !== undefined) this.#later(wait.resolve);
        return;
      }
      case "closed":
        this.#toldWhenClosed.get(event.generation)?.();
        this.#toldWhenClosed.delete(event.generation);
        return;
      case "reset-ready":
        this.#later(() => void this.#onResetReady(event.generation));
        return;
      case "reset-done":
        this.#later(() => void this.#onResetDone(event.before, event.isRecovered));
        return;
      case "finished":
        if (event.generation === this.#generation) this.#on("uploaded");
        return;
      case "error":
        // That writes were undone is said once, whatever became of the session meanwhile.
        if (event.generation === this.#generation || event.error.writes.length > 0) {
          this.onError(withKeys(event.error), event.consequence);
        }
        return;
    }
  }

  /** @internal A failure, with what follows from it. */
  onError(information: SyncErrorInformation, consequence: ErrorConsequence): void {
    if (this.#state === "inactive" || (this.#state === "paused" && information.writes.length === 0)) return;
    const { status, message } = information;
    // What the application is told it may log by itself.
    this.#log("Session", consequence === "transient" ? "debug" : "detail", `error ${status}: ${message}`);
    const error = consequence === "stop" ? this.#withRecoveryPath(information) : information;
    const failure = new SyncFailure(error);
    const wasDying = this.#state === "dying";
    const wasActive = this.#state === "active";
    switch (consequence) {
      case "transient":
        return;
      case "unreachable":
        if (this.#options.cancelsWaitsOnNonFatalError) this.#failAll(failure);
        return;
      case "warn":
        if (error.isFatal || (this.#options.cancelsWaitsOnNonFatalError && error.writes.length === 0)) {
          this.#failAll(failure);
        }
        break;
      case "stop":
      case "log-out":
        this.#endedBy = error;
        this.#on("stop", failure);
        if (consequence === "log-out") this.user.app.forgetTokens(this.user);
        break;
    }
    const { onError } = this.#options;
    if (onError === undefined || wasDying) return;
    const tell = (): void => this.#later(() => this.#guard(() => onError(this, error)));
    // Whoever is to set the file aside may close it and do so at once.
    if (error.recoveryPath !== undefined && wasActive) this.#toldWhenClosed.set(this.#generation, tell);
    else tell();
  }

  /**
   * The user was logged out because the server refused the refresh token: what waited for a session is over too.
   *
   * @internal
   */
  onRefused(error: SyncErrorInformation): void {
    const { onError } = this.#options;
    const queued = this.#queued.splice(0);
    const failure = new SyncFailure(error);
    this.#later(() => {
      for (const wait of queued) wait.reject(failure);
    });
    if (onError !== undefined && this.#state === "inactive") this.#later(() => this.#guard(() => onError(this, error)));
  }

  /** @internal The file's side, for those who know that it is open. */
  get file(): SyncFile {
    return must(this.#file, "a realm of the file is open");
  }
}
