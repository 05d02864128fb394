/**
 * One session of the application's side, with a loop that only notes what it is told.
 *
 * @module
 */

import type { App } from "../app/app.js";
import type { User } from "../app/user.js";
import type { LogSink } from "../log.js";
import { defaultSyncTimeouts, type SyncCommand, type SyncEvent } from "../sync/messages.js";
import type { ResetReport } from "../sync/reset-report.js";
import type { SyncFile } from "../sync/sync-file.js";
import type { PendingTransfer } from "../sync/sync-status.js";
import { SyncManager } from "../sync/sync-manager.js";
import type { SyncOptions } from "../sync/sync-options.js";
import type { SyncSession } from "../sync/sync-session.js";
import { FakeHost } from "./fake-host.js";

/** A user that a test changes at will. */
export interface FakeUser {
  app: App;
  id: string;
  isLoggedIn: boolean;
  needsRefresh: boolean;
  accessToken: string;
  refreshAccessToken(signal?: AbortSignal): Promise<void>;
}

/** The session of a realm that is open. */
export class SessionRig {
  readonly host: FakeHost = new FakeHost();
  /** What the loop was told. */
  readonly posted: SyncCommand[] = [];
  readonly app: App = {
    id: "app",
    isMultiplexed: true,
    syncTimeouts: defaultSyncTimeouts,
    configuration: { baseUrl: "http://server" },
    syncRoute: () => ({ url: "ws://server/sync", isVerified: true }),
    forgetTokens: () => undefined,
  } as unknown as App;
  readonly user: FakeUser = {
    app: this.app,
    id: "u",
    isLoggedIn: true,
    needsRefresh: false,
    accessToken: "t",
    refreshAccessToken: () => new Promise<void>(() => undefined),
  };
  readonly errors: unknown[] = [];
  readonly options: SyncOptions = {
    user: this.user as unknown as User,
    schemaVersion: 0,
    headers: {},
    stopPolicy: "after-upload",
    cancelsWaitsOnNonFatalError: false,
    onError: (_, error) => this.errors.push(error),
  };
  /** How often the file was told of a change. */
  changes = 0;
  reports: ResetReport[] | undefined = [];
  pending: PendingTransfer = { bytesToUpload: 0, isSubscriptionPending: false };
  readonly file: SyncFile = {
    uploadTarget: () => ({ targetVersion: 3, fileIdentity: "5:6" }),
    pendingTransfer: () => this.pending,
    progressRegistration: () => ({ clientVersion: 3, queryVersion: 0 }),
    onChanged: () => {
      this.changes += 1;
    },
    resetReports: () => this.reports,
    forgetResetReports: () => {
      this.reports = [];
    },
    fileIdentity: () => "5:6",
  };
  /** What the transport was told about keeping the process. */
  readonly kept: boolean[] = [];
  #onEvents: (events: readonly SyncEvent[]) => void = () => undefined;
  onLog: LogSink = () => undefined;
  readonly manager: SyncManager = new SyncManager(
    this.host,
    (onEvents) => {
      this.#onEvents = onEvents;
      return { post: (command) => this.posted.push(command), keepAlive: (isNeeded) => this.kept.push(isNeeded) };
    },
    (...line) => this.onLog(...line),
  );
  readonly session: SyncSession;

  constructor(options: Partial<SyncOptions> = {}) {
    this.options = { ...this.options, ...options };
    this.session = this.manager.session("/file", this.options);
    this.session.attach(this.file, this.options);
  }

  /** The loop says something. */
  emit(...events: SyncEvent[]): void {
    this.#onEvents(events);
  }

  /** Generation of the newest command that has one. */
  get generation(): number {
    const found = this.posted.findLast((command) => "generation" in command);
    return found !== undefined && "generation" in found ? found.generation : 0;
  }

  /** The loop says that the connection is there. */
  connect(): void {
    const common = { type: "connection", session: this.session.id, generation: this.generation } as const;
    this.emit({ ...common, state: "connecting" }, { ...common, state: "connected" });
  }
}
