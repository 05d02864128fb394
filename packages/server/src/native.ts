/**
 * The embedded store: ledgers and users in redb files, through the native addon.
 *
 * @module
 */

import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import * as native from "@tidemark/native";
import type { KeyValue, KeyValueChange } from "./key-value.js";
import type {
  DownloadAnswer,
  DownloadLimits,
  DownloadPart,
  Identification,
  IdentifyAnswer,
  Ledger,
  LedgerOptions,
  LedgerRefusal,
  LedgerSession,
  LedgerStatus,
  QueryableFields,
  SchemaChange,
  SchemaPolicy,
  Upload,
  UploadAnswer,
  UpkeepStep,
} from "./ledger.js";

/** Opens the embedded ledger of an app, and makes its directory. */
export async function openNativeLedger(options: LedgerOptions): Promise<Ledger> {
  if (options.path !== null) await mkdir(dirname(options.path), { recursive: true });
  return new EmbeddedLedger(await native.openLedger({ ...options }));
}

/** Opens the embedded store of users, and makes its directory. */
export async function openNativeKeyValue(path: string | null): Promise<KeyValue> {
  if (path !== null) await mkdir(dirname(path), { recursive: true });
  return new EmbeddedKeyValue(native.KeyValue.open(path));
}

/** The addon's ledger; what it leaves out of an answer is brought into the form of the interface. */
class EmbeddedLedger implements Ledger {
  readonly #ledger: native.NativeLedger;

  constructor(ledger: native.NativeLedger) {
    this.#ledger = ledger;
  }

  close(): Promise<void> {
    return this.#ledger.close();
  }

  status(): Promise<LedgerStatus> {
    return this.#ledger.status();
  }

  schema(): Promise<string> {
    return this.#ledger.schema();
  }

  setSchema(classes: string, { removed, ...policy }: SchemaPolicy): Promise<SchemaChange> {
    return this.#ledger.setSchema(classes, { ...policy, removed: [...removed] });
  }

  schemaVersion(): number {
    return this.#ledger.schemaVersion();
  }

  checkSchemaVersion(presented: number): LedgerRefusal | null {
    return this.#ledger.checkSchemaVersion(presented);
  }

  setQueryableFields({ global, classes, indexed }: QueryableFields): void {
    const named = Object.entries(classes).map(([name, fields]): [string, string[]] => [name, [...fields]]);
    this.#ledger.setQueryableFields({
      global: [...global],
      classes: Object.fromEntries(named),
      ...(indexed === null ? {} : { indexed }),
    });
  }

  forceReset(fileIdent: string): Promise<boolean> {
    return this.#ledger.forceReset(fileIdent);
  }

  forceResetAll(): Promise<void> {
    return this.#ledger.forceResetAll();
  }

  setDevelopmentMode(on: boolean): void {
    this.#ledger.setDevelopmentMode(on);
  }

  allocateFileIdent(userId: string, salt: string, nowMs: number): Promise<string> {
    return this.#ledger.allocateFileIdent(userId, salt, nowMs);
  }

  async identify(identification: Identification, nowMs: number): Promise<IdentifyAnswer> {
    const role = { ...identification.role, classes: { ...identification.role.classes } };
    const answer = await this.#ledger.identify({ ...identification, role }, nowMs);
    const { session, compensations, bootstrapDue, previousSchemaVersion: previous, refusal } = answer;
    if (refusal !== undefined && refusal !== null) return { refusal };
    if (session === undefined) throw new TypeError("an answer to IDENT without a session");
    return {
      session,
      compensations: compensations ?? [],
      bootstrapDue: bootstrapDue ?? false,
      ...(previous === undefined || previous === null ? {} : { previousSchemaVersion: previous }),
    };
  }

  query(session: LedgerSession, queryVersion: number, query: string): Promise<string | null> {
    return this.#ledger.query(session, queryVersion, query);
  }

  async integrate(uploads: readonly Upload[], nowMs: number): Promise<readonly UploadAnswer[]> {
    const answers = await this.#ledger.integrate([...uploads], nowMs);
    return answers.map(({ refusal, clockAheadMs, ...answer }) => ({
      ...answer,
      ...given(refusal),
      ...(clockAheadMs === undefined || clockAheadMs === null ? {} : { clockAheadMs }),
    }));
  }

  async nextDownload(session: LedgerSession, limits: DownloadLimits): Promise<DownloadPart | null> {
    const part = await this.#ledger.nextDownload(session, limits.downloadBytesMax, limits.bootstrapBytesMax);
    return part === null ? null : { ...part, batchState: batchStateOf(part.batchState) };
  }

  async nextDownloads(
    sessions: readonly LedgerSession[],
    limits: DownloadLimits,
    bytesMax: number,
  ): Promise<readonly DownloadAnswer[]> {
    const { downloadBytesMax, bootstrapBytesMax } = limits;
    const answers = await this.#ledger.nextDownloads([...sessions], downloadBytesMax, bootstrapBytesMax, bytesMax);
    return answers.map(({ part, failure }) => {
      if (failure !== undefined) return { failure: Object.assign(new Error(failure.message), { code: failure.code }) };
      return { part: part === undefined ? null : { ...part, batchState: batchStateOf(part.batchState) } };
    });
  }

  setMaxOfflineMs(maxOfflineMs: number): void {
    this.#ledger.setMaxOfflineMs(maxOfflineMs);
  }

  maintain(nowMs: number, budget: number): Promise<UpkeepStep> {
    return this.#ledger.maintain(nowMs, budget);
  }

  takeTouched(): readonly LedgerSession[] {
    return this.#ledger.takeTouched();
  }

  endSession(session: LedgerSession): void {
    this.#ledger.endSession(session);
  }

  version(): number {
    return this.#ledger.version();
  }
}

function given(refusal: LedgerRefusal | undefined): { readonly refusal?: LedgerRefusal } {
  return refusal === undefined || refusal === null ? {} : { refusal };
}

function batchStateOf(state: number): 0 | 1 | 2 {
  if (state === 0 || state === 1 || state === 2) return state;
  throw new TypeError(`batch state ${state}`);
}

class EmbeddedKeyValue implements KeyValue {
  readonly #store: native.KeyValue;

  constructor(store: native.KeyValue) {
    this.#store = store;
  }

  // The addon answers at once; a failure must all the same be a rejection.
  async get(key: string): Promise<Uint8Array | null> {
    return this.#store.get(key);
  }

  async list(prefix: string): Promise<readonly { readonly key: string; readonly value: Uint8Array }[]> {
    return this.#store.entries(prefix).map(({ key, value }) => ({ key, value: value ?? new Uint8Array(0) }));
  }

  async write(changes: readonly KeyValueChange[]): Promise<void> {
    this.#store.write(changes.map(({ key, value }) => (value === null ? { key } : { key, value })));
  }

  async close(): Promise<void> {
    this.#store.close();
  }
}
