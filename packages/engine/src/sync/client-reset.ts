/**
 * A client reset on the loop's side (wire protocol §4.8): downloads a fresh copy as a second client file, asks the
 * application, then makes the file equal to it in one commit.
 *
 * Only the last of these changes the file. Whatever ends the reset before (a pause, the end of the process) leaves the
 * file as it was, and the server demands the reset again; the copy is then made anew.
 *
 * @module
 */

import type { Core, ResetMode, ResetPolicy, SnapshotId } from "../core.js";
import { errorCodeOf, messageOf, simpleFailure, type SyncErrorInformation, syncStatusCode } from "../errors.js";
import type { SyncHost } from "../host.js";
import type { ErrorConsequence, ResetDemand } from "./messages.js";
import type { ClientSession } from "./session.js";
import { SessionFile, type SessionPlace } from "./session-file.js";
import type { SessionOwner } from "./session-owner.js";

/** What is to be reset, and how. */
export interface ResetParts {
  readonly host: SyncHost;
  readonly core: Core;
  readonly file: SessionFile;
  readonly place: SessionPlace;
  readonly policy: ResetPolicy;
  readonly demand: ResetDemand;
}

/** What becomes of the copy's session. */
export type CopyEvents = Pick<
  SessionOwner,
  "onChanged" | "onConnectionState" | "onCopyComplete" | "onError" | "onProgress"
>;

/** What a reset needs of the client. */
export interface ResetOwner {
  /** Starts the session that downloads the copy, over the file's own connection. */
  openSession(copy: SessionFile, events: CopyEvents): ClientSession;
  /** The copy is there; the application answers by {@link ClientReset.apply} or {@link ClientReset.refuse}. */
  onReady(): void;
  /**
   * @param before snapshot of the version before.
   * @param keeper handle that holds it, to be closed when nobody needs it any more.
   */
  onDone(before: SnapshotId, keeper: SessionFile, isRecovered: boolean): void;
  /** The file is as it was. */
  onFailed(error: SyncErrorInformation, consequence: ErrorConsequence): void;
  /** A retry is under way. */
  onRetry(error: SyncErrorInformation, consequence: "transient" | "unreachable"): void;
}

/** Where the copy of a file is downloaded to. */
export function copyPathOf(path: string): string {
  return `${path}.fresh`;
}

/** How long to leave the right to write to an application that does not give it back. */
const retryDelayMs = 100;

/** A client reset under way. */
export class ClientReset {
  readonly #parts: ResetParts;
  readonly #owner: ResetOwner;
  readonly #copyPath: string;
  #copy: SessionFile | undefined;
  #session: ClientSession | undefined;
  #isOver = false;

  constructor(parts: ResetParts, owner: ResetOwner) {
    this.#parts = parts;
    this.#owner = owner;
    this.#copyPath = copyPathOf(parts.place.path);
  }

  /** Begins to download, once nothing else is done to the file: an earlier attempt, or a download. */
  async start(earlier: Promise<unknown>): Promise<void> {
    await earlier;
    if (this.#isOver) return;
    const { host, core, file, policy, demand, place } = this.#parts;
    try {
      // One that must not be tried needs no copy.
      file.checkReset(policy, demand.allowsRecovery);
      core.deleteStore(this.#copyPath);
      this.#copy = new SessionFile(host, core, { ...place, path: this.#copyPath });
      const subscriptions = file.activeSet()?.subscriptions ?? [];
      if (subscriptions.length > 0) this.#copy.subscribe(subscriptions);
    } catch (error) {
      return this.#fail(messageOf(error));
    }
    this.#session = this.#owner.openSession(this.#copy, {
      onChanged: () => undefined,
      onConnectionState: () => undefined,
      onProgress: () => undefined,
      onCopyComplete: () => void this.#onComplete(),
      onError: (error, consequence) => this.#onError(error, consequence),
    });
  }

  #onError(error: SyncErrorInformation, consequence: ErrorConsequence): void {
    if (this.#isOver) return;
    if (consequence === "transient") return this.#owner.onRetry(error, "transient");
    if (consequence === "unreachable" || consequence === "warn") return this.#owner.onRetry(error, "unreachable");
    if (consequence === "stop") return this.#fail(`A fresh copy cannot be downloaded: ${error.message}`);
    void this.cancel();
    this.#owner.onFailed(error, consequence);
  }

  async #onComplete(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    await session?.end(true);
    if (!this.#isOver) this.#owner.onReady();
  }

  /** Changes the file. */
  async apply(): Promise<void> {
    const { policy, file } = this.#parts;
    const copy = this.#copy;
    if (this.#isOver || copy === undefined) return;
    let mode: ResetMode | undefined;
    for (;;) {
      try {
        // What cannot be recovered is discarded by those who allow it.
        const wanted = mode === "recover" ? "discard" : policy;
        mode = undefined;
        mode = file.beginReset(wanted, this.#parts.demand);
        const before = file.resetFrom(copy);
        return await this.#onReset(before, mode === "recover");
      } catch (error) {
        const code = errorCodeOf(error);
        if (code === "write-timeout" || code === "write-in-progress") {
          mode = undefined;
          await this.#pause();
          if (this.#isOver) return;
        } else if (code !== "client-reset-failed" || mode !== "recover" || policy !== "recover-or-discard") {
          return this.#fail(messageOf(error));
        }
      }
    }
  }

  /** The session may end at any time: what the application wants to see of the past has a handle of its own. */
  async #onReset(before: SnapshotId, isRecovered: boolean): Promise<void> {
    const { host, core, place, file } = this.#parts;
    const keeper = new SessionFile(host, core, place);
    keeper.shareRead(before);
    file.endRead(before);
    await this.cancel();
    this.#owner.onDone(before, keeper, isRecovered);
  }

  #pause(): Promise<void> {
    const { host } = this.#parts;
    return new Promise((resolve) => host.setTimer(retryDelayMs, resolve));
  }

  /** The application does not let the file change. */
  refuse(reason: string): void {
    if (!this.#isOver) this.#fail(reason);
  }

  #fail(reason: string): void {
    void this.cancel();
    const prefix = "Automatic client reset failed";
    const message = reason.startsWith(prefix) ? reason : `${prefix}: ${reason}`;
    const error = simpleFailure(syncStatusCode.autoClientResetFailed, message, true);
    this.#owner.onFailed({ ...error, isClientReset: true, protocolCode: this.#parts.demand.code }, "stop");
  }

  /** Ends it, whatever it was at; the copy is gone when the promise resolves. */
  async cancel(): Promise<void> {
    this.#isOver = true;
    const [session, copy] = [this.#session, this.#copy];
    [this.#session, this.#copy] = [undefined, undefined];
    await session?.end(true);
    if (copy === undefined) return;
    copy.close();
    try {
      this.#parts.core.deleteStore(this.#copyPath);
    } catch {
      // It is made anew the next time, and deleted before.
    }
  }
}
