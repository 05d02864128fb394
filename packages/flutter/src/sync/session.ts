/**
 * Sync sessions.
 *
 * @module
 */

import { type ProgressCall, simulateError, type SyncSession as EngineSession } from "@tidemark/engine";
import { User } from "../app/user.js";
import { type Cancellation, throwIfCancelled, untilCancelled } from "../cancellation.js";
import { engine } from "../engine.js";
import { type ConnectionState, ProgressDirection, ProgressMode, SessionState } from "../enums.js";
import { RealmClosedError, RealmError, settle } from "../errors.js";
import { Stream } from "../stream.js";

/** How far a transfer is. */
export interface SyncProgress {
  /** From 0 to 1. */
  readonly progressEstimate: number;
  /** @deprecated `progressEstimate` says it; bytes of downloads are estimated from it. */
  readonly transferredBytes: number;
  /** @deprecated `progressEstimate` says it. */
  readonly transferableBytes: number;
}

/** @internal The SDK's form of a report. */
export function progressOf({ estimate, transferred, transferable }: ProgressCall): SyncProgress {
  return { progressEstimate: estimate, transferredBytes: transferred, transferableBytes: transferable };
}

/** A change of the connection. */
export interface ConnectionStateChange {
  /** The state before. */
  readonly previous: ConnectionState;
  /** The state now. */
  readonly current: ConnectionState;
}

/** What a session asks of its realm. */
export interface SessionRealm {
  readonly isClosed: boolean;
  readonly session: EngineSession;
  /** Remembers what to do when the realm is closed; the answer does it at once. */
  track(end: () => void): () => void;
}

/**
 * The session of a synced realm. It begins when the realm is opened, and runs in the background by itself. Once the
 * realm is closed, every member throws a {@link RealmClosedError}.
 */
export class Session {
  readonly #realm: SessionRealm;

  /** @internal */
  constructor(realm: SessionRealm) {
    this.#realm = realm;
  }

  /** @internal */
  get internal(): EngineSession {
    if (this.#realm.isClosed) throw new RealmClosedError("Cannot access a Session that belongs to a closed Realm");
    return this.#realm.session;
  }

  /** Where the realm's file is. */
  get realmPath(): string {
    return this.internal.path;
  }

  /** Whether the session syncs, connected or not. True the moment it is read. */
  get state(): SessionState {
    const { state } = this.internal;
    return state === "active" || state === "dying" ? SessionState.active : SessionState.inactive;
  }

  /** Whether there is a connection with the server. */
  get connectionState(): ConnectionState {
    return this.internal.connectionState;
  }

  /** Who syncs. */
  get user(): User {
    return User.of(this.internal.user);
  }

  /**
   * Stops both directions until {@link Session.resume}, or until the last realm of the file is closed: also over
   * log-outs and other realms of the same file. Both states have changed when it returns; waits that are under way end
   * with a `RealmException` of code 1027.
   */
  pause(): void {
    this.internal.pause();
  }

  /** Goes on, and connects without waiting. Does nothing while the user is logged out. */
  resume(): void {
    this.internal.resume();
  }

  /**
   * Resolves when everything that was committed until now is on the server. While paused or offline it waits.
   *
   * @throws `RealmException` if the session becomes inactive meanwhile or fails; what the token holds. The transfer
   * goes on in either case.
   */
  async waitForUpload(cancellationToken?: Cancellation): Promise<void> {
    await this.#wait(cancellationToken, (session) => session.waitForUpload());
  }

  /** Resolves when everything that is on the server now is here. Fails as {@link Session.waitForUpload} does. */
  async waitForDownload(cancellationToken?: Cancellation): Promise<void> {
    await this.#wait(cancellationToken, (session) => session.waitForDownload());
  }

  async #wait(cancellation: Cancellation | undefined, begin: (session: EngineSession) => Promise<void>): Promise<void> {
    const session = this.internal;
    throwIfCancelled(cancellation);
    await untilCancelled(
      engine().host,
      settle(() => begin(session)),
      cancellation,
    );
  }

  /**
   * Progress of one direction. Nothing is registered before somebody listens; once the realm is closed nobody can.
   *
   * With `forCurrentlyOutstandingWork` the estimates rise and the stream ends after 1. With `reportIndefinitely` it ends
   * with the realm. A realm without subscriptions reports nothing.
   */
  getProgressStream(direction: ProgressDirection, mode: ProgressMode): Stream<SyncProgress> {
    void this.internal;
    if (!(direction in ProgressDirection)) throw new RealmError(`Unexpected direction: ${direction as string}`);
    if (!(mode in ProgressMode)) throw new RealmError(`Unexpected mode: ${mode as string}`);
    const engineMode = mode === ProgressMode.reportIndefinitely ? "indefinite" : "outstanding";
    return new Stream((sink) => {
      const remove = this.internal.addProgressListener(
        direction,
        engineMode,
        (report) => sink.add(progressOf(report)),
        () => sink.close(),
      );
      return this.#realm.track(() => {
        remove();
        engine().host.defer(() => sink.close());
      });
    });
  }

  /** Changes of the connection from now on; the present state is none. Ends with the realm. */
  get connectionStateChanges(): Stream<ConnectionStateChange> {
    void this.internal;
    return new Stream((sink) => {
      const { connectionListeners } = this.internal;
      const listener = (current: ConnectionState, previous: ConnectionState): void => sink.add({ previous, current });
      connectionListeners.add(listener);
      return this.#realm.track(() => {
        // The last change of a realm that is closed comes before its end.
        engine().host.defer(() => {
          connectionListeners.remove(listener);
          sink.close();
        });
      });
    });
  }

  /** @internal Lets the session fail as if the server had said so, by the protocol's code; for tests of handlers. */
  simulateError(code: number, message: string, isFatal: boolean = true): void {
    simulateError(this.internal, code, message, isFatal);
  }
}
