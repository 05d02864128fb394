/**
 * The file as a session sees it: its synchronisation state, its subscription sets, and taking in of downloads.
 *
 * Everything here is durable when it returns, so the session may speak of it.
 *
 * @module
 */

import { type DownloadMessage, toSyncTimestamp } from "@tidemark/protocol";
import type {
  Core,
  CoreStore,
  DownloadProgress,
  PendingReset,
  ResetMode,
  ResetPolicy,
  SnapshotId,
  SubscriptionInformation,
  SubscriptionSetInformation,
  SyncState,
} from "../core.js";
import type { SyncHost } from "../host.js";
import { secretOf } from "../data/secret.js";
import type { ResetDemand, SessionSettings } from "./messages.js";
import { identityOf } from "./sync-file.js";
import type { WriteTurns } from "./write-turns.js";

/** Answer of `integrate` and `applyBootstrap`. */
interface SliceAnswer {
  readonly version: number;
  readonly done: boolean;
  readonly queryVersion?: number;
}

const nothing = new Uint8Array(0);

/** Where a session's file is, and how it is read. */
export type SessionPlace = Pick<SessionSettings, "path" | "encryptionKey">;

/** One open file on the session's thread. */
export class SessionFile {
  readonly #host: SyncHost;
  readonly #store: CoreStore;
  readonly #path: string;
  readonly #turns: WriteTurns | undefined;
  #sets: readonly SubscriptionSetInformation[] | undefined;
  #isClosed = false;

  constructor(host: SyncHost, core: Core, { path, encryptionKey }: SessionPlace, turns?: WriteTurns) {
    this.#host = host;
    this.#path = path;
    this.#turns = turns;
    this.#store = core.openStore(path, JSON.stringify({ synced: true }), ...secretOf(encryptionKey, host));
  }

  close(): void {
    this.#isClosed = true;
    this.#store.close();
  }

  /** Whether the session may write now; always, where writers can wait for each other. */
  get isFree(): boolean {
    return this.#turns?.isFree(this.#path) ?? true;
  }

  /** Resolves when the session may write. */
  turn(): Promise<void> {
    return new Promise((resolve) => this.whenFree(resolve));
  }

  /** Calls back now, or once the session may write; not at all if the file was closed before. */
  whenFree(callback: () => void): void {
    if (this.#turns === undefined) callback();
    else this.#turns.whenFree(this.#path, () => this.#isClosed || callback());
  }

  state(): SyncState {
    return JSON.parse(this.#store.syncState()) as SyncState;
  }

  /** What tells the file from what a client reset makes of it. */
  identity(): string {
    return identityOf(this.state());
  }

  /** Newest committed version, cheaper than {@link state}. */
  version(): number {
    return this.#store.version();
  }

  setFileIdent(ident: bigint, salt: bigint): void {
    this.#store.setFileIdent(ident, salt);
  }

  /** The server's rules look at these fields, by class. */
  setRuleFields(fields: Readonly<Record<string, readonly string[]>>): void {
    this.#store.setRuleFields(JSON.stringify(fields));
  }

  /** Subscription sets, oldest first. */
  sets(): readonly SubscriptionSetInformation[] {
    this.#sets ??= JSON.parse(this.#store.subscriptionSets()) as SubscriptionSetInformation[];
    return this.#sets;
  }

  /** The application may have committed another set. */
  forgetSets(): void {
    this.#sets = undefined;
  }

  /** The set that the server is to sync: the newest that has arrived. */
  activeSet(): SubscriptionSetInformation | undefined {
    return this.sets().findLast((set) => set.state === "complete" || set.state === "awaiting-mark");
  }

  /** The next set to be sent after a version. Version 0 is the empty set that comes by itself. */
  pendingSet(afterVersion: number): SubscriptionSetInformation | undefined {
    return this.sets().find(
      (set) => set.version > Math.max(0, afterVersion) && (set.state === "pending" || set.state === "bootstrapping"),
    );
  }

  setState(version: number, state: SubscriptionSetInformation["state"], error: string | null = null): void {
    this.#store.setSubscriptionState(version, state, error);
    this.#sets = undefined;
  }

  nextUpload(scanVersion: number, scanServerVersion: number, targetVersion: number): Upload {
    const bytes = this.#store.nextUpload(scanVersion, scanServerVersion, targetVersion, uploadBytesMax);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return {
      clientVersion: view.getFloat64(0, true),
      serverVersion: view.getFloat64(8, true),
      entryCount: view.getUint32(16, true),
      body: bytes.subarray(20),
    };
  }

  /** Nobody takes uploads until there is a connection again. */
  uploadsPaused(): void {
    this.#store.uploadsPaused();
  }

  #now(): number {
    return toSyncTimestamp(this.#host.nowMs());
  }

  /** Takes in a steady DOWNLOAD, giving way between slices. */
  async integrate(message: DownloadMessage, body: Uint8Array): Promise<void> {
    const progress = JSON.stringify(progressOf(message));
    let rest = body;
    for (;;) {
      const answer = JSON.parse(this.#store.integrate(progress, rest, this.#now())) as SliceAnswer;
      if (answer.done) return;
      rest = nothing;
      await this.#giveWay();
    }
  }

  storeBootstrap(message: DownloadMessage, body: Uint8Array, isFirst: boolean, isLast: boolean): void {
    const progress = JSON.stringify(progressOf(message));
    this.#store.storeBootstrap(message.queryVersion, isFirst, isLast, progress, body);
    this.#sets = undefined;
  }

  /** Applies a stored bootstrap, giving way between slices. Returns its query version. */
  async applyBootstrap(): Promise<number> {
    for (;;) {
      const answer = JSON.parse(this.#store.applyBootstrap(this.#now())) as SliceAnswer;
      this.#sets = undefined;
      if (answer.done) return answer.queryVersion ?? 0;
      await this.#giveWay();
    }
  }

  /** Forgets an unfinished bootstrap. Returns whether a finished one waits to be applied. */
  discardPartialBootstrap(): boolean {
    const hasFinished = this.#store.discardPartialBootstrap();
    this.#sets = undefined;
    return hasFinished;
  }

  // --- client resets ---------------------------------------------------------------------------------------

  /** Whether the file was reset and the server has not acknowledged that. */
  isResetPending(): boolean {
    const text = this.#store.pendingReset();
    return text !== null && (JSON.parse(text) as PendingReset).isApplied;
  }

  checkReset(policy: ResetPolicy, allowsRecovery: boolean): ResetMode {
    return this.#store.checkReset(policy, allowsRecovery);
  }

  beginReset(policy: ResetPolicy, demand: ResetDemand): ResetMode {
    const { code, allowsRecovery, error } = demand;
    const nowMs = Math.floor(this.#host.nowMs());
    const words = { policy, allowsRecovery, nowMs, errorCode: code, errorMessage: error.message };
    return this.#store.beginReset(JSON.stringify(words));
  }

  /** Makes the file equal to a copy; returns the snapshot of the version before. */
  resetFrom(copy: SessionFile): SnapshotId {
    const before = this.#store.resetFrom(copy.#store, this.#now());
    this.#sets = undefined;
    return before;
  }

  /** Takes a snapshot that another handle has open. */
  shareRead(snapshot: SnapshotId): void {
    this.#store.shareRead(snapshot);
  }

  /** Gives back what {@link resetFrom} returned. */
  endRead(snapshot: SnapshotId): void {
    this.#store.endRead(snapshot);
  }

  finishReset(): void {
    this.#store.finishReset();
  }

  /** Commits a set of subscriptions. */
  subscribe(subscriptions: readonly SubscriptionInformation[]): void {
    this.#store.commitSubscriptionSet(JSON.stringify(subscriptions), this.#now());
    this.#sets = undefined;
  }

  #giveWay(): Promise<void> {
    return new Promise((resolve) => this.#host.defer(() => this.whenFree(resolve)));
  }
}

/** What goes into one UPLOAD. */
export interface Upload {
  readonly clientVersion: number;
  readonly serverVersion: number;
  readonly entryCount: number;
  readonly body: Uint8Array;
}

/** Uncompressed changesets of one UPLOAD, a soft limit; the original's. */
const uploadBytesMax = 131_072;

function progressOf(message: DownloadMessage): DownloadProgress {
  return {
    downloadServerVersion: message.downloadServerVersion,
    downloadClientVersion: message.downloadClientVersion,
    latestServerVersion: message.latestServerVersion,
    latestServerVersionSalt: String(message.latestServerVersionSalt),
    uploadClientVersion: message.uploadClientVersion,
    uploadServerVersion: message.uploadServerVersion,
    progressEstimate: message.progressEstimate,
  };
}
