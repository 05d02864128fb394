/**
 * Rescue mode: whether files of another server may be told to reset onto what this one holds.
 *
 * A client reset makes a file equal to the server's data and keeps of the device only what it had not uploaded. While
 * the operator has not loaded the data, nobody may be told to reset: those who would be are told to try again, and
 * keep everything. Why it is done like this: decision 15.
 *
 * @module
 */

import { type BindOptions, type ErrorInformation, sessionReason, TidemarkError } from "@tidemark/protocol";
import { Semaphore } from "./concurrency.js";
import { getJson, jsonChange, type KeyValue, type KeyValueChange } from "./key-value.js";
import type { LedgerRefusal } from "./ledger.js";
import type { Logger } from "./logger.js";

/** `closed`: who would have to reset is told to try again; `open`: is told to reset. */
export type RescueState = "closed" | "open";

/** What is kept of an app, beside its record. */
export interface RescueRecord {
  /** What the operator said last; `null`: nothing yet, so that the way the server is run decides. */
  readonly state: RescueState | null;
  /** Whether the app has a ledger that may not be missing at the next start. */
  readonly hasLedger: boolean;
}

const nothingKept: RescueRecord = { state: null, hasLedger: false };
const prefix = "rescue/";

/** What is kept of an app's rescue mode, in a form for {@link Rescue}. */
export async function readRescueRecord(store: KeyValue, appId: string): Promise<RescueRecord> {
  return (await getJson<RescueRecord>(store, prefix + appId)) ?? nothingKept;
}

/**
 * Closes an app of a store that no server has open: before a restored backup is served, for instance.
 *
 * @returns whether anything had to be changed.
 */
export async function closeStored(store: KeyValue, appId: string): Promise<boolean> {
  const record = await readRescueRecord(store, appId);
  if (record.state === "closed") return false;
  await store.write([jsonChange(prefix + appId, { ...record, state: "closed" } satisfies RescueRecord)]);
  return true;
}

/** The change that forgets an app's rescue mode, for whoever removes the app. */
export function rescueRemoval(appId: string): KeyValueChange {
  return { key: prefix + appId, value: null };
}

/** Seconds after which devices of the old service try again, over HTTP; clients of original SDKs go by their own. */
export const rescueRetrySeconds = 60;

/** When a held-back file tries again: soon enough after the opening, and 10,000 devices are 33 messages a second. */
export const rescueBackOff: Partial<ErrorInformation> = {
  backoffIntervalSec: 30,
  backoffMaxDelaySec: 300,
  backoffMultiplier: 2,
};

/** The text of a 229. */
export const rescueText = "Initial sync not completed: the data of this app is being moved here, try again later";

/** What a command wants cannot be: opening when there is nothing to reset onto, or an app that is not there. */
export class RescueError extends TidemarkError {
  /** What is wrong; stable. */
  declare readonly code: "nothing-loaded" | "objects-missing" | "recovery-disabled" | "no-such-app" | "no-server";
}

/** What {@link Rescue} needs. */
export interface RescueContext {
  readonly appId: string;
  readonly store: KeyValue;
  readonly logger: Logger;
  /** What holds while the operator has said nothing. */
  readonly fallback: RescueState;
  readonly record: RescueRecord;
  readonly readLedger: () => Promise<LedgerContents>;
}

/** What there is to reset onto. */
export interface LedgerContents {
  /** Objects by class. */
  readonly objects: Readonly<Record<string, number>>;
  /** Whether the app's configuration makes devices that reset drop what they had not uploaded. */
  readonly isRecoveryDisabled: boolean;
}

/** The rescue mode of one app. */
export class Rescue {
  readonly #context: RescueContext;
  /** What the operator says happens one after another … */
  readonly #commands = new Semaphore(1);
  /** … and writes of their own, because reading the ledger for a command may open it, which is written down. */
  readonly #writes = new Semaphore(1);
  readonly #closeListeners = new Set<() => void>();
  #record: RescueRecord;

  constructor(context: RescueContext) {
    this.#context = context;
    this.#record = context.record;
  }

  /** Whether files of another server are told to reset. */
  get state(): RescueState {
    return this.#record.state ?? this.#context.fallback;
  }

  /** Whether they wait. */
  get isClosed(): boolean {
    return this.state === "closed";
  }

  /**
   * Opens: from now on files of another server are told to reset, onto what is loaded. Durable when it resolves.
   *
   * @param objectsMin how many objects were loaded; 0 says that there is nothing to load.
   * @throws {RescueError} while the ledger holds fewer, or while devices would not recover what they had not synced;
   * the state stays as it is.
   */
  open(objectsMin: number): Promise<void> {
    return this.#commands.run(async () => {
      const { appId, logger, readLedger } = this.#context;
      const contents = await readLedger();
      const objects = Object.values(contents.objects).reduce((sum, count) => sum + count, 0);
      if (objects < objectsMin) throw tooFew(appId, objects, objectsMin);
      if (contents.isRecoveryDisabled) throw recoveryDisabled(appId);
      await this.#writes.run(() => this.#keep({ ...this.#record, state: "open" }));
      logger.warn({ app: appId, objects }, "rescue mode is open: files of another server reset from now on");
    });
  }

  /** Closes: nobody is told to reset any more, and who is in the middle of a reset waits. Durable when it resolves. */
  async close(): Promise<void> {
    await this.#commands.run(() =>
      this.#writes.run(async () => {
        // In force at once, so that nobody is told to reset while it is written.
        this.#record = { ...this.#record, state: "closed" };
        for (const listener of this.#closeListeners) listener();
        await this.#keep(this.#record);
      }),
    );
    this.#context.logger.warn({ app: this.#context.appId }, "rescue mode is closed: who would have to reset waits");
  }

  /** Calls a function whenever the app is closed; returns what ends that. */
  onClose(listener: () => void): () => void {
    this.#closeListeners.add(listener);
    return () => this.#closeListeners.delete(listener);
  }

  // --- what sessions ask --------------------------------------------------------------------------------------

  /**
   * Whether a session has to wait from its BIND on. A new file that a client reset downloads is what the device's own
   * file will be made equal to, so it may not be filled while data is missing; all other new files may be.
   */
  holdsBack({ sessionReason: reason }: BindOptions): boolean {
    return this.isClosed && reason === sessionReason.clientReset;
  }

  /**
   * Whether a refused IDENT is answered by "try again". That is so for every refusal that makes a client reset,
   * whatever its code: an ident of the old service may be one that we never gave out, one that we gave to somebody
   * else, or one of ours that has expired.
   */
  replaces({ action }: LedgerRefusal): boolean {
    return this.isClosed && (action === "ClientReset" || action === "ClientResetNoRecovery");
  }

  // --- what becomes of the ledger -----------------------------------------------------------------------------

  /** To be called before the ledger is opened: a ledger that was lost closes what was open. */
  async beforeLedger(isThere: boolean): Promise<void> {
    if (isThere || !this.#record.hasLedger) return;
    const { appId, logger } = this.#context;
    await this.#writes.run(async () => {
      const { state } = this.#record;
      await this.#keep({ state: state === null ? null : "closed", hasLedger: false });
    });
    logger.error({ app: appId, rescue: this.state }, "the ledger of the app is missing; a new one is made");
  }

  /** To be called when the ledger is open and its file is durable. */
  async ledgerOpened(): Promise<void> {
    if (!this.#record.hasLedger) await this.#writes.run(() => this.#keep({ ...this.#record, hasLedger: true }));
  }

  /** To be called before the ledger is taken away on purpose: the state stays, wherever that is interrupted. */
  async ledgerToGo(): Promise<void> {
    await this.#writes.run(() => this.#keep({ ...this.#record, hasLedger: false }));
  }

  async #keep(record: RescueRecord): Promise<void> {
    const { store, appId } = this.#context;
    await store.write([jsonChange(prefix + appId, record)]);
    this.#record = record;
  }
}

function recoveryDisabled(appId: string): RescueError {
  const text = `the configuration of app ${appId} has recovery disabled (is_recovery_mode_disabled)`;
  return new RescueError("recovery-disabled", `${text}; devices that reset now would lose what they had not synced`);
}

function tooFew(appId: string, objects: number, objectsMin: number): RescueError {
  const lost = "devices that reset now would lose what the old service had given them";
  if (objects === 0) {
    return new RescueError("nothing-loaded", `nothing was loaded into app ${appId}; ${lost}`);
  }
  const counts = `app ${appId} holds ${objects} objects, fewer than the ${objectsMin} that were to be loaded`;
  return new RescueError("objects-missing", `${counts}; ${lost}`);
}
