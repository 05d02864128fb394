/**
 * What a DOWNLOAD's head must fulfil (wire protocol §3.6). The core checks the entries.
 *
 * @module
 */

import type { DownloadMessage } from "@tidemark/protocol";

/** The progress that was accepted last. */
export interface AcceptedProgress {
  readonly latestServerVersion: number;
  readonly downloadServerVersion: number;
  readonly downloadClientVersion: number;
  readonly uploadClientVersion: number;
}

/** What is wrong with a DOWNLOAD, or nothing. */
export function downloadFault(
  accepted: AcceptedProgress,
  message: DownloadMessage,
  newestClientVersion: number,
): string | undefined {
  if (message.latestServerVersion < accepted.latestServerVersion) return "latest server version decreased";
  if (message.downloadServerVersion < accepted.downloadServerVersion) return "download server version decreased";
  if (message.downloadClientVersion < accepted.downloadClientVersion) return "download client version decreased";
  if (message.uploadClientVersion < accepted.uploadClientVersion) return "upload client version decreased";
  if (message.uploadClientVersion > newestClientVersion) return "upload client version was never made";
  if (message.downloadServerVersion > message.latestServerVersion) return "download server version beyond the latest";
  if (message.downloadClientVersion > message.uploadClientVersion) return "download client version beyond the upload";
  if (message.uploadServerVersion > message.downloadServerVersion) return "upload server version beyond the download";
  return undefined;
}
