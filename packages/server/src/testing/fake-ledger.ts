/**
 * A ledger for tests of the session machine: it keeps versions, cursors, acknowledgements and bootstraps as the real
 * one does, and neither reads changesets nor merges.
 *
 * Changesets are texts here: `REJECT …` is compensated, `BAD …` refused, `SCHEMA …` changes the schema. A query that
 * contains `wrong` is refused; one with `parts:N` is answered by a bootstrap of N parts.
 *
 * @module
 */

import {
  type DownloadEntry,
  parseUploadEntries,
  serverFileIdent,
  toSyncTimestamp,
  writeDownloadEntries,
} from "@tidemark/protocol";
import { compressBodySync } from "@tidemark/protocol/node";
import { type ClassInformation, readClasses } from "../schema/classes.js";
import type {
  Compensation,
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
  Role,
  SchemaChange,
  SchemaPolicy,
  Upload,
  UploadAnswer,
  UpkeepStep,
} from "../ledger.js";

interface ClientRow {
  readonly salt: string;
  readonly userId: string;
  integrated: number;
  progressServerVersion: number;
  schemaVersion?: number;
  readonly compensations: Compensation[];
}

interface Entry {
  readonly version: number;
  readonly client: string;
  readonly clientVersion: number;
  readonly timestamp: number;
  readonly changeset: Uint8Array;
  readonly isRejected: boolean;
}

interface OpenSession {
  readonly ident: string;
  readonly row: ClientRow;
  serverVersion: number;
  clientVersion: number;
  queryVersion: number;
  bootstrap: { readonly queryVersion: number; parts: number; readonly total: number } | null;
  isAcknowledgementOwed: boolean;
  isPulled: boolean;
}

const decoder = new TextDecoder();

/** See the module. */
export class FakeLedger implements Ledger {
  readonly epochSalt: string;
  /** How many uploads each commit had. */
  readonly commits: number[] = [];
  /** Bodies of integrated uploads, in order. */
  readonly integrated: string[] = [];
  /** Set to make the next integrations wait, or fail. */
  gate: Promise<void> = Promise.resolve();
  failure: Error | null = null;
  /** Steps of upkeep, three a cycle; set what they do. */
  readonly steps: { readonly nowMs: number; readonly budget: number }[] = [];
  maxOfflineMs = 0;
  isDevelopmentMode: boolean;
  queryableFields: QueryableFields | null = null;
  newestSchemaVersion = 0;
  /** What is said against the next schemas. */
  conflicts: readonly string[] = [];
  /** Roles that sessions were opened with, in order. */
  readonly roles: Role[] = [];
  upkeepFailure: Error | null = null;
  owesCursors = false;
  /** Whether an upload concerns nobody but who sent it, or else everybody. */
  concernsUploadersOnly = false;
  /** Calls that broke a promise of the server about their order. */
  readonly violations: string[] = [];
  readonly #rows = new Map<string, ClientRow>();
  readonly #sessions = new Map<LedgerSession, OpenSession>();
  readonly #entries: Entry[] = [];
  readonly #integrating = new Set<LedgerSession>();
  readonly #touched = new Set<LedgerSession>();
  #isMaintaining = false;
  #version = 1;
  #nextIdent = 2;
  #nextSession = 1;
  /** What clients have added. */
  #classes: string[] = [];
  #configured: readonly ClassInformation[] = [];

  constructor(options: LedgerOptions) {
    this.epochSalt = options.epochSalt;
    this.isDevelopmentMode = options.developmentMode;
  }

  close(): Promise<void> {
    if (this.#sessions.size > 0) this.violations.push("closed with open sessions");
    return Promise.resolve();
  }

  status(): Promise<LedgerStatus> {
    const objects = { Item: this.integrated.length };
    return Promise.resolve({
      version: this.#version,
      epoch: 1,
      clients: this.#nextIdent - 2,
      objects,
      bytes: 0,
      trimmedVersion: 0,
      expiredClients: 0,
    });
  }

  schema(): Promise<string> {
    const classes = this.#classes.map((name) => ({
      name,
      kind: "top",
      primaryKey: { name: "_id", type: "int", nullable: false },
      columns: [],
    }));
    return Promise.resolve(JSON.stringify([...this.#configured, ...classes]));
  }

  setSchema(classes: string, policy: SchemaPolicy): Promise<SchemaChange> {
    const { conflicts } = this;
    const changed = conflicts.length === 0 && classes !== JSON.stringify(this.#configured);
    const isBreaking = changed && policy.allowBreaking && policy.removed.length > 0;
    if (changed) this.#configured = readClasses(classes);
    const newest = policy.startOver ? 0 : this.newestSchemaVersion + Number(isBreaking);
    this.newestSchemaVersion = Math.max(newest, policy.versionMin);
    return Promise.resolve({ changed, isBreaking, version: this.newestSchemaVersion, conflicts });
  }

  schemaVersion(): number {
    return this.newestSchemaVersion;
  }

  checkSchemaVersion(presented: number): LedgerRefusal | null {
    if (presented <= this.newestSchemaVersion) return null;
    return { code: 235, message: "Client provided invalid schema version", action: "ApplicationBug" };
  }

  setDevelopmentMode(on: boolean): void {
    // Every change of the schema is taken all the same.
    this.isDevelopmentMode = on;
  }

  setQueryableFields(fields: QueryableFields): void {
    this.queryableFields = fields;
  }

  forceReset(fileIdent: string): Promise<boolean> {
    return Promise.resolve(this.#rows.delete(fileIdent));
  }

  forceResetAll(): Promise<void> {
    this.#rows.clear();
    return Promise.resolve();
  }

  version(): number {
    return this.#version;
  }

  allocateFileIdent(userId: string, salt: string): Promise<string> {
    const ident = String(this.#nextIdent);
    this.#nextIdent += 1;
    this.#rows.set(ident, { salt, userId, integrated: 0, progressServerVersion: 0, compensations: [] });
    return Promise.resolve(ident);
  }

  async identify(identification: Identification): Promise<IdentifyAnswer> {
    await this.gate;
    const refusal = this.#check(identification);
    if (refusal !== null) return { refusal };
    const row = this.#rows.get(identification.fileIdent);
    if (row === undefined) throw new Error("checked before");
    if ([...this.#sessions.values()].some((one) => one.row === row)) {
      this.violations.push(`file ${identification.fileIdent} identified twice`);
    }
    this.roles.push(identification.role);
    const bootstrapDue = identification.queryVersion === 0 && identification.downloadServerVersion === 0;
    const session = this.#nextSession;
    this.#nextSession += 1;
    this.#sessions.set(session, {
      ident: identification.fileIdent,
      row,
      serverVersion: identification.downloadServerVersion,
      clientVersion: identification.downloadClientVersion,
      queryVersion: identification.queryVersion,
      bootstrap: bootstrapDue ? { queryVersion: 0, parts: 1, total: 1 } : null,
      isAcknowledgementOwed: true,
      isPulled: false,
    });
    const compensations = row.compensations.filter((one) => one.serverVersion > identification.downloadServerVersion);
    row.schemaVersion ??= identification.schemaVersion;
    const isOther = row.schemaVersion !== identification.schemaVersion;
    return {
      session,
      compensations,
      bootstrapDue,
      ...(isOther ? { previousSchemaVersion: row.schemaVersion } : {}),
    };
  }

  #check(identification: Identification): LedgerRefusal | null {
    const refuse = (code: number, message: string): LedgerRefusal => ({ code, message, action: "ClientReset" });
    const row = this.#rows.get(identification.fileIdent);
    if (row === undefined) return refuse(208, "Bad client file identifier (IDENT)");
    if (row.salt !== identification.fileIdentSalt) return refuse(211, "Bad client file identifier salt (IDENT)");
    if (row.userId !== identification.userId) {
      return { code: 223, message: "User mismatch (IDENT)", action: "ApplicationBug" };
    }
    if (identification.downloadServerVersion > this.#version) return refuse(209, "Bad server version (IDENT)");
    if (identification.downloadClientVersion > row.integrated) return refuse(210, "Bad client version (IDENT)");
    return null;
  }

  query(session: LedgerSession, queryVersion: number, query: string): Promise<string | null> {
    const open = this.#session(session);
    if (open.isPulled) this.violations.push("query during a pull");
    if (query.includes("wrong")) return Promise.resolve('Invalid query: invalid RQL for table "Item"');
    const parts = Number(/parts:(\d+)/.exec(query)?.[1] ?? 1);
    open.bootstrap = { queryVersion, parts, total: parts };
    return Promise.resolve(null);
  }

  async integrate(uploads: readonly Upload[], nowMs: number): Promise<readonly UploadAnswer[]> {
    const sessions = uploads.map((one) => one.session);
    for (const session of sessions) {
      this.#integrating.add(session);
      const open = this.#session(session);
      if (open.isPulled) this.violations.push("integrate during a pull of the same session");
      if (open.bootstrap !== null) this.violations.push("integrate before the bootstrap was given");
    }
    this.commits.push(uploads.length);
    await this.gate;
    for (const session of sessions) this.#integrating.delete(session);
    if (this.failure !== null) throw this.failure;
    for (const session of this.concernsUploadersOnly ? sessions : this.#sessions.keys()) this.#touched.add(session);
    const refused = new Map<LedgerSession, LedgerRefusal>();
    return uploads.map((upload) => this.#integrateOne(upload, nowMs, refused));
  }

  #integrateOne(upload: Upload, nowMs: number, refused: Map<LedgerSession, LedgerRefusal>): UploadAnswer {
    const none = { compensations: [], changesets: 0, instructions: 0, conflicts: 0, schemaChanged: false };
    const earlier = refused.get(upload.session);
    if (earlier !== undefined) return { ...none, refusal: earlier };
    const { row, ident } = this.#session(upload.session);
    const entries = parseUploadEntries(upload.body).filter((entry) => entry.clientVersion > row.integrated);
    if (entries.some((entry) => decoder.decode(entry.changeset).startsWith("BAD"))) {
      const refusal = { code: 212, message: "Bad changeset (UPLOAD)", action: "ClientReset" };
      refused.set(upload.session, refusal);
      return { ...none, refusal };
    }
    if (entries.some((entry) => decoder.decode(entry.changeset) === "DAMAGED")) {
      const damage = "an entry is missing";
      return { ...none, refusal: { code: 201, message: "internal server error", action: "Transient", damage } };
    }
    const compensations: Compensation[] = [];
    let schemaChanged = false;
    const aheadMs = Math.max(0, ...entries.map((entry) => entry.originTimestamp - toSyncTimestamp(nowMs)));
    const clockAheadMs = aheadMs > 5 * 60_000 ? { clockAheadMs: aheadMs } : {};
    for (const entry of entries) {
      const text = decoder.decode(entry.changeset);
      this.#version += 1;
      this.integrated.push(text);
      const isRejected = text.startsWith("REJECT");
      const { clientVersion, originTimestamp, changeset } = entry;
      this.#entries.push({
        version: this.#version,
        client: ident,
        clientVersion,
        timestamp: Math.min(originTimestamp, toSyncTimestamp(nowMs)),
        changeset: changeset.slice(),
        isRejected,
      });
      if (isRejected) compensations.push(compensation(this.#version, clientVersion));
      if (text.startsWith("SCHEMA ")) {
        this.#classes = [...this.#classes, text.slice(7)];
        schemaChanged = true;
      }
    }
    row.compensations.push(...compensations);
    row.integrated = Math.max(row.integrated, upload.progressClientVersion);
    row.progressServerVersion = Math.max(row.progressServerVersion, upload.progressServerVersion);
    if (entries.length > 0) this.#session(upload.session).isAcknowledgementOwed = true;
    const count = entries.length;
    return { ...none, ...clockAheadMs, compensations, changesets: count, instructions: count, schemaChanged };
  }

  async nextDownload(session: LedgerSession, limits: DownloadLimits): Promise<DownloadPart | null> {
    const open = this.#session(session);
    if (open.isPulled) this.violations.push("two pulls of one session");
    if (this.#integrating.has(session)) this.violations.push("a pull during an integrate of the same session");
    open.isPulled = true;
    await new Promise<void>((resolve) => setImmediate(resolve));
    open.isPulled = false;
    return (
      this.#entriesFor(open, limits.downloadBytesMax) ?? this.#bootstrapFor(open) ?? this.#acknowledgementFor(open)
    );
  }

  async nextDownloads(sessions: readonly LedgerSession[], limits: DownloadLimits): Promise<readonly DownloadAnswer[]> {
    const answers: DownloadAnswer[] = [];
    // Never more than two at once, as if they had reached what they may take together.
    for (const session of sessions.slice(0, 2)) {
      const part = this.nextDownload(session, limits);
      answers.push(
        await part.then(
          (given) => ({ part: given }),
          (failure: Error) => ({ failure }),
        ),
      );
    }
    return answers;
  }

  #entriesFor(open: OpenSession, bytesMax: number): DownloadPart | null {
    // Nothing may come between the parts of a bootstrap: the last one holds it.
    if (open.bootstrap !== null && open.bootstrap.parts < open.bootstrap.total) return null;
    const entries = this.#collect(open, bytesMax);
    return entries.length === 0 ? null : this.#part(open, entries, 2, open.queryVersion, 1);
  }

  #collect(open: OpenSession, bytesMax: number): DownloadEntry[] {
    const entries: DownloadEntry[] = [];
    let bytes = 0;
    let to = open.serverVersion;
    for (const entry of this.#entries.filter((one) => one.version > open.serverVersion)) {
      if (bytes > bytesMax) break;
      to = entry.version;
      const isOwn = entry.client === open.ident;
      if (isOwn) open.clientVersion = Math.max(open.clientVersion, entry.clientVersion);
      if (isOwn ? !entry.isRejected : entry.isRejected) continue;
      bytes += entry.changeset.length;
      entries.push({
        serverVersion: entry.version,
        clientVersion: open.clientVersion,
        originTimestamp: entry.timestamp,
        originFileIdent: isOwn ? serverFileIdent : BigInt(entry.client),
        originalSize: entry.changeset.length,
        changeset: entry.changeset,
      });
    }
    open.serverVersion = to;
    return entries;
  }

  #bootstrapFor(open: OpenSession): DownloadPart | null {
    const { bootstrap } = open;
    if (bootstrap === null) return null;
    bootstrap.parts -= 1;
    const isLast = bootstrap.parts === 0;
    const entries = isLast ? this.#collect(open, Number.POSITIVE_INFINITY) : [];
    if (isLast) {
      this.#version += 1;
      open.serverVersion = this.#version;
      open.clientVersion = open.row.integrated;
      open.queryVersion = bootstrap.queryVersion;
      open.bootstrap = null;
      open.isAcknowledgementOwed = false;
    }
    entries.push({
      serverVersion: open.serverVersion,
      clientVersion: open.clientVersion,
      originTimestamp: 0,
      originFileIdent: serverFileIdent,
      originalSize: 0,
      changeset: new Uint8Array(0),
    });
    const progress = (bootstrap.total - bootstrap.parts) / bootstrap.total;
    return this.#part(open, entries, isLast ? 1 : 0, bootstrap.queryVersion, progress);
  }

  #acknowledgementFor(open: OpenSession): DownloadPart | null {
    if (!open.isAcknowledgementOwed) return null;
    return this.#part(open, [], 2, open.queryVersion, 1);
  }

  #part(
    open: OpenSession,
    entries: readonly DownloadEntry[],
    batchState: 0 | 1 | 2,
    queryVersion: number,
    progressEstimate: number,
  ): DownloadPart {
    if (batchState === 2) open.isAcknowledgementOwed = false;
    return {
      downloadServerVersion: open.serverVersion,
      downloadClientVersion: open.clientVersion,
      latestServerVersion: this.#version,
      latestServerVersionSalt: this.epochSalt,
      uploadClientVersion: open.row.integrated,
      uploadServerVersion: Math.min(open.row.progressServerVersion, open.serverVersion),
      queryVersion,
      batchState,
      progressEstimate,
      entries: entries.length,
      isLast: false,
      ...compressBodySync(writeDownloadEntries(entries)),
    };
  }

  setMaxOfflineMs(maxOfflineMs: number): void {
    this.maxOfflineMs = maxOfflineMs;
  }

  async maintain(nowMs: number, budget: number): Promise<UpkeepStep> {
    this.steps.push({ nowMs, budget });
    if (this.#isMaintaining) this.violations.push("two steps of upkeep at once");
    this.#isMaintaining = true;
    await new Promise<void>((resolve) => setImmediate(resolve));
    this.#isMaintaining = false;
    if (this.upkeepFailure !== null) throw this.upkeepFailure;
    const isDone = this.steps.length % 3 === 0;
    if (isDone && this.owesCursors) {
      for (const [session, open] of this.#sessions) {
        open.isAcknowledgementOwed = true;
        this.#touched.add(session);
      }
    }
    const cursorsOwed = isDone && this.owesCursors ? this.#sessions.size : 0;
    const entriesTrimmed = isDone ? 0 : 1;
    return { isDone, clientsExpired: 0, entriesTrimmed, bytesTrimmed: 0, instructionsFolded: 0, cursorsOwed };
  }

  takeTouched(): readonly LedgerSession[] {
    const touched = [...this.#touched];
    this.#touched.clear();
    return touched;
  }

  endSession(session: LedgerSession): void {
    if (this.#integrating.has(session)) this.violations.push("a session ended during an integrate");
    if (this.#session(session).isPulled) this.violations.push("a session ended during a pull");
    this.#sessions.delete(session);
  }

  #session(session: LedgerSession): OpenSession {
    const open = this.#sessions.get(session);
    if (open === undefined) throw new Error(`no session ${session}`);
    return open;
  }
}

function compensation(serverVersion: number, rejectedClientVersion: number): Compensation {
  const reason = 'write to 5 in table "Item" not allowed; object is outside of the current query view';
  const rejectedUpdates = [{ table: "Item", primaryKey: "AQU=", reason }];
  return { serverVersion, rejectedClientVersion, rejectedUpdates };
}
