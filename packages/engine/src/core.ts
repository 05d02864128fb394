/**
 * The one interface between the engine and the core, whichever way the core was built (native addon or WASM).
 *
 * Everything hot crosses as bytes: packed values, rows and mutation batches (their layouts are in
 * `docs/boundary.md`); everything rare crosses as JSON text. No method returns a promise: the engine decides on
 * which thread it calls.
 *
 * @module
 */

import type { CollectionReads } from "./core-collections.js";

/** A snapshot of the database, or the open write transaction's own view. Valid until it is ended. */
export type SnapshotId = number;

/** Key of an object inside one file: given in order of creation, never reused, below 2^53. */
export type ObjectKey = number;

/** Index of a class in {@link SchemaInformation.classes}. */
export type ClassIndex = number;

/** The core as a module: what the native addon and the WASM module both offer. */
export interface Core {
  /** Which build this is. */
  readonly kind: "native" | "wasm";
  /**
   * Opens a database, or joins the one that this process already has open at that path: the addon's in any thread, the
   * WASM module's in the same one, since each thread has a module of its own and is refused the files of others.
   *
   * @param path file to open or create; `null` keeps the database in memory, private to the handle.
   * @param options JSON: `{ synced: boolean, readOnly?: boolean }`. A synced database records instructions.
   * @param key 64 bytes, for a file that is encrypted or to be made so. A database in memory needs none.
   * @param seed with a key: 32 random bytes that were never used before, of which nonces are made.
   * @throws if the file is damaged, of a newer format, or open in another process; `code` "invalid-key" for a key of
   * another length, "file-key-needed" without one for an encrypted file, "file-key-wrong", "file-not-encrypted". The
   * file is as it was then.
   */
  openStore(path: string | null, options: string, key?: Uint8Array | null, seed?: Uint8Array | null): CoreStore;
  /** Whether a file at that path is open in this process. */
  isOpen(path: string): boolean;
  /** Closes every database of this process, dropping uncommitted writes. Called when the process ends. */
  closeAll(): void;
  /** Removes a database file and what lies beside it. Throws if it is open. */
  deleteStore(path: string): void;
}

/** A property in the file, but for the primary key. */
export interface ColumnInformation {
  /** Name in the file and on the wire. */
  readonly name: string;
  /** `mixed int bool string binary timestamp float double decimal link objectId uuid`. */
  readonly type: string;
  /** Whether the value, or the elements, may be null. */
  readonly nullable: boolean;
  /** Whether it is a collection, and which. */
  readonly collection: "single" | "list" | "dictionary" | "set";
  /** Class of the targets, for links. */
  readonly target?: string;
  /** Whether it has an index, in this file. */
  readonly indexed?: boolean;
}

/** Schema as `CoreStore.schema` gives it, as JSON. */
export interface SchemaInformation {
  /** Grows with each change of the schema. */
  readonly version: number;
  /** The classes, in the order of their indexes. */
  readonly classes: readonly {
    /** Name in the file and on the wire. */
    readonly name: string;
    /** Whether objects have keys, live inside others, or are only sent. */
    readonly kind: "top" | "embedded" | "asymmetric";
    /** The primary key, if objects have one. */
    readonly primaryKey?: {
      /** Name in the file and on the wire. */
      readonly name: string;
      /** `int`, `string`, `objectId` or `uuid`. */
      readonly type: string;
      /** Whether it may be null. */
      readonly nullable: boolean;
    };
    /** The other properties, in the order of their indexes. */
    readonly columns: readonly ColumnInformation[];
  }[];
}

/**
 * Functions that read single objects ({@link CoreStore.hotReads}). The answer stands in the bytes where the packed key
 * stood, or where it was asked for; what does not fit there is left out.
 */
export interface HotReads {
  /** Object with the packed key that stands there, or −1. */
  find(bytes: Uint8Array, at: number, snapshot: SnapshotId, classIndex: ClassIndex, keyLength: number): ObjectKey;
  /**
   * The same, with its row: `f64 object`, and behind it what {@link CoreStore.row} gives, whose length is the answer;
   * or −1.
   */
  findRow(bytes: Uint8Array, at: number, snapshot: SnapshotId, classIndex: ClassIndex, keyLength: number): number;
  /** What {@link CoreStore.row} gives; the answer is its length, or −1. */
  row(bytes: Uint8Array, at: number, snapshot: SnapshotId, classIndex: ClassIndex, object: ObjectKey): number;
  /** The greatest integer among the primary keys of a class, −∞ if it has none; reads no bytes. */
  greatestKey(bytes: Uint8Array, at: number, snapshot: SnapshotId, classIndex: ClassIndex): number;
}

/** A change of the schema that is more than an addition, as JSON. */
export type SchemaOperation =
  | {
      /**
       * The class has exactly these columns from now on. Each has the values of the column that is `from` so far, as
       * far as they fit: null becomes the default where there is no null, and where the types differ all values do.
       * Without `from` it has its default.
       */
      readonly operation: "reshape";
      /** Name of the class. */
      readonly class: string;
      /** The columns, in their order. */
      readonly columns: readonly (ColumnInformation & {
        /** The column's name so far. */
        readonly from?: string;
      })[];
    }
  | {
      /**
       * - `removeClass`: the class goes, with its objects and all links to them. No property of another one may be for
       *   them.
       * - `releaseKey`: the primary key becomes an ordinary property, the last one. Links lead to the same objects.
       * - `promote`: embedded objects become objects of their own without a primary key. Links are where they were.
       */
      readonly operation: "removeClass" | "releaseKey" | "promote";
      /** Name of the class. */
      readonly class: string;
    }
  | {
      /** A property becomes the primary key of a class without one. Links lead to the same objects. */
      readonly operation: "makeKey";
      /** Name of the class. */
      readonly class: string;
      /** Name of the property. */
      readonly name: string;
    }
  | {
      /**
       * Objects of a class without a primary key move to where the link to them is. Those without one and those with
       * several are refused, unless they are resolved: by removing them, by copying them.
       */
      readonly operation: "embed";
      /** Name of the class. */
      readonly class: string;
      /** Whether those without a link are removed, and those with several copied. */
      readonly resolves: boolean;
    };

/** One open database. */
export interface CoreStore extends CollectionReads {
  /** Gives the handle back. The database closes with its last handle. */
  close(): void;

  // --- the file -------------------------------------------------------------------------------------------

  /** Size of the file and how much of it is in use: JSON `{ "totalBytes": number, "usedBytes": number }`. */
  sizes(): string;
  /**
   * Gives unused space back to the file system.
   *
   * @returns whether it was done: not while anybody, this handle too, has a snapshot.
   * @throws `code` "write-in-progress" in a write transaction.
   */
  compact(): boolean;
  /**
   * Writes a copy of the newest version, durable when it returns.
   *
   * @param form `local` leaves all of synchronisation out; `synced` makes a file for another device, which asks the
   * server for an ident of its own.
   * @param key encrypts the copy; see {@link Core.openStore}.
   * @throws `code` "file-exists" if there is something at the path; "unsynced-changes" for a synced copy of a database
   * with changes that the server has not acknowledged; "not-synced" for one of a local database.
   */
  writeCopy(path: string, form: "local" | "synced", key?: Uint8Array | null, seed?: Uint8Array | null): void;

  // --- schema ---------------------------------------------------------------------------------------------

  /** The schema at a snapshot, as JSON of {@link SchemaInformation}. */
  schema(snapshot: SnapshotId): string;
  /**
   * Adds what is missing, inside the open write transaction (recorded as AddTable and AddColumn when synced); gives the
   * listed columns the indexes that are asked for, and takes away those that are not.
   *
   * @param schema JSON of {@link SchemaInformation}'s classes.
   * @throws if a class or property exists with another type, or one that cannot be indexed: `code` "schema-mismatch".
   */
  updateSchema(schema: string): void;
  /**
   * Changes the schema in more than additions, inside the open write transaction of a database that is not synced.
   *
   * @param operations JSON of {@link SchemaOperation}`[]`, done one after another.
   * @throws `code` "schema-mismatch" where one cannot be done, "duplicate-keys" where objects would have the same
   * primary key: the transaction must be aborted then.
   */
  migrateSchema(operations: string): void;
  /** The version that the application has given its schema; −1 if it never did. */
  declaredVersion(snapshot: SnapshotId): number;
  /** Remembers the version of the application's schema, inside the open write transaction: 0 to 2^53 − 1. */
  setDeclaredVersion(version: number): void;

  // --- reading --------------------------------------------------------------------------------------------

  /** Newest committed version: grows by one with every commit, the engine's or the session's. */
  version(): number;
  /** Takes a snapshot of the newest committed version. */
  beginRead(): SnapshotId;
  /** Version of a snapshot. */
  snapshotVersion(snapshot: SnapshotId): number;
  /** Gives a snapshot back. */
  endRead(snapshot: SnapshotId): void;
  /** Number of objects of a class. */
  count(snapshot: SnapshotId, classIndex: ClassIndex): number;
  /** Object with this packed primary key, or −1. */
  find(snapshot: SnapshotId, classIndex: ClassIndex, packedKey: Uint8Array): ObjectKey;
  /** Packed primary key, then row, of an object: `u32 length of key, key, row`; `null` if there is no such object. */
  row(snapshot: SnapshotId, classIndex: ClassIndex, object: ObjectKey): Uint8Array | null;
  /**
   * Functions that read single objects without the cost of a method and of bytes of their own, as long as the handle is
   * open. A core whose calls are cheap has none: {@link CoreStore.find} and {@link CoreStore.row} do the same.
   */
  hotReads?(): HotReads;
  /** Several of them: for each `u32 length (0 if absent)` and the bytes that {@link CoreStore.row} gives. */
  rows(snapshot: SnapshotId, classIndex: ClassIndex, objects: Float64Array): Uint8Array;
  /**
   * The packed values of one column, back to back: of all objects of a class in order of creation, or of those given
   * which exist.
   *
   * @param column its index, or −1 for the primary key.
   */
  column(snapshot: SnapshotId, classIndex: ClassIndex, column: number, objects: Float64Array | null): Uint8Array;
  /** The sum of the values that {@link CoreStore.column} gives; NaN where only JavaScript can say it. */
  sum(snapshot: SnapshotId, classIndex: ClassIndex, column: number, objects: Float64Array | null): number;
  /**
   * Objects that match a query text with its SORT, DISTINCT and LIMIT, in order.
   *
   * @param restrict keys to choose from, in the order given; `null` for the whole class in order of creation.
   * @param parameters `u32 count`, then packed values for `$0`, `$1`, …
   * @throws with the texts of the original's query parser: `code` "invalid-query".
   */
  query(
    snapshot: SnapshotId,
    classIndex: ClassIndex,
    text: string,
    parameters: Uint8Array,
    restrict: Float64Array | null,
  ): Float64Array;
  /**
   * Names that queries through this handle may use beside those of the file: JSON
   * `{ class: { "stored": { name: name in the file }, "linking": { name: [origin class, its property in the file] },
   * "fullText": [name in the file] } }`. TEXT searches the properties of the last alone.
   */
  setQueryNames(names: string): void;
  /**
   * Objects of `originClass` whose column links to one of `targets`, in order of creation. Links inside an embedded
   * object belong to the column that holds it.
   */
  origins(
    snapshot: SnapshotId,
    classIndex: ClassIndex,
    targets: Float64Array,
    originClass: ClassIndex,
    column: number,
  ): Float64Array;
  /**
   * Indexes, in the list or set that is the value of a column, of links to `targets`; links to absent objects do not
   * count.
   */
  linkPositions(
    snapshot: SnapshotId,
    classIndex: ClassIndex,
    object: ObjectKey,
    column: number,
    targetClass: ClassIndex,
    targets: Float64Array,
  ): Float64Array;
  /** The query as text without parameters: what a subscription sends. Throws like {@link CoreStore.query}. */
  describeQuery(snapshot: SnapshotId, classIndex: ClassIndex, text: string, parameters: Uint8Array): string;
  /**
   * What changed after a version, up to the newest: JSON
   * `{ "to": version, "complete": boolean, "schema": boolean, "classes": { name: { "inserted": [keys], "deleted": [keys], "modified": { key: [column indexes] } } } }`.
   * `complete` is false when the version is older than what is remembered: then everything may have changed.
   *
   * A class may have `"lists": [[key, column index, edits]]` too: how a list among the modified columns was edited,
   * three numbers for each edit. `0, at, 0` is an insertion, `1, at, 0` a deletion, `2, at, 0` an element that changed,
   * `3, from, to` a move, `4, size, 0` all deleted. `null` instead of the edits, or no entry: that is not known.
   */
  changesSince(version: number): string;

  // --- writing --------------------------------------------------------------------------------------------

  /**
   * Opens the one write transaction and returns its view. The application goes before the session. In WASM nobody can
   * wait: the time is of no effect.
   *
   * @throws `code` "write-in-progress" if this thread already holds it, "write-timeout" after `timeoutMs`.
   */
  beginWrite(timeoutMs: number): SnapshotId;
  /**
   * Applies a batch of mutations (layout in `docs/boundary.md`).
   *
   * @returns for each creation in the batch `f64 object key, u8 created`.
   * @throws if one is impossible; the transaction then holds those before it and must be aborted.
   */
  mutate(batch: Uint8Array): Uint8Array;
  /**
   * Commits, durable when it returns.
   *
   * @param timestampMs milliseconds since 2015-01-01T00:00:00Z, the origin timestamp of the changeset.
   * @returns the new version.
   */
  commitWrite(timestampMs: number): number;
  /** Undoes the transaction. */
  abortWrite(): void;

  // --- subscriptions --------------------------------------------------------------------------------------

  /** All kept subscription sets, oldest first, as JSON of {@link SubscriptionSetInformation}`[]`. */
  subscriptionSets(): string;
  /**
   * Commits a new newest set in a transaction of its own (a client version like any other).
   *
   * @param subscriptions JSON of {@link SubscriptionInformation}`[]`.
   * @returns the set's version: the newest one + 1.
   */
  commitSubscriptionSet(subscriptions: string, timestampMs: number): number;
  /**
   * Moves a set's state; `superseded` sets are removed when a later one completes.
   *
   * @param state one of `pending bootstrapping awaiting-mark complete error`.
   */
  setSubscriptionState(version: number, state: string, error: string | null): void;

  // --- the sync session's side ----------------------------------------------------------------------------

  /**
   * Remembers which fields the server's rules look at: unsent changes of them are not folded.
   *
   * @param fields JSON: names by class.
   */
  setRuleFields(fields: string): void;

  /** JSON of {@link SyncState}. */
  syncState(): string;
  /** Stores the file ident that the server gave, durable when it returns; zeroes the client-version cursors. */
  setFileIdent(ident: bigint, salt: bigint): void;
  /**
   * Body of the next UPLOAD after a scan position. What leaves for the first time is durably marked as sent before
   * this returns, which takes the right to write for a moment; while that cannot be had, only what left before is
   * given.
   *
   * @param scanVersion client version up to which was already sent on this connection.
   * @param scanServerVersion server version of the progress sent with it.
   * @param targetVersion do not go beyond this client version.
   * @param bytesMax soft limit of the uncompressed changesets (the original's is 131072).
   * @returns `f64 progress client version, f64 progress server version, u32 entry count, body`.
   */
  nextUpload(scanVersion: number, scanServerVersion: number, targetVersion: number, bytesMax: number): Uint8Array;
  /**
   * Says that no connection takes uploads for now. Until the next {@link CoreStore.nextUpload} commits are compacted;
   * before, those that it is expected to take at once are not.
   */
  uploadsPaused(): void;
  /**
   * Integrates a steady DOWNLOAD: merges, applies, stores the progress, in one or several commits that never hold
   * the write transaction for long.
   *
   * @param progress JSON of {@link DownloadProgress}.
   * @param body uncompressed entries.
   * @returns JSON `{ "version": number, "done": boolean }`; call again with an empty body while not done.
   * @throws `code` "bad-changeset" when it cannot be parsed, merged or applied; "bad-progress" when an entry breaks the
   * checks of the protocol. Nothing of the message is kept then.
   */
  integrate(progress: string, body: Uint8Array, timestampMs: number): string;
  /** Stores one part of a bootstrap, raw. `first` discards parts of an earlier query version. */
  storeBootstrap(queryVersion: number, first: boolean, last: boolean, progress: string, body: Uint8Array): void;
  /**
   * Applies stored bootstrap parts once the last is there, a slice a call.
   *
   * @returns JSON `{ "version": number, "done": boolean, "queryVersion": number }`.
   */
  applyBootstrap(timestampMs: number): string;
  /** Forgets an incomplete bootstrap (the session starts anew). Returns whether a complete one waits to be applied. */
  discardPartialBootstrap(): boolean;

  // --- client resets ---------------------------------------------------------------------------------------

  /** JSON of {@link PendingReset}; `null` if none was begun, or the server has acknowledged the last. */
  pendingReset(): string | null;
  /**
   * How a demanded reset would be done.
   *
   * @throws `code` "client-reset-failed" where it must not be tried (again).
   */
  checkReset(policy: ResetPolicy, allowsRecovery: boolean): ResetMode;
  /**
   * Decides how a demanded reset is done and makes that durable, right before {@link CoreStore.resetFrom}. Throws like
   * {@link CoreStore.checkReset}.
   *
   * @param demand JSON: `{ policy, allowsRecovery, nowMs, errorCode, errorMessage }`.
   */
  beginReset(demand: string): ResetMode;
  /**
   * Makes the file equal to a freshly downloaded copy, with what was not uploaded on top if that is recovered, in one
   * durable commit.
   *
   * @returns a snapshot of the version before, which is this handle's to give back.
   * @throws `code` "client-reset-failed" where the two cannot be brought together; the file is then as it was.
   */
  resetFrom(fresh: CoreStore, timestampMs: number): SnapshotId;
  /** The server has taken the file in its new shape: uploads and downloads are complete. */
  finishReset(): void;
  /** What resets did that nobody has taken note of yet: JSON of {@link ResetReportInformation}`[]`, or `null`. */
  resetReports(): string | null;
  /** They were taken note of. */
  forgetResetReports(): void;
  /** Takes a snapshot that another handle of this process has open once more; this handle gives it back too. */
  shareRead(snapshot: SnapshotId): void;
}

/** What the application wants when the server demands a client reset. */
export type ResetPolicy = "recover" | "recover-or-discard" | "discard";

/** How a client reset is done. */
export type ResetMode = "recover" | "discard";

/** A client reset that was begun and that the server has not acknowledged, as JSON. */
export interface PendingReset {
  /** How it is done. */
  readonly mode: ResetMode;
  /** Whether the server allows recovery. */
  readonly allowsRecovery: boolean;
  /** Whether the file has its new shape already. */
  readonly isApplied: boolean;
  /** How often it was tried. */
  readonly attempts: number;
  /** When it was begun, since 1970. */
  readonly begunAtMs: number;
  /** The server's code. */
  readonly errorCode: number;
  /** The server's text. */
  readonly errorMessage: string;
}

/** Why something that was written is not in the file, or not as it was written, after a client reset. */
export type DropReason =
  /** The object does not exist on the server. */
  | "object-missing"
  /** The way to the place leads through null, an absent key, or a value of another kind. */
  | "path-gone"
  /** The target of a link does not exist on the server. */
  | "link-target-missing"
  /** Something was to be added to a value that is no integer. */
  | "not-an-integer"
  /** A schema default for an object that exists on the server: its value stays. */
  | "default-overtaken"
  /** A list that was to be taken over as it was is not to be found any more. */
  | "list-not-copied"
  /** Downloads before the reset had left nothing of it: the object was deleted, or all values were older. */
  | "overruled"
  /** The reset was to discard. */
  | "discarded"
  /** What the server has refuses it; the detail says why. */
  | "refused";

/** What a client reset did, as JSON. */
export interface ResetReportInformation {
  /** How it was done. */
  readonly mode: ResetMode;
  /** Decimal digits. */
  readonly fileIdent: string;
  /** Version that the reset made. */
  readonly version: number;
  /** Transactions that had not been uploaded. */
  readonly changesets: number;
  /** Of these, those of which something is to be uploaded again. */
  readonly changesetsRecovered: number;
  /** Instructions of these transactions. */
  readonly instructions: number;
  /** Of these, those that were done again. */
  readonly instructionsRecovered: number;
  /** Of these, those that had nothing to do. */
  readonly instructionsNeedless: number;
  /** Of these, those of lists that were taken over as they were. */
  readonly instructionsInCopiedLists: number;
  /** Lists that were taken over as they were. */
  readonly listsCopied: number;
  /** What was dropped. */
  readonly droppedCount: number;
  /** Objects that the reset added to the file. */
  readonly objectsCreated: number;
  /** Objects that it removed. */
  readonly objectsDeleted: number;
  /** Objects that it changed. */
  readonly objectsChanged: number;
  /** Versions of subscription sets that were discarded. */
  readonly subscriptionSetsDropped: readonly number[];
  /** The first thousand. */
  readonly dropped: readonly {
    /** Version of the transaction. */
    readonly clientVersion: number;
    /** Class of the object. */
    readonly className: string;
    /** Packed primary key in hexadecimal digits. */
    readonly key: string;
    /** `null` if it concerns the object as a whole. */
    readonly field: string | null;
    /** The way below the field. */
    readonly path: readonly (number | string)[];
    /** Why it was dropped. */
    readonly reason: DropReason;
    /** More about the reason, in words. */
    readonly detail: string | null;
  }[];
}

/** A subscription, as JSON. */
export interface SubscriptionInformation {
  /** 24 hex digits. */
  readonly id: string;
  /** Its name; `null` if it has none. */
  readonly name: string | null;
  /** The class that it is for. */
  readonly className: string;
  /** Its query, without parameters. */
  readonly query: string;
  /** Milliseconds since 1970. */
  readonly createdAtMs: number;
  /** When it was added or changed last. */
  readonly updatedAtMs: number;
}

/** A subscription set, as JSON. */
export interface SubscriptionSetInformation {
  /** Number of the set. */
  readonly version: number;
  /** How far it is. */
  readonly state: "pending" | "bootstrapping" | "awaiting-mark" | "complete" | "error";
  /** Why the server has refused it. */
  readonly error: string | null;
  /** Client version of the commit that made it: QUERY waits until uploads have reached it. */
  readonly snapshotVersion: number;
  /** Its subscriptions in their order. */
  readonly subscriptions: readonly SubscriptionInformation[];
}

/** What the file knows about its synchronisation, as JSON. 64-bit idents and salts are decimal strings. */
export interface SyncState {
  /** Ident of the file at the server; 0 before it has one. */
  readonly fileIdent: string;
  /** Secret of the ident. */
  readonly fileIdentSalt: string;
  /** Server version up to which everything was downloaded. */
  readonly downloadServerVersion: number;
  /** Client version that the server had integrated by then. */
  readonly downloadClientVersion: number;
  /** Newest server version that the client has heard of. */
  readonly latestServerVersion: number;
  /** Salt of it: tells whether the server is the same one. */
  readonly latestServerVersionSalt: string;
  /** Client version up to which the server has acknowledged uploads. */
  readonly uploadClientVersion: number;
  /** Server version that was integrated here by then. */
  readonly uploadServerVersion: number;
  /** Newest client version (the version of the newest commit). */
  readonly clientVersion: number;
  /** Newest client version that holds something to upload. */
  readonly newestUploadableVersion: number;
  /** Bytes that the server has acknowledged. */
  readonly bytesUploaded: number;
  /** The same with those that it has not. */
  readonly bytesUploadable: number;
  /** Bytes that were integrated. */
  readonly bytesDownloaded: number;
  /** The same with those that are known to come. */
  readonly bytesDownloadable: number;
  /** Bytes of a bootstrap that is stored and not applied. */
  readonly pendingBootstrapBytes: number;
}

/** The progress fields of a DOWNLOAD, as JSON. */
export interface DownloadProgress {
  /** Server version that the message leads to. */
  readonly downloadServerVersion: number;
  /** Client version that the server had integrated by then. */
  readonly downloadClientVersion: number;
  /** The server's newest version. */
  readonly latestServerVersion: number;
  /** Salt of it. */
  readonly latestServerVersionSalt: string;
  /** Client version up to which uploads are acknowledged. */
  readonly uploadClientVersion: number;
  /** Server version that was integrated here by then. */
  readonly uploadServerVersion: number;
  /** Server's estimate, 0 to 1. */
  readonly progressEstimate: number;
}
