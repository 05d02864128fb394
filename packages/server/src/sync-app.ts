/**
 * What all sessions of one app share: its ledger, the queue of commits, and which client files are bound.
 *
 * @module
 */

import { ClockSkew } from "./clock-skew.js";
import { CommitQueue } from "./commit-queue.js";
import { Semaphore } from "./concurrency.js";
import type { Host } from "./host.js";
import type { Ledger, LedgerSession, Role, UploadAnswer } from "./ledger.js";
import type { ServerLimits } from "./limits.js";
import type { Logger } from "./logger.js";
import type { Metrics } from "./metrics.js";
import { UpdateQueue } from "./update-queue.js";
import { Upkeep } from "./upkeep.js";

/** A session as the app sees it. */
export interface BoundSession {
  readonly userId: string;
  readonly fileIdentSalt: string;
  /** Which connection it is on: an opaque identity. */
  readonly connection: object;
  /** Resolves when no call of it to the ledger is left and its file may be bound again. */
  readonly settled: Promise<void>;
  readonly isOver: boolean;
  /** Ends the whole connection of a session whose file turned up elsewhere. */
  dropConnection(): void;
  /** There may be something new to download. */
  wake(): void;
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
  /** How long a client may be away before it has to start over. */
  readonly maxOfflineMs: number;
}

/** Who may do what when the app brings no rules: everybody everything. */
const openRole: Role = { default: { read: "TRUEPREDICATE", write: "TRUEPREDICATE" }, classes: {} };

/** One app's side of synchronisation. */
export class SyncApp {
  readonly id: string;
  readonly ledger: Ledger;
  readonly host: Host;
  readonly limits: ServerLimits;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly developmentMode: boolean;
  readonly commits: CommitQueue;
  /** Bounds how many downloads are made at the same time. */
  readonly downloads: Semaphore;
  /** Makes the downloads of clients that had everything until the last change. */
  readonly updates: UpdateQueue;
  /** Client files that are bound, by ident, until their last call to the ledger is done. */
  readonly files: Map<bigint, BoundSession> = new Map();
  /** Sessions that get downloads, by what the ledger calls them. */
  readonly active: Map<LedgerSession, BoundSession> = new Map();
  readonly clockSkew: ClockSkew;
  readonly #upkeep: Upkeep;
  #schema: Promise<string> | null = null;

  constructor(context: SyncAppContext) {
    this.id = context.id;
    this.ledger = context.ledger;
    this.host = context.host;
    this.limits = context.limits;
    this.logger = context.logger;
    this.metrics = context.metrics;
    this.developmentMode = context.developmentMode;
    this.downloads = new Semaphore(context.limits.concurrentDownloadsMax);
    this.updates = new UpdateQueue(context.ledger, context.limits);
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

  /** What a user may read and write. */
  role(_userId: string): Role {
    return openRole;
  }

  /** The schema as the ledger gives it, kept until an upload changes it. */
  schema(): Promise<string> {
    this.#schema ??= this.ledger.schema();
    return this.#schema;
  }

  /** Waits for what was uploaded and closes the ledger. */
  async close(): Promise<void> {
    await this.commits.idle();
    await Promise.all([...this.files.values()].map((session) => session.settled));
    await this.#upkeep.stop();
    await this.ledger.close();
  }

  #committed(answers: readonly UploadAnswer[]): void {
    this.metrics.count("commits");
    for (const answer of answers) {
      this.metrics.count("changesets", answer.changesets);
      this.metrics.count("instructions", answer.instructions);
      this.metrics.count("conflicts", answer.conflicts);
      this.metrics.count("compensations", answer.compensations.length);
      if (answer.schemaChanged) this.#schema = null;
    }
    this.#wakeTouched();
  }

  /** Wakes the sessions for which there may be something new, and no others: there may be very many. */
  #wakeTouched(): void {
    for (const session of this.ledger.takeTouched()) this.active.get(session)?.wake();
  }
}
