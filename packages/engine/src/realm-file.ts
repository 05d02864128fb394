/**
 * An open file with its session: what all realms of one path share.
 *
 * @module
 */

import type { ResetReportInformation, SyncState } from "./core.js";
import type { Database } from "./data/database.js";
import { SubscriptionSets } from "./data/subscriptions.js";
import { EngineError } from "./errors.js";
import { type ResetReport, resetReportOf } from "./sync/reset-report.js";
import { identityOf, type SyncFile } from "./sync/sync-file.js";
import type { PendingTransfer } from "./sync/sync-status.js";
import type { SyncOptions } from "./sync/sync-options.js";
import type { SyncSession } from "./sync/sync-session.js";

/** The synchronisation of a file. */
export interface FileSync {
  /** The session. */
  readonly session: SyncSession;
  /** The subscription sets. */
  readonly subscriptions: SubscriptionSets;
}

/** An open file. Counts those who have it open. */
export class RealmFile implements SyncFile {
  /** Absolute, or the name of one in memory. */
  readonly path: string;
  /** The open file. */
  readonly database: Database;
  /** Its synchronisation, if it is synced. */
  readonly sync: FileSync | undefined;
  readonly #onClosed: () => void;
  #openCount = 1;
  #wasReset = false;

  /** @internal */
  constructor(
    path: string,
    database: Database,
    synced: { readonly session: SyncSession; readonly options: SyncOptions } | undefined,
    onClosed: () => void,
  ) {
    this.path = path;
    this.database = database;
    this.#onClosed = onClosed;
    if (synced === undefined) {
      this.sync = undefined;
      return;
    }
    const { session, options } = synced;
    const subscriptions = new SubscriptionSets(database, session);
    this.sync = { session, subscriptions };
    database.onCommit = () => session.onCommitted();
    database.checkWrite = (layout) => {
      if (layout.kind !== "top" || subscriptions.hasClass(layout.name)) return;
      throw new EngineError(
        "no-subscription",
        `Cannot write to class ${layout.name} when no flexible sync subscription has been created.`,
      );
    };
    session.attach(this, options);
  }

  /** @internal Opening it has deleted what was there. */
  noteReset(): void {
    this.#wasReset = true;
  }

  /** Whether opening it has deleted what was there: said once, to who fills it again. */
  takeReset(): boolean {
    const wasReset = this.#wasReset;
    this.#wasReset = false;
    return wasReset;
  }

  /** Another realm of the same path. */
  join(options: SyncOptions | undefined): void {
    this.#openCount += 1;
    if (options !== undefined) this.sync?.session.attach(this, options);
  }

  /** Gives it back; the last one closes it. */
  close(): void {
    if (this.#openCount === 0) return;
    this.#openCount -= 1;
    if (this.#openCount > 0) return;
    // An open write transaction is undone first, so that the session sees what is final.
    this.database.close();
    this.#onClosed();
    this.sync?.session.detach();
  }

  #state(): SyncState {
    return JSON.parse(this.database.store.syncState()) as SyncState;
  }

  /** @internal */
  uploadTarget(): { readonly targetVersion: number; readonly fileIdentity: string } {
    const state = this.#state();
    return { targetVersion: state.newestUploadableVersion, fileIdentity: identityOf(state) };
  }

  /** @internal */
  resetReports(): readonly ResetReport[] | undefined {
    const { store, conventions, isReadOnly, isInWrite } = this.database;
    if (isInWrite) return undefined;
    const text = isReadOnly ? null : store.resetReports();
    if (text === null) return [];
    const reports = JSON.parse(text) as readonly ResetReportInformation[];
    return reports.map((report) => resetReportOf(report, conventions));
  }

  /** @internal */
  forgetResetReports(): void {
    this.database.store.forgetResetReports();
  }

  /** Ident and salt of the file at the server: what tells it from what a client reset makes of it. */
  fileIdentity(): string {
    return identityOf(this.#state());
  }

  /** @internal */
  pendingTransfer(): PendingTransfer {
    const { bytesUploaded, bytesUploadable } = this.#state();
    const state = this.sync?.subscriptions.latest().state ?? "complete";
    return {
      bytesToUpload: Math.max(0, bytesUploadable - bytesUploaded),
      isSubscriptionPending: state !== "complete" && state !== "error",
    };
  }

  /** @internal */
  progressRegistration(): { readonly clientVersion: number; readonly queryVersion: number } {
    const queryVersion = this.sync?.subscriptions.latest().version ?? 0;
    return { clientVersion: this.#state().newestUploadableVersion, queryVersion };
  }

  /** @internal */
  onChanged(): void {
    this.database.advance();
    this.database.notifier.schedule();
    this.sync?.subscriptions.onChanged();
  }

  /** Resolves when what the server has is here, that of a new subscription set too. */
  async download(): Promise<void> {
    if (this.sync === undefined) return;
    const { session, subscriptions } = this.sync;
    await session.waitForDownload();
    const { version, state } = subscriptions.latest();
    if (version > 0 && state !== "complete" && state !== "error") {
      await subscriptions.waitForSynchronization(version);
      // The file may show the data before the loop's words of it are here, and progress is told before the end.
      await session.caughtUp();
    }
  }
}
