/**
 * What an app's configuration says about all of its sessions: whether they may be, and what errors tell them.
 *
 * @module
 */

import { type ErrorAction, errorCode, type ErrorInformation, type SubProtocol } from "@tidemark/protocol";
import type { SyncConfiguration } from "./app-directory/configuration.js";

/** The part of a configuration that is looked at while sessions run. */
export interface AppSettings {
  /** Whether clients may extend the schema. */
  readonly isDevelopmentMode: boolean;
  readonly syncType: SyncConfiguration["type"];
  /** `unconfigured`: the app has had rules, and nobody has brought them since the server was started. */
  readonly syncState: SyncConfiguration["state"] | "unconfigured";
  /** Whether clients that have to reset are told to drop what they have not uploaded. */
  readonly isRecoveryModeDisabled: boolean;
}

/** An error that ends a session or a connection. */
export interface Refusal {
  readonly code: number;
  readonly message: string;
  readonly overrides: Partial<ErrorInformation>;
}

/** How clients come back to a paused app: soon after it goes on, and not all at once for ever. */
const pausedBackoff = { backoffIntervalSec: 5, backoffMaxDelaySec: 60, backoffMultiplier: 2 } as const;

/**
 * Settings of an app without a configuration.
 *
 * @param hadRules whether it has had one: what rules have protected is not handed out without them.
 */
export function initialSettings(isDevelopmentMode: boolean, hadRules: boolean): AppSettings {
  const syncState = hadRules ? "unconfigured" : "enabled";
  return { isDevelopmentMode, syncType: "flexible", syncState, isRecoveryModeDisabled: false };
}

/** Settings as a configuration has them. */
export function settingsOf({ type, state, isDevelopmentMode, isRecoveryModeDisabled }: SyncConfiguration): AppSettings {
  return { isDevelopmentMode, syncType: type, syncState: state, isRecoveryModeDisabled };
}

/**
 * Why no session may be now; `null` if sessions may be.
 *
 * Paused, clients are told what they are told by a server that is not ready yet (229): they try again by themselves,
 * keep what they have, and the application hears nothing. Off, the application must hear of it: 201 with
 * `ApplicationBug` stops the session and is shown with its text. 206 would be shown too, but speaks of the user's
 * permission.
 */
export function sessionRefusal({ syncState }: AppSettings): Refusal | null {
  if (syncState === "enabled") return null;
  if (syncState !== "off") {
    const overrides = { action: "Transient", tryAgain: true, ...pausedBackoff } as const;
    const message = syncState === "disabled" ? "sync is paused for this app" : "the rules of this app are not loaded";
    return { code: errorCode.initialSyncNotCompleted, message, overrides };
  }
  const overrides = { action: "ApplicationBug", tryAgain: false } as const;
  return { code: errorCode.otherSessionError, message: "sync is not enabled for this app", overrides };
}

/** Why a connection of this kind may not be; `null` if it may. Partition-based synchronisation is never offered. */
export function connectionRefusal({ syncType }: AppSettings, mode: SubProtocol["mode"]): Refusal | null {
  const overrides = { tryAgain: false } as const;
  if (mode === "partition") {
    const message =
      syncType === "flexible"
        ? "Client connected using partition-based sync when app is using flexible sync"
        : "Client connected using partition-based sync, which this server does not offer";
    return { code: errorCode.switchToFlxSync, message, overrides };
  }
  if (syncType === "flexible") return null;
  const message = "Client connected using flexible sync when app is using partition-based sync";
  return { code: errorCode.switchToPbs, message, overrides };
}

/** The action that a client gets: a reset recovers nothing where the app does not want it. */
export function actionUnder<Action extends ErrorAction | undefined>(
  { isRecoveryModeDisabled }: AppSettings,
  action: Action,
): Action | "ClientResetNoRecovery" {
  return isRecoveryModeDisabled && action === "ClientReset" ? "ClientResetNoRecovery" : action;
}
