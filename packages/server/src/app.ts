/**
 * One app: its users, its side of synchronisation, and what it is told to be.
 *
 * @module
 */

import { TidemarkError } from "@tidemark/protocol";
import type { AppConfiguration } from "./app-directory/configuration.js";
import { Semaphore } from "./concurrency.js";
import type { SyncApp } from "./sync-app.js";
import type { Users } from "./users.js";

/** One app. */
export interface App {
  readonly id: string;
  /** Names the app in tokens. */
  readonly domainId: string;
  readonly users: Users;
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
  readonly openSync: (users: Users) => Promise<SyncApp>;
  /** Remembers that the app has rules, durably when it resolves. */
  readonly onConfigured: () => Promise<void>;
}

/** An app that the registry knows. */
export class RegisteredApp implements App {
  readonly id: string;
  readonly domainId: string;
  readonly users: Users;
  readonly #openSync: RegisteredAppContext["openSync"];
  readonly #onConfigured: RegisteredAppContext["onConfigured"];
  /** Configurations are put in force one after another. */
  readonly #changes = new Semaphore(1);
  #configuration: AppConfiguration | null = null;
  #opened: Promise<SyncApp> | null = null;
  #isClosed = false;

  constructor({ id, domainId, makeUsers, openSync, onConfigured }: RegisteredAppContext) {
    this.id = id;
    this.domainId = domainId;
    this.#openSync = openSync;
    this.#onConfigured = onConfigured;
    this.users = makeUsers(async (userId) => {
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
        await this.#onConfigured();
        this.#configuration = configuration;
      });
    });
  }

  sync(): Promise<SyncApp> {
    if (this.#opened !== null) return this.#opened;
    if (this.#isClosed) return Promise.reject(new TidemarkError("app-closed", `app ${this.id} is closed`));
    const opening = this.#openSync(this.users);
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
