/**
 * A client reset on the application's side: its callbacks around the change of the file, and the reports.
 *
 * @module
 */

import type { SnapshotId } from "../core.js";
import { messageOf, simpleFailure, type SyncErrorInformation, syncStatusCode } from "../errors.js";
import type { Clock } from "../host.js";
import type { SyncFile } from "./sync-file.js";
import type { ResetReport } from "./reset-report.js";
import type { SyncSession } from "./sync-session.js";

/** How long until reports are offered again to an application that is in a write transaction. */
const retryDelayMs = 100;

/** What the application does about client resets that happen by themselves. */
export interface ResetHandlers {
  /** The file is about to change. What it throws gives the reset up. */
  readonly onBefore?: (session: SyncSession) => void | Promise<void>;
  /**
   * The file has its new shape.
   *
   * @param before snapshot of the version before the reset, valid until the promise settles.
   * @param isRecovered whether what was not uploaded was brought back, or else discarded.
   */
  readonly onAfter?: (session: SyncSession, before: SnapshotId, isRecovered: boolean) => void | Promise<void>;
  /** What was done and dropped; also after a start, if the process ended before it could be told. */
  readonly onReport?: (session: SyncSession, report: ResetReport) => void;
}

/** Asks the handler; the answer is why the file must not change, or null. */
export async function askBefore(session: SyncSession, handlers: ResetHandlers | undefined): Promise<string | null> {
  try {
    await handlers?.onBefore?.(session);
    return null;
  } catch (error) {
    return messageOf(error);
  }
}

/** Tells the handler; the answer is what it threw, as an error for the application. */
export async function tellAfter(
  session: SyncSession,
  handlers: ResetHandlers | undefined,
  before: SnapshotId,
  isRecovered: boolean,
): Promise<SyncErrorInformation | undefined> {
  try {
    await handlers?.onAfter?.(session, before, isRecovered);
    return undefined;
  } catch (error) {
    const text = `A handler of the client reset failed: ${messageOf(error)}`;
    return { ...simpleFailure(syncStatusCode.autoClientResetFailed, text, false), isClientReset: true };
  }
}

/** Hands the reports on that are kept in a file. They are forgotten once the handler has returned. */
export function tellReports(
  session: SyncSession,
  clock: Clock,
  file: () => SyncFile | undefined,
  guard: (call: () => void) => void,
): void {
  const open = file();
  const { onReport } = session.options.reset ?? {};
  if (open === undefined || onReport === undefined) return;
  const reports = open.resetReports();
  if (reports === undefined) {
    clock.setTimer(retryDelayMs, () => tellReports(session, clock, file, guard));
    return;
  }
  for (const report of reports) guard(() => onReport(session, report));
  // The handler may have closed the file.
  if (reports.length > 0 && file() === open) open.forgetResetReports();
}
