/**
 * One app: its users, its side of synchronisation, and what it is told to be.
 *
 * @module
 */

import { TidemarkError } from "@tidemark/protocol";
import type { AppConfiguration } from "./app-directory/configuration.js";
import { Semaphore } from "./concurrency.js";
import type { LedgerContents, Rescue } from "./rescue.js";
import type { SyncApp } from "./sync-app.js";
import type { Users } from "./users.js";

/** One app. */
export interface App {
  readonly id: string;
  /** Names the app in tokens. */
  readonly domainId: string;
  readonly users: Users;
  /** Whether files of another server may be told to reset. */
  readonly rescue: Rescue;
  /** What the app is told to be; `null` without rules: everybody may do everything. */
  readonly configuration: AppConfiguration | null;
  /**
   * Puts a configuration in force: schema, queryable fields, rules, state of synchronisation, modes. Sessions that it
   * concerns are ended so that their clients come back under it; resolves when they are. The configuration is not kept,
   * but that there was one is: whoever starts the server configures its apps again, and nobody synchronises before.
   *
   * @throws ConfigurationError if the classes contradict those of the data; nothing is changed then.
   */
  configure(configuration: AppConfiguration): Promise<void>;
  /** The app's sync side, opened when it is first asked for. */
  sync(): Promise<SyncApp>;
}

/** What {@link RegisteredApp} needs. */
export interface RegisteredAppContext {
  readonly id: string;
  readonly domainId: string;
  /** Makes the app's users; what is given to it is to be called after a user's data or identities have changed. */
  readonly makeUsers: (onUserChanged: (userId: string) => Promise<void>) => Users;
  /** Makes the app's rescue mode; what is given to it reads how much the ledger holds. */
  readonly makeRescue: (readLedger: () => Promise<LedgerContents>) => Rescue;
  readonly openSync: (app: RegisteredApp) => Promise<SyncApp>;
  /** Takes the file of a closed ledger away. */
  readonly setLedgerAside: () => Promise<void>;
  /** Remembers that the app has rules, durably when it resolves. */
  readonly onConfigured: () => Promise<void>;
}

/** An app that the registry knows. */
export class RegisteredApp implements App {
  readonly id: string;
  readonly domainId: string;
  readonly users: Users;
  readonly rescue: Rescue;
  readonly #context: RegisteredAppContext;
  /** Configurations are put in force one after another. */
  readonly #changes = new Semaphore(1);
  #configuration: AppConfiguration | null = null;
  #opened: Promise<SyncApp> | null = null;
  #replacing: Promise<void> | null = null;
  #isClosed = false;

  constructor(context: RegisteredAppContext) {
    this.id = context.id;
    this.domainId = context.domainId;
    this.#context = context;
    this.rescue = context.makeRescue(() => this.#readLedger());
    this.users = context.makeUsers(async (userId) => {
      // Without an open ledger nobody has a session.
      const sync = await this.#opened?.catch(() => null);
      await sync?.userChanged(userId);
    });
  }

  get configuration(): AppConfiguration | null {
    return this.#configuration;
  }

  /** The sync side, if somebody has asked for it. */
  get opened(): Promise<SyncApp> | null {
    return this.#opened;
  }

  configure(configuration: AppConfiguration): Promise<void> {
    return this.#changes.run(async () => {
      const sync = await this.sync();
      await sync.configure(configuration, async () => {
        await this.#context.onConfigured();
        this.#configuration = configuration;
      });
    });
  }

  sync(): Promise<SyncApp> {
    if (this.#opened !== null) return this.#opened;
    if (this.#isClosed) return Promise.reject(new TidemarkError("app-closed", `app ${this.id} is closed`));
    return this.#keepOpened(this.#context.openSync(this));
  }

  /**
   * Puts a new ledger in the place of the one there is, and the configuration in force there. The order makes every
   * interruption harmless: before the old file is set aside it is opened again, with rescue mode as it was;
   * afterwards a new one is made, and nobody takes the old one for lost.
   */
  readonly replaceSync = (): Promise<void> => {
    this.#replacing ??= this.#changes.run(() => this.#replaceSync()).finally(() => (this.#replacing = null));
    return this.#replacing;
  };

  async #replaceSync(): Promise<void> {
    const old = await this.sync();
    await this.rescue.ledgerToGo();
    const replace = async (): Promise<SyncApp> => {
      await old.retire();
      await this.#context.setLedgerAside();
      const sync = await this.#context.openSync(this);
      if (this.#configuration !== null) await sync.configure(this.#configuration, () => Promise.resolve());
      return sync;
    };
    await this.#keepOpened(replace());
  }

  async #readLedger(): Promise<LedgerContents> {
    const sync = await this.sync();
    const { objects } = await sync.ledger.status();
    return { objects, isRecoveryDisabled: sync.settings.isRecoveryModeDisabled };
  }

  #keepOpened(opening: Promise<SyncApp>): Promise<SyncApp> {
    this.#opened = opening;
    // A ledger that could not be opened is tried again by the next who asks.
    opening.catch(() => (this.#opened = null));
    return opening;
  }

  /** Closes the ledger for good, if it is open, once what was uploaded is in it. */
  async close(): Promise<void> {
    const opened = this.#opened;
    this.#isClosed = true;
    this.#opened = null;
    await (await opened)?.close();
  }
}
