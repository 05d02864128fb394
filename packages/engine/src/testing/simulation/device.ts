/**
 * An application of the simulation: it opens and closes files, waits and listens at random, and checks what it is told.
 *
 * @module
 */

import type { ConnectionState } from "../../sync/messages.js";
import { identityOf, type SyncFile } from "../../sync/sync-file.js";
import { isSameStatus, type PendingTransfer, type SyncStatus } from "../../sync/sync-status.js";
import type { SyncManager } from "../../sync/sync-manager.js";
import type { ConnectionListener, SyncOptions } from "../../sync/sync-options.js";
import type { SyncSession } from "../../sync/sync-session.js";
import { FakeFile } from "../fake-core.js";

/** What a {@link SimulatedFile} needs. */
export interface FileParts {
  readonly manager: SyncManager;
  readonly options: SyncOptions;
  readonly roll: (sides: number) => number;
  readonly fail: (what: string) => void;
  /** What the server has acknowledged of a file. */
  readonly acknowledged: (fileIdent: string) => number;
}

interface Registration {
  readonly remove: () => void;
  /** How it ended: with its file, or by the application. */
  end: "closed" | "removed" | undefined;
}

/** One file of the device, with those who wait and listen. */
export class SimulatedFile implements SyncFile {
  readonly path: string;
  readonly file: FakeFile = new FakeFile();
  readonly #parts: FileParts;
  #session: SyncSession | undefined;
  #registrations: Registration[] = [];
  /** Waits that have not ended. */
  readonly waiting: Set<string> = new Set();
  #lastWait = 0;

  constructor(path: string, parts: FileParts) {
    this.path = path;
    this.#parts = parts;
    this.file.onApplied = (bodies) => {
      const isWhole = bodies.every(([part, count], index) => part === index && count === bodies.length);
      if (!isWhole) parts.fail(`${path}: a bootstrap of ${bodies.join("; ")} is applied`);
    };
  }

  uploadTarget(): { readonly targetVersion: number; readonly fileIdentity: string } {
    const { state } = this.file;
    return { targetVersion: state.newestUploadableVersion, fileIdentity: identityOf(state) };
  }

  pendingTransfer(): PendingTransfer {
    const { uploadClientVersion, newestUploadableVersion } = this.file.state;
    const state = this.file.sets.at(-1)?.state;
    return {
      bytesToUpload: Math.max(0, newestUploadableVersion - uploadClientVersion),
      isSubscriptionPending: state !== "complete" && state !== "error",
    };
  }

  progressRegistration(): { readonly clientVersion: number; readonly queryVersion: number } {
    return {
      clientVersion: this.file.state.newestUploadableVersion,
      queryVersion: this.file.sets.at(-1)?.version ?? 0,
    };
  }

  onChanged(): void {
    if (this.#session === undefined) this.#parts.fail(`${this.path}: a closed file is told of a change`);
  }

  resetReports(): readonly [] {
    return [];
  }

  forgetResetReports(): void {
    // There are none.
  }

  fileIdentity(): string {
    return identityOf(this.file.state);
  }

  /** The session while the file is open. */
  get session(): SyncSession | undefined {
    return this.#session;
  }

  open(): void {
    if (this.#session !== undefined) return;
    const { manager, options, roll } = this.#parts;
    const stopPolicy = roll(3) === 0 ? "immediately" : "after-upload";
    this.#session = manager.session(this.path, options);
    this.#session.attach(this, { ...options, stopPolicy, cancelsWaitsOnNonFatalError: roll(4) === 0 });
  }

  close(): void {
    const session = this.#session;
    this.#session = undefined;
    for (const registration of this.#registrations.splice(0)) registration.end = "closed";
    session?.detach();
  }

  /** The application writes something. */
  commit(): void {
    this.file.commit();
    this.#session?.onCommitted();
  }

  subscribe(): void {
    this.file.subscribe("Item", this.#parts.roll(6) === 0 ? "nonsense" : "TRUEPREDICATE");
    this.#session?.onCommitted();
  }

  wait(kind: "upload" | "download"): void {
    if (this.#session === undefined) return;
    this.#lastWait += 1;
    const name = `${this.path}: ${kind} ${this.#lastWait}`;
    const { targetVersion } = this.uploadTarget();
    this.waiting.add(name);
    const end = (): void => {
      if (!this.waiting.delete(name)) this.#parts.fail(`${name} ends twice`);
    };
    const promise = kind === "upload" ? this.#session.waitForUpload() : this.#session.waitForDownload();
    promise.then(() => {
      end();
      const acknowledged = this.#parts.acknowledged(this.file.state.fileIdent);
      if (kind === "upload" && acknowledged < targetVersion) {
        this.#parts.fail(`${name} is done, but ${targetVersion} is not uploaded`);
      }
      return undefined;
    }, end);
  }

  listenToConnection(): void {
    const session = this.#session;
    if (session === undefined) return;
    let last: ConnectionState | undefined;
    const listener: ConnectionListener = (now, before) => {
      if (registration.end === "removed") this.#parts.fail(`${this.path}: told after removal`);
      // Closing a file disconnects it, which its listeners hear last.
      if (registration.end === "closed" && now !== "disconnected") this.#parts.fail(`${this.path}: told after the end`);
      if (now === before) this.#parts.fail(`${this.path}: told of no change`);
      if (last !== undefined && last !== before) this.#parts.fail(`${this.path}: ${last} became ${before} in silence`);
      last = now;
    };
    const remove = (): void => session.connectionListeners.remove(listener);
    const registration: Registration = { remove, end: undefined };
    session.connectionListeners.add(listener);
    this.#registrations.push(registration);
  }

  listenToProgress(): void {
    if (this.#session === undefined) return;
    const { roll, fail } = this.#parts;
    const mode = roll(2) === 0 ? "outstanding" : "indefinite";
    let expired = 0;
    const remove = this.#session.addProgressListener(
      roll(2) === 0 ? "upload" : "download",
      mode,
      ({ estimate, transferred }) => {
        if (registration.end !== undefined) fail(`${this.path}: progress after removal`);
        if (expired > 0) fail(`${this.path}: progress after the end`);
        if (!(estimate >= 0 && estimate <= 1) || transferred < 0) fail(`${this.path}: an estimate of ${estimate}`);
      },
      () => {
        expired += 1;
        if (expired > 1 || mode === "indefinite") fail(`${this.path}: an end that cannot be`);
      },
    );
    const registration: Registration = { remove, end: undefined };
    this.#registrations.push(registration);
  }

  listenToStatus(): void {
    const session = this.#session;
    if (session === undefined) return;
    let last: SyncStatus | undefined;
    const remove = session.addStatusListener((status) => {
      if (registration.end !== undefined) this.#parts.fail(`${this.path}: a status after removal`);
      if (last !== undefined && isSameStatus(last, status)) this.#parts.fail(`${this.path}: the same status twice`);
      last = status;
    });
    const registration: Registration = { remove, end: undefined };
    this.#registrations.push(registration);
  }

  removeListeners(): void {
    while (this.#registrations.length > 0) this.removeListener();
  }

  removeListener(): void {
    const [registration] = this.#registrations.splice(this.#parts.roll(Math.max(1, this.#registrations.length)), 1);
    if (registration === undefined) return;
    registration.end = "removed";
    registration.remove();
  }
}
