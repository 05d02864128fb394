/**
 * What all sessions of one app share: its ledger, the queue of commits, and which client files are bound.
 *
 * @module
 */

import { errorCode, type ErrorInformation, type LogInformation } from "@tidemark/protocol";
import type { AppConfiguration } from "./app-directory/configuration.js";
import { losesFields, queryableFields } from "./app-rules.js";
import { type AppSettings, initialSettings, sessionRefusal, settingsOf } from "./app-settings.js";
import { ClockSkew } from "./clock-skew.js";
import { CommitQueue } from "./commit-queue.js";
import { Semaphore } from "./concurrency.js";
import { ConfigurationError } from "./configuration-error.js";
import { type DownloadSettings, downloadSettings } from "./download-settings.js";
import type { Host } from "./host.js";
import type { Ledger, LedgerSession, QueryableFields, Role, SchemaPolicy, UploadAnswer } from "./ledger.js";
import type { ServerLimits } from "./limits.js";
import type { Logger } from "./logger.js";
import type { Metrics } from "./metrics.js";
import type { Rescue } from "./rescue.js";
import { type SessionError, SessionErrors } from "./session-errors.js";
import { isSameRole, SessionRoles } from "./session-roles.js";
import { UpdateQueue } from "./update-queue.js";
import { Upkeep } from "./upkeep.js";
import type { UserRecord } from "./users.js";

/** A session as the app sees it. */
export interface BoundSession {
  /** What its user may do, as it was opened; `null` before that. */
  readonly role: Role | null;
  readonly userId: string;
  readonly fileIdentSalt: string;
  /** Which connection it is on: an opaque identity. */
  readonly connection: object;
  /** Resolves when no call of it to the ledger is left and its file may be bound again. */
  readonly settled: Promise<void>;
  readonly isOver: boolean;
  /** Whether the ledger has found that the file is its user's. */
  readonly isJudged: boolean;
  /** Resolves when the ledger has found that, or the session is over. */
  readonly judged: Promise<void>;
  /** Ends the whole connection of a session whose file turned up elsewhere. */
  dropConnection(): void;
  /** There may be something new to download. */
  wake(): void;
  /** Sends an error that ends it. */
  fail(code: number, message: string, overrides?: Partial<ErrorInformation>): void;
  /** Ends it if it downloads for a client reset and has to wait with that. */
  holdBackReset(): void;
  /** Ends it because the ledger does not know its file any more. */
  forgetFile(): void;
  /** Whether it is one of ours, which knows what others pass over. */
  readonly isOwnClient: boolean;
  /** Says something in the client's log, if its protocol has that. */
  log(information: LogInformation): void;
  /** Ends it because its user may do something else now: its client comes back for the difference. */
  roleChanged(): void;
}

/** A connection as the app sees it. */
export interface AppConnection {
  /** Ends it if the app does not synchronise in its way. */
  checkMode(): void;
  /** Ends it in a way that clients try again after. */
  goAway(reason: string): void;
}

/** What {@link SyncApp} needs. */
export interface SyncAppContext {
  readonly id: string;
  readonly ledger: Ledger;
  readonly host: Host;
  readonly limits: ServerLimits;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly developmentMode: boolean;
  readonly rescue: Rescue;
  /** Takes the ledger away, after {@link SyncApp.retire}, and has another made for those who come then. */
  readonly replace: () => Promise<void>;
  /** How long a client may be away before it has to start over. */
  readonly maxOfflineMs: number;
  readonly findUser: (userId: string) => Promise<UserRecord | null>;
  /** Whether the app has had rules: nobody synchronises then before it is configured. */
  readonly hadRules: boolean;
}

const dayMs = 24 * 60 * 60_000;

/** One app's side of synchronisation. */
export class SyncApp {
  readonly id: string;
  readonly ledger: Ledger;
  readonly host: Host;
  readonly limits: ServerLimits;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly rescue: Rescue;
  readonly roles: SessionRoles;
  readonly commits: CommitQueue;
  /** Bounds how many downloads are made at the same time. */
  readonly downloads: Semaphore;
  /** Makes the downloads of clients that had everything until the last change. */
  readonly updates: UpdateQueue;
  /** Client files that are bound, by ident, until their last call to the ledger is done. */
  readonly files: Map<bigint, BoundSession> = new Map();
  /** Sessions that get downloads, by what the ledger calls them. */
  readonly active: Map<LedgerSession, BoundSession> = new Map();
  /** All sessions that are not over. */
  readonly sessions: Set<BoundSession> = new Set();
  readonly connections: Set<AppConnection> = new Set();
  readonly clockSkew: ClockSkew;
  readonly sessionErrors: SessionErrors = new SessionErrors();
  readonly #upkeep: Upkeep;
  readonly #replace: () => Promise<void>;
  readonly #stopListening: () => void;
  #isRetired = false;
  readonly #maxOfflineMs: number;
  #settings: AppSettings;
  #downloadSettings: DownloadSettings;
  #queryableFields: QueryableFields | null = null;
  #schema: Promise<string> | null = null;

  constructor(context: SyncAppContext) {
    this.id = context.id;
    this.ledger = context.ledger;
    this.host = context.host;
    this.limits = context.limits;
    this.logger = context.logger;
    this.metrics = context.metrics;
    this.rescue = context.rescue;
    this.#replace = context.replace;
    this.#stopListening = context.rescue.onClose(() => {
      for (const session of this.sessions) session.holdBackReset();
    });
    this.#maxOfflineMs = context.maxOfflineMs;
    this.#settings = initialSettings(context.developmentMode, context.hadRules);
    this.#downloadSettings = downloadSettings(context.limits, {});
    this.roles = new SessionRoles({
      appId: context.id,
      logger: context.logger,
      schema: () => this.schema(),
      findUser: context.findUser,
    });
    this.downloads = new Semaphore(context.limits.concurrentDownloadsMax);
    this.updates = new UpdateQueue(context.ledger, () => this.#downloadSettings);
    this.commits = new CommitQueue({
      ledger: context.ledger,
      nowMs: () => context.host.nowMs(),
      bytesMax: context.limits.commitBytesMax,
      uploadsMax: context.limits.commitUploadsMax,
      onCommit: (answers) => this.#committed(answers),
    });
    const { id: appId, ledger, host, logger, metrics, maxOfflineMs } = context;
    this.clockSkew = new ClockSkew({ appId, host, logger, metrics });
    const onCursorsOwed = (): void => this.#wakeTouched();
    this.#upkeep = new Upkeep({ appId, ledger, host, logger, metrics, maxOfflineMs, onCursorsOwed });
  }

  /** What the configuration says about all sessions. */
  get settings(): AppSettings {
    return this.#settings;
  }

  /** How downloads are made. */
  get downloadSettings(): DownloadSettings {
    return this.#downloadSettings;
  }

  /** Makes downloads in another way from now on; what is not said is as the server's limits have it. */
  setDownloadSettings(own: Partial<DownloadSettings>): void {
    this.#downloadSettings = downloadSettings(this.limits, own);
  }

  /** Whether clients may extend the schema. */
  get developmentMode(): boolean {
    return this.#settings.isDevelopmentMode;
  }

  /**
   * Puts a configuration in force, and ends the sessions that it concerns.
   *
   * @param accept called when nothing else can fail any more, before anybody is told.
   * @throws ConfigurationError if the classes contradict those of the data, and the policy does not allow that; nothing
   * is changed then.
   */
  async configure(configuration: AppConfiguration, policy: SchemaPolicy, accept: () => Promise<void>): Promise<void> {
    const versionBefore = this.ledger.schemaVersion();
    const classes = JSON.stringify(configuration.classes);
    const { changed, version, conflicts } = await this.ledger.setSchema(classes, policy);
    const hasNewVersion = version !== versionBefore;
    if (hasNewVersion) this.logger.info({ app: this.id, schemaVersion: version }, "the schema has a new version");
    if (conflicts.length > 0) throw new ConfigurationError(conflicts);
    // Whatever comes of the rest, the ledger has these classes now.
    if (changed) this.#schema = null;
    await accept();
    const { sync } = configuration;
    const fields = queryableFields(configuration);
    const isNarrowed = this.#isNarrowed(fields, sync.isDevelopmentMode);
    this.#settings = settingsOf(sync);
    this.#queryableFields = fields;
    this.ledger.setDevelopmentMode(sync.isDevelopmentMode);
    this.ledger.setQueryableFields(fields);
    this.#upkeep.setMaxOfflineMs(sync.maxOfflineDays === null ? this.#maxOfflineMs : sync.maxOfflineDays * dayMs);
    this.roles.configure(configuration);
    for (const connection of this.connections) connection.checkMode();
    const refusal = sessionRefusal(this.#settings);
    for (const session of this.sessions) {
      if (refusal !== null) session.fail(refusal.code, refusal.message, refusal.overrides);
      // What a subscription uses is looked at when its session begins.
      else if (isNarrowed) session.fail(errorCode.sessionClosed, "session closed: fields are no longer queryable");
      // What a subscription or a rule means may be something else now.
      else if (hasNewVersion) session.fail(errorCode.sessionClosed, "session closed: the schema has a new version");
    }
    if (changed) this.#wakeTouched();
    await this.#checkRoles([...this.sessions]);
    await this.tellRuleFields(this.active.values());
  }

  /** Tells our own clients which fields the rules look at: they do not fold their unsent changes of these. */
  async tellRuleFields(sessions: Iterable<BoundSession>): Promise<void> {
    const ruleFields = await this.roles.ruleFields();
    for (const session of sessions) if (session.isOwnClient) session.log({ tidemark: { ruleFields } });
  }

  /** A user's data or identities have changed: sessions whose role is another one now are ended. */
  async userChanged(userId: string): Promise<void> {
    this.roles.userChanged();
    await this.#checkRoles([...this.sessions].filter((session) => session.userId === userId));
  }

  /**
   * Makes a client file start over: its next session is told to, and one that is under way at once.
   *
   * @returns whether there is such a file.
   */
  async forceReset(fileIdent: string): Promise<boolean> {
    const isKnown = await this.ledger.forceReset(fileIdent);
    if (isKnown) this.files.get(BigInt(fileIdent))?.forgetFile();
    return isKnown;
  }

  /** Makes every client file there is start over. Objects stay: with this store they are nowhere else. */
  async forceResetAll(): Promise<void> {
    await this.ledger.forceResetAll();
    for (const session of this.files.values()) session.forgetFile();
  }

  /** A client was sent an error that ends its session. */
  sessionFailed(error: Omit<SessionError, "atMs">): void {
    const { message, ...fields } = error;
    this.metrics.count("sessionErrors");
    this.logger.info({ app: this.id, ...fields }, message);
    this.sessionErrors.add({ ...error, atMs: this.host.nowMs() });
  }

  /** Ends all connections in a way that clients try again after. */
  dropConnections(reason: string): void {
    for (const connection of this.connections) connection.goAway(reason);
  }

  /** The schema as the ledger gives it, kept until an upload changes it. */
  schema(): Promise<string> {
    this.#schema ??= this.ledger.schema();
    return this.#schema;
  }

  /** Whether the ledger is gone and another is in its place: a connection that comes late has to come again. */
  get isRetired(): boolean {
    return this.#isRetired;
  }

  /**
   * Forgets everything of synchronisation: history, objects, client files. Every file has to reset; who is connected is
   * told at once. Resolves when a new ledger is open; whether rescue mode is open or closed stays as it is. What was
   * forgotten is kept aside as `ledger.redb.terminated` until the next time.
   */
  terminate(): Promise<void> {
    return this.#replace();
  }

  /** Ends all connections with what {@link SyncApp.terminate} says, and closes the ledger. */
  async retire(): Promise<void> {
    this.#isRetired = true;
    for (const session of this.sessions) session.forgetFile();
    // Their next connection finds the new ledger.
    this.dropConnections("synchronisation was terminated");
    await this.close();
  }

  /** Waits for what was uploaded and closes the ledger. */
  async close(): Promise<void> {
    this.#stopListening();
    await this.commits.idle();
    await Promise.all([...this.files.values()].map((session) => session.settled));
    await this.#upkeep.stop();
    await this.ledger.close();
  }

  #isNarrowed(fields: QueryableFields, isDevelopmentMode: boolean): boolean {
    if (fields.indexed !== (this.#queryableFields?.indexed ?? null)) return true;
    if (isDevelopmentMode) return false;
    // In Development Mode every field was queryable.
    return this.#settings.isDevelopmentMode || losesFields(this.#queryableFields ?? fields, fields);
  }

  async #checkRoles(sessions: readonly BoundSession[]): Promise<void> {
    const roles = new Map<string, Role>();
    for (const session of sessions) {
      const { userId, role } = session;
      // One that is being opened looks itself.
      if (role === null || session.isOver) continue;
      const now = roles.get(userId) ?? (await this.roles.roleOf(userId));
      roles.set(userId, now);
      if (!isSameRole(role, now)) session.roleChanged();
    }
  }

  #committed(answers: readonly UploadAnswer[]): void {
    this.metrics.count("commits");
    for (const answer of answers) {
      this.metrics.count("changesets", answer.changesets);
      this.metrics.count("instructions", answer.instructions);
      this.metrics.count("conflicts", answer.conflicts);
      this.metrics.count("compensations", answer.compensations.length);
    }
    if (answers.some((answer) => answer.schemaChanged)) {
      this.#schema = null;
      this.#tellAgain();
    }
    this.#wakeTouched();
  }

  /** Wakes the sessions for which there may be something new, and no others: there may be very many. */
  #wakeTouched(): void {
    for (const session of this.ledger.takeTouched()) this.active.get(session)?.wake();
  }

  /** Roles for all classes count for those as well that a client has added. */
  #tellAgain(): void {
    this.tellRuleFields(this.active.values()).catch((error: unknown) => {
      this.logger.error({ app: this.id, err: error }, "the fields of the rules were not told");
    });
  }
}
