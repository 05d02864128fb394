/**
 * What an application does when the server demands that a file starts over.
 *
 * @module
 */

import type {
  ResetPolicy,
  ResetReport,
  SnapshotId,
  SyncErrorInformation,
  SyncOptions,
  SyncSession as EngineSession,
} from "@tidemark/engine";
import { log, LogCategory } from "../logging.js";
import type { Realm } from "../realm.js";
import { ClientResetError, type SyncError, syncErrorOf } from "./sync-error.js";

/** What a client reset did: an addition to what the original has. */
export type ClientResetReport = ResetReport;

/** Called before the file changes, with the file as it is, frozen. The reset waits; what it throws gives it up. */
export type BeforeResetCallback = (beforeResetRealm: Realm) => void | Promise<void>;

/** Called with the file as it was, frozen, and as it is now, open for writing. */
export type AfterResetCallback = (beforeResetRealm: Realm, afterResetRealm: Realm) => void | Promise<void>;

/** Called with a reset that is left to the application. */
export type ClientResetCallback = (error: ClientResetError) => void | Promise<void>;

/** Told what a reset recovered and what it dropped. */
interface ReportOptions {
  /** Told what a reset recovered and what it dropped: an addition to what the original has. */
  readonly onReport?: ((report: ClientResetReport) => void) | undefined;
}

/** How client resets are handled. */
export abstract class ClientResetHandler {
  /** @internal */
  abstract readonly policy: ResetPolicy | "manual";
  /** @internal */
  readonly onBefore: BeforeResetCallback | undefined;
  /** @internal Called with whether what was not uploaded was brought back. */
  readonly onAfter: ((isRecovered: boolean) => AfterResetCallback | undefined) | undefined;
  /** @internal */
  readonly onManual: ClientResetCallback | undefined;
  /** @internal */
  readonly onReport: ((report: ClientResetReport) => void) | undefined;

  /** @internal */
  constructor(
    onBefore: BeforeResetCallback | undefined,
    onAfter: ((isRecovered: boolean) => AfterResetCallback | undefined) | undefined,
    onManual: ClientResetCallback | undefined,
    { onReport }: ReportOptions,
  ) {
    this.onBefore = onBefore;
    this.onAfter = onAfter;
    this.onManual = onManual;
    this.onReport = onReport;
  }
}

/** Leaves client resets to the application: synchronisation stops until `error.resetRealm()`. */
export class ManualRecoveryHandler extends ClientResetHandler {
  /** @internal */
  override readonly policy = "manual";

  constructor(onReset: ClientResetCallback) {
    super(undefined, undefined, onReset, {});
  }
}

/** Callbacks of resets that happen by themselves. */
export interface AutomaticResetOptions extends ReportOptions {
  /** Called before the file changes. */
  readonly onBeforeReset?: BeforeResetCallback | undefined;
  /** Called afterwards. */
  readonly onAfterReset?: AfterResetCallback | undefined;
  /** Told when the reset fails, and when one of the other callbacks throws; the sync error handler if not given. */
  readonly onManualResetFallback?: ClientResetCallback | undefined;
}

/** Makes the file what the server has. What was not uploaded is lost. */
export class DiscardUnsyncedChangesHandler extends ClientResetHandler {
  /** @internal */
  override readonly policy = "discard";

  constructor(options: AutomaticResetOptions = {}) {
    super(options.onBeforeReset, () => options.onAfterReset, options.onManualResetFallback, options);
  }
}

/** Makes the file what the server has, and replays on top what was not uploaded. */
export class RecoverUnsyncedChangesHandler extends ClientResetHandler {
  /** @internal */
  override readonly policy = "recover";

  constructor(options: AutomaticResetOptions = {}) {
    super(options.onBeforeReset, () => options.onAfterReset, options.onManualResetFallback, options);
  }
}

/** Callbacks of a reset that recovers where it may. */
export interface RecoverOrDiscardOptions extends ReportOptions {
  /** Called before the file changes. */
  readonly onBeforeReset?: BeforeResetCallback | undefined;
  /** Called after a reset that has recovered what was not uploaded. */
  readonly onAfterRecovery?: AfterResetCallback | undefined;
  /** Called after a reset that has discarded it. */
  readonly onAfterDiscard?: AfterResetCallback | undefined;
  /** Told when the reset fails, and when one of the other callbacks throws; the sync error handler if not given. */
  readonly onManualResetFallback?: ClientResetCallback | undefined;
}

/** Recovers what was not uploaded if that is possible and allowed, else discards it. What happens by default. */
export class RecoverOrDiscardUnsyncedChangesHandler extends ClientResetHandler {
  /** @internal */
  override readonly policy = "recover-or-discard";

  constructor(options: RecoverOrDiscardOptions = {}) {
    super(
      options.onBeforeReset,
      (isRecovered) => (isRecovered ? options.onAfterRecovery : options.onAfterDiscard),
      options.onManualResetFallback,
      options,
    );
  }
}

/** Told of errors of synchronisation. What it throws, or rejects with, is logged. */
export type SyncErrorHandler = (error: SyncError) => void;

/** @internal Logs an error: what happens by default. */
export function logSyncError(error: SyncError): void {
  log(LogCategory.realm.sync.client, "error", `${error.name}: ${error.message}`);
}

/** Realms for the callbacks. */
export interface ResetRealms {
  /** The file as it is now, or as a snapshot shows it. */
  frozen(snapshot?: SnapshotId): Realm;
  /** The file, open for writing. */
  live(): Realm;
}

/** The callbacks of a configuration, as the engine calls them. */
export function resetOptionsOf(
  handler: ClientResetHandler,
  onError: SyncErrorHandler,
  path: string,
  realms: ResetRealms,
): Pick<SyncOptions, "onError" | "reset" | "resetPolicy"> {
  const { onReport } = handler;
  return {
    resetPolicy: handler.policy,
    onError: (session, information) => {
      const inner = information.isClientReset ? thrown.get(session) : undefined;
      if (information.isClientReset) thrown.delete(session);
      tell(handler, onError, session, information, path, inner);
    },
    reset: {
      onBefore: (session) => remembering(session, () => tellBefore(handler, realms)),
      onAfter: (session, before, isRecovered) =>
        remembering(session, () => tellAfter(handler, realms, before, isRecovered)),
      ...(onReport === undefined ? {} : { onReport: (_, report) => onReport(report) }),
    },
  };
}

/** What a callback of a session threw last: the error that follows from it carries it. */
const thrown = new WeakMap<EngineSession, unknown>();

async function remembering(session: EngineSession, run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    thrown.set(session, error);
    throw error;
  }
}

async function tellBefore({ onBefore }: ClientResetHandler, realms: ResetRealms): Promise<void> {
  if (onBefore === undefined) return;
  const before = realms.frozen();
  try {
    await onBefore(before);
  } finally {
    before.close();
  }
}

async function tellAfter(
  { onAfter }: ClientResetHandler,
  realms: ResetRealms,
  snapshot: SnapshotId,
  isRecovered: boolean,
): Promise<void> {
  const callback = onAfter?.(isRecovered);
  if (callback === undefined) return;
  const before = realms.frozen(snapshot);
  try {
    const after = realms.live();
    try {
      await callback(before, after);
    } finally {
      after.close();
    }
  } finally {
    before.close();
  }
}

function tell(
  handler: ClientResetHandler,
  onError: SyncErrorHandler,
  session: EngineSession,
  information: SyncErrorInformation,
  path: string,
  inner: unknown,
): void {
  const error = syncErrorOf(information, session.user, path, inner);
  const { onManual } = handler;
  if (error instanceof ClientResetError && onManual !== undefined) void guarded(() => onManual(error));
  else void guarded(() => onError(error));
}

/** There is nobody to throw to, and synchronisation goes on whatever a handler does. */
async function guarded(run: () => void | Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    log(LogCategory.realm.sync.client.session, "error", `A handler of the application threw: ${String(error)}`);
  }
}
