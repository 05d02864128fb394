/**
 * Client resets: what happens when the server cannot go on with a file.
 *
 * @module
 */

import {
  isPromiseLike,
  messageOf,
  type ResetPolicy,
  type SnapshotId,
  type SyncErrorInformation,
  type SyncOptions,
  type SyncSession as EngineSession,
} from "@tidemark/engine";
import type { ErrorHandler } from "../configuration/sync-configuration.js";
import { IllegalStateException, refuseAsync } from "../errors.js";
import { log, LogCategory, LogLevel } from "../log.js";
import type { MutableRealm } from "../mutable-realm.js";
import type { TypedRealm } from "../typed-realm.js";
import { ClientResetRequiredException, syncExceptionOf } from "./exceptions.js";
import type { SyncSession } from "./sync-session.js";

/**
 * Deals with a file that is left to the application. It may close the realm and execute the reset. What it throws, or
 * rejects with, is logged.
 */
export type ManualReset = (session: SyncSession, exception: ClientResetRequiredException) => void;

/** Sees the realm before the reset. What it throws gives the reset up; it must not be async. */
export type BeforeReset = (realm: TypedRealm) => void;

/**
 * Sees the realm before and after the reset. `after` is in a write transaction: it is committed when the callback
 * returns, and undone when it throws or is async.
 */
export type AfterReset = (before: TypedRealm, after: MutableRealm) => void;

/** Every client reset is left to the application. */
export class ManuallyRecoverUnsyncedChangesStrategy {
  /** Tells the strategies apart. */
  readonly kind = "ManuallyRecoverUnsyncedChangesStrategy" as const;
  /** Deals with the file. */
  readonly onClientReset: ManualReset;

  constructor(callbacks: { readonly onClientReset: ManualReset }) {
    this.onClientReset = callbacks.onClientReset.bind(callbacks);
  }
}

/** What a strategy that discards, or one that recovers, calls. */
export interface ResetCallbacks {
  /** Called before the reset. */
  readonly onBeforeReset: BeforeReset;
  /** Called after the reset. */
  readonly onAfterReset: AfterReset;
  /** The reset could not be done, or another callback has thrown. */
  readonly onManualResetFallback: ManualReset;
}

abstract class OneWayStrategy {
  /** Called before the reset. */
  readonly onBeforeReset: BeforeReset;
  /** Called after the reset. */
  readonly onAfterReset: AfterReset;
  /** Called when the reset could not be done, or another callback has thrown. */
  readonly onManualResetFallback: ManualReset;

  constructor(callbacks: ResetCallbacks) {
    this.onBeforeReset = callbacks.onBeforeReset.bind(callbacks);
    this.onAfterReset = callbacks.onAfterReset.bind(callbacks);
    this.onManualResetFallback = callbacks.onManualResetFallback.bind(callbacks);
  }
}

/** What was not uploaded is discarded. */
export class DiscardUnsyncedChangesStrategy extends OneWayStrategy {
  /** Tells the strategies apart. */
  readonly kind = "DiscardUnsyncedChangesStrategy" as const;
}

/** What was not uploaded is recovered; where the server forbids that the file is left to the application. */
export class RecoverUnsyncedChangesStrategy extends OneWayStrategy {
  /** Tells the strategies apart. */
  readonly kind = "RecoverUnsyncedChangesStrategy" as const;
}

/** What was not uploaded is recovered, or discarded where that cannot be. */
export class RecoverOrDiscardUnsyncedChangesStrategy {
  /** Tells the strategies apart. */
  readonly kind = "RecoverOrDiscardUnsyncedChangesStrategy" as const;
  /** Called before the reset. */
  readonly onBeforeReset: BeforeReset;
  /** Called after a reset that has recovered what was not uploaded. */
  readonly onAfterRecovery: AfterReset;
  /** Called after a reset that has discarded it. */
  readonly onAfterDiscard: AfterReset;
  /** Called when the reset could not be done, or another callback has thrown. */
  readonly onManualResetFallback: ManualReset;

  constructor(callbacks: {
    readonly onBeforeReset: BeforeReset;
    readonly onAfterRecovery: AfterReset;
    readonly onAfterDiscard: AfterReset;
    /** The reset could not be done, or another callback has thrown. */
    readonly onManualResetFallback: ManualReset;
  }) {
    this.onBeforeReset = callbacks.onBeforeReset.bind(callbacks);
    this.onAfterRecovery = callbacks.onAfterRecovery.bind(callbacks);
    this.onAfterDiscard = callbacks.onAfterDiscard.bind(callbacks);
    this.onManualResetFallback = callbacks.onManualResetFallback.bind(callbacks);
  }
}

/** What happens when the server cannot go on with a file. */
export type SyncClientResetStrategy =
  | ManuallyRecoverUnsyncedChangesStrategy
  | DiscardUnsyncedChangesStrategy
  | RecoverUnsyncedChangesStrategy
  | RecoverOrDiscardUnsyncedChangesStrategy;

function tell(text: string, realm: TypedRealm): void {
  log(LogCategory.Sdk, LogLevel.INFO, `${text} in Realm: ${realm.configuration.path}`);
}

/** Recovers or discards, and logs what it does. */
export const defaultStrategy: RecoverOrDiscardUnsyncedChangesStrategy = new RecoverOrDiscardUnsyncedChangesStrategy({
  onBeforeReset: (realm) => tell("Client reset: attempting to automatically recover unsynced changes", realm),
  onAfterRecovery: (before) => tell("Client reset: successfully recovered all unsynced changes", before),
  onAfterDiscard: (before) =>
    tell("Client reset: couldn't recover successfully, all unsynced changes were discarded", before),
  onManualResetFallback: (_, { originalFilePath }) => {
    const text = "Client reset required: couldn't recover or discard unsynced changes";
    log(LogCategory.Sdk, LogLevel.ERROR, `${text} in Realm: ${originalFilePath}`);
  },
});

const policies: Readonly<Record<SyncClientResetStrategy["kind"], ResetPolicy | "manual">> = {
  ManuallyRecoverUnsyncedChangesStrategy: "manual",
  DiscardUnsyncedChangesStrategy: "discard",
  RecoverUnsyncedChangesStrategy: "recover",
  RecoverOrDiscardUnsyncedChangesStrategy: "recover-or-discard",
};

/** What the callbacks need of the realm. */
export interface ResetRealm {
  readonly path: string;
  /** Lets the callback see the file as it is, or as a snapshot shows it. */
  readFrozen<T>(snapshot: SnapshotId | undefined, read: (realm: TypedRealm) => T): T;
  /** Runs the callback in a write transaction. */
  write(block: (realm: MutableRealm) => void): void;
  /** The session as error handlers get it. */
  session(session: EngineSession): SyncSession;
  /** Sets the file aside; false if that cannot be. */
  executeReset(): boolean;
}

/** What a callback of the application has thrown, until it is told as the cause of what follows. */
class CallbackFailure {
  #thrown: { readonly error: unknown } | undefined;

  run<T>(callback: () => T): T {
    try {
      return callback();
    } catch (error) {
      this.#thrown = { error };
      throw new IllegalStateException("User-provided callback failed", { cause: error });
    }
  }

  take(): ErrorOptions {
    const thrown = this.#thrown;
    this.#thrown = undefined;
    return thrown === undefined ? {} : { cause: thrown.error };
  }
}

function manualOf(strategy: SyncClientResetStrategy): ManualReset {
  return strategy.kind === "ManuallyRecoverUnsyncedChangesStrategy"
    ? strategy.onClientReset
    : strategy.onManualResetFallback;
}

function afterOf(
  strategy: Exclude<SyncClientResetStrategy, ManuallyRecoverUnsyncedChangesStrategy>,
  isRecovered: boolean,
): AfterReset {
  if (strategy.kind !== "RecoverOrDiscardUnsyncedChangesStrategy") return strategy.onAfterReset;
  return isRecovered ? strategy.onAfterRecovery : strategy.onAfterDiscard;
}

/** Strategy and error handler, as the engine calls them. */
export function resetOptionsOf(
  strategy: SyncClientResetStrategy,
  errorHandler: ErrorHandler,
  realm: ResetRealm,
): Pick<SyncOptions, "onError" | "reset" | "resetPolicy"> {
  const failure = new CallbackFailure();
  const onError = (engineSession: EngineSession, information: SyncErrorInformation): void => {
    const session = realm.session(engineSession);
    if (!information.isClientReset) {
      return guarded("error handler", () => errorHandler(session, syncExceptionOf(information)));
    }
    const exception = new ClientResetRequiredException(
      information,
      realm.path,
      () => realm.executeReset(),
      failure.take(),
    );
    guarded("client reset callback", () => manualOf(strategy)(session, exception));
  };
  const resetPolicy = policies[strategy.kind];
  if (strategy.kind === "ManuallyRecoverUnsyncedChangesStrategy") return { resetPolicy, onError };
  return {
    resetPolicy,
    onError,
    reset: {
      onBefore: () => {
        failure.run(() =>
          realm.readFrozen(undefined, (local) =>
            refuseAsync(strategy.onBeforeReset(local), "The callback before a client reset must not be async"),
          ),
        );
      },
      onAfter: (_, before, isRecovered) => {
        const callback = afterOf(strategy, isRecovered);
        failure.run(() => realm.readFrozen(before, (local) => realm.write((after) => callback(local, after))));
      },
    },
  };
}

/** There is nobody to throw to, and synchronisation goes on whatever a handler does. */
function guarded(what: string, run: () => unknown): void {
  const onThrown = (error: unknown): void =>
    log(LogCategory.Sdk, LogLevel.ERROR, `The ${what} threw: ${messageOf(error)}`);
  try {
    const result = run();
    if (isPromiseLike(result)) void Promise.resolve(result).catch(onThrown);
  } catch (error) {
    onThrown(error);
  }
}
