/**
 * All sessions of the process on the application's side, by file; carries tokens and locations to the loop.
 *
 * @module
 */

import type { App, UserChange } from "../app/app.js";
import type { User } from "../app/user.js";
import { ServiceError, type SyncErrorInformation, SyncFailure } from "../errors.js";
import type { Clock, TimerId } from "../host.js";
import type { LogSink } from "../log.js";
import { BackOff } from "./back-off.js";
import type { SessionId, SyncCommand, SyncEvent, SyncTransport } from "./messages.js";
import { authError } from "./status.js";
import type { SyncOptions } from "./sync-options.js";
import { SyncSession } from "./sync-session.js";

/** Starts the loop; called when the first command is to be sent. */
export type TransportFactory = (onEvents: (events: readonly SyncEvent[]) => void) => SyncTransport;

/** A token that is refused sooner than this after it was issued is refreshed with growing delays. */
const freshTokenMs = 30_000;

/** Networks that come and go reconnect sessions at most this often; realm-kotlin's value. */
const onlinePauseMs = 5_000;

/** Uploads of a closed realm may keep the process this long. */
const finishGraceMs = 10_000;

/** Times by the names that the original's log has for them. */
const timeoutNames = {
  connect_timeout: "connectTimeoutMs",
  connection_linger_time: "connectionLingerMs",
  ping_keepalive_period: "pingPeriodMs",
  pong_keepalive_timeout: "pongTimeoutMs",
  fast_reconnect_limit: "fastReconnectLimitMs",
} as const;

/** What waits fail with, and handlers are told, when no access token is to be had any more. */
function refusedToken(cause: Error): SyncErrorInformation {
  return authError(`Unable to refresh the user access token: ${cause.message}`);
}

function newBackOff({ syncTimeouts }: App): BackOff {
  const { backOffInitialMs, backOffMaxMs } = syncTimeouts;
  return new BackOff({ initialMs: backOffInitialMs, maxMs: backOffMaxMs, multiplier: 2 });
}

/** The sessions. */
export class SyncManager {
  /** Time and turns. */
  readonly clock: Clock;
  /** Where lines of sessions go. */
  readonly log: LogSink;
  readonly #startTransport: TransportFactory;
  #transport: SyncTransport | undefined;
  readonly #sessions = new Map<SessionId, SyncSession>();
  /** Those that nobody needs any more, and that have something to tell once the loop has closed their file. */
  readonly #leaving = new Map<SessionId, SyncSession>();
  readonly #byPath = new Map<string, SyncSession>();
  /** Apps whose users are watched, by numbers of their own: two may have one id, and each has its own times. */
  readonly #apps = new WeakMap<App, number>();
  #lastApp = 0;
  readonly #users = new Map<string, User>();
  /** What ends a refresh that is under way, by user. */
  readonly #refreshes = new Map<string, AbortController>();
  readonly #refreshedAt = new Map<string, { atMs: number; readonly backOff: BackOff }>();
  /** Files whose sessions have ended, which the loop may not have closed yet; see `Engine.waitForSessionsToEnd`. */
  readonly endedPaths: Set<string> = new Set();
  #lastId = 0;
  #onlineAtMs: number | undefined;
  #keepsProcess = false;
  /** How long the process may still be kept for closed realms; none while one is open, or nothing is uploaded. */
  #grace: { readonly timer: TimerId; isOver: boolean } | undefined;

  constructor(clock: Clock, startTransport: TransportFactory, log: LogSink = () => undefined) {
    this.clock = clock;
    this.log = log;
    this.#startTransport = startTransport;
  }

  /** Whether any session was ever started: some options can no longer be changed then. */
  get isStarted(): boolean {
    return this.#transport !== undefined;
  }

  /** @internal */
  post(command: SyncCommand): void {
    if (this.#transport === undefined) {
      this.#transport = this.#startTransport((events) => this.#onEvents(events));
    }
    this.#transport.post(command);
  }

  // --- users -----------------------------------------------------------------------------------------------

  /** @internal */
  userKey(user: User): string {
    return `${this.#numberOf(user.app)} ${user.app.configuration.baseUrl} ${user.app.id} ${user.id}`;
  }

  /** Lets the loop know a user's token and route. */
  postUser(user: User): void {
    const userKey = this.userKey(user);
    this.#users.set(userKey, user);
    const { url, isVerified } = user.app.syncRoute();
    this.post({ type: "user", userKey, url, accessToken: user.accessToken ?? "", isUrlVerified: isVerified });
  }

  /** Begins to watch an app's users when it is first heard of. */
  #numberOf(app: App): number {
    const known = this.#apps.get(app);
    if (known !== undefined) return known;
    this.#lastApp += 1;
    this.#apps.set(app, this.#lastApp);
    app.onChange = (user, change, cause) => this.#onUserChange(user, change, cause);
    for (const [name, timeout] of Object.entries(timeoutNames)) {
      this.log("Realm.Sync.Client", "debug", `Config param: ${name} = ${app.syncTimeouts[timeout]} ms`);
    }
    return this.#lastApp;
  }

  #onUserChange(user: User, change: UserChange, cause: Error | undefined): void {
    const sessions = this.sessionsOf(user);
    switch (change) {
      case "logged-in":
        for (const session of sessions) {
          if (session.isAttached && session.state !== "paused") session.revive();
          session.onToken();
        }
        return;
      case "logged-out":
        for (const session of sessions) {
          session.forceClose(cause === undefined ? undefined : new SyncFailure(refusedToken(cause)));
        }
        this.#mayForget(user);
        return;
      case "token":
        if (sessions.length > 0) this.postUser(user);
        for (const session of sessions) session.onToken();
        return;
      case "profile":
        return;
    }
  }

  /** Users come and go: of one who is logged out and has no session nothing is kept. */
  #mayForget(user: User): void {
    const userKey = this.userKey(user);
    if (user.isLoggedIn || this.#users.get(userKey) !== user || this.sessionsOf(user).length > 0) return;
    this.#users.delete(userKey);
    this.#refreshedAt.delete(userKey);
    this.post({ type: "forget-user", userKey });
  }

  /** Sessions of a user, those that still upload for closed realms too. */
  sessionsOf(user: User): SyncSession[] {
    return [...this.#sessions.values()].filter((session) => session.user === user);
  }

  /** Gets a usable access token, however long it takes; a refusal logs the user out. */
  refreshToken(user: User, alsoLocation: boolean = false): void {
    const userKey = this.userKey(user);
    if (this.#refreshes.has(userKey)) return;
    const ending = new AbortController();
    this.#refreshes.set(userKey, ending);
    void this.#refreshUntilDone(user, alsoLocation, ending.signal).finally(() => {
      if (this.#refreshes.get(userKey) === ending) this.#refreshes.delete(userKey);
    });
  }

  /** A token that nobody needs must not keep the process. */
  #endNeedlessRefresh(user: User): void {
    const userKey = this.userKey(user);
    if (this.sessionsOf(user).length > 0) return;
    this.#refreshes.get(userKey)?.abort();
    this.#refreshes.delete(userKey);
  }

  async #refreshUntilDone(user: User, alsoLocation: boolean, signal: AbortSignal): Promise<void> {
    const userKey = this.userKey(user);
    const last = this.#refreshedAt.get(userKey);
    const backOff = last?.backOff ?? newBackOff(user.app);
    if (last !== undefined && this.clock.monotonicMs() - last.atMs < freshTokenMs) await this.#pause(backOff, signal);
    else backOff.reset();
    while (!signal.aborted && user.isLoggedIn && this.sessionsOf(user).length > 0) {
      try {
        if (alsoLocation) await user.app.refreshLocation(signal);
        await user.refreshAccessToken(signal);
        this.#refreshedAt.set(userKey, { atMs: this.clock.monotonicMs(), backOff });
        return;
      } catch (error) {
        if (signal.aborted) return;
        const isRefused = error instanceof ServiceError && (error.status === 401 || error.status === 403);
        // What was refused may have been the token of an earlier log-in.
        if (isRefused && !user.isLoggedIn) return this.#onRefused(user, error);
        // The old token is tried meanwhile: the server may accept it, or ask again.
        for (const session of this.sessionsOf(user)) session.onToken();
        this.postUser(user);
      }
      await this.#pause(backOff, signal);
    }
  }

  #pause(backOff: BackOff, signal: AbortSignal): Promise<void> {
    const delayMs = backOff.next("token", () => this.clock.random());
    return new Promise((resolve) => {
      const end = (): void => {
        this.clock.clearTimer(timer);
        signal.removeEventListener("abort", end);
        resolve();
      };
      const timer = this.clock.setTimer(delayMs, end, false);
      signal.addEventListener("abort", end);
    });
  }

  #onRefused(user: User, error: ServiceError): void {
    // The user is logged out by now, which has closed the sessions; they are told why.
    for (const session of this.sessionsOf(user)) session.onRefused(refusedToken(error));
  }

  // --- sessions --------------------------------------------------------------------------------------------

  /** The session of a file, a new one if there is none. */
  session(path: string, options: SyncOptions): SyncSession {
    const known = this.#byPath.get(path);
    if (known !== undefined) return known;
    // A user who is logged out begins no session, and nobody else may look for the log-in.
    this.#numberOf(options.user.app);
    this.#lastId += 1;
    const session = new SyncSession(this.#lastId, path, this, options);
    this.#sessions.set(session.id, session);
    this.#byPath.set(path, session);
    return session;
  }

  /** The session of a file, if there is one. */
  existing(path: string): SyncSession | undefined {
    return this.#byPath.get(path);
  }

  /** All sessions of an app's users. */
  sessionsOfApp(app: App): SyncSession[] {
    return [...this.#sessions.values()].filter((session) => session.app === app);
  }

  /** @internal */
  forget(session: SyncSession): void {
    if (session.isAttached) return;
    this.#sessions.delete(session.id);
    if (session.awaitsClose) this.#leaving.set(session.id, session);
    this.endedPaths.add(session.path);
    if (this.#byPath.get(session.path) === session) this.#byPath.delete(session.path);
    this.#endNeedlessRefresh(session.user);
    this.#mayForget(session.user);
    this.onActivityChanged();
  }

  /** Ends the waiting between attempts for all sessions of an app. */
  reconnect(app: App): void {
    for (const session of this.sessionsOfApp(app)) session.reconnect();
  }

  /** The machine may have come back online: nobody waits for the next attempt. */
  onOnline(): void {
    const nowMs = this.clock.monotonicMs();
    if (this.#onlineAtMs !== undefined && nowMs - this.#onlineAtMs < onlinePauseMs) return;
    this.#onlineAtMs = nowMs;
    this.post({ type: "reconnect", session: null });
  }

  /** The process stays alive while a realm is open, and for a while for the uploads of a closed one. */
  onActivityChanged(): void {
    const holders = [...this.#sessions.values()].filter((session) => session.keepsProcess);
    if (holders.length === 0 || holders.some((session) => session.isAttached)) this.#endGrace();
    else this.#grace ??= { timer: this.clock.setTimer(finishGraceMs, () => this.#onGraceOver(), false), isOver: false };
    this.#keepProcess(holders.length > 0 && this.#grace?.isOver !== true);
  }

  #keepProcess(isNeeded: boolean): void {
    if (isNeeded === this.#keepsProcess || this.#transport === undefined) return;
    this.#keepsProcess = isNeeded;
    this.#transport.keepAlive(isNeeded);
  }

  #endGrace(): void {
    if (this.#grace !== undefined) this.clock.clearTimer(this.#grace.timer);
    this.#grace = undefined;
  }

  #onGraceOver(): void {
    if (this.#grace !== undefined) this.#grace.isOver = true;
    this.#keepProcess(false);
  }

  #onEvents(events: readonly SyncEvent[]): void {
    for (const event of events) {
      switch (event.type) {
        case "token-needed":
        case "location-needed": {
          const user = this.#users.get(event.userKey);
          if (user !== undefined) this.refreshToken(user, event.type === "location-needed");
          break;
        }
        case "url-verified":
          break;
        case "failed":
          throw new Error(`the session loop has ended: ${event.message}`);
        default:
          this.#onSessionEvent(event);
      }
    }
  }

  #onSessionEvent(event: Extract<SyncEvent, { session: SessionId }>): void {
    const session = this.#sessions.get(event.session) ?? this.#leaving.get(event.session);
    session?.onEvent(event);
    if (event.type === "closed" && session?.awaitsClose === false) this.#leaving.delete(event.session);
    if (event.type !== "reset-done" || session !== undefined) return;
    // Nobody is left who would look at the version before.
    this.post({ type: "reset-seen", session: event.session, before: event.before });
  }

  /** Ends all sessions at once. */
  stop(): void {
    this.#transport?.post({ type: "stop" });
  }
}
