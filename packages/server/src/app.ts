/**
 * One app: its users, its side of synchronisation, and what it is told to be.
 *
 * @module
 */

import { TidemarkError } from "@tidemark/protocol";
import type { AppConfiguration } from "./app-directory/configuration.js";
import { Semaphore } from "./concurrency.js";
import type { DownloadSettings } from "./download-settings.js";
import type { SchemaPolicy } from "./ledger.js";
import { removedPlaces } from "./schema/compare.js";
import type { LedgerContents, Rescue } from "./rescue.js";
import type { SyncApp } from "./sync-app.js";
import type { Users } from "./users.js";

/** What putting a configuration in force may do. */
export interface ConfigureOptions {
  /**
   * Whether what breaks clients of before, with a class or property that was in force and is no longer there as well,
   * makes a new version of the schema. Default: no; then what is no longer there stays in the schema.
   */
  readonly allowsBreaking?: boolean;
  /** Whether versions of the schema are counted from 0 again. If there are any, every client file starts over. */
  readonly startsOver?: boolean;
  /**
   * The newest version of the schema is at least this one, for an app that had versions elsewhere: those that are
   * missing hold what the newest does. Default 0.
   */
  readonly schemaVersionMin?: number;
}

/** One app. */
export interface App {
  /** Client app id. */
  readonly id: string;
  /** Names the app in tokens. */
  readonly domainId: string;
  /** Its users. */
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
   * @throws ConfigurationError if the classes contradict those of the data, and that may not make a new version of the
   * schema; nothing is changed then.
   */
  configure(configuration: AppConfiguration, options?: ConfigureOptions): Promise<void>;
  /** Makes downloads in another way than the server's limits have it, from now on and with every ledger. Not kept. */
  setDownloadSettings(own: Partial<DownloadSettings>): Promise<void>;
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
  /** Configurations are put in force, and ledgers replaced and closed, one after another. */
  readonly #changes = new Semaphore(1);
  #configuration: AppConfiguration | null = null;
  #downloadSettings: Partial<DownloadSettings> = {};
  /** What the next ledger's schema has to reach: the version of the one that it comes after. */
  #schemaVersionMin = 0;
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

  configure(configuration: AppConfiguration, options: ConfigureOptions = {}): Promise<void> {
    return this.#changes.run(async () => {
      const sync = await this.sync();
      const policy: SchemaPolicy = {
        allowBreaking: options.allowsBreaking ?? false,
        removed: removedPlaces(this.#configuration?.classes ?? [], configuration.classes),
        startOver: options.startsOver ?? false,
        versionMin: options.schemaVersionMin ?? 0,
      };
      await sync.configure(configuration, policy, async () => {
        await this.#context.onConfigured();
        this.#configuration = configuration;
      });
    });
  }

  async setDownloadSettings(own: Partial<DownloadSettings>): Promise<void> {
    this.#downloadSettings = own;
    // One that is being opened takes them by itself.
    const sync = await this.#opened?.catch(() => null);
    sync?.setDownloadSettings(this.#downloadSettings);
  }

  sync(): Promise<SyncApp> {
    if (this.#opened !== null) return this.#opened;
    if (this.#isClosed) return Promise.reject(this.#closedError());
    return this.#keepOpened(this.#open());
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
    const schemaVersion = old.ledger.schemaVersion();
    await this.rescue.ledgerToGo();
    // Nobody would close the new one.
    if (this.#isClosed) throw this.#closedError();
    const replace = async (): Promise<SyncApp> => {
      await old.retire();
      // Clients go on with the versions that they were opened with, though the older schemas are gone.
      this.#schemaVersionMin = schemaVersion;
      await this.#context.setLedgerAside();
      return this.#open();
    };
    await this.#keepOpened(replace());
  }

  /** Opens the ledger, whether it is the first one of this process or not, with what the app is told to be. */
  async #open(): Promise<SyncApp> {
    const sync = await this.#context.openSync(this);
    try {
      if (this.#configuration !== null) {
        // A ledger that is ahead of what is in force, because that could not be changed, follows it all the same.
        const policy = { allowBreaking: true, removed: [], startOver: false, versionMin: this.#schemaVersionMin };
        await sync.configure(this.#configuration, policy, () => Promise.resolve());
      }
    } catch (error) {
      // Whoever asks next opens it anew, which takes that it is closed.
      await sync.close();
      throw error;
    }
    this.#schemaVersionMin = 0;
    sync.setDownloadSettings(this.#downloadSettings);
    return sync;
  }

  async #readLedger(): Promise<LedgerContents> {
    const sync = await this.sync();
    const { objects } = await sync.ledger.status();
    return { objects, isRecoveryDisabled: sync.settings.isRecoveryModeDisabled };
  }

  #closedError(): TidemarkError {
    return new TidemarkError("app-closed", `app ${this.id} is closed`);
  }

  #keepOpened(opening: Promise<SyncApp>): Promise<SyncApp> {
    this.#opened = opening;
    // A ledger that could not be opened is tried again by the next who asks.
    opening.catch(() => (this.#opened = null));
    return opening;
  }

  /**
   * Closes the ledger for good, if it is open, once what was uploaded is in it and changes that are under way are made.
   */
  close(): Promise<void> {
    this.#isClosed = true;
    return this.#changes.run(async () => {
      const opened = this.#opened;
      this.#opened = null;
      const sync = await opened?.catch(() => null);
      await sync?.close();
    });
  }
}
