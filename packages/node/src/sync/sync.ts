/**
 * Synchronisation of a whole app: `Realm.App.Sync`.
 *
 * @module
 */

import { messageOf } from "@tidemark/engine";
import type { App } from "../app/app.js";
import type { User } from "../app/user.js";
import { assertString } from "../assert.js";
import { engine, existingEngine } from "../engine.js";
import { ConnectionState, type LogLevel, NumericLogLevel, SubscriptionSetState } from "../enums.js";
import type { PartitionValue } from "../configuration.js";
import { setLogger, setLogLevel } from "../logging.js";
import { BaseSubscriptionSet, MutableSubscriptionSet, Subscription, SubscriptionSet } from "./subscriptions.js";
import { SyncSession } from "./sync-session.js";

/** Synchronisation of an app: `Realm.App.Sync`. */
// The SDK has it as a class.
// oxlint-disable-next-line typescript/no-extraneous-class
export class Sync {
  /** {@link SyncSession} by the name that it has in the SDK. */
  static Session: typeof SyncSession = SyncSession;
  /** {@link ConnectionState} by the name that it has in the SDK. */
  static ConnectionState: typeof ConnectionState = ConnectionState;
  /** {@link Subscription} by the name that it has in the SDK. */
  static Subscription: typeof Subscription = Subscription;
  /** {@link SubscriptionSet} by the name that it has in the SDK. */
  static SubscriptionSet: typeof SubscriptionSet = SubscriptionSet;
  /** {@link MutableSubscriptionSet} by the name that it has in the SDK. */
  static MutableSubscriptionSet: typeof MutableSubscriptionSet = MutableSubscriptionSet;
  /** {@link BaseSubscriptionSet} by the name that it has in the SDK. */
  static BaseSubscriptionSet: typeof BaseSubscriptionSet = BaseSubscriptionSet;
  /** {@link SubscriptionSetState} by the name that it has in the SDK. */
  static SubscriptionSetState: typeof SubscriptionSetState = SubscriptionSetState;
  /** {@link SubscriptionSetState} by its older name. */
  static SubscriptionsState: typeof SubscriptionSetState = SubscriptionSetState;
  /** {@link NumericLogLevel} by the name that it has in the SDK. */
  static NumericLogLevel: typeof NumericLogLevel = NumericLogLevel;

  /** For `newRealmFileBehavior` and `existingRealmFileBehavior`: waits for nothing. */
  static openLocalRealmBehavior: {
    /** Waits for nothing. */
    readonly type: "openImmediately";
  } = { type: "openImmediately" };
  /** For the same: waits for the data for at most 30 seconds, then rejects with a {@link TimeoutError}. */
  static downloadBeforeOpenBehavior: {
    /** Waits for the data. */
    readonly type: "downloadBeforeOpen";
    /** Milliseconds. */
    readonly timeOut: number;
    /** Rejects. */
    readonly timeOutBehavior: "throwException";
  } = { type: "downloadBeforeOpen", timeOut: 30_000, timeOutBehavior: "throwException" };

  /** @deprecated Use `Realm.setLogLevel`. */
  static setLogLevel(_app: App, level: LogLevel): void {
    setLogLevel(level);
  }

  /** @deprecated Use `Realm.setLogger`. */
  static setLogger(_app: App, logger: (level: NumericLogLevel, message: string) => void): void {
    const levels = Object.keys(NumericLogLevel).map((name) => name.toLowerCase());
    setLogger((level: LogLevel, message: string) => logger(levels.indexOf(level) as NumericLogLevel, message));
  }

  /** Sessions of a user's open realms. */
  static getAllSyncSessions(user: User): SyncSession[] {
    const sessions = existingEngine()?.sync.sessionsOf(user.internal) ?? [];
    return sessions.filter((session) => session.isAttached).map((session) => new SyncSession(session));
  }

  /** Partition-based sync is not offered, so there is never one. */
  static getSyncSession(_user: User, _partitionValue: PartitionValue): SyncSession | null {
    return null;
  }

  /** The server sees the engine's own. */
  static setUserAgent(_app: App, _userAgent: string): void {
    // Accepted for compatibility.
  }

  /**
   * Has all sessions of a user share one connection. That is the default; for an app that was made otherwise it must
   * come before the first session of the process.
   *
   * @throws `Error` if that has begun: `Cannot enable session multiplexing after creating the sync client`.
   */
  static enableSessionMultiplexing(app: App): void {
    if (app.internal.isMultiplexed) return;
    if (engine().sync.isStarted) {
      throw new Error("Cannot enable session multiplexing after creating the sync client");
    }
    app.internal.isMultiplexed = true;
  }

  /**
   * Moves the file of a client reset that was left to the application to its recovery path; the next opening downloads
   * everything. Every realm of the file must be closed.
   *
   * @throws if no client reset was reported for the path, or the file is open.
   */
  static initiateClientReset(app: App, path: string): void {
    assertString(path, "path");
    try {
      engine().initiateClientReset(app.internal, engine().host.files.resolve(path));
    } catch (error) {
      throw new Error(messageOf(error), { cause: error });
    }
  }

  /**
   * Ends the waiting between attempts to connect, for all sessions of the app. Nothing happens to sessions that are
   * connected, connecting or paused, or that a fatal error has ended. It happens by itself when the machine comes back
   * online.
   */
  static reconnect(app: App): void {
    existingEngine()?.sync.reconnect(app.internal);
  }

  /** @internal */
  static _hasExistingSessions(app: App): boolean {
    return (existingEngine()?.sync.sessionsOfApp(app.internal).length ?? 0) > 0;
  }
}
