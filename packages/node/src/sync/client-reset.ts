/**
 * Client resets and errors as the configuration wants them told.
 *
 * @module
 */

import {
  type ResetPolicy,
  type ResetReport,
  simpleFailure,
  type SyncErrorInformation,
  type SyncOptions,
  syncStatusCode,
} from "@tidemark/engine";
import type { ClientResetConfig, SyncConfiguration } from "../configuration.js";
import { ClientResetMode } from "../enums.js";
import { syncErrorOf } from "../errors.js";
import { log } from "../logging.js";
import type { Realm } from "../realm.js";
import { SyncSession } from "./sync-session.js";

/** What a client reset did: an addition to what `realm` has. */
export type ClientResetReport = ResetReport;

/** Realms for the callbacks. */
export interface ResetRealms {
  /** The file as it is now, or as a snapshot shows it. */
  frozen(snapshot?: number): Realm;
  /** The file, open for writing. */
  live(): Realm;
}

const policies: Readonly<Record<ClientResetMode, ResetPolicy | "manual">> = {
  [ClientResetMode.Manual]: "manual",
  [ClientResetMode.DiscardUnsyncedChanges]: "discard",
  [ClientResetMode.RecoverUnsyncedChanges]: "recover",
  [ClientResetMode.RecoverOrDiscardUnsyncedChanges]: "recover-or-discard",
};

/** What happens without a configuration. */
const defaultConfig: ClientResetConfig = { mode: "recoverUnsyncedChanges" };

/** The callbacks of a configuration, as the engine calls them. */
export function resetOptionsOf(
  configuration: SyncConfiguration,
  path: string,
  realms: ResetRealms,
): Pick<SyncOptions, "onError" | "reset" | "resetPolicy"> {
  const config = configuration.clientReset ?? defaultConfig;
  const onError = errorHandlerOf(configuration, config, path);
  const { onReport } = config;
  return {
    resetPolicy: policies[config.mode],
    onError,
    reset: {
      onBefore: async () => tellBefore(config, realms),
      onAfter: async (session, before, isRecovered) => {
        const isFallback = config.mode === "recoverOrDiscardUnsyncedChanges" && !isRecovered;
        if (!isFallback) return tellAfter(config, realms, before);
        if (config.onFallback === undefined) onError(session, discardedError);
        else await config.onFallback(new SyncSession(session), path);
      },
      ...(onReport === undefined ? {} : { onReport: (session, report) => onReport(new SyncSession(session), report) }),
    },
  };
}

/** What `recoverOrDiscardUnsyncedChanges` says to applications that have not given an `onFallback`. */
const discardedError: SyncErrorInformation = {
  ...simpleFailure(
    syncStatusCode.syncClientResetRequired,
    "Unsynced changes could not be recovered in a client reset and were discarded",
    false,
  ),
  isClientReset: true,
};

async function tellBefore(config: ClientResetConfig, realms: ResetRealms): Promise<void> {
  if (config.mode === "manual" || config.onBefore === undefined) return;
  const local = realms.frozen();
  try {
    await config.onBefore(local);
  } finally {
    local.close();
  }
}

async function tellAfter(config: ClientResetConfig, realms: ResetRealms, before: number): Promise<void> {
  if (config.mode === "manual" || config.onAfter === undefined) return;
  const local = realms.frozen(before);
  try {
    const remote = realms.live();
    try {
      await config.onAfter(local, remote);
    } finally {
      remote.close();
    }
  } finally {
    local.close();
  }
}

/** The error handler of a configuration. */
function errorHandlerOf(
  { onError }: SyncConfiguration,
  config: ClientResetConfig,
  path: string,
): NonNullable<SyncOptions["onError"]> {
  const tell = (session: SyncSession, information: SyncErrorInformation): void => {
    try {
      onError?.(session, syncErrorOf(information, path));
    } catch (error) {
      // There is nobody to throw it to, and synchronisation goes on whatever the handler does.
      log("Realm.Sync.Client.Session", "error", `The error handler threw: ${String(error)}`);
    }
  };
  return (engineSession, information) => {
    const session = new SyncSession(engineSession);
    const isOurs = information.isClientReset && information.isFatal;
    const handler = isOurs ? resetHandlerOf(config) : undefined;
    if (handler === undefined) return tell(session, information);
    void callHandler(handler, session, information.recoveryPath ?? path, () => tell(session, information));
  };
}

type ResetHandler = (session: SyncSession, path: string) => void | Promise<void>;

/** Who is told of a client reset that the application has to deal with; the error handler if nobody is. */
function resetHandlerOf(config: ClientResetConfig): ResetHandler | undefined {
  switch (config.mode) {
    case "manual":
      return config.onManual;
    case "discardUnsyncedChanges":
      return undefined;
    default:
      return config.onFallback;
  }
}

/** @param onFailed called when the handler throws: what it was to deal with is still to be dealt with. */
async function callHandler(
  handler: ResetHandler,
  session: SyncSession,
  path: string,
  onFailed: () => void,
): Promise<void> {
  try {
    await handler(session, path);
  } catch (error) {
    log("Realm.Sync.Client.Reset", "error", `The client reset handler threw: ${String(error)}`);
    onFailed();
  }
}
