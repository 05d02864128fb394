/**
 * The server's side of the core, as the sync server uses it: one ledger per app.
 *
 * Every method that returns a promise runs off the event loop. The ledger owns all durable state of synchronisation
 * (versions, entries, documents, client rows, views, records, epochs); the server owns sockets, users and time.
 *
 * @module
 */

import type { ChangesetBody } from "@tidemark/protocol";

/** A session of one bound client file, from its IDENT to its end. */
export type LedgerSession = number;

/** What IDENT says, with what the server knows about the sender. */
export interface Identification {
  /** Decimal text of the 64-bit numbers. */
  readonly fileIdent: string;
  /** Secret of the ident. */
  readonly fileIdentSalt: string;
  /** Who syncs. */
  readonly userId: string;
  /** Server version up to which the client has everything. */
  readonly downloadServerVersion: number;
  /** Client version that the server had integrated by then. */
  readonly downloadClientVersion: number;
  /** Newest server version that the client has heard of. */
  readonly latestServerVersion: number;
  /** Salt of it. */
  readonly latestServerVersionSalt: string;
  /** Number of the subscription set. */
  readonly queryVersion: number;
  /** Body of the message: class name to predicate, as JSON text. */
  readonly query: string;
  /** Expanded role of the user. */
  readonly role: Role;
  /** Whether the client merges by our corrected rules. */
  readonly isOwnClient: boolean;
  /** Version of the protocol that is spoken. */
  readonly protocolVersion: number;
  /** Version of the schema that the client was opened with; 0 for one that knows of none. */
  readonly schemaVersion: number;
}

/** What a user may read and write, per class, as predicates; `default` for classes not named. */
export interface Role {
  /** For classes that are not named. */
  readonly default: RolePredicates;
  /** By name of the class. */
  readonly classes: Readonly<Record<string, RolePredicates>>;
}

/** What a user may do with the objects of one class. Predicates are in Realm Query Language. */
export interface RolePredicates {
  /** Which objects are seen. */
  readonly read: string;
  /** Which may be written: to hold before, if the object was there, and after. */
  readonly write: string;
  /** Which may be created, judged as the creation leaves them; includes `write`. */
  readonly insert: string;
  /** Which may be deleted, judged as they were; includes `write`. */
  readonly delete: string;
  /** JSON text `[others, [[name, access], …]]`, with accesses in the same form; `[true,[]]` is all. */
  readonly readableFields: string;
  /** In the same form. */
  readonly writableFields: string;
}

/** Fields that subscriptions may use with Development Mode off. Keys always may be used. */
export interface QueryableFields {
  /** In every class that has them. */
  readonly global: readonly string[];
  /** By name of the class. */
  readonly classes: Readonly<Record<string, readonly string[]>>;
  /**
   * The indexed queryable field: in every class that has it, every subscription compares it with constants, and clients
   * do not change it in an object that exists. In Development Mode as well; `null` for none.
   */
  readonly indexed: string | null;
}

/** A class of the schema, or a property of one. */
export interface SchemaPlace {
  /** Name of the class. */
  readonly className: string;
  /** Absent for the class as a whole. */
  readonly propertyName?: string;
}

/** What a change of the schema may do. */
export interface SchemaPolicy {
  /** Whether it may make a new version of the schema. */
  readonly allowBreaking: boolean;
  /** What is to be there no longer; of no effect without `allowBreaking`. */
  readonly removed: readonly SchemaPlace[];
  /** Whether versions are counted from 0 again. If there are any, every client file starts over, by the same commit. */
  readonly startOver: boolean;
  /** Number that the newest version has at least: versions that are missing hold what the newest does. */
  readonly versionMin: number;
}

/** What became of a schema that the ledger was to have. */
export interface SchemaChange {
  /** Whether anything was changed. */
  readonly changed: boolean;
  /** Whether it made a new version of the schema. */
  readonly isBreaking: boolean;
  /** The newest version afterwards. */
  readonly version: number;
  /** What contradicts the present schema, each naming class, property, expected and found. Nothing is changed then. */
  readonly conflicts: readonly string[];
}

/** A refusal with the protocol's error code and the text for the client. */
export interface LedgerRefusal {
  /** Code of the protocol. */
  readonly code: number;
  /** The text for the client. */
  readonly message: string;
  /** `ClientReset`, `ApplicationBug`, …: the protocol's action. */
  readonly action: string;
  /** What is damaged, where that is why: not for the client. */
  readonly damage?: string;
}

/** A session, or why there is none. */
export type IdentifyAnswer =
  | {
      /** The session. */
      readonly session: LedgerSession;
      /** Compensating-write errors to be sent again before any download. */
      readonly compensations: readonly Compensation[];
      /**
       * Whether a bootstrap is owed (the first of a new file, or after a change of role or view). The server gives no
       * upload of this session to {@link Ledger.integrate} before its last part came from {@link Ledger.nextDownload}.
       */
      readonly bootstrapDue: boolean;
      /** Version of the schema that the file is of; absent if its client was opened with that one. */
      readonly previousSchemaVersion?: number;
    }
  | {
      /** Why there is none. */
      readonly refusal: LedgerRefusal;
    };

/** One 231: a rejected changeset of the client. */
export interface Compensation {
  /** Server version that holds what was undone. */
  readonly serverVersion: number;
  /** Client version that was rejected. */
  readonly rejectedClientVersion: number;
  /** What was undone. */
  readonly rejectedUpdates: readonly {
    /** Class of the object. */
    readonly table: string;
    /** Base64 as the protocol wants it. */
    readonly primaryKey: string;
    /** Why, in words. */
    readonly reason: string;
  }[];
}

/** One UPLOAD message. */
export interface Upload {
  /** Whose upload it is. */
  readonly session: LedgerSession;
  /** Client version up to which it goes. */
  readonly progressClientVersion: number;
  /** Server version that the client had integrated by then. */
  readonly progressServerVersion: number;
  /** As the client sent it. */
  readonly lockedServerVersion: number;
  /** Uncompressed entries. */
  readonly body: Uint8Array;
}

/** What became of an upload. */
export interface UploadAnswer {
  /** Absent when everything was integrated. */
  readonly refusal?: LedgerRefusal;
  /** What of it was rejected. */
  readonly compensations: readonly Compensation[];
  /** Changesets that were integrated. */
  readonly changesets: number;
  /** Instructions that were integrated. */
  readonly instructions: number;
  /** Changesets that met a foreign change of the same object. */
  readonly conflicts: number;
  /** Whether the schema changed. */
  readonly schemaChanged: boolean;
  /** How far the newest timestamp is ahead of the server's clock; absent within the allowed five minutes. */
  readonly clockAheadMs?: number;
}

/** The next DOWNLOAD of a session. */
export interface DownloadPart extends ChangesetBody {
  /** Server version that the message leads to. */
  readonly downloadServerVersion: number;
  /** Client version that was integrated by then. */
  readonly downloadClientVersion: number;
  /** Newest server version. */
  readonly latestServerVersion: number;
  /** Salt of it. */
  readonly latestServerVersionSalt: string;
  /** Client version up to which uploads are acknowledged. */
  readonly uploadClientVersion: number;
  /** Server version that the client had integrated by then. */
  readonly uploadServerVersion: number;
  /** Number of the subscription set. */
  readonly queryVersion: number;
  /** 0 more to come, 1 last in batch, 2 steady. */
  readonly batchState: 0 | 1 | 2;
  /** How much of a bootstrap is given, from 0 to 1. */
  readonly progressEstimate: number;
  /** Entries in the body. */
  readonly entries: number;
  /** Whether nothing more was owed when it was made: the session need not be asked for until it is touched. */
  readonly isLast: boolean;
}

/** What one session of several is owed, or why that cannot be told. */
export type DownloadAnswer =
  | {
      /** The message; `null` if nothing is owed. */
      readonly part: DownloadPart | null;
    }
  | {
      /** Why that cannot be told. */
      readonly failure: Error;
    };

/** Sizes of messages before compression: a message ends with the entry that reaches its limit. */
export interface DownloadLimits {
  /** Entries of the log. */
  readonly downloadBytesMax: number;
  /** A part of a bootstrap. */
  readonly bootstrapBytesMax: number;
}

/** How a ledger is opened. */
export interface LedgerOptions {
  /** Directory or file of the embedded store; `null` keeps it in memory. */
  readonly path: string | null;
  /** Salt of the epoch that this start opens, 1 … 2^63−1 as decimal text. */
  readonly epochSalt: string;
  /** Whether clients may extend the schema. */
  readonly developmentMode: boolean;
}

/** What a ledger holds. */
export interface LedgerStatus {
  /** Newest version. */
  readonly version: number;
  /** Number of the epoch: one more with each start. */
  readonly epoch: number;
  /** Client files that were ever made. */
  readonly clients: number;
  /** Objects by class. */
  readonly objects: Readonly<Record<string, number>>;
  /** Bytes of the log. */
  readonly bytes: number;
  /** Entries of the log up to this version are gone. */
  readonly trimmedVersion: number;
  /** Client files that expired, of all that were given out. */
  readonly expiredClients: number;
}

/** What one step of the upkeep did. */
export interface UpkeepStep {
  /** Whether the cycle ended. */
  readonly isDone: boolean;
  /** Client files that expired. */
  readonly clientsExpired: number;
  /** Entries that went from the log. */
  readonly entriesTrimmed: number;
  /** Their bytes. */
  readonly bytesTrimmed: number;
  /** Instructions that were said again later, and went from the log. */
  readonly instructionsFolded: number;
  /** Sessions that are owed a message since. */
  readonly cursorsOwed: number;
}

/** The server's side of the core: all durable state of one app's synchronisation. */
export interface Ledger {
  /** Lets go of the store. */
  close(): Promise<void>;
  /** What it holds. */
  status(): Promise<LedgerStatus>;
  /** The newest version of the schema as JSON: the classes of the engine's `SchemaInformation`. */
  schema(): Promise<string>;
  /**
   * Adds the classes and properties that are missing, also with Development Mode off. What contradicts the newest
   * version of the schema makes a new one, if the policy allows it.
   *
   * @param classes JSON text of classes as {@link Ledger.schema} gives them.
   */
  setSchema(classes: string, policy: SchemaPolicy): Promise<SchemaChange>;
  /** Number of the newest version of the schema; the first is 0. */
  schemaVersion(): number;
  /** Why a client may not be opened with a version of the schema; `null` if it may. */
  checkSchemaVersion(presented: number): LedgerRefusal | null;
  /** Changes whether clients may extend the schema. */
  setDevelopmentMode(on: boolean): void;
  /** Sets what subscriptions may use; bound sessions keep what they have. */
  setQueryableFields(fields: QueryableFields): void;
  /**
   * Makes the next IDENT of a client file be refused with 208 and a client reset. A session that is bound is the
   * server's to end.
   *
   * @returns whether there is such a file.
   */
  forceReset(fileIdent: string): Promise<boolean>;
  /** The same for every client file there is, all of them or none. */
  forceResetAll(): Promise<void>;
  /** Gives a new client file its ident, durable before it answers. Times are milliseconds of the Unix clock. */
  allocateFileIdent(userId: string, salt: string, nowMs: number): Promise<string>;
  /** Checks an IDENT by the protocol's rules in their order and opens a session. */
  identify(identification: Identification, nowMs: number): Promise<IdentifyAnswer>;
  /**
   * Takes a QUERY. A bootstrap for it is then given by {@link Ledger.nextDownload}.
   *
   * @returns the text of a QUERY_ERROR, or `null`.
   */
  query(session: LedgerSession, queryVersion: number, query: string): Promise<string | null>;
  /**
   * Integrates uploads of several sessions in one durable commit; answers in the same order. An upload that is refused
   * leaves nothing behind and does not touch the others; further uploads of its session in the same batch are answered
   * with the same refusal.
   */
  integrate(uploads: readonly Upload[], nowMs: number): Promise<readonly UploadAnswer[]>;
  /**
   * The next message owed to the session: parts of a bootstrap, entries of the log, or an acknowledgement. After
   * IDENT at least one is owed, even if it is empty; an upload that carried changesets is always acknowledged.
   *
   * The server never calls it while an upload of the same session is in {@link Ledger.integrate} (a compensating
   * write's error must go out before the download that holds it), nor twice at once for one session.
   *
   * @returns `null` when nothing is owed: everything up to {@link Ledger.version} was given.
   */
  nextDownload(session: LedgerSession, limits: DownloadLimits): Promise<DownloadPart | null>;
  /**
   * The same for several sessions at once: handing the question of one over to another thread costs more than answering
   * it. Answers stand in the order of the sessions; where their messages together reach `bytesMax` there are fewer, but
   * at least one.
   */
  nextDownloads(
    sessions: readonly LedgerSession[],
    limits: DownloadLimits,
    bytesMax: number,
  ): Promise<readonly DownloadAnswer[]>;
  /** Sets how long a client may be away before it has to start over. What is trimmed does not come back. */
  setMaxOfflineMs(maxOfflineMs: number): void;
  /**
   * One step of the upkeep: files that stayed away expire, the log is trimmed. To be called until a cycle is done, and
   * again after a while that is short against a tenth of the maximum offline time.
   *
   * @param budget bounds the rows looked at or deleted.
   */
  maintain(nowMs: number, budget: number): Promise<UpkeepStep>;
  /**
   * The sessions that became owed a message by what was committed, and by upkeep, since this was last asked, each once.
   * Some of them may be owed nothing, or have ended. No other session is owed anything, but for what its own IDENT or
   * QUERY asked for: it need not be asked for its next download.
   */
  takeTouched(): readonly LedgerSession[];
  /** Forgets a session. No call of it is under way then; its client file may be identified again afterwards. */
  endSession(session: LedgerSession): void;
  /** Newest version; grows with integrations and bootstraps. */
  version(): number;
}
