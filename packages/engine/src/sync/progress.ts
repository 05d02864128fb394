/**
 * Progress: how the loop makes its reports, and how listeners see them (sdk-surfaces §2.4). Pure.
 *
 * @module
 */

import type { SyncState } from "../core.js";
import type { ProgressReport } from "./messages.js";

/** Makes the reports of one session. */
export class ProgressReporter {
  #isOpen = false;
  #last: ProgressReport | undefined;
  #downloadEstimate = 1;
  /** What it was before a subscription set was sent. */
  #estimateBefore = 1;
  /** Subscription set that the estimate is of. */
  #queryVersion = 0;
  /** Newest set that was sent or has begun to arrive. */
  #newestVersion = 0;
  /** Whether nothing of the newest set has arrived: what does belongs to the one before. */
  #isNewestAwaited = false;
  /** Uploaded bytes when everything was last uploaded: the next upload counts from there. */
  #uploadBase = 0;
  #downloadBase = 0;

  /** Takes note of a DOWNLOAD. Nothing is reported before the first one of a subscription. */
  onDownload(queryVersion: number, estimate: number): void {
    if (queryVersion > 0) this.#isOpen = true;
    if (queryVersion >= this.#newestVersion) {
      this.#newestVersion = queryVersion;
      this.#isNewestAwaited = false;
    }
    this.#queryVersion = this.#isNewestAwaited ? queryVersion : this.#newestVersion;
    this.#downloadEstimate = estimate;
  }

  /** A new subscription set begins to arrive: its download starts from nothing. */
  onQuery(queryVersion: number): void {
    if (!this.#isOpen) return;
    this.#newestVersion = queryVersion;
    this.#isNewestAwaited = true;
    this.#queryVersion = queryVersion;
    if (this.#downloadEstimate > 0) this.#estimateBefore = this.#downloadEstimate;
    this.#downloadEstimate = 0;
  }

  /** The set is not to arrive: what was known of the one before holds again. */
  onQueryRefused(): void {
    this.#isNewestAwaited = false;
    this.#queryVersion = this.#newestVersion;
    if (this.#downloadEstimate === 0) this.#downloadEstimate = this.#estimateBefore;
  }

  /** The report of this moment, unless it says nothing new. */
  report(state: SyncState): ProgressReport | undefined {
    const { bytesUploaded, bytesUploadable } = state;
    const uploadEstimate = this.#uploadEstimate(bytesUploaded, bytesUploadable);
    const downloaded = state.bytesDownloaded + state.pendingBootstrapBytes;
    if (!this.#isOpen) return undefined;
    const report: ProgressReport = {
      uploaded: bytesUploaded,
      uploadable: bytesUploadable,
      uploadEstimate,
      downloaded,
      downloadable: this.#downloadable(downloaded),
      downloadEstimate: this.#downloadEstimate,
      clientVersion: state.clientVersion,
      queryVersion: this.#queryVersion,
    };
    if (this.#last !== undefined && isSameReport(this.#last, report)) return undefined;
    this.#last = report;
    return report;
  }

  #uploadEstimate(uploaded: number, uploadable: number): number {
    if (uploaded >= uploadable) {
      this.#uploadBase = uploaded;
      return 1;
    }
    return (uploaded - this.#uploadBase) / (uploadable - this.#uploadBase);
  }

  /** The server names no bytes, so they are made up from its estimate. */
  #downloadable(downloaded: number): number {
    const estimate = this.#downloadEstimate;
    if (estimate >= 1 || estimate <= 0) {
      this.#downloadBase = downloaded;
      return downloaded;
    }
    return Math.round(this.#downloadBase + (downloaded - this.#downloadBase) / estimate);
  }
}

function isSameReport(a: ProgressReport, b: ProgressReport): boolean {
  return (
    a.uploaded === b.uploaded &&
    a.uploadable === b.uploadable &&
    a.uploadEstimate === b.uploadEstimate &&
    a.downloaded === b.downloaded &&
    a.downloadable === b.downloadable &&
    a.downloadEstimate === b.downloadEstimate &&
    a.clientVersion === b.clientVersion &&
    a.queryVersion === b.queryVersion
  );
}

/** Which way. */
export type ProgressDirection = "upload" | "download";

/** Until what is known now is through, or for ever. */
export type ProgressMode = "outstanding" | "indefinite";

/** One call of a listener. */
export interface ProgressCall {
  /** Bytes. */
  readonly transferred: number;
  /** Bytes; those of downloads are made from the estimate. */
  readonly transferable: number;
  /** From 0 to 1. */
  readonly estimate: number;
}

/** Turns reports into the calls of one listener. */
export class ProgressNotifier {
  readonly #direction: ProgressDirection;
  readonly #mode: ProgressMode;
  /** Client version that existed at registration: uploads are silent until the loop has seen it. */
  readonly #clientVersion: number;
  /** Newest subscription set at registration: downloads are silent until it arrives. */
  readonly #queryVersion: number;
  #captured: number | undefined;
  #isExpired = false;

  constructor(
    direction: ProgressDirection,
    mode: ProgressMode,
    registration: { readonly clientVersion: number; readonly queryVersion: number },
  ) {
    this.#direction = direction;
    this.#mode = mode;
    this.#clientVersion = registration.clientVersion;
    this.#queryVersion = registration.queryVersion;
  }

  /** Whether there will be no more calls. */
  get isExpired(): boolean {
    return this.#isExpired;
  }

  /** The call that follows from a report, if any. */
  take(report: ProgressReport): ProgressCall | undefined {
    if (this.#isExpired) return undefined;
    const call = this.#direction === "upload" ? uploadCall(report) : downloadCall(report);
    if (this.#mode === "indefinite") return call;
    return this.#direction === "upload"
      ? this.#outstandingUpload(report, call)
      : this.#outstandingDownload(report, call);
  }

  #outstandingUpload(report: ProgressReport, call: ProgressCall): ProgressCall | undefined {
    if (report.clientVersion < this.#clientVersion) return undefined;
    this.#captured = Math.min(this.#captured ?? call.transferable, call.transferable);
    const captured = this.#captured;
    this.#isExpired = call.transferred >= captured;
    const estimate = captured === 0 ? 1 : Math.min(call.transferred / captured, 1);
    return { transferred: call.transferred, transferable: captured, estimate };
  }

  #outstandingDownload(report: ProgressReport, call: ProgressCall): ProgressCall | undefined {
    if (report.queryVersion < this.#queryVersion) return undefined;
    // What there is in all is made up from the server's estimate: there may be less.
    this.#captured = Math.min(this.#captured ?? call.transferable, call.transferable);
    const captured = this.#captured;
    this.#isExpired = call.transferred >= captured && call.estimate >= 1;
    return { transferred: call.transferred, transferable: captured, estimate: call.estimate };
  }
}

function uploadCall(report: ProgressReport): ProgressCall {
  return { transferred: report.uploaded, transferable: report.uploadable, estimate: report.uploadEstimate };
}

function downloadCall(report: ProgressReport): ProgressCall {
  return { transferred: report.downloaded, transferable: report.downloadable, estimate: report.downloadEstimate };
}

/** Who is told of progress. */
export interface ProgressListener {
  /** Decides when. */
  readonly notifier: ProgressNotifier;
  /** Is told. */
  readonly callback: (call: ProgressCall) => void;
  /** Nothing more will be told. */
  readonly onExpired: () => void;
}
