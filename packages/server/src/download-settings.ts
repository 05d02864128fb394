/**
 * How downloads of one app are made, where it is told to make them in another way than the server does.
 *
 * @module
 */

import type { DownloadLimits } from "./ledger.js";
import type { ServerLimits } from "./limits.js";

/** Sizes of messages, and how fast they follow each other. */
export interface DownloadSettings extends DownloadLimits {
  /** Between two messages of a session; 0 by default. */
  readonly pauseMs: number;
}

/** The server's limits with what an app wants of its own, which may only be smaller. */
export function downloadSettings(limits: ServerLimits, own: Partial<DownloadSettings>): DownloadSettings {
  const { downloadBytesMax, bootstrapBytesMax } = limits;
  return {
    downloadBytesMax: Math.min(downloadBytesMax, own.downloadBytesMax ?? downloadBytesMax),
    bootstrapBytesMax: Math.min(bootstrapBytesMax, own.bootstrapBytesMax ?? bootstrapBytesMax),
    pauseMs: own.pauseMs ?? 0,
  };
}
