/**
 * What all sessions of one app share: its ledger, the queue of commits, and which client files are bound.
 *
 * @module
 */

import { ClockSkew } from "./clock-skew.js";
import { CommitQueue } from "./commit-queue.js";
import { Semaphore } from "./concurrency.js";
import type { Host } from "./host.js";
import type { Ledger, Role, UploadAnswer } from "./ledger.js";
import type { ServerLimits } from "./limits.js";
import type { Logger } from "./logger.js";
import type { Metrics } from "./metrics.js";
import type { Rescue } from "./rescue.js";
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

/** A connection as the app sees it. */
export interface AppConnection {
  /** Ends its sessions that download for a client reset, so that they try again. */
  holdBackResets(): void;
  /** Tells its files to reset, and closes it. */
  terminate(): void;
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
  readonly replace: (app: SyncApp) => Promise<void>;
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
  readonly rescue: Rescue;
  readonly commits: CommitQueue;
  /** Bounds how many downloads are made at the same time. */
  readonly downloads: Semaphore;
  /** Client files that are bound, by ident, until their last call to the ledger is done. */
  readonly files: Map<bigint, BoundSession> = new Map();
  /** Sessions that get downloads. */
  readonly active: Set<BoundSession> = new Set();
  readonly clockSkew: ClockSkew;
  readonly #upkeep: Upkeep;
  readonly #connections = new Set<AppConnection>();
  readonly #replace: (app: SyncApp) => Promise<void>;
  readonly #stopListening: () => void;
  #isRetired = false;
  #terminating: Promise<void> | null = null;
  #schema: Promise<string> | null = null;

  constructor(context: SyncAppContext) {
    this.id = context.id;
    this.ledger = context.ledger;
    this.host = context.host;
    this.limits = context.limits;
    this.logger = context.logger;
    this.metrics = context.metrics;
    this.developmentMode = context.developmentMode;
    this.rescue = context.rescue;
    this.#replace = context.replace;
    this.#stopListening = context.rescue.onClose(() => {
      for (const connection of this.#connections) connection.holdBackResets();
    });
    this.downloads = new Semaphore(context.limits.concurrentDownloadsMax);
    this.commits = new CommitQueue({
      ledger: context.ledger,
      nowMs: () => context.host.nowMs(),
      bytesMax: context.limits.commitBytesMax,
      uploadsMax: context.limits.commitUploadsMax,
      onCommit: (answers) => this.#committed(answers),
    });
    const { id: appId, ledger, host, logger, metrics, maxOfflineMs } = context;
    this.clockSkew = new ClockSkew({ appId, host, logger, metrics });
    const onCursorsOwed = (): void => this.#wakeAll();
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

  /** Takes a connection in; false if the ledger is gone, so that it has to come again. */
  join(connection: AppConnection): boolean {
    if (!this.#isRetired) this.#connections.add(connection);
    return !this.#isRetired;
  }

  leave(connection: AppConnection): void {
    this.#connections.delete(connection);
  }

  /**
   * Forgets everything of synchronisation: history, objects, client files. Every file has to reset; who is connected is
   * told at once. Resolves when a new ledger is open; whether rescue mode is open or closed stays as it is. What was
   * forgotten is kept aside as `ledger.redb.terminated` until the next time.
   */
  terminate(): Promise<void> {
    this.#terminating ??= this.#replace(this);
    return this.#terminating;
  }

  /** Ends all connections with what {@link SyncApp.terminate} says, and closes the ledger. */
  async retire(): Promise<void> {
    this.#isRetired = true;
    for (const connection of this.#connections) connection.terminate();
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

  #committed(answers: readonly UploadAnswer[]): void {
    this.metrics.count("commits");
    for (const answer of answers) {
      this.metrics.count("changesets", answer.changesets);
      this.metrics.count("instructions", answer.instructions);
      this.metrics.count("conflicts", answer.conflicts);
      this.metrics.count("compensations", answer.compensations.length);
      if (answer.schemaChanged) this.#schema = null;
    }
    this.#wakeAll();
  }

  #wakeAll(): void {
    for (const session of this.active) session.wake();
  }
}
