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
import { setLogger, setLogLevel } from "../logging.js";
import { BaseSubscriptionSet, MutableSubscriptionSet, Subscription, SubscriptionSet } from "./subscriptions.js";
import { SyncSession } from "./sync-session.js";

/** Synchronisation of an app. */
// The SDK has it as a class.
// oxlint-disable-next-line typescript/no-extraneous-class
export class Sync {
  static Session: typeof SyncSession = SyncSession;
  static ConnectionState: typeof ConnectionState = ConnectionState;
  static Subscription: typeof Subscription = Subscription;
  static SubscriptionSet: typeof SubscriptionSet = SubscriptionSet;
  static MutableSubscriptionSet: typeof MutableSubscriptionSet = MutableSubscriptionSet;
  static BaseSubscriptionSet: typeof BaseSubscriptionSet = BaseSubscriptionSet;
  static SubscriptionSetState: typeof SubscriptionSetState = SubscriptionSetState;
  static SubscriptionsState: typeof SubscriptionSetState = SubscriptionSetState;
  static NumericLogLevel: typeof NumericLogLevel = NumericLogLevel;

  static openLocalRealmBehavior: { readonly type: "openImmediately" } = { type: "openImmediately" };
  static downloadBeforeOpenBehavior: {
    readonly type: "downloadBeforeOpen";
    readonly timeOut: number;
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
  static getSyncSession(_user: User, _partitionValue: unknown): SyncSession | null {
    return null;
  }

  /** The server sees the engine's own. */
  static setUserAgent(_app: App, _userAgent: string): void {
    // Accepted for compatibility.
  }

  /** All sessions of a user share one connection. This is the default. */
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

  /** Ends the waiting between attempts to connect, for all sessions of the app. */
  static reconnect(app: App): void {
    existingEngine()?.sync.reconnect(app.internal);
  }

  /** @internal */
  static _hasExistingSessions(app: App): boolean {
    return (existingEngine()?.sync.sessionsOfApp(app.internal).length ?? 0) > 0;
  }
}
