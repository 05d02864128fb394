/**
 * What a session has promised to tell when it is done: waits of the application, its own end, and compensating writes.
 *
 * @module
 */

import type { SyncErrorInformation } from "../errors.js";

/** Waits of one session, across its connections and client resets. */
export class SessionWaits {
  readonly #onDone: (wait: number) => void;
  readonly #onFinished: () => void;
  #uploads: { readonly wait: number; readonly targetVersion: number }[] = [];
  #downloads: { readonly wait: number; readonly mark: number }[] = [];
  #finishVersion: number | undefined;

  constructor(onDone: (wait: number) => void, onFinished: () => void) {
    this.#onDone = onDone;
    this.#onFinished = onFinished;
  }

  /** Whether nobody waits for uploads. */
  get needsNoUploads(): boolean {
    return this.#uploads.length === 0 && this.#finishVersion === undefined;
  }

  /** Whether the session is to end once everything is uploaded. */
  get isFinishing(): boolean {
    return this.#finishVersion !== undefined;
  }

  addUpload(wait: number, targetVersion: number): void {
    this.#uploads.push({ wait, targetVersion });
  }

  addDownload(wait: number, mark: number): void {
    this.#downloads.push({ wait, mark });
  }

  /** Ends the session once a version is uploaded; `undefined` takes that back. */
  finishAt(version: number | undefined): void {
    this.#finishVersion = version;
  }

  /** After a client reset other versions hold what is to be uploaded. */
  moveUploads(targetVersion: number): void {
    this.#uploads = this.#uploads.map(({ wait }) => ({ wait, targetVersion }));
  }

  /** The server has integrated everything up to a version. */
  onUploaded(version: number): void {
    const done = this.#uploads.filter(({ targetVersion }) => targetVersion <= version);
    this.#uploads = this.#uploads.filter(({ targetVersion }) => targetVersion > version);
    for (const { wait } of done) this.#onDone(wait);
    if (this.#finishVersion === undefined || this.#finishVersion > version) return;
    this.#finishVersion = undefined;
    this.#onFinished();
  }

  /** The server has answered a MARK. */
  onMark(request: number): void {
    const done = this.#downloads.filter(({ mark }) => mark <= request);
    this.#downloads = this.#downloads.filter(({ mark }) => mark > request);
    for (const { wait } of done) this.#onDone(wait);
  }
}

/** Errors of compensating writes, until the download that holds the compensation has arrived. */
export class Compensations {
  #pending: { readonly serverVersion: number; readonly error: SyncErrorInformation }[] = [];

  add(serverVersion: number, error: SyncErrorInformation): void {
    this.#pending.push({ serverVersion, error });
  }

  clear(): void {
    this.#pending = [];
  }

  /** Those that have arrived with a server version. */
  takeDue(downloadServerVersion: number): SyncErrorInformation[] {
    const due = this.#pending.filter(({ serverVersion }) => serverVersion <= downloadServerVersion);
    this.#pending = this.#pending.filter(({ serverVersion }) => serverVersion > downloadServerVersion);
    return due.map(({ error }) => error);
  }
}
